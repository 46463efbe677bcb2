"""What an examiner compares by, as registries and tables write it, and where it is shown."""

import pytest

from cases.filters import CaseFilter
from cases.models import Case
from cases.sources import reading
from matching.searching import pictures
from tests import faces
from tests.registries import Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("kind", "options", "born"),
    [("namus-missing", {"ids": "1"}, None), ("fbi", {}, "1988-05-03"), ("interpol-yellow", {}, "1988-02-03")],
)
def test_registries_fill_it(registries, make_source, run, kind, options, born):
    registries.people = {1: Person(1, photos=[faces.person(0)])}
    run(make_source(kind, **options))
    case = Case.objects.get()
    assert str(case.born_on) == str(born)
    assert (case.height_from, case.weight_from) in ((157, 50), (160, 50))
    assert "Rose" in case.marks
    if not kind.startswith("interpol"):
        assert (case.height_to, case.hair, case.eyes) == (163, "Brown", "Green")
    if kind == "namus-missing":
        assert case.marks == "Tattoo, Rose, left wrist\nScar"
        assert case.clothing == "Jewelry, Silver ring"
    if kind == "fbi":
        assert case.other_numbers == "W123456789"


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("5'10\"", 178, 178), ("5-10", 178, 178), ("510", 178, 178), ("70 in", 178, 178), ("178 cm", 178, 178),
     ("1,78 m", 178, 178), ("5'8\" to 5'10\"", 173, 178), ("68-70 inches", 173, 178), ("#N/A", None, None),
     ("tall", None, None), ("9 m", None, None)],
)  # fmt: skip
def test_a_height_is_read_as_people_write_it(text, low, high):
    read = reading.height(text)
    assert read.value == (low, high)
    assert bool(read.doubt) == (text in ("tall", "9 m"))


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("150 lbs", 68, 68), ("150", 68, 68), ("68 kg", 68, 68), ("150-160 lbs", 68, 73), ("heavy", None, None)],
)
def test_a_weight_is_read_as_people_write_it(text, low, high):
    assert reading.weight(text).value == (low, high)


def test_a_table_fills_it_by_the_headings_of_jails(make_source, run, tmp_path):
    path = tmp_path / "jail.csv"
    path.write_text(
        "Booking No,Name,DOB,Ht,Wt,Hair Color,Eye Color,Tattoos\n7,Ana,5/3/1988,505,120,BRO,GRN,Rose; wrist\n"
    )
    run(make_source("spreadsheet", file=str(path)))
    case = Case.objects.get()
    assert (str(case.born_on), case.height_from, case.weight_from) == ("1988-05-03", 165, 54)
    assert (case.hair, case.eyes, case.marks) == ("Brown", "Green", "Rose; wrist")


def test_it_stands_on_the_cases_page_beside_the_pictures_and_in_the_search_of_cases(
    any_model, make_case, as_admin, admin
):
    case = make_case(
        "MP1", faces.person(1), height_from=165, height_to=170, weight_from=54, hair="Brown", marks="Rose on the wrist"
    )
    assert case.description == [
        ("Height", "165–170 cm (5′5″–5′7″)"), ("Weight", "54 kg (119 lb)"), ("Hair", "Brown"),
        ("Marks", "Rose on the wrist"),
    ]  # fmt: skip
    search = pictures.search_image(faces.person(1), "x.jpg", user=admin, purpose="tip")
    for url in (case.get_absolute_url(), f"/search/{search.pk}/"):
        page = as_admin.get(url).content.decode()
        assert "165–170 cm" in page
        assert "Rose on the wrist" in page
    assert list(CaseFilter({"q": "rose wrist"}, queryset=Case.objects.all()).qs) == [case]
    assert as_admin.get(f"/api/v1/cases/{case.pk}/").json()["height_to"] == 170


def test_the_form_takes_it_and_says_what_cannot_be(as_admin, collection):
    sent = {"collection": collection.pk, "number": "1", "height_from": 165, "weight_from": 54, "born_on": "1988-05-03"}
    as_admin.post("/cases/new/", sent)
    assert Case.objects.get().height_from == 165
    page = as_admin.post("/cases/new/", {**sent, "number": "2", "height_from": 900}).content.decode()
    assert "less than or equal to 280" in page
    assert Case.objects.count() == 1
