"""Who is told of what, when, by which way; what a message says; and where none may go."""

import base64
import json
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from cases import public_hosts
from cases.models import AuditEvent, Collection, Team
from cases.sealed import unseal
from matching.models import Alert, AlertCapture, Camera, Capture, Delivery, Review, Subscription
from matching.telling import board, episodes, notifying, outward, push
from matching.watching import captures
from tests import at_once, faces
from tests.listener import listening
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def webhook(settings):
    """A service that takes messages."""
    settings.ALERT_PRIVATE_HOSTS = True
    with listening() as service:
        service.status = 200
        yield service


@pytest.fixture
def subscribe(user, webhook):
    def make(**fields) -> Subscription:
        address = f"json://127.0.0.1:{webhook.server_port}/"
        return Subscription.objects.create(**{"user": user, "name": "phone", "address": address, **fields})

    return make


def see(camera, person: int = 1, ago: float = 0, picture: bytes | None = None) -> Alert | None:
    capture = captures.receive_capture(
        camera,
        picture or faces.person(person),
        uid=uuid.uuid4(),
        captured_at=timezone.now() - timedelta(seconds=ago),
    )
    captures.match_capture(capture.pk)
    entry = AlertCapture.objects.filter(capture=capture).first()
    return entry.alert if entry else None


def told(webhook) -> list[str]:
    return [json.loads(body)["message"] for _, body in webhook.got]


def due() -> None:
    """As the sweep does later on."""
    Delivery.objects.filter(status="waiting").update(next_attempt_at=timezone.now())
    for pk in Delivery.objects.filter(status="waiting").values_list("pk", flat=True):
        notifying.deliver(pk)


def test_a_message_says_who_where_when_and_what_the_likeness_is_worth(
    any_model, make_case, camera, subscribe, webhook, settings
):
    settings.PUBLIC_URL = "https://sightline.example/"
    make_case("MP7", faces.person(1), sex="female", age_from=34, last_seen_on="2024-03-02", last_seen_place="Old Town")
    subscribe()
    alert = see(camera)
    (said,) = told(webhook)
    for words in ("Person MP7", "MP7", "Female, 34 when last seen", "2024-03-02 Old Town", "Gate 3, Main station",
                  f"{alert.similarity:.2f}, strong", "A stranger's best candidate", "Not confirmed", "UTC",
                  f"https://sightline.example/alerts/{alert.pk}/"):  # fmt: skip
        assert words in said
    assert json.loads(webhook.got[0][1])["attachments"] == []


def test_pictures_leave_only_by_a_way_that_is_marked_for_them(any_model, six_cases, camera, subscribe, webhook):
    subscribe(with_pictures=True)
    see(camera)
    assert len(json.loads(webhook.got[0][1])["attachments"]) == 2


@pytest.mark.parametrize(
    ("fields", "is_told"),
    [
        ({}, True),
        ({"strength": "strong"}, True),
        ({"place": "station"}, True),
        ({"place": "harbour"}, False),
        ({"is_active": False}, False),
        ({"collection": "Wanted"}, False),
        ({"camera": "Gate 9"}, False),
        ({"hours": (-60, 60)}, True),
        ({"hours": (60, 120)}, False),
        ({"hours": (60, -60)}, False),
    ],
)
def test_who_is_told_of_what(any_model, six_cases, camera, subscribe, webhook, fields, is_told):
    fields = dict(fields)
    if "collection" in fields:
        fields["collection"] = Collection.objects.create(name=fields["collection"])
    if "camera" in fields:
        fields["camera"] = Camera(name=fields["camera"])
        fields["camera"].issue_token()
    if "hours" in fields:
        begin, end = ((timezone.localtime() + timedelta(minutes=m)).time() for m in fields.pop("hours"))
        fields |= {"hours_from": begin, "hours_until": end}
    subscribe(**fields)
    see(camera)
    assert bool(webhook.got) == is_told


def test_whoever_does_not_see_a_collection_is_not_told_of_it(
    any_model, six_cases, camera, collection, subscribe, webhook
):
    collection.teams.add(Team.objects.create(name="County"))
    subscribe()
    assert see(camera)
    assert webhook.got == []


