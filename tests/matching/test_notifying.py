"""Walk 4: dashboards at once and after a lost connection, subscribers by messages that are tried again."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.utils import timezone

from matching.consumers import alerts
from matching.consumers.alerts import NOT_SIGNED_IN, AlertConsumer
from matching.models import Alert, Delivery, Subscription
from matching.telling import dashboards, notifying
from matching.watching import captures
from tests import faces
from tests.listener import listening

pytestmark = pytest.mark.django_db(transaction=True)


def see(camera, person: int = 1, ago: float = 0) -> Alert:
    capture = captures.receive_capture(
        camera, faces.person(person), uid=uuid.uuid4(), captured_at=timezone.now() - timedelta(seconds=ago)
    )
    captures.match_capture(capture.pk)
    return Alert.objects.latest("updated_at")


def dashboard(user, during, since: str | None = None, expected: int = 1) -> list[dict]:
    """Open a dashboard's websocket, do something meanwhile, and return the alerts that came."""

    def meanwhile() -> None:
        try:
            during()
        finally:
            connection.close()  # this thread's own, which would outlive the test

    async def session() -> list[dict]:
        socket = WebsocketCommunicator(AlertConsumer.as_asgi(), "/ws/alerts/")
        socket.scope["user"] = user
        await socket.connect(timeout=20)
        assert (await socket.receive_json_from(timeout=20))["kind"] == "ready"
        await asyncio.to_thread(meanwhile)
        if since:
            await socket.send_json_to({"since": since})
        messages = [await socket.receive_json_from(timeout=5) for _ in range(expected)]
        assert await socket.receive_nothing(0.2)
        await socket.disconnect()
        return messages

    return async_to_sync(session)()


def test_it_works(any_model, six_cases, camera, user):
    (message,) = dashboard(user, lambda: see(camera))
    assert message["kind"] == "alert"
    assert message["status"] == "new"
    for shown in ("Person MP1", "Gate 3", "Main station", "Confirm"):
        assert shown in message["html"]


def test_captures_that_join_an_alert_in_one_moment_are_shown_once(any_model, six_cases, camera, user):
    alert = see(camera)

    def join() -> None:
        for _ in range(5):
            dashboards.tell(alert.pk, is_new=False)
        Alert.objects.update(capture_count=6)

    (message,) = dashboard(user, join)
    assert (message["id"], "6 captures" in message["html"]) == (alert.pk, True)


def test_what_was_missed_while_away_comes_on_return(any_model, six_cases, camera, user):
    before = timezone.now().isoformat()
    alerts = [see(camera, person) for person in (1, 2)]
    messages = dashboard(user, lambda: None, since=before, expected=2)
    assert [m["id"] for m in messages] == [alert.pk for alert in alerts]


def test_a_review_reaches_the_other_dashboards(any_model, six_cases, camera, user):
    alert = see(camera)
    (message,) = dashboard(user, lambda: notifying.review(alert, "dismissed", "a poster", user))
    assert message["status"] == "dismissed"
    assert "a poster" in message["html"]


def test_who_is_not_signed_in_is_sent_away():
    async def session() -> dict:
        socket = WebsocketCommunicator(AlertConsumer.as_asgi(), "/ws/alerts/")
        socket.scope["user"] = AnonymousUser()
        await socket.connect(timeout=20)
        return await socket.receive_output()

    assert async_to_sync(session)()["code"] == NOT_SIGNED_IN


@pytest.fixture
def webhook():
    """A service that takes messages."""
    with listening() as service:
        service.status = 200
        yield service


@pytest.fixture
def subscribe(user, webhook, settings):
    settings.ALERT_PRIVATE_HOSTS = True

    def make(**fields) -> Subscription:
        return Subscription.objects.create(user=user, address=f"json://127.0.0.1:{webhook.server_port}/", **fields)

    return make


def test_a_subscriber_gets_one_message_an_alert_not_one_a_capture(any_model, six_cases, camera, subscribe, webhook):
    subscribe()
    see(camera, ago=20)
    see(camera, ago=10)
    assert len(webhook.got) == 1
    assert b"Person MP1" in webhook.got[0][1]
    assert Delivery.objects.get().status == Delivery.Status.SENT


def test_a_refused_message_is_tried_again_and_not_sent_twice(any_model, six_cases, camera, subscribe, webhook):
    subscribe()
    webhook.status = 503
    see(camera)
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == (Delivery.Status.WAITING, 1)
    assert delivery.next_attempt_at > timezone.now()
    webhook.status = 200
    notifying.deliver(delivery.pk)
    assert Delivery.objects.get().status == Delivery.Status.WAITING, "not before its time"
    Delivery.objects.update(next_attempt_at=timezone.now())
    notifying.deliver(delivery.pk)
    notifying.deliver(delivery.pk)
    assert Delivery.objects.get().status == Delivery.Status.SENT
    assert len(webhook.got) == 2


def test_a_delivery_that_never_succeeds_is_given_up(any_model, six_cases, camera, subscribe, webhook):
    subscribe()
    webhook.status = 503
    see(camera)
    for _ in notifying.RETRY_MINUTES:
        Delivery.objects.update(next_attempt_at=timezone.now())
        notifying.deliver(Delivery.objects.get().pk)
    assert Delivery.objects.get().status == Delivery.Status.FAILED
    assert "503" in Delivery.objects.get().error


def test_a_subscription_to_another_collection_hears_nothing(any_model, six_cases, camera, subscribe, webhook):
    from cases.models import Collection

    subscribe(collection=Collection.objects.create(name="Wanted"))
    see(camera)
    assert webhook.got == []


def test_a_change_is_drawn_once_however_many_dashboards_are_open(any_model, six_cases, camera, user, monkeypatch):
    drawn = []
    before = alerts._draw

    def counted(ids):
        drawn.append(list(ids))
        return before(drawn[-1])

    monkeypatch.setattr(alerts, "_draw", counted)

    def seen() -> None:
        try:
            see(camera)
        finally:
            connection.close()

    async def scenario() -> list[dict]:
        opened = [WebsocketCommunicator(AlertConsumer.as_asgi(), "/ws/alerts/") for _ in range(5)]
        for one in opened:
            one.scope["user"] = user
            await one.connect(timeout=20)
            await one.receive_json_from(timeout=20)
        await asyncio.to_thread(seen)
        got = [await one.receive_json_from(timeout=5) for one in opened]
        for one in opened:
            await one.disconnect()
        return got

    got = async_to_sync(scenario)()
    assert len(got) == 5
    assert {one["kind"] for one in got} == {"alert"}
    assert len(drawn) == 1
