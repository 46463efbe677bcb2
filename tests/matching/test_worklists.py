"""The work lists: what each shows, and what a decision does."""

import pytest

from cases.models import AuditEvent, Photo
from matching.indexing import worklists
from matching.models import CasePair, Face, OddPhoto
from matching.searching import pictures
from tests import faces
from tests.matching.test_comparing import same_face

pytestmark = pytest.mark.django_db(transaction=True)


def page(client, name: str) -> str:
    answer = client.get(f"/worklists/?list={name}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def work(any_model, make_case):
    """Something for every list."""
    make_case("MP1", faces.person(1))
    make_case("UP1", same_face(1), name="")
    make_case("MP2", faces.person(2), faces.person(3))
    make_case("MP4", faces.two())
    make_case("MP5", b"broken")
    make_case("MP6")
    make_case("MP7", faces.person(0))
    Face.objects.filter(case__number="MP7").update(size=30)


@pytest.mark.parametrize("name", worklists.LISTS)
def test_an_empty_list_says_so(any_model, signed_in, name):
    assert "Nothing waits here" in page(signed_in, name)


@pytest.mark.parametrize(
    ("name", "number", "words"),
    [
        ("duplicates", "UP1", "Link these"),
        ("odd", "MP2", "Another person"),
        ("subject", "MP4", "nothing tells which is the person"),
        ("unreadable", "MP5", "Fetch again"),
        ("poor", "MP7", "small face (30 px)"),
        ("unusable", "MP6", "Add a photo"),
    ],
)
def test_each_list_shows_its_own(work, as_admin, name, number, words):
    shown = page(as_admin, name)
    assert number in shown
    assert words in shown


def test_without_a_wish_the_first_list_with_work_is_shown(work, signed_in):
    assert "Compare, then say" in page(signed_in, "")


def test_an_unknown_list_is_not_found(signed_in):
    assert signed_in.get("/worklists/?list=x").status_code == 404


def test_a_photos_face_is_confirmed_changed_and_taken_back(work, as_admin, signed_in):
    photo = Photo.objects.get(case__number="MP4")
    first, second = photo.faces.order_by("left")
    url = f"/worklists/subjects/{photo.pk}/"
    assert signed_in.post(url, {"face": first.pk}).status_code == 403
    answer = as_admin.post(url, {"face": first.pk}).content.decode()
    assert ("Confirmed" in answer, "Undo" in answer) == (True, True)
    assert "Nothing waits here" in page(as_admin, "subject")
    as_admin.post(url, {"face": second.pk})
    assert list(photo.faces.filter(is_subject=True)) == [second]
    assert "Confirmed" not in as_admin.post(url, {"face": ""}).content.decode()
    assert photo.faces.filter(is_subject=True).count() == 2
    assert "MP4" in page(as_admin, "subject")
    assert AuditEvent.objects.filter(action="chose face").count() == 3


@pytest.mark.parametrize("face", ["123456", "x"])
def test_a_face_that_is_not_the_photos_is_refused_and_changes_nothing(work, as_admin, face):
    photo = Photo.objects.get(case__number="MP4")
    answer = as_admin.post(f"/worklists/subjects/{photo.pk}/", {"face": face})
    assert (answer.status_code, "Load the page again" in answer.content.decode()) == (409, True)
    assert photo.faces.filter(is_subject=True).count() == 2


def test_the_most_doubtful_choice_comes_first(any_model, make_case, signed_in):
    clear, doubtful = make_case("MP1", faces.GROUP.read_bytes()), make_case("MP2", faces.two())
    Face.objects.filter(case=clear, is_subject=True).update(doubt=0.1)
    Face.objects.filter(case=doubtful, is_subject=True).update(doubt=0.9)
    shown = page(signed_in, "subject")
    assert shown.index("MP2") < shown.index("MP1")


def test_two_cases_are_linked_shown_on_both_pages_and_taken_back(work, as_admin):
    pair = CasePair.objects.get()
    answer = as_admin.post(f"/worklists/pairs/{pair.pk}/", {"decision": "same"}).content.decode()
    assert "The same person" in answer
    assert "Undo" in answer
    for case, other in ((pair.first, pair.second), (pair.second, pair.first)):
        part = as_admin.get(f"/cases/{case.pk}/linked/").content.decode()
        assert "Linked" in part
        assert other.number in part
    assert AuditEvent.objects.filter(action="compared").count() == 2
    assert "Nothing waits here" in page(as_admin, "duplicates")
    as_admin.post(f"/worklists/pairs/{pair.pk}/", {"decision": ""})
    assert "Link these" in page(as_admin, "duplicates")


def test_siblings_are_linked_by_hand_and_said_beside_a_candidate(any_model, make_case, as_admin, admin):
    first, second = make_case("MP1", faces.person(1), name="Ana"), make_case("MP2", faces.person(3), name="Bea")
    answer = as_admin.post(f"/cases/{first.pk}/link/", {"number": "mp2", "decision": "related"})
    assert "Siblings or twins" in answer.content.decode()
    assert "Ana" in as_admin.get(f"/cases/{second.pk}/linked/").content.decode()
    search = pictures.search_image(faces.person(1), "x.jpg", user=admin, purpose="tip")
    shown = as_admin.get(f"/search/{search.pk}/").content.decode()
    assert "Siblings or twins: <a" in shown
    assert "A face model may take one for the other" in shown
    as_admin.post(f"/worklists/pairs/{CasePair.objects.get().pk}/", {"decision": "different"})
    assert "Siblings or twins" not in as_admin.get(f"/search/{search.pk}/").content.decode()


@pytest.mark.parametrize(
    ("number", "decision", "why"),
    [
        ("MP9", "related", "MP9: There is no such case"),
        ("MP1", "related", "MP1: There is no such case"),
        ("", "related", "An empty number: There is no such case"),
        ("MP2", "cousins", "MP2: Say whether they are"),
    ],
)
def test_a_link_that_cannot_be_made_says_why(any_model, make_case, as_admin, number, decision, why):
    first = make_case("MP1", faces.person(1))
    make_case("MP2", faces.person(3))
    answer = as_admin.post(f"/cases/{first.pk}/link/", {"number": number, "decision": decision})
    assert why in answer.content.decode()
    assert not CasePair.objects.filter(decision="related").exists()


def test_different_people_are_not_shown_again(work, as_admin):
    pair = CasePair.objects.get()
    as_admin.post(f"/worklists/pairs/{pair.pk}/", {"decision": "different"})
    assert "Nothing waits here" in page(as_admin, "duplicates")
    assert pair.second.number not in as_admin.get(f"/cases/{pair.first_id}/linked/").content.decode()
    assert as_admin.post(f"/worklists/pairs/{pair.pk}/", {"decision": "perhaps"}).status_code == 400


def test_a_photo_of_another_person_is_searched_no_more_and_comes_back_on_undo(work, as_admin):
    odd = OddPhoto.objects.get()
    as_admin.post(f"/worklists/photos/{odd.pk}/", {"decision": "wrong"})
    odd.photo.refresh_from_db()
    assert (odd.photo.view, odd.photo.status) == (Photo.View.OTHER, Photo.Status.NOT_SEARCHED)
    as_admin.post(f"/worklists/photos/{odd.pk}/", {"decision": ""})
    odd.photo.refresh_from_db()
    assert (odd.photo.view, odd.photo.status) == (Photo.View.FRONT, Photo.Status.INDEXED)
    assert as_admin.post(f"/worklists/photos/{odd.pk}/", {"decision": "x"}).status_code == 400


def test_a_photo_that_is_right_leaves_the_list_and_stays_searched(work, as_admin):
    odd = OddPhoto.objects.get()
    as_admin.post(f"/worklists/photos/{odd.pk}/", {"decision": "right"})
    assert "Nothing waits here" in page(as_admin, "odd")
    odd.photo.refresh_from_db()
    assert odd.photo.status == Photo.Status.INDEXED


def test_a_closed_case_asks_for_no_work(work, as_admin, collection):
    for case in collection.cases.all():
        case.close("found")
    for name in worklists.LISTS:
        assert "Nothing waits here" in page(as_admin, name)


def test_who_may_not_change_cases_decides_nothing(work, signed_in):
    assert "Link these" not in page(signed_in, "duplicates")
    assert signed_in.post(f"/worklists/pairs/{CasePair.objects.get().pk}/", {"decision": "same"}).status_code == 403
