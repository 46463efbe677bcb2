"""What kind of picture a source gives: by its captions, and by a table's own words."""

import pytest

from cases.models import Case, ImportDoubt, Photo
from cases.sources import RecordRefused, kinds
from tests import faces
from tests.registries import Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("caption", "kind"),
    [
        ("Age Progressed to 45 years", "progression"),
        ("Age-progression by NCMEC, 2019", "progression"),
        ("Composite sketch of the suspect", "sketch"),
        ("Artist's rendering", "sketch"),
        ("ana_sketch.jpg", "sketch"),
        ("Facial reconstruction (clay)", "approximation"),
        ("Postmortem photograph", "deceased"),
        ("Tattoo on right forearm", "mark"),
        # The person, whatever else is seen.
        ("Ana in 2011, showing a tattoo on her neck", "photograph"),
        ("Photograph taken in Scarborough", "photograph"),
        ("With her vehicle", "photograph"),
        ("", "photograph"),
        (None, "photograph"),
    ],
)
def test_a_caption_tells(caption, kind):
    assert kinds.of_caption(caption) == kind


@pytest.mark.parametrize(
    ("word", "kind"),
    [("Age progression", "progression"), ("Sketch", "sketch"), ("Scars, marks & tattoos", "mark"), ("", "photograph")],
)
def test_a_cell_tells(word, kind):
    assert kinds.of_word(word) == kind


def test_a_cell_that_names_no_kind_is_refused_with_the_list():
    with pytest.raises(RecordRefused, match="'oil on canvas' is not known; write one of: photograph, age progression"):
        kinds.of_word("oil on canvas")


@pytest.mark.parametrize("kind", ["namus-missing", "fbi"])
def test_a_registrys_caption_sets_the_kind_and_follows_it(registries, make_source, run, kind):
    registries.people = {1: Person(1, photos=[faces.person(0)], caption="Age progressed to 40")}
    source = make_source(kind, **({"ids": "1"} if kind.startswith("namus") else {}))
    run(source)
    assert Photo.objects.get().kind == "progression"
    # As people have changed it, it stays, until the source says something else.
    Photo.objects.update(kind="sketch")
    run(source)
    assert Photo.objects.get().kind == "sketch"
    registries.people[1].caption = "Ana in 2011"
    run(source)
    assert Photo.objects.get().kind == "photograph"


def test_a_tables_column_sets_it_and_an_unknown_word_is_named(tmp_path, make_source, run):
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(faces.person(number))
    table = tmp_path / "t.csv"
    table.write_text("number,photo,kind\nA1,0.jpg,sketch\nA2,1.jpg,photo\nA3,2.jpg,oil on canvas\n")
    run(make_source("spreadsheet", file=str(table), photos=str(tmp_path)))
    kinds_of = {"A1": "sketch", "A2": "photograph", "A3": "photograph"}
    assert dict(Case.objects.values_list("number", "photos__kind")) == kinds_of
    assert "oil on canvas" in ImportDoubt.objects.get().why