def test_an_alert_is_told_again_only_when_its_strength_rises_a_step(
    any_model, six_cases, camera, subscribe, webhook, monkeypatch
):
    subscribe()
    words = iter(["fair", "weak", "fair", "strong", "strong"])

    def judge(alert: Alert) -> None:
        alert.strength, alert.strength_why = next(words, "strong"), "x"

    monkeypatch.setattr(episodes.strengths, "judge_alert", judge)
    for ago in (9, 8, 7, 6, 5):
        see(camera, ago=ago)
    assert Alert.objects.count() == 1
    assert list(Delivery.objects.order_by("pk").values_list("strength", flat=True)) == ["fair", "strong"]


def test_weak_alerts_are_told_together(any_model, six_cases, camera, subscribe, webhook, monkeypatch):
    subscribe(digest_minutes=30)

    def judge(alert: Alert) -> None:
        alert.strength, alert.strength_why = "weak", "x"

    monkeypatch.setattr(episodes.strengths, "judge_alert", judge)
    for number in (1, 2, 3):
        see(camera, number)
    assert webhook.got == []
    assert Delivery.objects.filter(next_attempt_at__gt=timezone.now() + timedelta(minutes=29)).count() == 3
    notifying.review(Alert.objects.get(case__number="MP3"), "dismissed", "", person("lee", "Reviewer"))
    due()
    (said,) = told(webhook)
    assert "MP1" in said
    assert "MP2" in said
    assert "MP3" not in said, "nobody need see to it any more"
    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["not_needed", "sent", "sent"]


def test_what_came_late_is_told_together_and_not_as_a_nights_burst(
    any_model, six_cases, camera, subscribe, webhook, signed_in
):
    """The network was away all night."""
    one = subscribe()
    for number, ago in ((1, 20_000), (2, 10_000), (3, 700)):
        see(camera, number, ago=ago)
    assert webhook.got == []
    waiting = Delivery.objects.filter(status="waiting")
    assert waiting.values("next_attempt_at").distinct().count() == 1
    assert waiting[0].next_attempt_at < timezone.now() + timedelta(minutes=4)
    see(camera, 4)
    assert len(webhook.got) == 1, "what is seen now is told now"
    due()
    (_, said) = told(webhook)
    assert said.count("Gate 3, Main station: told late") == 1
    assert [said.index(f"MP{number}") for number in (1, 2, 3)] == sorted(said.index(f"MP{n}") for n in (1, 2, 3))
    assert "Seen 20" in said
    # More of it does not come at once.
    see(camera, 5, ago=9_000)
    later = Delivery.objects.get(status="waiting")
    assert later.next_attempt_at > timezone.now() + timedelta(minutes=25)
    assert later.subscription == one
    page = signed_in.get("/alerts/").content.decode()
    assert page.count("Came late") == 4
    assert page.count('data-quiet="yes"') == 4


def test_the_next_person_is_told_where_nobody_has_taken_an_alert(
    any_model, six_cases, camera, subscribe, webhook, user
):
    subscribe(wait_minutes=10)
    first, second = see(camera, 1), see(camera, 2)
    assert webhook.got == []
    board.take(first, user)
    due()
    (said,) = told(webhook)
    assert second.case.number in said
    assert Delivery.objects.get(alert=first).status == "not_needed"


def test_a_case_that_is_closed_closes_its_alerts_and_opens_them_again(any_model, six_cases, camera, user):
    alert, decided = see(camera, 1), see(camera, 2)
    notifying.review(decided, "confirmed", "", user)
    for one in (alert, decided):
        one.case.close("found")
        one.refresh_from_db()
    assert (alert.status, decided.status) == ("closed", "confirmed")
    assert see(camera, 1) is None, "a closed case is not searched"
    alert.case.reopen()
    alert.refresh_from_db()
    assert alert.status == "new"


def test_a_confirmed_sighting_can_end_further_alerts(
    any_model, six_cases, camera, collection, user, subscribe, webhook
):
    subscribe()
    collection.stop_when_confirmed = True
    collection.save()
    alert = see(camera, ago=500)
    notifying.review(alert, "confirmed", "", user)
    elsewhere = Camera(name="Gate 9")
    elsewhere.issue_token()
    assert [see(camera).pk, see(elsewhere).pk] == [alert.pk, alert.pk]
    alert.refresh_from_db()
    assert (Alert.objects.count(), alert.capture_count, alert.folded_count) == (1, 3, 2)
    assert len(webhook.got) == 1


