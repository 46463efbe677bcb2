"""Sketches, age progressions, pictures of the dead, marks and objects: found by themselves, and said to be so."""

import uuid

import pytest

from cases.models import AuditEvent, Photo, add_photo, change_photos
from matching.gallery import calibration, comparing, measuring, strengths
from matching.gallery import search as gallery
from matching.indexing import single
from matching.models import Alert, Candidate, CasePair, OddPhoto, Search, Subscription, Template
from matching.searching import pictures, sheets, standing
from matching.searching.workbench import workbench
from matching.telling import notifying
from matching.watching import captures, newcomers
from tests import faces
from tests.matching.test_templates import mirrored

Kind = Photo.Kind
pytestmark = pytest.mark.django_db(transaction=True)


def add(case, content: bytes, kind: str, name: str = "other.jpg") -> Photo:
    photo = add_photo(case, content, name, kind=kind, announce=False)
    single.index_photo(photo.pk)
    photo.refresh_from_db()
    return photo


def found(user, number: int) -> Candidate:
    search = pictures.search_image(faces.person(number), "x.jpg", user=user, purpose="tip")
    return search.probes.get().candidates.get(rank=1)


def kinds_of(case) -> list[tuple[bool, str, int]]:
    return list(Template.objects.filter(case=case).order_by("-is_main", "pk").values_list("is_main", "kind", "faces"))


def test_only_photographs_make_the_mean_and_each_of_the_others_stands_alone(any_model, make_case):
    case = make_case("MP1", faces.person(1), mirrored(1))
    for kind in (Kind.SKETCH, Kind.PROGRESSION):
        add(case, faces.person(2 if kind == Kind.SKETCH else 3), kind, f"{kind}.jpg")
    assert kinds_of(case) == [(True, "photograph", 2), (False, "sketch", 1), (False, "progression", 1)]
    assert gallery.size(any_model) == 1


def test_a_case_that_has_nothing_but_a_sketch_is_found_and_counted(any_model, make_case, user):
    case = make_case("UP1")
    add(case, faces.person(1), Kind.SKETCH)
    assert kinds_of(case) == [(True, "sketch", 1)]
    assert gallery.size(any_model) == 1
    assert found(user, 1).case == case


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Kind.SKETCH, "Found by a sketch or composite"),
        (Kind.PROGRESSION, "Found by an age progression"),
        (Kind.APPROXIMATION, "Found by a facial approximation"),
        (Kind.DECEASED, "Found by a photograph of the dead"),
    ],
)
def test_a_candidate_says_what_it_was_found_by_and_that_nobody_measured_it(any_model, make_case, user, kind, said):
    case = make_case("MP1", faces.person(2))
    photo = add(case, faces.person(1), kind)
    candidate = found(user, 1)
    worth = strengths.of(candidate)
    assert (candidate.found_by, worth.label, candidate.face.photo) == (kind, "not measured", photo)
    assert worth.why.startswith(said)
    assert "not been measured" in worth.why


def test_of_one_case_whichever_is_most_alike_counts(any_model, make_case, user):
    case = make_case("MP1", faces.person(1))
    add(case, faces.person(2), Kind.SKETCH)
    by_photograph, by_sketch = found(user, 1), found(user, 2)
    assert (by_photograph.found_by, by_photograph.strength) != (by_sketch.found_by, by_sketch.strength)
    assert by_photograph.face.photo.kind == Kind.PHOTOGRAPH
    assert by_sketch.face.photo.kind == Kind.SKETCH
    assert by_photograph.strength in ("strong", "fair", "weak")


@pytest.mark.parametrize("kind", [Kind.MARK, Kind.OBJECT])
def test_marks_and_objects_are_kept_and_not_searched(any_model, make_case, kind):
    photo = add(make_case("MP1"), faces.person(1), kind)
    assert photo.status == Photo.Status.NOT_SEARCHED
    assert photo.display
    assert not Template.objects.exists()


def test_what_is_as_alike_as_a_fair_photograph_is_not_folded_and_the_rest_is(any_model, make_case, user):
    for number in (1, 2, 3):
        add(make_case(f"MP{number}"), faces.person(number), Kind.SKETCH)
    search = pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="tip")
    bench = workbench(search, user)
    assert [one.candidate.case.number for one in bench.better] == ["MP1"]
    assert {one.strength.word for one in [*bench.better, *bench.weaker]} == {calibration.UNMEASURED}


