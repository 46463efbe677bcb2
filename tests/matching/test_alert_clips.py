"""The ten seconds around an alert: asked for, kept as a clip with its hash in the trail, gone after their days."""

import base64
import uuid
from datetime import timedelta

import cv2
import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent, Collection
from matching import keeping
from matching.models import Alert, AlertClip, Camera
from matching.watching import alert_clips, captures, live
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clips(collection) -> Collection:
    collection.clip_days = 7
    collection.save()
    return collection


@pytest.fixture
def alert(any_model, clips, six_cases, camera) -> Alert:
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4())
    return Alert.objects.get()


def jpeg(value: int, side: int = 320) -> str:
    _, content = cv2.imencode(".jpg", np.full((side * 9 // 16, side, 3), value, np.uint8))
    return base64.b64encode(content.tobytes()).decode()


def frames(alert: Alert, count: int = 21, side: int = 320) -> list[dict]:
    begin = alert.best_capture.captured_at - timedelta(seconds=5)
    return [
        {"at": (begin + timedelta(seconds=n / 2)).isoformat(), "jpeg": jpeg(40 + n * 8, side)} for n in range(count)
    ]


def send(camera: Camera, uid: object, said: list[dict] | object):
    client = Client(headers={"authorization": f"Bearer {camera.token}"})
    return client.post("/api/v1/clips/", {"id": str(uid), "frames": said}, content_type="application/json")


def report(camera: Camera) -> dict:
    body = {"sent_at": timezone.now().isoformat(), "version": "0.14.0", "queue": 0, "runs": {}}
    client = Client(headers={"authorization": f"Bearer {camera.token}"})
    return client.post("/api/v1/heartbeats/", body, content_type="application/json").json()


def test_it_works(alert, camera, signed_in):
    uid = alert.best_capture.uid
    asked = report(camera)
    assert (asked["settings"]["clips"], asked["clips"]) == (True, [str(uid)])
    page = signed_in.get(f"/alerts/{alert.pk}/")
    assert "client is asked for it" in page.content.decode()
    assert send(camera, uid, frames(alert)).status_code == 202
    assert report(camera)["clips"] == []
    clip = AlertClip.objects.get()
    assert (clip.frames, clip.seconds, round(clip.seen_after)) == (21, 10.0, 5)
    row = AuditEvent.objects.get(action="kept clip")
    assert (row.username, row.target_id) == ("system", str(alert.pk))
    assert clip.sha256 in row.why
    shown = signed_in.get(f"/alerts/{alert.pk}/").content.decode()
    assert f"/alerts/{alert.pk}/clip/video/" in shown
    assert clip.sha256 in shown
    assert "at second 5 of 10" in shown
    assert AuditEvent.objects.filter(action="played clip").count() == 0
    video = signed_in.get(f"/alerts/{alert.pk}/clip/video/")
    assert (video.status_code, video["Content-Type"]) == (200, "video/webm")
    assert clip.sha256 in AuditEvent.objects.get(action="played clip").why


def test_a_clip_shows_each_frame_at_its_time(alert, camera, tmp_path):
    said = frames(alert)
    # They come in any order, and a second of them is missing.
    send(camera, alert.best_capture.uid, [*said[4:], *said[:2]])
    path = tmp_path / "clip.webm"
    with AlertClip.objects.get().file.open() as file:
        path.write_bytes(file.read())
    video = cv2.VideoCapture(str(path))
    shown = []
    while (read := video.read())[0]:
        shown.append((video.get(cv2.CAP_PROP_POS_MSEC) / 1000, float(read[1].mean())))
    assert [second for second, _ in shown] == [0, 0.5, *(n / 2 for n in range(4, 21))]
    for second, grey in shown:
        assert abs(grey - (40 + second * 16)) < 6, second


def test_browsers_that_ask_for_parts_get_them(alert, camera, signed_in):
    send(camera, alert.best_capture.uid, frames(alert))
    path = f"/alerts/{alert.pk}/clip/video/"
    whole = signed_in.get(path).content
    part = signed_in.get(path, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part["Content-Range"] == f"bytes 10-19/{len(whole)}"
    assert signed_in.get(path, headers={"range": "bytes=10-"}).content == whole[10:]
    assert signed_in.get(path, headers={"range": f"bytes={len(whole)}-"}).status_code == 416
    for odd in ("bytes=-5", "bytes=x", "lines=1-2", "bytes=1-2,4-5"):
        assert signed_in.get(path, headers={"range": odd}).content == whole
    assert AuditEvent.objects.filter(action="played clip").count() == 1


@pytest.mark.parametrize("off", ["collection", "preview", "late", "dismissed before"])
def test_where_none_is_kept_none_is_asked_for(any_model, clips, six_cases, camera, off, signed_in):
    if off == "collection":
        Collection.objects.update(clip_days=0)
    if off == "preview":
        Camera.objects.update(preview=False)
    camera = _as_sent(camera)
    if off == "dismissed before":
        captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4())
        AlertClip.objects.all().delete()
        signed_in.post(f"/alerts/{Alert.objects.get().pk}/review/", {"status": "dismissed"})
    seen = timezone.now() - timedelta(minutes=2) if off == "late" else None
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=seen)
    assert Alert.objects.count() == 1
    assert not AlertClip.objects.exists()
    assert report(camera)["clips"] == []
    assert ("clips" in report(camera)["settings"]) == (off in ("late", "dismissed before"))


def _as_sent(camera: Camera) -> Camera:
    again = Camera.objects.get(pk=camera.pk)
    again.token = camera.token
    return again


def test_a_camera_that_compares_with_no_such_collection_holds_nothing(camera, clips):
    from cases.models import Team

    assert live.holds_its_last_minute(camera)
    camera.teams.add(Team.objects.create(name="North"))
    clips.teams.add(Team.objects.create(name="South"))
    assert not live.holds_its_last_minute(camera)


def test_an_alert_asks_once(alert, camera):
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4())
    assert Alert.objects.get().capture_count == 2
    assert AlertClip.objects.count() == 1


def test_what_nobody_asked_for_is_not_kept(alert, camera):
    assert send(camera, uuid.uuid4(), frames(alert)).status_code == 404
    other = Camera(name="Other")
    other.token = other.issue_token()
    assert send(other, alert.best_capture.uid, frames(alert)).status_code == 404
    assert send(camera, alert.best_capture.uid, frames(alert)).status_code == 202
    assert send(camera, alert.best_capture.uid, frames(alert, 3)).status_code == 404
    assert AlertClip.objects.get().frames == 21


def test_a_client_that_no_longer_has_it_says_so(alert, camera, signed_in):
    assert send(camera, alert.best_capture.uid, []).status_code == 202
    assert "no longer had these seconds" in signed_in.get(f"/alerts/{alert.pk}/").content.decode()
    assert send(camera, alert.best_capture.uid, frames(alert)).status_code == 404


def test_one_that_never_comes_is_said_to_be_missing(alert, signed_in):
    AlertClip.objects.update(asked_at=timezone.now() - timedelta(minutes=5))
    assert "It did not come" in signed_in.get(f"/alerts/{alert.pk}/clip/").content.decode()
    assert signed_in.get(f"/alerts/{alert.pk}/clip/video/").status_code == 404


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("no list", "list"),
        ([{"at": "noon", "jpeg": jpeg(9)}], "format"),
        ([{"at": "9999-01-01T00:00:00Z", "jpeg": jpeg(9)}], "1970 to 2099"),
        ([{"at": "2026-05-03T12:00:00Z", "jpeg": "§"}], "base64"),
        ([{"at": "2026-05-03T12:00:00Z", "jpeg": base64.b64encode(b"<svg/>").decode()}], "not an image"),
        ([{"at": "2026-05-03T12:00:00Z", "jpeg": jpeg(9)}] * 61, "60"),
    ],
)  # fmt: skip
def test_a_bad_one_is_refused_in_words_and_may_come_again(alert, camera, bad, words):
    answer = send(camera, alert.best_capture.uid, bad)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not AlertClip.objects.get().file
    assert send(camera, alert.best_capture.uid, frames(alert)).status_code == 202


