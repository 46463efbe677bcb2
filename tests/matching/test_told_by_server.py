"""Mail and text messages by servers that an administrator sets once; addresses that their owners confirm."""

import re
import uuid

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent, Team
from matching.models import Alert, Delivery, MessageServer, Subscription
from matching.telling import confirming, notifying, outward, servers
from matching.watching import captures
from tests import faces
from tests.listener import listening, taking_mail
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)
FORM = {"strength": "weak", "wait_minutes": 0, "digest_minutes": 0, "is_active": "on"}


@pytest.fixture
def mail(settings, as_admin):
    """The installation's mail server."""
    settings.ALERT_PRIVATE_HOSTS = True
    with taking_mail() as server:
        said = {"host": "127.0.0.1", "port": server.port, "security": "none", "sender": "sightline@agency.example"}
        assert as_admin.post("/system/servers/mail/", said).status_code == 302
        yield server


@pytest.fixture
def sms(settings, as_admin):
    """A service for text messages."""
    settings.ALERT_PRIVATE_HOSTS = True
    with listening() as service:
        service.status = 200
        said = {"service": "other", "address": f"json://127.0.0.1:{service.server_port}/?:to={{to}}"}
        assert as_admin.post("/system/servers/sms/", said).status_code == 302
        yield service


def code_in(text: str) -> str:
    return re.search(r"(\d{6}) confirms", text)[1]


def add(client: Client, address: str, **fields) -> Subscription:
    answer = client.post("/subscriptions/new/", {**FORM, "address": address, **fields})
    assert answer.status_code == 302, answer.context["form"].errors
    return Subscription.objects.latest("pk")


def see(camera) -> None:
    captures.match_capture(captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4()).pk)


def test_an_officer_types_an_address_confirms_it_and_is_told(mail, signed_in, any_model, make_case, camera):
    make_case("MP1", faces.person(1))
    added = add(signed_in, "Kim Day <kim@agency.example>")
    assert (added.name, added.way, added.confirmed_at) == ("k…@agency.example", "mail", None)
    ((to, text),) = mail.got
    assert to == "kim@agency.example"
    assert "From: sightline@agency.example" in text
    see(camera)
    assert not Delivery.objects.exists(), "nothing goes where nobody has confirmed it"
    answer = signed_in.post(f"/subscriptions/{added.pk}/confirm/", {"code": f" {code_in(text)} "}, follow=True)
    assert "is confirmed" in answer.content.decode()
    Alert.objects.all().delete()
    see(camera)
    assert [one.status for one in Delivery.objects.all()] == ["sent"]
    assert "Person MP1" in mail.got[-1][1]
    # Nothing asks again where the address stays.
    signed_in.post(f"/subscriptions/{added.pk}/", {**FORM, "address": "", "strength": "strong"})
    added.refresh_from_db()
    assert (added.strength, bool(added.confirmed_at)) == ("strong", True)
    signed_in.post(f"/subscriptions/{added.pk}/", {**FORM, "address": "other@agency.example"})
    added.refresh_from_db()
    assert added.confirmed_at is None