def test_a_sketch_is_no_odd_photo_no_duplicate_and_in_no_curve(any_model, make_case):
    case = make_case("MP1", faces.person(1), mirrored(1))
    make_case("MP2", faces.person(3))
    add(case, faces.person(3), Kind.SKETCH)
    comparing.compare_new(any_model)
    assert not OddPhoto.objects.exists()
    assert not CasePair.objects.exists()
    assert {face.photo.kind for face in measuring._usable(any_model)} == {Kind.PHOTOGRAPH}


def test_another_kind_changes_what_is_searched_and_back(any_model, make_case, user):
    case = make_case("MP1", faces.person(1), mirrored(1))
    photos = list(case.photos.all())
    assert change_photos(photos, kind=Kind.PROGRESSION) == photos
    assert kinds_of(case) == [(True, "progression", 1), (False, "progression", 1)]
    assert found(user, 1).found_by == Kind.PROGRESSION
    assert change_photos(photos, kind=Kind.PHOTOGRAPH) == photos
    assert kinds_of(case) == [(True, "photograph", 2)]
    assert change_photos(photos, kind=Kind.PHOTOGRAPH) == []


def test_an_alert_says_it_too_and_reaches_who_wants_fair_ones(any_model, make_case, camera, user):
    add(make_case("MP1"), faces.person(1), Kind.PROGRESSION)
    for strength in ("strong", "fair"):
        Subscription.objects.create(user=user, name=strength, address="json://127.0.0.1:9/", strength=strength)
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4())
    alert = Alert.objects.get()
    assert (alert.found_by, alert.strength) == (Kind.PROGRESSION, "unmeasured")
    assert [one.name for one in notifying.subscribers(alert)] == ["fair"]


def test_a_standing_search_and_a_look_back_say_it(any_model, make_case, camera, user):
    search = pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="tip")
    standing.keep_open(search, user)
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4())
    add(make_case("MP1"), faces.person(1), Kind.SKETCH)
    newcomers.look_back()
    assert search.probes.get().candidates.get().found_by == Kind.SKETCH
    assert Alert.objects.get(seen_before=True).found_by == Kind.SKETCH


def test_a_lead_sheet_says_not_measured(any_model, make_case, user):
    add(make_case("MP1"), faces.person(1), Kind.SKETCH)
    candidate = found(user, 1)
    Candidate.objects.filter(pk=candidate.pk).update(decision="confirmed")
    assert sheets.lead_sheet(candidate, user, "1").startswith(b"%PDF")
    assert Search.objects.get().probes.get().candidates.get().strength == "unmeasured"


def test_several_photos_are_changed_at_once_on_the_cases_page(as_admin, any_model, make_case):
    case = make_case("MP1", faces.person(1), mirrored(1), faces.person(3))
    first, second, _third = case.photos.all()
    url = f"/cases/{case.pk}/photos/change/"
    assert as_admin.post(url, {"photo": [first.pk, second.pk], "kind": "progression"}).status_code == 204
    assert list(case.photos.values_list("kind", flat=True)) == ["progression", "progression", "photograph"]
    assert AuditEvent.objects.filter(action="changed photo").count() == 2
    page = as_admin.get(f"/cases/{case.pk}/photos/shown/").content.decode()
    assert page.count('name="photo"') == 3


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"kind": "sketch"}, "Choose the photos"),
        ({"photo": "mine", "kind": "painting"}, "painting"),
        ({"photo": "mine"}, "a kind or a view"),
        ({"photo": "another's", "kind": "sketch"}, "not one of the available choices"),
        ({"photo": "x", "kind": "sketch"}, "not a valid value"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(as_admin, any_model, make_case, sent, why):
    mine, other = make_case("MP1", faces.person(1)), make_case("MP2", faces.person(2))
    ids = {"mine": mine.photos.get().pk, "another's": other.photos.get().pk}
    if "photo" in sent:
        sent = {**sent, "photo": ids.get(sent["photo"], sent["photo"])}
    answer = as_admin.post(f"/cases/{mine.pk}/photos/change/", sent)
    assert answer.status_code == 400
    assert why in answer.content.decode()
    assert set(Photo.objects.values_list("kind", flat=True)) == {"photograph"}
