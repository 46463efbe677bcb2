"""Captures that wait are looked at, searched for and written together, and come to what each would come to alone."""

import time
import uuid
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from celery.signals import worker_ready
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Collection, FailedWork, Team
from matching.faces import face_models, images
from matching.models import (
    Alert,
    Camera,
    Capture,
    Delivery,
    Probe,
    ProbeBits,
    Quiet,
    Review,
    Subscription,
    UnnamedPerson,
)
from matching.telling import dashboards, notifying
from matching.watching import calling, captures, looked, newcomers, tasks
from tests import at_once, faces

# No face.
EMPTY = images.to_jpeg(np.full((120, 120, 3), 90, np.uint8))
NOW = timezone.now() - timedelta(hours=1)


@pytest.fixture
def came(camera):
    """A capture that waits, as it does while the workers are busy."""

    def came(content: bytes, seconds: float = 0, camera: Camera = camera) -> Capture:
        at = NOW + timedelta(seconds=seconds)
        return captures.receive_capture(camera, content, uid=uuid.uuid4(), captured_at=at)

    return came


@pytest.fixture
def patient(monkeypatch):
    """A worker that looks at whatever waits, also where the machine is slow."""
    monkeypatch.setattr(captures, "LOOKING", 600)


@pytest.fixture
def called(monkeypatch) -> list[int]:
    """For which captures a worker was called, where none comes."""
    called: list[int] = []
    monkeypatch.setattr(tasks.match_capture, "delay", called.append)
    return called


def statuses() -> Counter[str]:
    return Counter(Capture.objects.values_list("status", flat=True))


def comes_to() -> dict[int, tuple[str, float, float]]:
    return {alert.case_id: (alert.strength, alert.similarity, alert.commonness) for alert in Alert.objects.all()}


def test_what_waits_is_matched_with_the_first(any_model, make_case, came, patient):
    case, other = make_case("MP1", faces.person(1)), make_case("MP2", faces.person(2))
    first = came(faces.person(1))
    for content in (faces.person(1), faces.person(3), EMPTY, faces.person(2)):
        came(content, seconds=10)
    captures.match_waiting(first.pk)
    assert statuses() == {"matched": 3, "no_candidate": 1, "no_face": 1}
    assert {alert.case: alert.capture_count for alert in Alert.objects.all()} == {case: 2, other: 1}
    # Those that raised no alert are found when somebody looks back.
    assert ProbeBits.objects.count() == 4
    for probe in Probe.objects.all():
        assert probe.crop.size > 0


def test_what_is_seen_now_waits_for_none_of_the_thousands_that_come_late(
    any_model, make_case, camera, came, patient, called, monkeypatch
):
    case = make_case("MP1", faces.person(1))
    monkeypatch.setattr(captures, "TOGETHER", 3)
    old = [came(faces.person(3), seconds=n) for n in range(6)]
    live = captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=timezone.now())
    captures.match_waiting(old[0].pk)
    live.refresh_from_db()
    assert live.status == "matched"
    assert statuses()["pending"] == 4
    assert Alert.objects.get().case == case
    # And the others, the oldest first.
    captures.match_waiting(old[5].pk)
    assert [Capture.objects.get(pk=one.pk).status for one in old[1:3]] == ["no_candidate"] * 2


def test_each_comes_to_what_it_comes_to_alone(model, make_case, came, patient):
    for number in (0, 1, 2):
        make_case(f"MP{number}", faces.person(number))
    pictures = [faces.person(0), faces.person(3), EMPTY, faces.made_poor(faces.person(4), 12), faces.person(2)]
    sent = [came(content) for content in pictures]
    captures.match_waiting(sent[0].pk)
    together = comes_to()
    Alert.objects.all().delete()
    alone = [came(content) for content in pictures]
    for capture in alone:
        captures.match_capture(capture.pk)
    assert len(together) == 2
    for case, (strength, *numbers) in comes_to().items():
        assert together[case] == (strength, *(pytest.approx(number, abs=1e-4) for number in numbers))
    for one, other in zip(sent, alone, strict=True):
        one.refresh_from_db()
        other.refresh_from_db()
        assert one.status == other.status
        assert hasattr(one, "probe") == hasattr(other, "probe")


