"""An officer's walk: a signed-in phone as a camera of one's own, a frame a second, for a limited time."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent
from matching.models import Alert, Camera, Capture
from matching.watching import walking as walks
from tests import faces
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def officer(user, signed_in) -> Client:
    user.user_permissions.add(Permission.objects.get(codename="walk_with_camera"))
    return signed_in


@pytest.fixture
def walking(officer) -> Client:
    said = {"purpose": "tip 4711", "place": "Old Mill Road", "minutes": "30"}
    assert officer.post("/walk/", said).status_code == 302
    return officer


def frame(client: Client, content: bytes | None = None, uid: str | None = None):
    image = SimpleUploadedFile("frame.jpg", faces.GROUP.read_bytes() if content is None else content)
    return client.post("/walk/frame/", {"id": uid or str(uuid.uuid4()), "image": image})


def test_it_works(any_model, six_cases, walking, user):
    page = walking.get("/walk/").content.decode()
    assert "End the walk" in page
    answer = frame(walking).json()
    assert answer["faces"] >= 4
    assert 1700 < answer["left"] <= 1800
    assert Capture.objects.count() == answer["faces"]
    alerts = Alert.objects.all()
    assert len(alerts) >= 4
    assert {alert.camera.place for alert in alerts} == {"Old Mill Road"}
    assert "Person MP0" in walking.get("/walk/alerts/").content.decode()
    assert AuditEvent.objects.get(action="began walk").why == "tip 4711"
    walking.post("/walk/end/")
    assert frame(walking).status_code == 409
    assert "Whom the last walk met" in walking.get("/walk/").content.decode()
    assert AuditEvent.objects.filter(action="ended walk").exists()


def test_the_same_frame_sent_again_is_the_same_captures(any_model, walking):
    uid = str(uuid.uuid4())
    first = frame(walking, uid=uid).json()["faces"]
    frame(walking, uid=uid)
    assert Capture.objects.count() == first


def test_each_capture_is_the_face_that_was_meant(any_model, six_cases, walking):
    frame(walking)
    assert {alert.case.number for alert in Alert.objects.filter(status="new")} <= {f"MP{n}" for n in range(6)}
    assert Alert.objects.count() == Alert.objects.values("case").distinct().count()


def test_it_ends_by_itself(any_model, walking):
    Camera.objects.update(walk_until=timezone.now() - timedelta(seconds=1))
    answer = frame(walking)
    assert answer.status_code == 409
    assert "Begin another" in answer.json()["detail"]
    assert not Capture.objects.exists()


def test_a_second_walk_is_by_the_same_camera(walking):
    walking.post("/walk/", {"purpose": "again", "place": "Harbour", "minutes": "5"})
    assert Camera.objects.get().place == "Harbour"


def test_what_a_walk_met_outlives_the_account(any_model, six_cases, walking, user):
    frame(walking)
    alerts = Alert.objects.count()
    user.delete()
    assert Alert.objects.count() == alerts
    again = person("kim", "Investigator")
    assert walks.begin(again, 5, "Harbour", purpose="x").name == f"Walk of kim ({again.pk})"


@pytest.mark.parametrize(
    ("said", "words"),
    [({"purpose": ""}, "required"), ({"minutes": "90"}, "less than or equal to 60"), ({"place": ""}, "required")],
)
def test_a_walk_says_what_it_is_for_and_where(officer, said, words):
    answer = officer.post("/walk/", {"purpose": "x", "place": "y", "minutes": "5", **said})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Camera.objects.exists()


@pytest.mark.parametrize("content", [b"none", b"", b"\xff\xd8\xff broken"])
def test_a_frame_that_is_no_picture_is_said_and_the_walk_goes_on(any_model, walking, content):
    answer = frame(walking, content)
    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert frame(walking).status_code == 200


def test_a_frame_without_an_id_is_refused(any_model, walking):
    assert frame(walking, uid="7").status_code == 400


def test_without_a_face_model_it_says_so(walking):
    assert frame(walking).status_code == 503


def test_who_may_not_walk_does_not(signed_in):
    assert signed_in.get("/walk/").status_code == 403
    assert frame(signed_in).status_code == 403
    assert "Walk with this phone" not in signed_in.get("/cameras/").content.decode()


def test_a_revoked_walk_is_over(any_model, walking, as_admin):
    as_admin.post(f"/cameras/{Camera.objects.get().pk}/revoke/")
    assert frame(walking).status_code == 409


def test_the_console_installs_as_an_app():
    client = Client()
    manifest = client.get("/manifest.webmanifest")
    assert manifest["Content-Type"] == "application/manifest+json"
    assert manifest.json()["start_url"] == "/alerts/"
    assert "text/javascript" in client.get("/worker.js")["Content-Type"]
    assert "No network" in client.get("/offline/").content.decode()
