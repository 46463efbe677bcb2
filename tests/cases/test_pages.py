"""The case pages: opening, changing, closing and photos, with what each leaves in the audit trail."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from cases.models import AuditEvent, Case, Photo
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)


def fields(collection, **changes) -> dict:
    return {"collection": collection.pk, "number": "MP9", "name": "Ana Ruiz", "sex": "female", **changes}


def test_it_works(any_model, collection, as_admin):
    answer = as_admin.post("/cases/new/", fields(collection, age_from=30, age_to=35), follow=True)
    case = Case.objects.get()
    assert case.age == "30–35"
    assert "Now add its photos" in answer.content.decode()
    sent = as_admin.post(f"/cases/{case.pk}/photos/", {"photo": SimpleUploadedFile("a.jpg", faces.person(0))})
    assert sent.status_code == 201
    part = as_admin.get(f"/cases/{case.pk}/photos/shown/").content.decode()
    assert "Indexed" in part
    assert part.count('class="box ') == 1


def test_a_mistake_is_named_and_what_was_typed_is_kept(collection, as_admin, make_case):
    make_case("MP9")
    page = as_admin.post("/cases/new/", fields(collection, age_from=40, age_to=30)).content.decode()
    assert "already has a case with this number" in page
    assert "lower age must not be above" in page
    assert "Ana Ruiz" in page
    assert Case.objects.count() == 1


def test_closing_asks_why_and_reopening_takes_it_back(collection, as_admin, make_case):
    case = make_case()
    as_admin.post(f"/cases/{case.pk}/close/", {"reason": ""})
    case.refresh_from_db()
    assert case.is_open
    as_admin.post(f"/cases/{case.pk}/close/", {"outcome": "safe", "reason": "found safe"})
    case.refresh_from_db()
    assert (case.is_open, case.closed_reason) == (False, "found safe")
    as_admin.post(f"/cases/{case.pk}/reopen/")
    case.refresh_from_db()
    assert (case.is_open, case.closed_reason) == (True, "")


def test_the_same_photo_again_and_no_photo_are_refused_in_words(any_model, as_admin, make_case):
    case = make_case("MP1", faces.person(0))
    again = as_admin.post(f"/cases/{case.pk}/photos/", {"photo": SimpleUploadedFile("b.jpg", faces.person(0))})
    assert (again.status_code, "already" in again.json()["error"]) == (409, True)
    assert as_admin.post(f"/cases/{case.pk}/photos/").status_code == 400
    assert Photo.objects.count() == 1


def test_an_unreadable_photo_is_shown_with_its_reason(any_model, as_admin, make_case):
    case = make_case("MP1", b"broken")
    assert "not an image" in as_admin.get(f"/cases/{case.pk}/photos/shown/").content.decode()


def test_choosing_a_face_and_removing_a_photo(any_model, as_admin, make_case):
    case = make_case("MP1", faces.GROUP.read_bytes())
    photo = case.photos.get()
    face = photo.faces.last()
    assert as_admin.post(f"/faces/{face.pk}/choose/").status_code == 302
    face.refresh_from_db()
    assert face.is_subject
    as_admin.post(f"/photos/{photo.pk}/delete/")
    assert not Photo.objects.exists()


def test_a_photo_whose_view_is_changed_is_indexed_anew(any_model, as_admin, make_case):
    photo = make_case("MP1", faces.person(0)).photos.get()
    change = f"/cases/{photo.case_id}/photos/change/"
    assert as_admin.post(change, {"photo": photo.pk, "view": "other"}).status_code == 204
    photo.refresh_from_db()
    assert photo.status == Photo.Status.NOT_SEARCHED
    as_admin.post(change, {"photo": photo.pk, "view": "front"})
    photo.refresh_from_db()
    assert photo.status == Photo.Status.INDEXED
    assert as_admin.post(change, {"photo": photo.pk, "view": "back"}).status_code == 400


def test_the_original_is_a_download_and_never_run(any_model, as_admin, make_case):
    photo = make_case("MP1", faces.person(0)).photos.get()
    answer = as_admin.get(f"/photos/{photo.pk}/original/")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Type"] == "application/octet-stream"
    assert b"".join(answer) == faces.person(0)
    answer.close()


def test_the_list_is_narrowed_by_words_collection_and_state(as_admin, make_case):
    make_case("MP1", name="Ana Ruiz")
    make_case("MP2", name="Bo Lund").close("found")
    assert "Bo Lund" not in as_admin.get("/cases/?q=ruiz").content.decode()
    assert "Ana Ruiz" not in as_admin.get("/cases/?status=closed").content.decode()
    assert "No case fits" in as_admin.get("/cases/?q=nobody").content.decode()


def test_everything_people_do_leaves_a_row(any_model, collection, as_admin, admin):
    as_admin.post("/cases/new/", fields(collection))
    case = Case.objects.get()
    as_admin.get(f"/cases/{case.pk}/?why=tip+12")
    as_admin.post(f"/cases/{case.pk}/edit/", fields(collection, name="Ana R."))
    as_admin.post(f"/cases/{case.pk}/close/", {"outcome": "safe", "reason": "found"})
    rows = AuditEvent.objects.exclude(action="signed in").order_by("pk")
    assert [row.action for row in rows] == ["created", "viewed", "changed", "closed"]
    assert {row.username for row in rows} == {"boss"}
    assert [row.why for row in rows] == ["", "tip 12", "name", "Located safe, found"]
    assert rows[0].address == "127.0.0.1"


def test_the_audit_trail_cannot_be_changed_in_the_administration(as_admin, admin, make_case):
    case = make_case()
    as_admin.get(f"/cases/{case.pk}/")
    row = AuditEvent.objects.get(action="viewed")
    assert as_admin.post(f"/admin/cases/auditevent/{row.pk}/delete/").status_code == 403
    assert as_admin.post(f"/admin/cases/auditevent/{row.pk}/change/", {"username": "x"}).status_code == 403


def test_who_may_not_change_cases_sees_no_buttons_and_is_refused(signed_in, collection, make_case):
    case = make_case()
    assert "Close the case" not in signed_in.get(f"/cases/{case.pk}/").content.decode()
    refused = signed_in.post(f"/cases/{case.pk}/close/", {"reason": "x"})
    assert (refused.status_code, b"not allowed" in refused.content) == (403, True)


def test_a_collection_is_made_listed_and_changed(as_admin, collection, make_case):
    make_case()
    form = {"name": "Wanted", "description": "", "alert_level": "strict", "reviewers": 2, "look_back_days": 30}
    form |= {"episode_seconds": 60, "search_days": 0, "kind": "sought"}
    assert "Wanted is saved" in as_admin.post("/collections/new/", form, follow=True).content.decode()
    as_admin.post(f"/collections/{collection.pk}/edit/", {**form, "name": "Missing persons"})
    page = as_admin.get("/collections/").content.decode()
    assert "Missing persons" in page
    assert "Strict" in page
    assert "of this name already" in as_admin.post("/collections/new/", form).content.decode()


@pytest.mark.parametrize("model", ["case", "collection", "auditevent"])
def test_the_administration_lists(as_admin, make_case, model):
    make_case()
    assert as_admin.get(f"/admin/cases/{model}/").status_code == 200


def test_a_case_is_begun_by_its_photos_and_its_facts_typed_after(any_model, collection, as_admin):
    def begin(**changes):
        photos = [SimpleUploadedFile("a.jpg", faces.person(0)), SimpleUploadedFile("b.jpg", faces.person(0))]
        return as_admin.post("/cases/begin/", {"collection": collection.pk, "photos": photos, **changes}, follow=True)

    page = begin().content.decode()
    case = Case.objects.get()
    assert f"The case is open as {case.number}" in page
    assert "b.jpg:" in page
    assert "has this very photo already" in page
    assert [photo.status for photo in case.photos.all()] == ["indexed"]
    begin()
    assert Case.objects.filter(number__endswith="-2").exists()
    assert "at least one photo" in begin(photos=[]).content.decode()
    assert "Choose a collection" in begin(collection="999").content.decode()
    assert Case.objects.count() == 2


def test_who_may_not_add_cases_begins_none(collection, signed_in):
    assert signed_in.post("/cases/begin/", {"collection": collection.pk}).status_code == 403
