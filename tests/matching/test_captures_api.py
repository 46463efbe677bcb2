"""What a camera may send, what it is answered, and who is turned away."""

import base64
import json
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from matching.models import Alert, Capture
from tests import faces

URL = "/api/v1/captures/"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(camera):
    def post(token: str | None = None, image: bytes | None = None, **changes):
        form = {
            "image": SimpleUploadedFile("face.jpg", faces.person(1) if image is None else image),
            "id": str(uuid.uuid4()),
            "captured_at": timezone.now().isoformat(),
            "detection_score": 0.91,
            **changes,
        }
        form = {name: value for name, value in form.items() if value is not None}
        return Client().post(URL, form, headers={"authorization": f"Bearer {token or camera.token}"})

    return post


def test_it_works(any_model, six_cases, post, camera):
    uid = str(uuid.uuid4())
    answer = post(id=uid, box="10,10,60,60")
    assert answer.status_code == 202
    assert answer.json() == {"id": uid}
    assert Capture.objects.get().camera == camera
    assert Alert.objects.get().case == six_cases[1]


def test_the_same_id_again_gets_the_same_answer_and_no_second_capture(any_model, six_cases, post):
    uid = str(uuid.uuid4())
    assert post(id=uid).json() == post(id=uid).json() == {"id": uid}
    assert Capture.objects.count() == 1
    assert Alert.objects.get().capture_count == 1


def test_the_form_of_the_2018_deeplens_is_understood_and_kept_once(any_model, six_cases, camera):
    body = {"face": base64.b64encode(faces.person(2)).decode(), "confidence": 0.87}
    answers = [
        Client().post(URL, body, content_type="application/json", headers={"authorization": f"Token {camera.token}"})
        for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert Capture.objects.get().detection_score == 0.87
    assert Alert.objects.get().case == six_cases[2]


def test_a_wrong_a_missing_and_a_revoked_token_are_turned_away_in_words(any_model, post, camera):
    assert Client().post(URL).status_code == 401
    wrong = post(token="cam_guess")
    assert (wrong.status_code, "Cameras page" in wrong.json()["detail"]) == (401, True)
    camera.revoke()
    revoked = post()
    assert (revoked.status_code, "revoked" in revoked.json()["detail"]) == (401, True)
    assert not Capture.objects.exists()


def test_a_new_token_ends_the_old_one(any_model, post, camera):
    fresh = camera.issue_token()
    assert post().status_code == 401
    assert post(token=fresh).status_code == 202


def test_the_token_is_kept_only_as_a_hash(camera):
    camera.refresh_from_db()
    assert camera.token not in str({f.name: getattr(camera, f.name) for f in camera._meta.fields})


def test_a_users_session_is_no_camera(any_model, as_admin):
    assert as_admin.post(URL).status_code == 401


def test_a_cameras_token_opens_nothing_else(any_model, camera):
    for path in ("/api/v1/cases/", "/api/v1/alerts/", "/cases/"):
        answer = Client().get(path, headers={"authorization": f"Bearer {camera.token}"})
        assert answer.status_code in (302, 401, 403), path


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "7"}, "id"),
        ({"id": None}, "id"),
        ({"captured_at": "yesterday"}, "captured_at"),
        ({"detection_score": "87"}, "detection_score"),
        ({"box": "1,2,3"}, "box"),
        ({"box": "a,b,c,d"}, "box"),
        ({"image": b""}, "image"),
    ],
)
def test_a_bad_field_is_named(any_model, post, changes, field):
    answer = post(**changes)
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not Capture.objects.exists()


@pytest.mark.parametrize(("image", "words"), [(b"hello", "not an image"), (bytes(6 * 2**20), "5 MB")])
def test_an_image_that_cannot_be_used_is_refused_in_words(any_model, post, image, words):
    answer = post(image=image)
    assert answer.status_code == 400
    assert words in str(answer.json()["image"])


def test_a_deeplens_body_that_is_not_base64_is_refused(any_model, camera):
    answer = Client().post(
        URL,
        {"face": "§§§", "confidence": 0.9},
        content_type="application/json",
        headers={"authorization": f"Bearer {camera.token}"},
    )
    assert answer.status_code == 400
    assert "base64" in str(answer.json())


def batch(camera, captures: object, **images: bytes):
    files = {name: SimpleUploadedFile("face.jpg", content) for name, content in images.items()}
    said = captures if isinstance(captures, str) else json.dumps(captures)
    headers = {"authorization": f"Bearer {camera.token}"}
    return Client().post(f"{URL}batch/", {"captures": said, **files}, headers=headers)


def details(uid: object = None) -> dict:
    return {"id": str(uid or uuid.uuid4()), "captured_at": timezone.now().isoformat(), "detection_score": 0.9}


def test_several_at_once_are_each_answered_and_one_bad_one_spoils_no_other(any_model, six_cases, camera):
    good, again, broken, missing = details(), details(), details(), details()
    sent = [good, again, broken, missing, {**details(), "detection_score": 7}, {"id": 7}]
    images = {good["id"]: faces.person(1), again["id"]: faces.person(2), broken["id"]: b"none"}
    answer = batch(camera, sent, **images)
    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [one["accepted"] for one in results] == [True, True, False, False, False, False]
    assert "image" in results[2]["detail"]
    assert "image" in results[3]["detail"]
    assert "detection_score" in results[4]["detail"]
    assert Capture.objects.count() == Alert.objects.count() == 2
    assert batch(camera, [good], **{good["id"]: faces.person(1)}).json()["results"][0]["accepted"]
    assert Capture.objects.count() == 2, "sent again, it is the same"


@pytest.mark.parametrize("captures", ["{broken", [1], {"id": 1}, [{}] * 101, ""])
def test_what_is_no_batch_is_refused_in_words(camera, captures):
    answer = batch(camera, captures)
    assert answer.status_code == 400
    assert answer.json()["captures"]