def test_a_case_is_quiet_at_one_camera_for_a_while(any_model, six_cases, camera, signed_in, subscribe, webhook):
    subscribe()
    alert = see(camera, ago=500)
    assert "Say why" in signed_in.post(f"/alerts/{alert.pk}/quiet/", {"hours": 8}, follow=True).content.decode()
    page = signed_in.post(f"/alerts/{alert.pk}/quiet/", {"hours": 8, "reason": "works there"}, follow=True)
    assert "Quiet at Gate 3 until" in page.content.decode()
    assert see(camera).pk == alert.pk
    assert see(camera, 2).pk != alert.pk, "another case is told"
    signed_in.post(f"/alerts/{alert.pk}/quiet/", {"hours": 0})
    Alert.objects.filter(pk=alert.pk).update(last_captured_at=timezone.now() - timedelta(minutes=5))
    assert see(camera).pk != alert.pk
    assert AuditEvent.objects.filter(action="made quiet", why="8 h: works there").exists()


def test_a_whole_camera_is_quiet_for_a_while_and_its_alerts_stand_on_the_board(
    any_model, six_cases, camera, signed_in, subscribe, webhook
):
    subscribe(strength="weak")
    where = f"/cameras/{camera.pk}/quiet/"
    assert "Say why" in signed_in.post(where, {"hours": 8}, follow=True).content.decode()
    page = signed_in.post(where, {"hours": 8, "reason": "a film crew"}, follow=True).content.decode()
    assert "Nobody is told of its alerts until" in page
    alert = see(camera, 1)
    assert alert.status == "new"
    board_page = signed_in.get("/alerts/").content.decode()
    assert "a film crew" in board_page
    assert 'data-quiet="yes"' in board_page
    assert told(webhook) == []
    # Another camera is not quiet, and this one no longer once that is ended.
    other = Camera(name="Yard")
    other.issue_token()
    see(other, 1)
    due()
    assert len(told(webhook)) == 1
    signed_in.post(where, {"hours": 0})
    see(camera, 2)
    due()
    assert len(told(webhook)) == 2
    assert AuditEvent.objects.filter(action="made quiet", why="8 h: a film crew").exists()
    assert AuditEvent.objects.filter(action="ended quiet").exists()


def test_an_episode_is_as_long_as_its_collection_says(any_model, six_cases, camera, collection):
    see(camera, ago=300)
    see(camera, ago=200)
    assert Alert.objects.count() == 2
    Alert.objects.all().delete()
    collection.episode_seconds = 120
    collection.save()
    see(camera, ago=300)
    see(camera, ago=200)
    assert Alert.objects.get().capture_count == 2


# Ways, and where none may go.