def test_a_hundred_statements_are_not_asked_for_sixteen_strangers(any_model, make_case, came, patient):
    make_case("MP1", faces.person(1))
    sent = [came(faces.person(3), seconds=number * 100) for number in range(16)]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        captures.match_waiting(sent[0].pk)
    assert statuses() == {"no_candidate": 16}
    assert len(asked) < 60


def test_cameras_of_different_teams_are_matched_together_each_among_its_own(
    any_model, make_case, collection, camera, came, patient
):
    north, south = Team.objects.create(name="North"), Team.objects.create(name="South")
    theirs = Collection.objects.create(name="South's", reviewers=1)
    collection.teams.set([north])
    theirs.teams.set([south])
    camera.teams.set([north])
    far = Camera(name="Far")
    far.issue_token()
    far.teams.set([south])
    make_case("MP1", faces.person(1))
    own = make_case("MP2", faces.person(2), collection=theirs)
    first = came(faces.person(2))
    came(faces.person(2), camera=far)
    came(faces.person(1), camera=far)
    captures.match_waiting(first.pk)
    assert [(alert.camera, alert.case) for alert in Alert.objects.all()] == [(far, own)]
    assert statuses() == {"matched": 1, "no_candidate": 2}


def test_strangers_of_one_group_are_one_unnamed_person(any_model, make_case, collection, came, patient):
    collection.unnamed_days = 30
    collection.save()
    make_case("MP1", faces.person(1))
    first = came(faces.person(3))
    came(faces.person(3), seconds=1000)
    came(faces.person(4), seconds=1000)
    captures.match_waiting(first.pk)
    assert sorted(person.faces.count() for person in UnnamedPerson.objects.all()) == [1, 2]


def test_where_nothing_is_kept_nothing_is(any_model, make_case, collection, came, patient):
    collection.look_back_days = 0
    collection.save()
    make_case("MP1", faces.person(1))
    first = came(faces.person(3))
    came(faces.person(4))
    captures.match_waiting(first.pk)
    assert statuses() == {"no_candidate": 2}
    assert not Probe.objects.exists()
    assert not Capture.objects.exclude(image="").exists()


def test_one_that_breaks_spoils_no_other_and_waits_for_its_next_attempt(any_model, six_cases, came, patient):
    first = came(faces.person(1))
    lost = came(faces.person(2))
    third = came(faces.person(3))
    lost.image.storage.delete(lost.image.name)
    for capture in (first, lost, third):
        captures.match_waiting(capture.pk)
    assert statuses() == {"matched": 2, "pending": 1}
    assert {alert.case for alert in Alert.objects.all()} == {six_cases[1], six_cases[3]}
    assert FailedWork.objects.get().key == str(lost.pk)
    # It is left out of the next group, and looked at again in its own time.
    later = came(faces.person(4))
    captures.match_waiting(later.pk)
    assert FailedWork.objects.get().attempts == 1
    assert statuses() == {"matched": 3, "pending": 1}


def test_what_another_worker_looks_at_is_left_to_it(any_model, six_cases, came, patient):
    first, others = came(faces.person(1)), came(faces.person(2))
    cache.add(captures._mark(others), 1, 30)
    captures.match_waiting(first.pk)
    assert Capture.objects.get(status=Capture.Status.PENDING) == others
    cache.delete(captures._mark(others))
    captures.match_waiting(others.pk)
    assert statuses() == {"matched": 2}


def test_without_a_face_model_all_wait_on_and_nobody_holds_them(any_model, six_cases, came, patient):
    first, other = came(faces.person(1)), came(faces.person(2))
    any_model.is_active = False
    any_model.save()
    with pytest.raises(face_models.NoFaceModel):
        captures.match_waiting(first.pk)
    assert statuses() == {"pending": 2}
    assert not FailedWork.objects.exists()
    face_models.activate(any_model)
    captures.match_waiting(other.pk)
    assert statuses() == {"matched": 2}


