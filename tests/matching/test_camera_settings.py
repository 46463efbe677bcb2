"""What a camera's client is asked to run, where it stands, and what is noted of it."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent
from matching.models import SitePlan, Trouble
from matching.watching import fleet, live
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)


def report(camera, client: str = "a", **said):
    body = {"sent_at": timezone.now().isoformat(), "version": "0.6.0", "queue": 0, "runs": {}, "client": client, **said}
    answer = Client(headers={"authorization": f"Bearer {camera.token}"}).post(
        "/api/v1/heartbeats/", body, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    camera.refresh_from_db()
    return answer.json()["settings"]


def test_it_works(camera, as_admin):
    said = {
        "fps": "5", "min_score": "0.7", "min_size": "40", "zones": "0, 0.5, 1, 1\n0 , 0, .5, 0.5",
        "sleep_from": "22:00", "sleep_until": "06:00",
    }  # fmt: skip
    assert as_admin.post(f"/cameras/{camera.pk}/settings/", said).status_code == 302
    assert report(camera) == {
        "fps": 5, "min_score": 0.7, "min_size": 40, "zones": [[0, 0.5, 1, 1], [0, 0, 0.5, 0.5]],
        "sleep": ["22:00", "06:00"], "time_zone": "UTC", "preview": True,
    }  # fmt: skip
    report(camera, runs={"fps": 5.0, "detector": "dlib"}, detectors=["dlib", "buffalo_s"])
    page = as_admin.get(f"/cameras/{camera.pk}/").content.decode()
    assert "22:00 to 06:00" in page
    form = as_admin.get(f"/cameras/{camera.pk}/settings/").content.decode()
    assert "0, 0.5, 1, 1" in form
    assert '<option value="buffalo_s">' in form
    assert AuditEvent.objects.filter(action="changed settings", why__contains='"fps": 5').exists()


def test_what_is_left_empty_the_client_decides(camera, as_admin):
    as_admin.post(f"/cameras/{camera.pk}/settings/", {"fps": "5"})
    as_admin.post(f"/cameras/{camera.pk}/settings/", {"min_size": "30"})
    assert report(camera) == {"min_size": 30, "preview": True}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"fps": "0"}, "greater than or equal to 0.05"),
        ({"fps": "many"}, "Enter a number"),
        ({"min_score": "80"}, "less than or equal to 1"),
        ({"zones": "0,0,1"}, "is no left, top, right, bottom"),
        ({"zones": "0,0,1,2"}, "sides are fractions"),
        ({"sleep_from": "22:00"}, "Give both times, or none"),
        ({"sleep_from": "25:00", "sleep_until": "06:00"}, "Enter a valid time"),
        ({"detector": "eye"}, "Its client has dlib"),
    ],
)
def test_a_wrong_setting_is_said_and_changes_nothing(camera, as_admin, said, words):
    report(camera, detectors=["dlib"])
    answer = as_admin.post(f"/cameras/{camera.pk}/settings/", {"min_size": "10", **said})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert report(camera) == {"preview": True}


def test_over_the_api(camera, as_admin, signed_in):
    url = f"/api/v1/cameras/{camera.pk}/settings/"
    body = {"fps": 3, "zones": [[0, 0, 1, 0.5]], "sleep": ["22:00", "06:00"]}
    answer = as_admin.put(url, body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert report(camera)["zones"] == [[0, 0, 1, 0.5]]
    assert as_admin.put(url, {"fps": -1}, content_type="application/json").json()["fps"]
    assert as_admin.put(url, [1], content_type="application/json").status_code == 400
    assert as_admin.put(url, {"zones": [[1, "x"]]}, content_type="application/json").status_code == 400
    assert signed_in.put(url, body, content_type="application/json").status_code == 403


def test_whoever_may_not_change_cameras_sees_them_only(camera, signed_in):
    for page in ("settings", "edit"):
        assert signed_in.get(f"/cameras/{camera.pk}/{page}/").status_code == 403
    page = signed_in.get(f"/cameras/{camera.pk}/").content.decode()
    assert "Pair a client" not in page
    assert "You may not look through cameras" in page


def test_a_camera_is_renamed_placed_and_noted(camera, as_admin, collection):
    said = {"name": "Gate 4", "place": "South", "latitude": "38.7", "longitude": "-9.1", "thing": "gate-4",
            "notes": "The ladder is in room 12.", "preview": ""}  # fmt: skip
    assert as_admin.post(f"/cameras/{camera.pk}/edit/", said).status_code == 302
    page = as_admin.get(f"/cameras/{camera.pk}/").content.decode()
    for shown in ("Gate 4", "ladder", "geo:38.7,-9.1", "sightline/gate-4/", "switched off"):
        assert shown in page
    assert report(camera) == {"preview": False}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"latitude": "99"}, "less than or equal to 90"),
        ({"thing": "a/b"}, "One level of a topic"),
        ({"name": ""}, "required"),
    ],
)
def test_a_wrong_place_is_said(camera, as_admin, said, words):
    answer = as_admin.post(f"/cameras/{camera.pk}/edit/", {"name": "Gate 3", **said})
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_over_the_api_cameras_have_a_name_on_the_broker_or_none(camera, as_admin):
    for name in ("North", "South"):
        made = as_admin.post("/api/v1/cameras/", {"name": name, "thing": ""}, content_type="application/json")
        assert (made.status_code, made.json()["thing"], made.json()["preview"]) == (201, None, True)
    wrong = as_admin.patch(f"/api/v1/cameras/{camera.pk}/", {"thing": "a/#"}, content_type="application/json")
    assert "One level of a topic" in wrong.json()["thing"][0]
    changed = as_admin.patch(f"/api/v1/cameras/{camera.pk}/", {"notes": "Ladder"}, content_type="application/json")
    assert changed.json()["notes"] == "Ladder"


def test_a_camera_stands_on_the_sites_own_plan(camera, as_admin, signed_in):
    image = SimpleUploadedFile("plan.png", faces.astronaut())
    assert as_admin.post("/cameras/plans/", {"name": "Ground floor", "image": image}).status_code == 302
    plan = SitePlan.objects.get()
    assert (
        as_admin.post(f"/cameras/plans/{plan.pk}/", {"camera": camera.pk, "x": "0.25", "y": "0.75"}).status_code == 302
    )
    page = signed_in.get(f"/cameras/plans/{plan.pk}/").content.decode()
    assert 'data-x="0.25" data-y="0.75"' in page
    assert "Gate 3" in page
    assert signed_in.get(f"/cameras/plans/{plan.pk}/picture/")["Content-Type"] == "image/jpeg"
    assert "Ground floor" in signed_in.get("/cameras/plans/").content.decode()
    assert signed_in.post(f"/cameras/plans/{plan.pk}/remove/").status_code == 403
    as_admin.post(f"/cameras/plans/{plan.pk}/remove/")
    camera.refresh_from_db()
    assert camera.plan is None


def test_what_is_no_picture_is_no_plan(as_admin):
    answer = as_admin.post("/cameras/plans/", {"name": "x", "image": SimpleUploadedFile("plan.png", b"none")})
    assert answer.status_code == 422
    assert not SitePlan.objects.exists()


def test_two_clients_with_one_token_are_noticed_a_restart_is_not(camera):
    for client in ("a", "b", "b"):
        report(camera, client)
    fleet.look_after()
    assert not Trouble.objects.exists(), "a client that replaced another"
    report(camera, "a")
    fleet.look_after()
    assert Trouble.objects.get(ended_at=None).kind == "shared"
    camera.report["shared_at"] = (timezone.now() - timedelta(minutes=3)).isoformat()
    camera.save()
    fleet.look_after()
    assert not Trouble.objects.filter(ended_at=None).exists()


def test_names_come_from_alerts_and_only_of_tracks_that_are_any(admin):
    assert live.names(["", "not a track", "7d444840-9dc0-11d1-b245-5ffdce74fad2"], admin) == {}