def test_an_address_is_sealed_and_never_shown_again(signed_in, user, settings):
    form = {"name": "Desk", "address": "mailtos://kim:s3cret@mail.example.com", "strength": "weak",
            "wait_minutes": 0, "digest_minutes": 0, "is_active": "on"}  # fmt: skip
    assert "Desk is saved" in signed_in.post("/subscriptions/new/", form, follow=True).content.decode()
    made = Subscription.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM matching_subscription")
        assert "s3cret" not in cursor.fetchone()[0]
    for path in ("/subscriptions/", f"/subscriptions/{made.pk}/"):
        assert "s3cret" not in signed_in.get(path).content.decode()
    signed_in.post(f"/subscriptions/{made.pk}/", {**form, "name": "Night desk", "address": ""})
    again = Subscription.objects.get()
    assert (again.name, unseal(again.address)) == ("Night desk", form["address"])
    assert "s3cret" not in str(list(AuditEvent.objects.values()))
    settings.SECRET_KEY = "another"
    with pytest.raises(outward.NotTaken, match="Enter it again"):
        outward.send(again, "title", "body", "")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("not an address", "no address"),
        ("json://127.0.0.1/", "private host"),
        ("json://localhost:8000/x", "private host"),
        ("jsons://10.1.2.3/", "private host"),
        ("json://[::1]/", "private host"),
        ("json://169.254.169.254/latest/meta-data", "private host"),
        ("json://0x7f000001/", "private host"),
        ("json://2130706433/", "private host"),
        ("mailto://kim:x@192.168.1.1", "private host"),
        ("syslog://", "own screen"),
        ("file:///etc/passwd", "no address"),
    ],
)
def test_an_address_of_a_private_host_is_refused_in_words(signed_in, address, why):
    form = {"name": "x", "address": address, "strength": "weak", "wait_minutes": 0, "digest_minutes": 0}
    answer = signed_in.post("/subscriptions/new/", form)
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("address", [
    "json://example.com/ rsyslog://127.0.0.1/", "json://example.com/, json://127.0.0.1/",
    "json://example.com/\nrsyslog://127.0.0.1:514/", "json://example.com/;json://10.0.0.1/,mailto://kim:x@10.0.0.1",
])  # fmt: skip
def test_several_addresses_in_one_field_are_refused_and_an_old_one_is_not_sent_to(signed_in, user, webhook, address):
    form = {"name": "x", "address": address, "strength": "weak", "wait_minutes": 0, "digest_minutes": 0}
    answer = signed_in.post("/subscriptions/new/", form)
    assert answer.status_code == 422
    assert not Subscription.objects.exists()
    old = Subscription.objects.create(
        user=user, name="x", address=f"json://example.com/ json://127.0.0.1:{webhook.server_port}/"
    )
    with pytest.raises(outward.NotTaken, match="One address"):
        outward.send(old, "title", "body", "")
    assert not webhook.got


@pytest.mark.parametrize(
    "address",
    ["rsyslog://example.com/", "growl://example.com/", "aprs://kim:x@example.com", "xmpp://kim:x@example.com",
     "mqtt://example.com/topic", "smpp://kim:x@example.com/15551234567/15551234568"],
)  # fmt: skip
def test_a_service_that_looks_names_up_by_itself_is_refused(signed_in, user, address, settings):
    """UDP and sockets of a library's own pass the guard by: so nothing is sent that way."""
    form = {"name": "x", "address": address, "strength": "weak", "wait_minutes": 0, "digest_minutes": 0}
    answer = signed_in.post("/subscriptions/new/", form)
    assert answer.status_code == 422
    old = Subscription.objects.create(user=user, name="x", address=address)
    with pytest.raises(outward.NotTaken):
        outward.send(old, "title", "body", "")


@pytest.mark.parametrize(
    "service",
    ["jsons://example.com/x", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/x",
     "mailtos://kim:x@example.com", "discord://417421629876543210/JHMHI8qBe7bk2ZwO5U711o3dV_js"],
)  # fmt: skip
def test_services_by_http_and_mail_are_taken(service):
    assert outward.check(service) == service


PRIVATE = {
    "an IPv4 address": "127.0.0.1", "one of this network": "10.1.2.3", "nobody's": "0.0.0.0",
    "a neighbour's": "fe80::1",
    "this machine's": "::1", "mapped": "::ffff:127.0.0.1", "compatible": "::127.0.0.1", "6to4": "2002:7f00:1::1",
    "6to4 of a network": "2002:a01:203::1", "translated": "64:ff9b::7f00:1", "translated here": "64:ff9b:1::a00:1",
    "Teredo": "2001:0:4136:e378:8000:63bf:f5ff:fffe", "a site's": "fd00::1", "everybody's": "ff02::1",
    "a cloud's metadata": "169.254.169.254", "the same, mapped": "::ffff:a9fe:a9fe",
}  # fmt: skip


@pytest.mark.parametrize("what", PRIVATE)
def test_no_way_of_writing_a_private_address_is_public(what):
    assert not public_hosts.is_public(PRIVATE[what])


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are(address):
    assert public_hosts.is_public(address)


def test_each_way_by_which_an_ipv6_address_leads_to_another_is_looked_through(monkeypatch):
    """The library alone takes 6to4 and translated addresses for public ones: without our look they would be."""
    monkeypatch.setattr(public_hosts, "_embedded", lambda ip: None)
    without = {what for what in PRIVATE if public_hosts.is_public(PRIVATE[what])}
    assert {"6to4", "6to4 of a network", "translated"} <= without


