"""The fleet: who is online, how each queue is, what was counted, and clocks that are wrong."""

import csv
import io
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from matching.models import Camera, CameraMinute, Capture, Delivery, Subscription, Trouble
from matching.telling import messages
from matching.watching import captures, fleet
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now().replace(second=0, microsecond=0)


def minute(ago: int, **said: object) -> dict:
    counted = {"frames": 100, "faces": 50, "most": 3, "tracks": 2, "score": 0.9}
    return {"minute": (NOW - timedelta(minutes=ago)).isoformat(), **counted, **said}


def report(camera: Camera, seconds: float = 0, status: int = 204, **said: object):
    sent_at = timezone.now() + timedelta(seconds=seconds)
    body = {"sent_at": sent_at.isoformat(), "version": "0.5.0", "queue": 0, **said}
    client = Client(headers={"authorization": f"Bearer {camera.token}"})
    answer = client.post("/api/v1/heartbeats/", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    camera.refresh_from_db()
    return answer


def test_it_works(camera, signed_in):
    assert camera.state == "never"
    report(camera, queue=240, queue_seconds=90, dropped=7, temperature=61.5, load=0.4, looks_at="rtsp://gate/1")
    assert camera.state == "online"
    page = signed_in.get("/cameras/").content.decode()
    for shown in ("online", "240 wait there", "7 dropped"):
        assert shown in page
    own = signed_in.get(f"/cameras/{camera.pk}/").content.decode()
    for shown in ("0.5.0", "rtsp://gate/1", "the oldest for 90 s", "62 °C", "Nothing was counted"):
        assert shown in own


@pytest.mark.parametrize(("minutes", "state"), [(0, "online"), (5, "late"), (60, "offline")])
def test_how_long_ago_it_was_heard_of_is_its_state(camera, minutes, state):
    camera.heartbeat_at = timezone.now() - timedelta(minutes=minutes)
    assert camera.state == state
    camera.revoked_at = timezone.now()
    assert camera.state == "revoked"


def test_an_older_client_is_heard_of_by_its_faces(camera):
    camera.last_seen_at = timezone.now()
    assert camera.state == "online"


def test_counts_are_kept_once_a_minute_drawn_and_given_as_csv(camera, signed_in):
    report(camera, minutes=[minute(3), minute(2, faces=150, most=5)])
    report(camera, minutes=[minute(2), minute(1, faces=0, tracks=0)])
    assert CameraMinute.objects.count() == 3
    parts = fleet.counts(camera, "hour")
    assert [(part.people, part.most) for part in parts] == [(0.5, 3), (1.5, 5), (0.0, 3)]
    assert [part.people for part in fleet.busiest(parts)] == [1.5, 0.5]
    page = signed_in.get(f"/cameras/{camera.pk}/?span=hour").content.decode()
    assert page.count('class="bar"') == 3
    assert "a lower bound" in page
    rows = list(
        csv.DictReader(io.StringIO(signed_in.get(f"/cameras/{camera.pk}/counts.csv?span=hour").content.decode()))
    )
    assert [float(row["people in view"]) for row in rows] == [0.5, 1.5, 0.0]
    assert signed_in.get(f"/cameras/{camera.pk}/?span=x").status_code == 200


def test_counts_over_the_api(camera, as_admin):
    report(camera, minutes=[minute(1)])
    assert as_admin.get(f"/api/v1/cameras/{camera.pk}/counts/?span=hour").json()[0]["people"] == 0.5
    assert as_admin.get(f"/api/v1/cameras/{camera.pk}/counts/?span=x").status_code == 400
    assert as_admin.get(f"/api/v1/cameras/{camera.pk}/").json()["state"] == "online"


def test_a_clock_that_is_wrong_is_seen_and_its_captures_corrected(any_model, camera, signed_in):
    report(camera, seconds=-3600)
    assert camera.clock_offset == pytest.approx(3600, abs=2)
    by_its_clock = timezone.now() - timedelta(hours=1, seconds=5)
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=by_its_clock)
    capture = Capture.objects.get()
    assert capture.camera_time == by_its_clock
    assert abs((timezone.now() - capture.captured_at).total_seconds()) < 10
    assert "corrected" in signed_in.get(f"/cameras/{camera.pk}/").content.decode()
    report(camera)
    assert camera.clock_offset == 0


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"queue": -1}, "queue"),
        ({"version": ""}, "version"),
        ({"minutes": [{"minute": "soon"}]}, "minutes"),
        ({"sent_at": "x"}, "sent_at"),
    ],
)
def test_a_report_that_makes_no_sense_is_named(camera, said, named):
    assert named in report(camera, status=400, **said).json()
    assert camera.heartbeat_at is None


