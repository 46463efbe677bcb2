"""The console's pages for searches, alerts, cameras and the system."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from cases.models import AuditEvent
from matching.indexing import choosing
from matching.models import Alert, Camera, Candidate, Search
from matching.watching import captures
from tests import faces, needs

pytestmark = pytest.mark.django_db(transaction=True)


def search(client, content: bytes | None = None, **changes):
    form = {
        "image": SimpleUploadedFile("tip.jpg", faces.person(3) if content is None else content),
        "purpose": "tip 12",
    }
    return client.post("/search/", {**form, **changes})


def found(client, content: bytes) -> str:
    """The page that a search leads to."""
    return client.get(search(client, content).url).content.decode()


def test_it_works(any_model, six_cases, signed_in):
    answer = search(signed_in)
    page = signed_in.get(answer.url).content.decode()
    assert page.index("Person MP3") < page.index("Person MP0")
    assert "Rank 1" in page
    assert "Strong" in page.title()
    assert AuditEvent.objects.filter(action="searched", why="tip 12").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": SimpleUploadedFile("tip.txt", b"hello")}, "tip.txt: The file is not an image"),
        ({"image": ""}, "Choose, drop or paste a picture"),
        ({"purpose": " "}, "Say what the search is for"),
        ({"collections": ["999"]}, "not one of the available choices"),
    ],
)
def test_a_search_that_cannot_be_run_says_why(any_model, signed_in, changes, words):
    answer = search(signed_in, **changes)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Search.objects.exists()


def test_a_picture_without_a_face_says_what_would_help(any_model, signed_in):
    import numpy as np

    from matching.faces import images

    page = signed_in.get(search(signed_in, images.to_jpeg(np.full((99, 99, 3), 9, np.uint8))).url).content.decode()
    assert "No face was found" in page


@needs.pack
def test_a_face_too_poor_to_compare_says_so(db, use_model, make_case, signed_in):
    use_model(str(faces.PACK))
    make_case("MP1", faces.person(1))
    shown = found(signed_in, faces.made_poor(faces.person(2)))
    assert "Too poor to compare" in shown
    assert "Too poor to compare" not in found(signed_in, faces.person(2))


def test_a_candidate_found_by_a_face_that_nobody_confirmed_says_so(any_model, make_case, signed_in):
    case = make_case("MP1", faces.two())
    assert "not confirmed to be this person" in found(signed_in, faces.person(4))
    choosing.choose_subject(case.faces.order_by("left").first())
    assert "not confirmed to be this person" not in found(signed_in, faces.person(4))


def test_an_empty_gallery_says_so(any_model, signed_in):
    assert "No case to compare with" in signed_in.get(search(signed_in).url).content.decode()


def test_a_search_is_run_again_among_others(any_model, six_cases, signed_in):
    search(signed_in)
    old = Search.objects.get()
    answer = signed_in.post(f"/search/{old.pk}/again/", {"collections": [six_cases[0].collection_id]})
    assert Search.objects.count() == 2
    assert str(old.pk) not in answer.url


def test_a_candidate_is_decided_and_the_decision_taken_back(any_model, six_cases, signed_in, user):
    search(signed_in)
    candidate = Candidate.objects.get(rank=1)
    part = signed_in.post(f"/candidates/{candidate.pk}/decide/", {"decision": "possible"}).content.decode()
    assert "Confirmed lead" in part
    assert candidate.opinions.get().user == user
    signed_in.post(f"/candidates/{candidate.pk}/decide/", {"decision": ""})
    candidate.refresh_from_db()
    assert candidate.decision == ""
    assert signed_in.post(f"/candidates/{candidate.pk}/decide/", {"decision": "x"}).status_code == 400


@pytest.fixture
def alert(any_model, six_cases, camera) -> Alert:
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4())
    return Alert.objects.get()


def test_an_alert_shows_all_that_is_needed_and_is_confirmed_with_a_note(alert, signed_in, user):
    page = signed_in.get("/alerts/").content.decode()
    for shown in ("Person MP1", "MP1, Missing", "Gate 3, Main station", "strong"):
        assert shown in page
    signed_in.post(f"/alerts/{alert.pk}/review/", {"status": "confirmed", "note": "scar on the chin"})
    review = Alert.objects.get().reviews.get()
    assert (review.alert.status, review.user, review.note) == ("confirmed", user, "scar on the chin")
    assert AuditEvent.objects.filter(action="confirmed", why="scar on the chin").exists()
    assert "scar on the chin" in signed_in.get(f"/alerts/{alert.pk}/").content.decode()
    signed_in.post(f"/alerts/{alert.pk}/review/", {"status": "new"})
    assert Alert.objects.get().status == "new"


def test_a_review_that_is_none_is_refused(alert, signed_in):
    assert signed_in.post(f"/alerts/{alert.pk}/review/", {"status": "perhaps"}).status_code == 400


def test_a_camera_is_removed_with_its_alerts_in_the_administration(alert, as_admin):
    as_admin.post(f"/admin/matching/camera/{alert.camera_id}/delete/", {"post": "yes"})
    assert not Camera.objects.exists()
    assert not Alert.objects.exists()


def test_the_case_page_shows_where_the_person_was_seen(alert, signed_in):
    assert "Gate 3" in signed_in.get(f"/cases/{alert.case_id}/sightings/").content.decode()


def test_an_alert_outlives_the_photo_it_came_from(alert, signed_in):
    alert.case.photos.all().delete()
    assert "The case photo was removed" in signed_in.get("/alerts/").content.decode()


def test_pictures_are_served_to_who_is_signed_in(alert, signed_in):
    for path in (f"/probes/{alert.best_capture.probe.pk}/", f"/faces/{alert.best_face_id}/"):
        answer = signed_in.get(path)
        assert answer["Content-Type"] == "image/jpeg"
        assert "private" in answer["Cache-Control"]
    assert signed_in.get("/probes/999/").status_code == 404


def test_a_camera_is_added_its_token_shown_once_and_revoked(as_admin):
    page = as_admin.post("/cameras/new/", {"name": "Gate 5", "place": "North"}).content.decode()
    assert "cam_" in page
    assert "cam_" not in as_admin.get("/cameras/").content.decode()
    camera = Camera.objects.get()
    as_admin.post(f"/cameras/{camera.pk}/revoke/")
    assert Camera.objects.get().revoked_at
    assert as_admin.post("/cameras/new/", {"name": "Gate 5"}).status_code == 422


def test_a_camera_is_made_in_the_administration_too(as_admin):
    page = as_admin.post(
        "/admin/matching/camera/add/", {"name": "Gate 6", "visits_from": 1}, follow=True
    ).content.decode()
    assert "shown this once: cam_" in page


def test_the_system_page_shows_the_model_and_its_licence(model, as_admin):
    page = as_admin.get("/system/").content.decode()
    assert model.name in page
    assert ("public domain" in page) or ("non-commercial" in page)
    assert "PostgreSQL 18" in page


def test_the_fallback_is_named_on_every_page_and_a_pack_is_not(model, signed_in):
    assert ("Fallback face model" in signed_in.get("/cases/").content.decode()) == (model.name == "dlib ResNet")


def test_the_health_check_is_open_and_says_yes(client):
    assert client.get("/healthz/").json() == {"ok": True, "problems": []}


def test_the_health_check_names_what_does_not_answer(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    answer = client.get("/healthz/")
    assert (answer.status_code, answer.json()["problems"]) == (503, ["redis"])


@pytest.mark.parametrize("name", ["camera", "alert", "review", "delivery", "search", "facemodel"])
def test_the_administration_lists(alert, as_admin, name):
    assert as_admin.get(f"/admin/matching/{name}/").status_code == 200


def test_a_search_is_narrowed_and_what_narrowed_it_is_shown(any_model, six_cases, signed_in):
    from cases.models import Case

    Case.objects.filter(pk=six_cases[3].pk).update(sex="male")
    Case.objects.filter(pk=six_cases[0].pk).update(sex="female")
    answer = search(signed_in, sex="female", age_now_to="90")
    page = signed_in.get(answer.url).content.decode()
    assert "Person MP3" not in page
    assert "Person MP0" in page
    assert "among 5 cases" in page
    assert "Sex female" in page
    again = signed_in.post(f"{answer.url}again/", {"sex": "male"}, follow=True).content.decode()
    assert "Person MP3" in again
    assert "Person MP0" not in again


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"age_now_from": "50", "age_now_to": "20"}, "Age now: from 50 to 20 leaves nobody"),
        ({"last_seen_from": "soon"}, "Last seen, from: Enter a valid date"),
        ({"sex": "cat"}, "Sex: Select a valid choice"),
    ],
)
def test_what_cannot_narrow_a_search_is_named_with_its_field(any_model, signed_in, changes, words):
    answer = search(signed_in, **changes)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Search.objects.exists()


def test_the_system_page_draws_both_curves_with_the_levels(any_model, six_cases, signed_in):
    page = signed_in.get("/system/").content.decode()
    assert page.count("<polyline") == 3
    for word in ("non-mates", "fitted", "mates"):
        assert f'<polyline class="{word}" points="' in page
    for level in ("Strict", "Standard", "Sensitive"):
        assert f">{level}</text>" in page
    assert "from 1,000 open cases on; there are 6" in page


def test_a_collections_page_says_what_its_level_means_for_its_cases(any_model, six_cases, camera, as_admin, collection):
    from matching.gallery import calibration

    captures.match_capture(captures.receive_capture(camera, faces.person(2), uid=uuid.uuid4()).pk)
    part = as_admin.get(f"/collections/{collection.pk}/levels/").content.decode()
    assert "6 open cases" in part
    threshold = calibration.of(any_model).threshold(0.01, 6)
    assert f"{threshold:.3f}" in part
    assert "in force" in part
    six_cases[0].close("found")
    assert f"{threshold:.3f}" not in as_admin.get(f"/collections/{collection.pk}/levels/").content.decode()


def test_a_collection_without_cases_or_without_a_face_model_has_a_page_too(collection, as_admin, use_model):
    assert "No face model is ready" in as_admin.get(f"/collections/{collection.pk}/levels/").content.decode()
    use_model("dlib")
    assert "0 open cases" in as_admin.get(f"/collections/{collection.pk}/levels/").content.decode()
    assert as_admin.get("/system/").status_code == 200