def test_a_webhook_is_signed_with_a_key_that_is_shown_once(signed_in, user, webhook, settings):
    settings.ALERT_PRIVATE_HOSTS = True
    form = {"name": "Desk", "address": f"json://127.0.0.1:{webhook.server_port}/x", "strength": "weak",
            "wait_minutes": 0, "digest_minutes": 0, "is_active": "on"}  # fmt: skip
    page = signed_in.post("/subscriptions/new/", form).content.decode()
    key = page.split('<code class="token">')[1].split("<")[0]
    assert key.startswith("whsec_")
    made = Subscription.objects.get()
    assert key not in str(Subscription.objects.values())
    for path in ("/subscriptions/", f"/subscriptions/{made.pk}/"):
        assert key not in signed_in.get(path).content.decode()
    outward.send(made, "title", "body", "", number="delivery_7")
    headers, body = webhook.got[-1]
    assert Webhook(key).verify(body, headers)["message"] == "body"
    assert headers["webhook-id"] == "delivery_7"
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(body.replace(b"body", b"b0dy"), headers)
    again = signed_in.post(f"/subscriptions/{made.pk}/key/").content.decode()
    made.refresh_from_db()
    assert key not in again
    outward.send(made, "title", "body", "")
    headers, body = webhook.got[-1]
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(body, headers)


def test_a_name_that_turns_into_a_private_host_is_not_reached(user, webhook, settings, monkeypatch):
    """As it was looked up for the check, so it may not be when the message goes: what counts is the connection."""
    settings.ALERT_PRIVATE_HOSTS = False
    address = f"json://rebound.example:{webhook.server_port}/"
    real = public_hosts._look_up
    monkeypatch.setattr(
        public_hosts,
        "_look_up",
        lambda host, *a, **k: real("127.0.0.1" if host == "rebound.example" else host, *a, **k),
    )
    one = Subscription.objects.create(user=user, name="x", address=address)
    with pytest.raises(outward.NotTaken):
        outward.send(one, "title", "body", "")
    assert webhook.got == []


def test_a_test_message_says_whether_it_was_taken(signed_in, subscribe, webhook):
    one = subscribe()
    assert "took the test message" in signed_in.post(f"/subscriptions/{one.pk}/test/", follow=True).content.decode()
    webhook.status = 500
    page = signed_in.post(f"/subscriptions/{one.pk}/test/", follow=True).content.decode()
    assert "did not take the message" in page
    assert "500" in page


def test_a_browser_is_told_encrypted_and_forgotten_when_it_signs_off(
    any_model, six_cases, camera, signed_in, webhook, settings, tmp_path
):
    settings.DATA_DIR = tmp_path
    push._vapid.cache_clear()
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    keys = {name: base64.urlsafe_b64encode(raw).decode().rstrip("=") for name, raw in
            {"p256dh": point, "auth": os.urandom(16)}.items()}  # fmt: skip
    said = {"endpoint": f"http://127.0.0.1:{webhook.server_port}/push", "keys": keys, "name": "phone"}
    for bad in ({}, {**said, "keys": {}}, {**said, "endpoint": "nowhere"}, []):
        assert signed_in.post("/subscriptions/push/", bad, content_type="application/json").status_code == 400
    assert signed_in.post("/subscriptions/push/", said, content_type="application/json").status_code == 201
    webhook.status = 201
    see(camera)
    ((headers, body),) = webhook.got
    assert b"Person" not in body
    said = {name.lower(): value for name, value in headers.items()}
    assert said["content-encoding"] == "aes128gcm"
    assert said["authorization"].startswith("vapid ")
    assert (tmp_path / "push_key.pem").stat().st_mode & 0o777 == 0o600
    webhook.status = 410
    see(camera, 2)
    assert not Subscription.objects.get().is_active
    assert "signed off" in Delivery.objects.get(status="failed").error
    push._vapid.cache_clear()


