"""An evaluation: labelled photos searched among each other, told in the field's figures; it touches no case."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from cases.models import Case, Photo
from matching.evaluating import ages, figures, labelled
from matching.evaluating import evaluation as evaluating
from matching.evaluating.comparing import Pairs, Search, Seen
from matching.evaluating.labelled import Labelled, NothingToEvaluate
from matching.models import Evaluation, EvaluationPair, Face
from tests import faces, needs

pytestmark = pytest.mark.django_db(transaction=True)


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


@pytest.fixture
def people(tmp_path) -> Path:
    """The six persons of the group photo, two photos each; the last has one."""
    for number in range(6):
        put(tmp_path, f"person{number}/a.jpg", faces.person(number))
        if number < 5:
            put(tmp_path, f"person{number}/b.jpg", faces.person(number) + b"again")
    return tmp_path


def csv(folder: Path, *lines: str) -> None:
    (folder / "photos.csv").write_text("\n".join(lines))


def run(folder: Path, model, **fields) -> Evaluation:
    evaluation = evaluating.begin(folder, model, **fields)
    evaluating.run(evaluation)
    return evaluation


def test_it_works(model, people, user):
    evaluation = run(people, model, user=user, note="as they come")
    assert evaluation.status == "done"
    assert (evaluation.total, evaluation.done, evaluation.people, evaluation.no_face) == (11, 11, 6, 0)
    found = evaluation.figures
    # The one who has a single photo is searched only as a stranger.
    assert (found["mates"], found["strangers"]) == (10, 11)
    assert found["ranks"] == [[1, 1.0], [5, 1.0], [20, 1.0]]
    assert found["fnir"][0]["fnir"] == 0
    assert not Case.objects.exists()
    assert not Photo.objects.exists()
    assert not Face.objects.exists()


def test_so_few_strangers_tell_no_small_rate(any_model, people):
    ten, one, third = run(people, any_model).figures["fnir"]
    assert ten["threshold"] is not None
    assert (one["fnir"], third["fnir"]) == (None, None)


def test_roles_say_who_is_enrolled_and_who_is_a_stranger(any_model, people):
    csv(
        people, "path,person,role,group",
        *(f"person{n}/a.jpg,Person {n},enrol,{'even' if n % 2 == 0 else 'odd'}" for n in range(4)),
        *(f"person{n}/b.jpg,Person {n},mate,{'even' if n % 2 == 0 else 'odd'}" for n in range(4)),
        "person4/a.jpg,Person 4,stranger,even", "person5/a.jpg,Person 5,stranger,odd",
    )  # fmt: skip
    evaluation = run(people, any_model)
    assert (evaluation.figures["mates"], evaluation.figures["strangers"]) == (4, 2)
    assert evaluation.figures["ranks"][0] == [1, 1.0]
    lookalikes = evaluation.pairs.filter(kind="lookalike")
    assert {pair.person for pair in lookalikes} == {"Person 4", "Person 5"}
    with lookalikes[0].other_crop.open() as crop:
        assert crop.read(2) == b"\xff\xd8"


def test_a_list_without_roles_searches_each_among_the_others_and_says_so(any_model, people):
    csv(people, "file;name", *(f"person{n}/{x}.jpg;Person {n}" for n in range(3) for x in "ab"))
    evaluation = run(people, any_model)
    assert (evaluation.figures["mates"], evaluation.figures["strangers"]) == (6, 6)
    assert "no column role" in evaluation.notes[0]


def test_broken_and_faceless_photos_are_named_and_the_rest_counts(any_model, people):
    put(people, "person0/c.jpg", b"no picture")
    from matching.faces import images

    put(people, "person1/wall.jpg", images.to_jpeg(np.full((200, 200, 3), 90, np.uint8)))
    put(people, "stray.jpg", faces.person(0))
    evaluation = run(people, any_model)
    assert evaluation.status == "done"
    why = dict(evaluation.problems)
    assert "not an image" in why["person0/c.jpg"]
    assert "No face" in why["person1/wall.jpg"]
    assert "beside the folders" in why["stray.jpg"]
    assert evaluation.no_face == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: shutil.rmtree(folder), "is no folder"),
        (lambda folder: [shutil.rmtree(path) for path in folder.iterdir()], "no photo of a person"),
        (lambda folder: [shutil.rmtree(folder / f"person{n}") for n in range(1, 6)], "All photos are of person0"),
        (lambda folder: csv(folder, "path,role", "person0/a.jpg,enrol"), "no column for the person"),
        (lambda folder: csv(folder, ""), "is empty"),
        (lambda folder: csv(folder, "path,person,role", "x.jpg,A,enrol"), "line 2: There is no x.jpg"),
        (lambda folder: csv(folder, "path,person,role", "person0/a.jpg,A,boss"), "The role boss is none of"),
        (
            lambda folder: csv(folder, "path,person,role", "person0/a.jpg,A,enrol", "person1/a.jpg,B,enrol"),
            "No photo has the role stranger",
        ),
        (lambda folder: [csv(folder, "path,person"), put(folder, "b.csv", b"")], "several CSV files"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why_and_keeps_nothing(any_model, people, make, words):
    make(people)
    with pytest.raises(NothingToEvaluate, match=words):
        evaluating.begin(people, any_model)
    assert not Evaluation.objects.exists()


def test_a_list_reads_nothing_outside_its_folder(people):
    inner = people / "person0"
    csv(inner, "path,person", "a.jpg,A", "b.jpg,B", "../person1/a.jpg,C")
    labels = labelled.read(inner)
    assert [photo.person for photo in labels.photos] == ["A", "B"]
    assert "There is no ../person1/a.jpg" in labels.problems[0][1]


def test_a_mate_who_is_not_enrolled_and_a_stranger_who_is_are_left_out(people):
    csv(
        people, "path,person,role", "person0/a.jpg,A,enrol", "person1/a.jpg,B,mate", "person0/b.jpg,A,stranger",
        "person2/a.jpg,C,stranger", "person0/b.jpg,A,mate",
    )  # fmt: skip
    labels = labelled.read(people)
    assert [photo.role for photo in labels.photos] == ["enrol", "stranger", "mate"]
    assert "B has no photo with the role enrol" in labels.problems[0][1]
    assert "A is enrolled" in labels.problems[1][1]


def test_photos_of_which_too_few_can_be_used_end_it_with_the_reason(any_model, tmp_path):
    put(tmp_path, "a/1.jpg", faces.person(0))
    put(tmp_path, "b/1.jpg", b"broken")
    evaluation = run(tmp_path, any_model)
    assert evaluation.status == "failed"
    assert "Only 1 photo of 1 person could be used" in evaluation.error
    assert "b/1.jpg: The file is not an image" in evaluation.error


def search(person: str, own: float | None, other: float, rank: int | None) -> Search:
    return Search(Seen(Labelled(Path("x"), "x", person), [], np.empty((0, 2))), "other", other, own, rank)


def test_the_figures_are_those_of_the_field():
    mates = [search(f"m{n}", 0.3 + n / 1000, 0.2, 1) for n in range(900)]
    mates += [search("far", 0.25, 0.4, 30), search("near", 0.35, 0.4, 2)] * 50
    strangers = [search(f"s{n}", None, n / 1000, None) for n in range(1000)]
    found = figures.of([*mates, *strangers], Pairs(), strangers)
    assert found["ranks"] == [[1, 0.9], [5, 0.95], [20, 0.95]]
    ten, one, third = found["fnir"]
    assert ten["threshold"] == pytest.approx(0.9, abs=0.01)
    assert ten["fnir"] == pytest.approx(1 - 0.3, abs=0.01)
    assert one["threshold"] == pytest.approx(0.99, abs=0.001)
    assert third["fnir"] > one["fnir"] > ten["fnir"]


def test_an_evaluation_is_compared_with_the_last_one_of_the_same_folder(any_model, people, tmp_path_factory):
    first = run(people, any_model)
    other = tmp_path_factory.mktemp("other")
    shutil.copytree(people, other, dirs_exist_ok=True)
    run(other, any_model)
    second = run(people, any_model)
    assert evaluating.before(second) == first
    assert ("found at rank 1", "100.0 %", "100.0 %") in figures.rows(second, first)


def test_one_that_was_stopped_keeps_no_figures_and_one_that_was_killed_is_begun_again(any_model, people, monkeypatch):
    monkeypatch.setattr(evaluating, "STEP", 2)
    stopped = evaluating.begin(people, any_model)
    evaluating.run(stopped, progress=lambda now: evaluating.stop(now))
    assert (stopped.status, stopped.figures) == ("stopped", None)
    killed = evaluating.begin(people, any_model)
    evaluating.run(killed, must_stop=lambda: True)
    assert evaluating.abandoned() == [killed]
    evaluating.run(killed)
    assert killed.status == "done"
    assert evaluating.abandoned() == []


def test_removing_one_removes_the_faces_that_it_kept(any_model, people):
    evaluation = run(people, any_model)
    pair = EvaluationPair.objects.first()
    name, storage = pair.crop.name, pair.crop.storage
    evaluating.remove(evaluation)
    assert not EvaluationPair.objects.exists()
    assert not storage.exists(name)


def test_the_command_prints_the_figures_beside_the_last_ones(any_model, people, capsys):
    call_command("evaluate", str(people))
    call_command("evaluate", str(people), note="again")
    printed = capsys.readouterr().out
    assert "found at rank 1                    100.0 %      before: 100.0 %" in printed
    with pytest.raises(CommandError, match="is no folder"):
        call_command("evaluate", str(people / "nowhere"))


def test_the_pages_begin_show_and_remove_one(any_model, people, as_admin, settings):
    settings.IMPORT_DIR = people.parent
    page = as_admin.get("/evaluations/").content.decode()
    assert "No evaluation yet" in page
    begun = as_admin.post("/evaluations/", {"folder": people.name, "note": "first"})
    page = as_admin.get(begun.url).content.decode()
    assert "Found at rank 1" in page
    assert "worst look-alikes" in page
    crop = as_admin.get(f"/evaluations/pairs/{EvaluationPair.objects.first().pk}/crop/")
    assert crop.content[:2] == b"\xff\xd8"
    again = as_admin.post("/evaluations/", {"folder": people.name})
    assert "Before," in as_admin.get(again.url).content.decode()
    assert "is removed" in as_admin.post(f"{begun.url}remove/", follow=True).content.decode()
    assert Evaluation.objects.count() == 1


@pytest.mark.parametrize(
    ("folder", "words"),
    [("", "Name a folder"), ("nowhere", "There is no nowhere"), ("../..", "outside the import folder"),
     ("one", "All photos are of")],
)  # fmt: skip
def test_a_page_names_what_is_wrong_with_the_folder(any_model, tmp_path, as_admin, settings, folder, words):
    settings.IMPORT_DIR = tmp_path
    put(tmp_path, "one/a/1.jpg", faces.person(0))
    answer = as_admin.post("/evaluations/", {"folder": folder})
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_who_may_not_evaluate_is_refused(signed_in):
    assert signed_in.get("/evaluations/").status_code == 403


@needs.eval_
def test_the_labelled_people_are_all_found(any_model):
    evaluation = run(faces.EVAL / "people", any_model)
    assert (evaluation.people, evaluation.total) == (28, 100)
    assert evaluation.figures["ranks"][0][1] > 0.9
    assert evaluation.figures["fnir"][0]["fnir"] < 0.3


def test_errors_are_told_by_age_and_by_years_between_where_photos_say_them(any_model, people, as_admin):
    csv(
        people, "path,person,role,age,taken",
        "person0/a.jpg,P0,enrol,9,2005", "person0/b.jpg,P0,mate,24,2020-06-01",
        "person1/a.jpg,P1,enrol,30,2018", "person1/b.jpg,P1,mate,,2019-01-01",
        "person2/a.jpg,P2,enrol,,", "person2/b.jpg,P2,mate,50,2020",
        *(f"person{n}/a.jpg,P{n},stranger,," for n in (3, 4, 5)),
    )  # fmt: skip
    evaluation = run(people, any_model)
    assert [(row["name"], row["mates"], row["first"]) for row in evaluation.figures["ages"]] == [
        ("under 13", 1, 1.0), ("18 to 39", 1, 1.0),
    ]  # fmt: skip
    assert [(row["name"], row["mates"]) for row in evaluation.figures["years"]] == [("1 to 5", 1), ("over 10", 1)]
    page = as_admin.get(evaluation.get_absolute_url()).content.decode()
    assert "By age on the enrolled photo" in page
    assert "over 10" in page


def test_an_age_or_a_date_that_is_none_is_named_and_the_photo_counts(any_model, people):
    csv(people, "path,person,age,taken", *(f"person{n}/a.jpg,P{n},old,last May" for n in range(3)))
    evaluation = run(people, any_model)
    assert evaluation.total == 3
    assert evaluation.problems[0][1].startswith("'old' and 'last May': no age, or no date")
    assert (evaluation.figures["ages"], evaluation.figures["years"]) == ([], [])


def test_of_errors_by_age_those_not_first_or_below_the_threshold_are_missed():
    def search(rank: int, own: float) -> Search:
        seen = Seen(Labelled(Path("p"), "p", "A", "mate", taken=2020.0), [], np.empty((0, 2)))
        return Search(seen, "B", 0.3, own, rank)

    enrolled = Seen(Labelled(Path("e"), "e", "A", "enrol", age=5, taken=2000.0), [], np.empty((0, 2)))
    found = ages.of([search(1, 0.6), search(1, 0.3), search(2, 0.6), search(1, 0.7)], [enrolled], 0.5)
    assert found["ages"] == [{"name": "under 13", "mates": 4, "first": 0.75, "missed": 0.5}]
    assert found["years"][0]["name"] == "over 10"
    assert ages.of([search(1, 0.6)], [enrolled], None)["ages"][0]["missed"] is None