def test_a_case_that_comes_while_captures_are_matched_finds_them(any_model, make_case, came, patient, monkeypatch):
    make_case("MP1", faces.person(1))
    first = came(faces.person(3))
    captures.match_capture(came(faces.person(4)).pk)
    keep = looked._keep

    def meanwhile(seen) -> None:
        make_case("MP3", faces.person(3))
        newcomers.look_back()
        keep(seen)

    monkeypatch.setattr(looked, "_keep", meanwhile)
    captures.match_waiting(first.pk)
    assert not Alert.objects.exists()
    assert newcomers.waits()
    newcomers.look_back()
    assert Alert.objects.get().seen_before
    assert not newcomers.waits()


def test_a_worker_looks_no_longer_than_its_time_before_it_tells_and_calls_another(
    any_model, six_cases, came, called, monkeypatch
):
    monkeypatch.setattr(captures, "LOOKING", 0)
    first = came(faces.person(1))
    other = came(faces.person(2))
    captures.match_waiting(first.pk)
    assert statuses() == {"matched": 1, "pending": 1}
    assert called == [other.pk]


def test_one_call_stands_for_all_that_come_before_it_is_heard(any_model, six_cases, came, called, patient):
    sent = [came(faces.person(number)) for number in (1, 2, 3)]
    for capture in sent:
        calling.call(capture.pk)
    assert called == [sent[0].pk]
    # It was taken with another's meanwhile: the others are not forgotten.
    captures.match_capture(sent[0].pk)
    captures.match_waiting(sent[0].pk)
    assert statuses() == {"matched": 3}
    calling.call(sent[2].pk)
    assert called == [sent[0].pk, sent[2].pk]


def test_a_capture_that_breaks_does_not_swallow_the_call_of_those_that_wait_behind_it(
    any_model, six_cases, came, called, patient
):
    lost, other = came(faces.person(1)), came(faces.person(2))
    lost.image.storage.delete(lost.image.name)
    calling.call(lost.pk)
    captures.match_waiting(lost.pk)
    assert statuses() == {"pending": 2}
    assert called == [lost.pk, lost.pk]
    captures.match_waiting(lost.pk)
    other.refresh_from_db()
    assert other.status == "matched"
    assert called == [lost.pk, lost.pk]


def test_a_call_that_is_lost_is_missed_soon(called, monkeypatch):
    monkeypatch.setattr(calling, "LOST", 1)
    calling.call(1)
    calling.call(2)
    time.sleep(1.1)
    calling.call(3)
    assert called == [1, 3]


def test_without_redis_each_is_called_for(called, no_redis):
    calling.call(1)
    calling.call(2)
    assert called == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_workers_at_one_heap_match_each_once(any_model, six_cases, camera):
    at_once.matched(camera, [faces.person(number % 6) for number in range(24)], [NOW] * 24, workers=4)
    assert statuses() == {"matched": 24}
    assert Probe.objects.count() == 24
    assert {alert.case: alert.capture_count for alert in Alert.objects.all()} == dict.fromkeys(six_cases, 4)


@pytest.fixture
def got_ready(monkeypatch) -> list[str]:
    """The face models that looked at a picture before there was a face."""
    ready: list[str] = []
    find = face_models.find_faces

    def noted(engine, rgb, **kwargs):
        ready.append(type(engine).__name__)
        return find(engine, rgb, **kwargs)

    monkeypatch.setattr(face_models, "find_faces", noted)
    return ready


@pytest.mark.django_db(transaction=True)
def test_a_worker_gets_ready_when_a_camera_is_let_in_and_when_it_is_started_again(any_model, got_ready):
    worker_ready.send(sender=None)
    assert not got_ready
    gate = Camera(name="Gate 9")
    gate.issue_token()
    assert len(got_ready) == 1
    gate.issue_token()
    assert len(got_ready) == 2
    worker_ready.send(sender=None)
    assert len(got_ready) == 3
    # A camera that is silent sends no face soon.
    Camera.objects.update(token_at=timezone.now() - timedelta(days=1))
    worker_ready.send(sender=None)
    assert len(got_ready) == 3
    Camera.objects.update(heartbeat_at=timezone.now())
    worker_ready.send(sender=None)
    assert len(got_ready) == 4


@pytest.mark.django_db(transaction=True)
def test_without_a_face_model_nothing_gets_ready_and_nothing_breaks(db, got_ready):
    Camera(name="Gate 9").issue_token()
    assert not got_ready