def test_what_was_given_up_is_seen_and_tried_again(
    any_model, six_cases, camera, signed_in, as_admin, subscribe, webhook
):
    subscribe()
    webhook.status = 503
    alert = see(camera)
    Delivery.objects.update(status="failed", error="The service did not take the message.")
    for client, path in ((signed_in, "/subscriptions/"), (as_admin, "/system/"), (signed_in, f"/alerts/{alert.pk}/")):
        assert "did not take the message" in client.get(path).content.decode()
    webhook.status = 200
    signed_in.post(f"/deliveries/{Delivery.objects.get().pk}/retry/")
    assert Delivery.objects.get().status == "sent"


def test_nobody_changes_anothers_subscription(subscribe, webhook, client):
    one = subscribe()
    client.force_login(person("lee", "Investigator"))
    for path in ("", "test/", "remove/"):
        assert client.post(f"/subscriptions/{one.pk}/{path}").status_code == 404


# The board.


def test_an_alert_is_taken_given_commented_and_read(any_model, six_cases, camera, signed_in, user, client):
    alert, lee = see(camera), person("lee", "Reviewer")
    assert signed_in.get("/alerts/?whose=nobody&unread=on").content.decode().count('id="alert-') == 1
    signed_in.post(f"/alerts/{alert.pk}/take/")
    assert "Taken by <b>kim</b>" in signed_in.get("/alerts/?whose=mine").content.decode()
    assert signed_in.post(f"/alerts/{alert.pk}/take/", {"to": "nobody-here"}).status_code == 400
    signed_in.post(f"/alerts/{alert.pk}/take/", {"to": "lee"})
    signed_in.post(f"/alerts/{alert.pk}/comment/", {"text": "Called <b>the</b> station"})
    page = signed_in.get(f"/alerts/{alert.pk}/").content.decode()
    assert "Called &lt;b&gt;the" in page
    assert '<option value="lee" selected>' in page
    assert 'id="alert-' not in signed_in.get("/alerts/?unread=on").content.decode(), "looked at"
    client.force_login(lee)
    assert client.get("/alerts/?unread=on&whose=mine").content.decode().count('id="alert-') == 1


def test_the_board_is_narrowed(any_model, six_cases, camera, signed_in, collection):
    see(camera, 1)
    for query, shown in (
        ("strength=strong", 1), ("strength=weak", 0), (f"camera={camera.pk}", 1), (f"collection={collection.pk}", 1),
        ("q=person+mp1", 1), ("q=main", 1), ("q=nobody", 0),
    ):  # fmt: skip
        assert signed_in.get(f"/alerts/?{query}").content.decode().count('id="alert-') == shown, query
    assert "Select a valid choice" in signed_in.get("/alerts/?camera=999").content.decode()


def test_whether_the_level_is_right_shows_on_the_system_page(any_model, six_cases, camera, signed_in, as_admin):
    first, second, _ = see(camera, 1), see(camera, 2), see(camera, 3)
    signed_in.post(f"/alerts/{first.pk}/review/", {"status": "confirmed", "reason": "features", "note": ""})
    signed_in.post(f"/alerts/{second.pk}/review/", {"status": "dismissed", "reason": "known_here", "note": "porter"})
    page = as_admin.get("/system/accuracy/").content.decode()
    assert "Known here: works or lives there 1" in page
    assert Review.objects.get(alert=second).reason == "known_here"
    assert AuditEvent.objects.filter(why="Known here: works or lives there: porter").exists()
    assert signed_in.post(f"/alerts/{first.pk}/review/", {"status": "dismissed", "reason": "x"}).status_code == 400


def test_ten_workers_at_once_make_one_alert_and_one_message(any_model, six_cases, camera, subscribe, webhook):
    subscribe()
    at_once.matched(camera, faces.person(1), [timezone.now()] * 10)
    assert Alert.objects.get().capture_count == 10
    assert AlertCapture.objects.count() == 10
    assert len(webhook.got) == Delivery.objects.count() == 1


def test_a_hundred_copies_of_a_capture_at_once_are_one_alert_and_one_message(
    any_model, six_cases, camera, subscribe, webhook
):
    subscribe()
    uid, now = uuid.uuid4(), timezone.now()

    def send(_: int) -> None:
        try:
            captures.receive_capture(camera, faces.person(1), uid=uid, captured_at=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as clients:
        list(clients.map(send, range(100)))
    assert Capture.objects.count() == Alert.objects.get().capture_count == 1
    assert len(webhook.got) == Delivery.objects.count() == 1
