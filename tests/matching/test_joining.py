"""Two alerts that a late capture shows to be one become one; what people said of either is not lost."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from cases.models import AuditEvent
from matching.models import Alert, AlertClip, Camera, Delivery, Review, Subscription
from matching.telling import board, joining, notifying
from matching.watching import captures
from tests import faces
from tests.matching.test_notifying import dashboard

pytestmark = pytest.mark.django_db(transaction=True)
NOON = timezone.now() - timedelta(minutes=8)


@pytest.fixture
def send(any_model, six_cases, camera):
    def send(second: float, *, person: int = 1, track: uuid.UUID | None = None, at: Camera | None = None) -> None:
        captures.receive_capture(
            at or camera,
            faces.person(person),
            uid=uuid.uuid4(),
            captured_at=NOON + timedelta(seconds=second),
            track=track,
        )

    return send


@pytest.fixture
def two(send) -> tuple[Alert, Alert]:
    """Two alerts of one person, a hundred seconds apart, with an episode of sixty."""
    send(0)
    send(100)
    later, earlier = Alert.objects.all()
    return earlier, later


def test_it_works(two, send, signed_in, as_admin):
    send(50)
    alert = Alert.objects.get()
    assert alert == two[0]
    assert (alert.capture_count, alert.entries.count()) == (3, 3)
    assert alert.last_captured_at - alert.first_captured_at == timedelta(seconds=100)
    assert f"alert {two[1].pk}" in AuditEvent.objects.get(action="joined alerts").why
    # Who was sent a link to the other arrives all the same.
    assert signed_in.get(f"/alerts/{two[1].pk}/").url == f"/alerts/{alert.pk}/"
    assert as_admin.get(f"/api/v1/alerts/{two[1].pk}/").json()["id"] == alert.pk
    assert [one["id"] for one in as_admin.get("/api/v1/alerts/").json()["results"]] == [alert.pk]


def test_the_best_capture_of_both_is_shown(two, send):
    Alert.objects.filter(pk=two[1].pk).update(similarity=2, strength="strong")
    send(50)
    alert = Alert.objects.get()
    assert alert.similarity == 2
    assert alert.best_capture_id == two[1].best_capture_id


def test_a_track_that_runs_through_both_joins_them(send):
    track = uuid.uuid4()
    send(0, track=track)
    send(300)
    assert Alert.objects.count() == 2
    send(280, track=track)
    assert Alert.objects.get().capture_count == 3


def test_three_become_one_and_links_to_each_lead_there(send, signed_in):
    for second in (0, 100, 200):
        send(second)
    numbers = list(Alert.objects.values_list("pk", flat=True))
    send(150)
    send(50)
    alert = Alert.objects.get()
    assert alert.capture_count == 5
    for number in set(numbers) - {alert.pk}:
        assert signed_in.get(f"/alerts/{number}/").url == f"/alerts/{alert.pk}/"


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("how", ["confirmed", "comment", "taken"])
def test_the_one_of_which_people_said_something_stays(two, send, user, which, how):
    said = two[which]
    if how == "confirmed":
        notifying.review(said, Review.Word.CONFIRMED, "mole", user)
    elif how == "comment":
        board.comment(said, user, "Called the station")
    else:
        board.take(said, user)
    send(50)
    alert = Alert.objects.get()
    assert alert == said
    assert alert.capture_count == 3
    assert (alert.reviews.count(), alert.comments.count()) == (int(how == "confirmed"), int(how == "comment"))


def test_two_of_which_people_said_something_stay_apart(two, send, user):
    for one in two:
        notifying.review(one, Review.Word.CONFIRMED, "", user)
    send(50)
    assert Alert.objects.count() == 2
    assert sorted(Alert.objects.values_list("capture_count", flat=True)) == [1, 2]


@pytest.mark.parametrize("status", ["dismissed", "closed"])
def test_one_that_waits_does_not_vanish_in_one_that_is_over(two, send, status):
    """Somebody else may have been dismissed there a moment before."""
    Alert.objects.filter(pk=two[0].pk).update(status=status)
    with transaction.atomic():
        assert joining.together(list(Alert.objects.all())) == two[1]
    assert dict(Alert.objects.values_list("pk", "status")) == {two[0].pk: status, two[1].pk: "new"}


def test_another_camera_or_another_person_joins_nothing(two, send):
    other = Camera(name="Other")
    other.issue_token()
    send(50, at=other)
    send(50, person=2)
    assert Alert.objects.filter(case=two[0].case, camera=two[0].camera).count() == 2


def test_nobody_is_told_twice(any_model, six_cases, camera, user, send):
    subscription = Subscription.objects.create(
        user=user, address="json://192.0.2.1/", confirmed_at=timezone.now(), wait_minutes=30
    )
    send(0)
    send(100)
    assert Delivery.objects.filter(subscription=subscription, status="waiting").count() == 2
    send(50)
    assert Delivery.objects.filter(status="waiting").count() == 1
    assert Delivery.objects.get(status="waiting").alert == Alert.objects.get()
    assert Delivery.objects.filter(status="not_needed").count() == 1


def test_a_word_on_one_that_has_just_become_part_of_another_is_said_of_that_one(two, send, user):
    seen = two[1]
    send(50)
    notifying.review(seen, Review.Word.CONFIRMED, "", user)
    assert Review.objects.get().alert == Alert.objects.get()
    assert Alert.objects.get().status in ("proposed", "confirmed")


def test_the_clip_of_the_only_one_that_has_one_stays(two, send):
    AlertClip.objects.create(alert=two[1], capture=two[1].best_capture, is_gone=True)
    send(50)
    assert AlertClip.objects.get().alert == Alert.objects.get()


def test_open_dashboards_take_its_card_away_and_those_that_were_away_do_so_later(two, send, user):
    kinds = {one["kind"]: one["id"] for one in dashboard(user, lambda: send(50), expected=2)}
    assert kinds == {"gone": two[1].pk, "alert": two[0].pk}
    missed = dashboard(user, lambda: None, since=NOON.isoformat(), expected=2)
    assert [(one["kind"], one["id"]) for one in missed] == [("gone", two[1].pk), ("alert", two[0].pk)]


def test_late_captures_that_come_at_once_leave_one_alert(two, send):
    def one(second: float) -> None:
        try:
            send(second)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(second,)) for second in (40, 45, 50, 55, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alert = Alert.objects.get()
    assert alert.capture_count == alert.entries.count() == 7


def test_what_became_part_of_another_team_s_alert_shows_nothing(two, send, client):
    send(50)
    User.objects.create_user("new")
    client.force_login(User.objects.get(username="new"))
    assert client.get(f"/alerts/{two[1].pk}/").status_code == 403