def test_a_number_gets_a_text_message(sms, signed_in):
    added = add(signed_in, "+44 (7700) 900-123", name="my phone")
    assert (added.name, added.way) == ("my phone", "sms")
    body = sms.got[0][1].decode()
    assert "+447700900123" in body
    signed_in.post(f"/subscriptions/{added.pk}/confirm/", {"code": code_in(body)})
    added.refresh_from_db()
    assert added.confirmed_at
    signed_in.post(f"/subscriptions/{added.pk}/test/")
    assert "Alerts reach you here" in sms.got[-1][1].decode()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("07700 900123", "code of its country"), ("+44 12", "code of its country"), ("kim@", "no mail address"),
        ("kim@agency.example, lee@agency.example", "One address"), ("hello", "no address of a message service"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_words(mail, sms, signed_in, address, why):
    answer = signed_in.post("/subscriptions/new/", {**FORM, "address": address})
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Subscription.objects.exists()


def test_without_a_server_the_page_says_who_sets_one(signed_in):
    for address, what in (("kim@agency.example", "mail server"), ("+447700900123", "text messages")):
        answer = signed_in.post("/subscriptions/new/", {**FORM, "address": address})
        assert f"No {'' if what == 'mail server' else 'service for '}{what} is set yet" in answer.content.decode()
    assert "an administrator does that, once" in signed_in.get("/subscriptions/new/").content.decode()


def test_a_code_is_good_for_a_while_for_a_few_tries_and_for_its_owner_alone(mail, signed_in, client):
    added = add(signed_in, "kim@agency.example")
    code = code_in(mail.got[0][1])
    url = f"/subscriptions/{added.pk}/confirm/"
    client.force_login(person("other", "Reviewer"))
    assert client.post(url, {"code": code}).status_code == 404
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(5):
        assert "not the code" in signed_in.post(url, {"code": wrong}).content.decode()
    assert "too often" in signed_in.post(url, {"code": code}).content.decode()
    signed_in.post(f"/subscriptions/{added.pk}/code/")
    assert "not the code" in signed_in.post(url, {"code": code}).content.decode(), "the one before is good no more"
    Subscription.objects.update(code_until=timezone.now())
    assert "too old" in signed_in.post(url, {"code": code_in(mail.got[1][1])}).content.decode()
    assert signed_in.post(url, {"code": "x" * 5000}).status_code == 422
    added.refresh_from_db()
    assert added.confirmed_at is None


def test_a_strangers_phone_is_not_rung_all_night(sms, signed_in, user):
    for number in range(5):
        add(signed_in, "+447700900123", name=f"phone {number}")
    assert len(sms.got) == confirming.TO_ONE
    for number in range(20):
        add(signed_in, f"+44770090{number:04}")
    assert len(sms.got) == confirming.BY_ONE - 2
    cache.clear()


def test_a_supervisor_sets_it_for_others_who_confirm_it_themselves(mail, client, user):
    team = Team.objects.create(name="Harbour")
    lead, officer = person("lead", "Supervisor"), person("officer", "Reviewer")
    team.members.add(lead, officer)
    client.force_login(lead)
    assert client.get(f"/people/{officer.pk}/told/").status_code == 200
    client.post(f"/people/{officer.pk}/told/new/", {**FORM, "address": "officer@agency.example"})
    client.post(
        f"/people/{officer.pk}/told/new/", {**FORM, "address": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/"}
    )
    by_mail, by_chat = Subscription.objects.order_by("pk")
    assert [(one.user, one.set_by, one.confirmed_at) for one in (by_mail, by_chat)] == [(officer, lead, None)] * 2
    code = code_in(mail.got[0][1])
    # Whoever set it does not confirm it: alerts that only the officer sees would go to a phone of the lead's.
    assert client.post(f"/subscriptions/{by_mail.pk}/confirm/", {"code": code}).status_code == 404
    assert client.post(f"/subscriptions/{by_chat.pk}/confirm/").status_code == 404
    assert "not confirmed yet" in client.get(f"/people/{officer.pk}/told/").content.decode()
    own = Client()
    own.force_login(officer)
    assert "set by lead" in own.get("/subscriptions/").content.decode()
    own.post(f"/subscriptions/{by_mail.pk}/confirm/", {"code": code})
    own.post(f"/subscriptions/{by_chat.pk}/confirm/")
    assert Subscription.objects.exclude(confirmed_at=None).count() == 2
    # Hours are the lead's to change; a new address is to be confirmed again.
    client.post(f"/subscriptions/{by_mail.pk}/", {**FORM, "address": "", "hours_from": "22:00", "hours_until": "06:00"})
    by_mail.refresh_from_db()
    assert by_mail.hours_from is not None
    assert by_mail.confirmed_at is not None
    client.post(f"/subscriptions/{by_chat.pk}/", {**FORM, "address": "json://example.org/"})
    by_chat.refresh_from_db()
    assert by_chat.confirmed_at is None
    client.post(f"/subscriptions/{by_chat.pk}/remove/")
    assert not Subscription.objects.filter(pk=by_chat.pk).exists()


def test_nobody_sets_it_for_somebody_they_do_not_see_to_or_who_may_more(mail, client, admin):
    team = Team.objects.create(name="Harbour")
    lead, elsewhere, chief = person("lead", "Supervisor"), person("far", "Reviewer"), person("chief", "Administrator")
    team.members.add(lead, chief)
    client.force_login(lead)
    for one, status in ((elsewhere, 404), (admin, 404), (chief, 403)):
        theirs = Subscription.objects.create(user=one, name="phone", address="kim@agency.example", way="mail")
        assert client.get(f"/people/{one.pk}/told/").status_code == status
        assert client.post(f"/people/{one.pk}/told/new/", {**FORM, "address": "a@b.example"}).status_code == status
        for act in ("", "test/", "remove/", "code/"):
            assert client.post(f"/subscriptions/{theirs.pk}/{act}", FORM).status_code == status
        assert Subscription.objects.filter(user=one).count() == 1
    client.force_login(person("viewer", "Viewer"))
    assert client.get(f"/people/{lead.pk}/told/").status_code == 403


def test_only_of_cases_that_one_sees_to(mail, any_model, make_case, camera, user):
    case = make_case("MP1", faces.person(1))
    Subscription.objects.create(user=user, name="mine", address="kim@agency.example", way="mail", only_mine=True)
    see(camera)
    assert not Delivery.objects.exists()
    case.assigned_to = user
    case.save()
    Alert.objects.all().delete()
    see(camera)
    assert Delivery.objects.count() == 1


def test_a_servers_password_is_sealed_shown_nowhere_and_goes_to_no_other_host(as_admin, admin, settings, client):
    settings.ALERT_PRIVATE_HOSTS = True
    said = {"host": "smtp.agency.example", "port": 587, "security": "starttls", "user": "kim", "sender": "s@a.example"}
    assert "Give the password" in as_admin.post("/system/servers/mail/", said).content.decode()
    assert as_admin.post("/system/servers/mail/", {**said, "password": "s3cret"}).status_code == 302
    server = MessageServer.objects.get()
    assert "s3cret" not in server.said + server.words
    assert "s3cret" not in as_admin.get("/system/servers/").content.decode()
    assert "s3cret" not in str(list(AuditEvent.objects.values_list("why", "target_label")))
    as_admin.post("/system/servers/mail/", {**said, "sender": "t@a.example"})
    assert servers.of("mail").filled_in()["password"] == "s3cret"
    moved = as_admin.post("/system/servers/mail/", {**said, "host": "smtp.elsewhere.example"})
    assert moved.status_code == 422, "the password of one host is not sent to another"
    bare = as_admin.post("/system/servers/mail/", {**said, "password": "x", "security": "none"})
    assert "without encryption" in bare.content.decode()
    settings.SECRET_KEY = "another key"
    as_admin.force_login(admin)
    assert as_admin.get("/system/servers/").status_code == 200
    with pytest.raises(outward.NotTaken, match="sealed with another"):
        servers.send("mail", "kim@agency.example", servers.Message("t", "b"))
    client.force_login(person("chief", "Supervisor"))
    assert client.get("/system/servers/").status_code == 403
    assert client.post("/system/servers/mail/", said).status_code == 403


def test_the_secret_within_another_services_address_is_not_shown(as_admin, settings):
    settings.ALERT_PRIVATE_HOSTS = True
    said = {"service": "other", "address": "json://user:s3cret@sms.example/?:to={to}"}
    as_admin.post("/system/servers/sms/", said)
    assert "s3cret" not in as_admin.get("/system/servers/").content.decode()
    assert as_admin.post("/system/servers/sms/", {"service": "other", "address": ""}).status_code == 302
    assert "s3cret" in servers.of("sms").filled_in()["address"]
    for wrong, why in (
        ({"service": "other", "address": "json://sms.example/"}, "Write {to}"),
        ({"service": "other", "address": "nonsense {to}"}, "no address of a message service"),
        ({"service": "twilio", "account": "AC1"}, "Twilio needs it"),
        ({"service": "pigeon"}, "not one of the available choices"),
    ):
        answer = as_admin.post("/system/servers/sms/", wrong)
        assert answer.status_code == 422
        assert why in answer.content.decode()
    assert as_admin.post("/system/servers/pigeon/", {}).status_code == 404


@pytest.mark.parametrize("service", [name for name in servers.SMS if name != "other"])
def test_each_service_for_text_messages_has_an_address(service):
    account = {"twilio": f"AC{'a' * 32}", "sns": "AHIAJGNT76XIMXDBIJYA"}.get(service, "a" * 32)
    sender = "us-east-1" if service == "sns" else "+15550100124"
    said = {"service": service, "account": account, "secret": "b" * 32, "sender": sender}
    with outward.guard():
        servers.check_sms(said)


def test_what_a_mail_server_says_stands_where_it_is_seen(mail, signed_in, as_admin):
    mail.refuses = "no such mailbox"
    answer = as_admin.post("/system/servers/mail/", {"try": "yes", "to": "kim@agency.example"}, follow=True)
    assert "no such mailbox" in answer.content.decode()
    added = add(signed_in, "kim@agency.example")
    page = signed_in.get(f"/subscriptions/{added.pk}/confirm/").content.decode()
    assert "no such mailbox" in page
    mail.shutdown()
    answer = as_admin.post("/system/servers/mail/", {"remove": "yes"}, follow=True)
    assert "given up after a few tries" in answer.content.decode()
    Subscription.objects.update(confirmed_at=timezone.now())
    with pytest.raises(outward.NotTaken, match="Nobody has set a server"):
        outward.send(Subscription.objects.get(), "t", "b", "")


def test_a_private_mail_server_is_refused_unless_the_setting_allows_it(as_admin):
    said = {"host": "127.0.0.1", "port": 25, "security": "none", "sender": "s@a.example"}
    answer = as_admin.post("/system/servers/mail/", said)
    assert answer.status_code == 422
    assert "ALERT_PRIVATE_HOSTS" in answer.content.decode()


def test_no_code_is_sent_where_none_can_be_counted(mail, signed_in, no_redis):
    added = add(signed_in, "kim@agency.example")
    assert "none is sent" in signed_in.get(f"/subscriptions/{added.pk}/confirm/").content.decode()
    assert not mail.got


def test_a_subject_is_one_line(mail, user):
    one = Subscription.objects.create(user=user, name="m", address="kim@agency.example", way="mail")
    outward.send(one, "two\nlines", "body", "https://sightline.example/")
    assert "Subject: two lines" in mail.got[0][1]
    assert notifying.given_up(user).count() == 0