def test_what_several_captures_change_of_an_alert_is_written_and_told_once(
    any_model, make_case, camera, came, patient, django_capture_on_commit_callbacks, monkeypatch
):
    told: list[tuple[int, bool]] = []
    monkeypatch.setattr(dashboards, "tell", lambda pk, *, is_new: told.append((pk, is_new)))
    case, other = make_case("MP1", faces.person(1)), make_case("MP2", faces.person(2))
    sent = [came(faces.person(1), seconds=number) for number in range(12)]
    sent += [came(faces.person(2), seconds=number) for number in range(4)]
    with CaptureQueriesContext(connection) as asked, django_capture_on_commit_callbacks(execute=True):
        captures.match_waiting(sent[0].pk)
    assert {alert.case: alert.capture_count for alert in Alert.objects.all()} == {case: 12, other: 4}
    assert sorted(told) == sorted((alert.pk, True) for alert in Alert.objects.all())
    assert len(asked) < 60


def test_captures_of_one_heap_join_by_time_track_and_bridge_as_they_do_one_by_one(
    any_model, make_case, collection, camera, came, patient
):
    """The gap of an episode is a minute here: apart, between them, followed, and long after."""
    collection.episode_seconds = 60
    collection.save()
    make_case("MP1", faces.person(1))
    times, track = (0, 100, 50, 130, 900, 300, 250), uuid.uuid4()

    def send() -> list[Capture]:
        sent = [came(faces.person(1), seconds=second) for second in times]
        for second in (2000, 2500):
            at = NOW + timedelta(seconds=second)
            sent.append(
                captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=at, track=track)
            )
        return sent

    def come_to() -> list[tuple[int, float, float]]:
        return [
            (
                alert.entries.count(),
                (alert.first_captured_at - NOW).total_seconds(),
                (alert.last_captured_at - NOW).total_seconds(),
            )
            for alert in Alert.objects.order_by("first_captured_at")
        ]

    captures.match_waiting(send()[0].pk)
    together = come_to()
    assert [one.capture_count for one in Alert.objects.order_by("first_captured_at")] == [one[0] for one in together]
    Alert.everything.all().delete()
    Capture.objects.all().delete()
    for capture in send():
        captures.match_capture(capture.pk)
    assert come_to() == together == [(4, 0, 130), (2, 250, 300), (1, 900, 900), (2, 2000, 2500)]


def test_whom_a_heap_makes_stronger_by_joining_two_alerts_is_told_as_stronger(
    any_model, make_case, collection, user, came, patient
):
    collection.episode_seconds = 60
    collection.save()
    make_case("MP1", faces.person(1))
    captures.match_capture(came(faces.person(1)).pk)
    Subscription.objects.create(
        user=user, way="mail", address="kim@agency.example", strength="strong", confirmed_at=timezone.now()
    )
    Alert.objects.update(similarity=0.2, strength="weak")
    first = came(faces.person(1), seconds=100)
    came(faces.person(1), seconds=50)
    captures.match_waiting(first.pk)
    alert = Alert.objects.get()
    assert (alert.capture_count, alert.strength) == (3, "strong")
    assert [(one.alert, one.strength) for one in Delivery.objects.all()] == [(alert, "strong")]


def test_of_what_was_settled_nobody_is_woken_by_a_heap_either(any_model, make_case, camera, user, came, patient):
    case = make_case("MP1", faces.person(1))
    captures.match_capture(came(faces.person(1)).pk)
    notifying.review(Alert.objects.get(), Review.Word.DISMISSED, "", user)
    first = came(faces.person(1), seconds=4000)
    came(faces.person(1), seconds=4010)
    captures.match_waiting(first.pk)
    alert = Alert.objects.get()
    assert (alert.capture_count, alert.folded_count, alert.entries.count()) == (3, 2, 3)
    Quiet.objects.create(case=case, camera=camera, until=timezone.now() + timedelta(hours=1))
    first = came(faces.person(1), seconds=9000)
    came(faces.person(1), seconds=9010)
    captures.match_waiting(first.pk)
    alert.refresh_from_db()
    assert (alert.capture_count, alert.folded_count) == (5, 4)
    assert Alert.objects.count() == 1