def test_without_a_token_or_with_a_revoked_one_nothing_is_taken(camera):
    assert Client().post("/api/v1/heartbeats/", {}, content_type="application/json").status_code == 401
    camera.revoke()
    report(camera, status=401)


def test_old_counts_are_forgotten(camera, settings):
    report(camera, minutes=[minute(1), minute(60 * 24 * 3)])
    settings.COUNT_DAYS = 2
    fleet.forget_counts()
    assert CameraMinute.objects.count() == 1


@pytest.fixture
def told(user) -> Callable[[], list[str]]:
    """What those who look after cameras were told."""
    Subscription.objects.create(user=user, address="json://127.0.0.1:9/", operations=True)

    def bodies() -> list[str]:
        return [messages.of(one)[1] for one in Delivery.objects.order_by("pk")]

    return bodies


def test_a_camera_that_falls_silent_is_told_once_and_again_when_it_is_back(camera, told, signed_in):
    report(camera)
    fleet.look_after()
    assert told() == []
    Camera.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=20))
    fleet.look_after()
    fleet.look_after()
    assert len(told()) == 1
    assert told()[0].startswith("Gate 3 (Main station) falls silent, since")
    assert "falls silent" in signed_in.get("/cameras/").content.decode()
    report(camera)
    fleet.look_after()
    fleet.look_after()
    assert len(told()) == 2
    assert "is well again" in told()[1]
    assert "falls silent" not in signed_in.get("/cameras/").content.decode()
    assert "Falls silent" in signed_in.get(f"/cameras/{camera.pk}/").content.decode()


def test_a_camera_that_drops_faces_is_in_trouble_until_its_queue_is_empty(camera, told):
    report(camera, dropped=5)
    fleet.look_after()
    assert told() == [], "what it dropped before it was first heard of is no news"
    for queue, dropped in ((20_000, 9), (20_000, 9), (50, 9)):
        report(camera, queue=queue, dropped=dropped)
        fleet.look_after()
    assert len(told()) == 1
    report(camera, queue=0, dropped=9)
    fleet.look_after()
    assert [trouble.ended_at is None for trouble in Trouble.objects.all()] == [False]
    assert "drops faces" in told()[1]


def test_a_camera_that_sees_nobody_where_it_used_to_see_many_is_blind(camera, told):
    empty = [minute(ago, faces=0, most=0, tracks=0, score=None) for ago in range(2, 50, 10)]
    usual = [minute(ago + day * 24 * 60, tracks=4) for day in (1, 2, 3) for ago in range(2, 50, 10)]
    report(camera, minutes=[*empty, *usual[:10]])
    fleet.look_after()
    assert told() == [], "two days are no habit"
    report(camera, minutes=usual)
    fleet.look_after()
    assert "sees nobody where it used to" in told()[0]
    report(camera, minutes=[minute(1)])
    fleet.look_after()
    assert "is well again" in told()[1]


def test_a_clip_that_has_ended_is_no_trouble(camera, told):
    report(camera, ended=True)
    Camera.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=20))
    fleet.look_after()
    assert told() == []


def test_a_revoked_camera_and_one_that_never_reported_are_in_no_trouble(camera, told):
    fleet.look_after()
    report(camera)
    Camera.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=20), revoked_at=timezone.now())
    fleet.look_after()
    assert told() == []


def test_who_did_not_ask_for_it_is_not_told(camera, user):
    Subscription.objects.create(user=user, address="json://127.0.0.1:9/")
    report(camera)
    Camera.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=20))
    fleet.look_after()
    assert Trouble.objects.count() == 1
    assert not Delivery.objects.exists()


def test_a_report_that_was_late_on_its_way_is_no_wrong_clock(camera):
    report(camera)
    report(camera, seconds=-3600)
    assert camera.clock_offset == 0
    for _ in range(3):
        report(camera, seconds=-3600)
    assert camera.clock_offset == pytest.approx(3600, abs=2), "one that stays behind is"
    report(camera, seconds=0)
    assert camera.clock_offset == 0