def test_one_frame_and_frames_of_odd_sides_make_a_clip_too(alert, camera):
    assert send(camera, alert.best_capture.uid, frames(alert, 1, side=333)).status_code == 202
    assert AlertClip.objects.get().seconds == 0


def test_frames_years_apart_make_no_endless_clip(alert, camera):
    said = [{"at": f"{year}-05-03T12:00:00Z", "jpeg": jpeg(90)} for year in (1980, 2026)]
    assert send(camera, alert.best_capture.uid, said).status_code == 202
    assert AlertClip.objects.get().file.size < 100_000


def test_after_its_days_it_goes_with_its_file(alert, camera, clips):
    send(camera, alert.best_capture.uid, frames(alert))
    name = AlertClip.objects.get().file.name
    AlertClip.objects.update(asked_at=timezone.now() - timedelta(days=6))
    assert alert_clips.forget() == 0
    AlertClip.objects.update(asked_at=timezone.now() - timedelta(days=8))
    alert.case.held_at = timezone.now()
    alert.case.save()
    assert alert_clips.forget() == 0, "a legal hold keeps it"
    alert.case.held_at = None
    alert.case.save()
    assert keeping.keep_to_days().counts["clips of alerts"] == 1
    assert not default_storage.exists(name)


def test_who_is_erased_is_in_no_clip_any_more(alert, camera):
    send(camera, alert.best_capture.uid, frames(alert))
    name = AlertClip.objects.get().file.name
    keeping.erase(alert.case)
    assert not default_storage.exists(name)


def test_over_the_api(alert, camera, as_admin):
    assert as_admin.get(f"/api/v1/alerts/{alert.pk}/").json()["clip_sha256"] == ""
    assert as_admin.get(f"/api/v1/alerts/{alert.pk}/clip/").status_code == 404
    send(camera, alert.best_capture.uid, frames(alert))
    clip = AlertClip.objects.get()
    assert as_admin.get(f"/api/v1/alerts/{alert.pk}/").json()["clip_sha256"] == clip.sha256
    assert as_admin.get(f"/api/v1/alerts/{alert.pk}/clip/")["Content-Type"] == "video/webm"
    collection = as_admin.patch(
        f"/api/v1/collections/{alert.case.collection_id}/", {"clip_days": 3}, content_type="application/json"
    )
    assert collection.json()["clip_days"] == 3
