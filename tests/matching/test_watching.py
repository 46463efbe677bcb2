"""Walk 3: a capture raises one alert an episode, whatever happens twice or out of order."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from cases.models import Collection
from matching.faces import images
from matching.models import Alert, Camera, Capture
from matching.watching import captures, thresholds
from tests import faces

NOW = timezone.now() - timedelta(hours=1)


@pytest.fixture
def send(camera):
    def send(person: int = 1, seconds: float = 0, camera=camera, match: bool = True) -> Capture:
        capture = captures.receive_capture(
            camera,
            faces.person(person),
            uid=uuid.uuid4(),
            captured_at=NOW + timedelta(seconds=seconds),
            detection_score=0.9,
        )
        if match:
            captures.match_capture(capture.pk)
        capture.refresh_from_db()
        return capture

    return send


def test_it_works(model, six_cases, send, camera):
    capture = send(person=1)
    alert = Alert.objects.get()
    assert (alert.case, alert.camera, alert.status) == (six_cases[1], camera, Alert.Status.NEW)
    assert alert.capture_count == 1
    assert alert.best_capture == capture
    assert alert.best_face.case == six_cases[1]
    assert capture.status == Capture.Status.MATCHED


def test_captures_within_a_minute_of_the_last_join_one_alert(any_model, six_cases, send):
    for seconds in (0, 50, 100, 150):
        send(seconds=seconds)
    alert = Alert.objects.get()
    assert alert.capture_count == 4
    assert alert.last_captured_at - alert.first_captured_at == timedelta(seconds=150)


def test_after_a_minute_of_quiet_a_new_alert_begins(any_model, six_cases, send):
    send(seconds=0)
    send(seconds=61)
    assert Alert.objects.count() == 2


def test_captures_that_arrive_late_join_the_episode_they_belong_to(any_model, six_cases, send):
    send(seconds=0)
    send(seconds=600)
    send(seconds=30)
    assert sorted(Alert.objects.values_list("capture_count", flat=True)) == [1, 2]


def test_another_camera_and_another_person_have_their_own_alerts(any_model, six_cases, send):
    second = Camera(name="Gate 4")
    second.issue_token()
    send(person=1)
    send(person=2)
    send(person=1, camera=second)
    assert Alert.objects.count() == 3


def test_the_best_capture_is_kept(any_model, six_cases, send, camera):
    import cv2

    rgb = images.open_image(faces.person(1)).rgb
    poor = captures.receive_capture(
        camera, images.to_jpeg(cv2.GaussianBlur(rgb, (0, 0), 2)), uid=uuid.uuid4(), captured_at=NOW
    )
    captures.match_capture(poor.pk)
    good = send(seconds=5)
    alert = Alert.objects.get()
    assert alert.best_capture == good
    send(seconds=6)
    assert Alert.objects.get().similarity == pytest.approx(alert.similarity)


def test_matching_twice_counts_once(any_model, six_cases, send):
    capture = send()
    captures.match_capture(capture.pk)
    Capture.objects.update(status=Capture.Status.MATCHED)
    captures.match_capture(capture.pk)
    assert Alert.objects.get().capture_count == 1


def test_a_stranger_raises_nothing(any_model, six_cases, camera):
    capture = captures.receive_capture(camera, faces.astronaut(), uid=uuid.uuid4())
    captures.match_capture(capture.pk)
    capture.refresh_from_db()
    assert capture.status == Capture.Status.NO_CANDIDATE
    assert not Alert.objects.exists()


def test_a_crop_without_a_face_says_so(any_model, six_cases, camera):
    import numpy as np

    capture = captures.receive_capture(camera, images.to_jpeg(np.full((90, 90, 3), 70, np.uint8)), uid=uuid.uuid4())
    captures.match_capture(capture.pk)
    capture.refresh_from_db()
    assert capture.status == Capture.Status.NO_FACE


def test_a_closed_case_and_a_silent_collection_raise_nothing(any_model, six_cases, send):
    six_cases[1].close("found")
    send(person=1)
    Collection.objects.update(alert_level=Collection.AlertLevel.OFF)
    send(person=2)
    assert not Alert.objects.exists()


def test_the_same_id_is_the_same_capture(any_model, camera):
    uid = uuid.uuid4()
    first = captures.receive_capture(camera, faces.person(0), uid=uid)
    assert captures.receive_capture(camera, faces.person(0), uid=uid) == first
    assert Capture.objects.count() == 1


def test_a_clock_that_runs_ahead_is_not_believed(any_model, camera):
    ahead = timezone.now() + timedelta(days=1)
    capture = captures.receive_capture(camera, faces.person(0), uid=uuid.uuid4(), captured_at=ahead)
    assert capture.captured_at <= timezone.now()


def test_a_box_tells_which_of_two_faces_is_meant(any_model, six_cases, camera):
    rgb = faces.group()
    middle = faces.GROUP_MIDDLES[4] * rgb.shape[1]
    capture = captures.receive_capture(
        camera, faces.GROUP.read_bytes(), uid=uuid.uuid4(), box=[middle - 50, 90, middle + 50, 200]
    )
    captures.match_capture(capture.pk)
    # Among so few cases others may raise an alert too; the one whose face was meant is the most alike.
    assert Alert.objects.order_by("-similarity")[0].case == six_cases[4]


@pytest.mark.django_db(transaction=True)
def test_captures_of_one_moment_in_several_workers_make_one_alert(any_model, six_cases, send):
    from mpsite.celery import app

    app.conf.task_always_eager = False
    seen = [send(seconds=n, match=False) for n in range(6)]
    start = threading.Barrier(len(seen))

    def work(pk: int) -> None:
        start.wait()
        captures.match_capture(pk)
        connections.close_all()

    threads = [threading.Thread(target=work, args=(capture.pk,)) for capture in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Alert.objects.get().capture_count == 6


def test_the_threshold_of_a_collection_follows_its_number_of_cases(any_model, six_cases, camera):
    """A likeness that is enough among few cases is not enough among many."""
    from matching.gallery import calibration

    calibrated = calibration.of(any_model)
    few, many = (calibrated.threshold(0.01, cases) for cases in (6, 100_000))
    hit = calibrated.fpir((few + many) / 2, 6), calibrated.fpir((few + many) / 2, 100_000)
    assert hit[0] < 0.01 < hit[1]
    captures.match_capture(captures.receive_capture(camera, faces.person(3), uid=uuid.uuid4()).pk)
    best = Alert.objects.order_by("-similarity")[0]
    assert (best.case, best.gallery_size) == (six_cases[3], 6)
    assert all(alert.similarity - alert.allowance >= few for alert in Alert.objects.all())


def test_captures_of_one_track_are_one_episode_however_long_it_lasts(any_model, six_cases, camera, send):
    track = uuid.uuid4()
    for minutes in (0, 20):
        seen_at = NOW + timedelta(minutes=minutes)
        capture = captures.receive_capture(camera, faces.person(2), uid=uuid.uuid4(), captured_at=seen_at, track=track)
        captures.match_capture(capture.pk)
    send(person=2, seconds=40 * 60)
    assert sorted(Alert.objects.values_list("capture_count", flat=True)) == [1, 2]


@pytest.mark.parametrize("many", [20, 1])
def test_each_collection_goes_by_its_own_level_though_all_are_searched_at_once(
    any_model, six_cases, make_case, send, monkeypatch, many
):
    monkeypatch.setattr(thresholds, "LIKE_MANY", many)
    other = Collection.objects.create(name="Wanted", reviewers=1, alert_level=Collection.AlertLevel.OFF)
    twin = make_case("W1", faces.person(1), collection=other)

    def raised(seconds: float) -> set:
        capture = send(person=1, seconds=seconds)
        return {entry.alert.case for entry in capture.entries.select_related("alert__case")}

    assert raised(0) == {six_cases[1]}
    Collection.objects.update(alert_level=Collection.AlertLevel.OFF)
    Collection.objects.filter(pk=other.pk).update(alert_level=Collection.AlertLevel.STANDARD)
    assert raised(300) == {twin}
    Collection.objects.update(alert_level=Collection.AlertLevel.STANDARD)
    assert raised(600) == {six_cases[1], twin}
