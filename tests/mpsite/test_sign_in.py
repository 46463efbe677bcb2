"""Signing in: locked out after wrong passwords, second factors, how long it lasts, and tokens for programs."""

import asyncio
import time
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases.models import ApiToken, AuditEvent, Team
from matching.consumers import sessions
from mpsite import addresses
from mpsite.access import make_roles
from mpsite.asgi import application
from tests.people import PASSWORD, api_token, person


def sign_in(client: Client, name: str = "kim", password: str = PASSWORD):
    return client.post("/accounts/login/", {"login": name, "password": password})


def test_it_works(user):
    client = Client()
    answer = sign_in(client)
    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/search/").status_code == 200


ENTRANCES = {
    "the page": lambda client, name, password: sign_in(client, name, password),
    "a token": lambda client, name, password: client.post(
        "/api/v1/token/", {"username": name, "password": password}, content_type="application/json"
    ),
}


def is_let_in(answer) -> bool:
    return answer.status_code == 302 or (answer.status_code == 200 and b"sl_" in answer.content)


def from_(address: str, **headers: str) -> Client:
    return Client(REMOTE_ADDR=address, headers=headers)


@pytest.mark.parametrize("guessed", ENTRANCES)
@pytest.mark.parametrize("used", ENTRANCES)
def test_five_wrong_passwords_close_every_entrance_to_that_name_from_that_address(user, guessed, used):
    """Each on a new device, with another address written in the header that anybody may write."""
    person("lee", "Reviewer")
    for number in range(5):
        guess = ENTRANCES[guessed](from_("192.0.2.7", x_forwarded_for=f"198.51.100.{number}"), "kim", "wrong")
        assert not is_let_in(guess)
    locked = ENTRANCES[used](from_("192.0.2.7", x_forwarded_for="198.51.100.99"), "Kim", PASSWORD)
    assert not is_let_in(locked)
    assert "Too many failed login attempts" in locked.content.decode()
    assert is_let_in(ENTRANCES[used](from_("192.0.2.7"), "lee", PASSWORD))
    assert is_let_in(ENTRANCES[used](from_("192.0.2.8"), "kim", PASSWORD)), "a colleague elsewhere is left alone"
    assert AuditEvent.objects.filter(action="failed to sign in", address="192.0.2.7").count() == 5


def test_a_device_that_signed_in_before_is_left_alone_and_its_person_is_told(user):
    desk = from_("192.0.2.7")
    assert is_let_in(sign_in(desk))
    desk.get("/search/")
    desk.post("/accounts/logout/")
    for _ in range(8):
        sign_in(from_("192.0.2.7"), password="wrong")
    assert not is_let_in(sign_in(from_("192.0.2.7")))
    assert is_let_in(sign_in(desk))
    page = desk.get("/search/").content.decode()
    assert "A wrong password was tried for your name 5 times" in page
    assert "192.0.2.7" in page
    assert "wrong password was tried" not in desk.get("/search/").content.decode(), "said once"


def test_a_known_device_guesses_no_more_than_others_and_not_for_other_names(user):
    person("lee", "Reviewer")
    desk = from_("192.0.2.7")
    sign_in(desk)
    desk.get("/search/")
    desk.post("/accounts/logout/")
    for _ in range(10):
        assert not is_let_in(sign_in(desk, password="wrong"))
    assert not is_let_in(sign_in(desk)), "ten are enough"
    for _ in range(5):
        sign_in(desk, "lee", "wrong")
    assert not is_let_in(sign_in(desk, "lee"))


def test_a_device_is_known_no_more_once_the_password_is_another(user):
    desk = from_("192.0.2.7")
    sign_in(desk)
    desk.get("/search/")
    user.set_password("another-long-password")
    user.save()
    for _ in range(5):
        sign_in(desk, password=PASSWORD)
    assert not is_let_in(sign_in(desk, password="another-long-password"))


def test_twenty_failures_behind_one_gateway_lock_nobody_else_there_out(user):
    for number in range(60):
        sign_in(from_("192.0.2.7"), f"somebody{number % 20}", "wrong")
    assert is_let_in(sign_in(from_("192.0.2.7")))


def test_guesses_at_one_name_from_a_hundred_addresses_end_but_not_at_its_own_desk(user):
    desk = from_("203.0.113.1")
    sign_in(desk)
    desk.get("/search/")
    for number in range(100):
        sign_in(from_(f"192.0.2.{number}"), password="wrong")
    assert not is_let_in(sign_in(from_("198.51.100.1")))
    assert is_let_in(sign_in(desk))


def test_behind_a_trusted_proxy_addresses_are_what_it_heard(user, settings):
    settings.TRUSTED_PROXIES = 1
    for number in range(5):
        sign_in(from_("10.0.0.1", x_forwarded_for=f"198.51.100.{number}, 192.0.2.7"), password="wrong")
    assert not is_let_in(sign_in(from_("10.0.0.1", x_forwarded_for="203.0.113.5, 192.0.2.7")))
    assert is_let_in(sign_in(from_("10.0.0.1", x_forwarded_for="192.0.2.7, 192.0.2.8")))
    assert set(AuditEvent.objects.filter(action="failed to sign in").values_list("address", flat=True)) == {"192.0.2.7"}


@pytest.mark.parametrize(
    ("proxies", "written", "is_"),
    [
        (0, "198.51.100.1", "10.0.0.1"), (1, "", "10.0.0.1"), (1, "nonsense", "10.0.0.1"), (2, "192.0.2.7", "10.0.0.1"),
        (1, "x, 192.0.2.7:4711", "192.0.2.7"), (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (2, "198.51.100.1, 192.0.2.7, 10.0.0.9", "192.0.2.7"), (1, "\0", "10.0.0.1"),
    ],
)  # fmt: skip
def test_an_address_is_taken_from_where_our_own_proxies_wrote_it(settings, proxies, written, is_):
    settings.TRUSTED_PROXIES = proxies
    assert addresses.client("10.0.0.1", written) == is_


def test_with_redis_away_people_sign_in(user, no_redis):
    assert is_let_in(sign_in(Client()))


def test_nobody_makes_themselves_an_account(db):
    said = Client().post("/accounts/signup/", {"username": "eve", "password1": PASSWORD, "password2": PASSWORD})
    assert b"Sign Up Closed" in said.content or said.status_code in (302, 403)
    assert not User.objects.filter(username="eve").exists()


def test_signing_in_begins_another_session(user):
    """What a stranger planted before is worth nothing after."""
    client = Client()
    client.get("/accounts/login/")
    client.session["planted"] = "yes"
    before = client.session.session_key
    sign_in(client)
    assert client.session.session_key != before


def test_a_second_factor_is_asked_for_and_kept_sealed(user):
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    assert secret not in str(Authenticator.objects.get().data)
    client = Client()
    answer = sign_in(client)
    assert answer.url.startswith("/accounts/second-factor/authenticate/")
    assert client.get("/search/").status_code == 302, "not signed in yet"
    assert b"Incorrect code" in client.post(answer.url, {"code": "000000"}).content
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    client.post(answer.url, {"code": code})
    assert client.get("/search/").status_code == 200
    refused = Client().post("/api/v1/token/", {"username": "kim", "password": PASSWORD})
    assert "second factor" in str(refused.json())


def test_codes_of_a_second_factor_are_not_guessed_without_end(user):
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    client = Client()
    where = sign_in(client).url
    for number in range(5):
        client.post(where, {"code": f"{number:06d}"})
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    assert b"Too many" in client.post(where, {"code": code}).content
    assert client.get("/search/").status_code == 302


def test_where_a_second_factor_is_required_nothing_else_is_open_before_it(user, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    client = Client()
    sign_in(client)
    assert client.get("/cases/").url == "/accounts/second-factor/"
    refused = Client().post("/api/v1/token/", {"username": "kim", "password": PASSWORD})
    assert "second factor" in str(refused.json())
    assert client.get("/accounts/second-factor/totp/activate/").status_code in (200, 302)
    TOTP.activate(user, generate_totp_secret())
    assert client.get("/cases/").status_code == 200


@pytest.mark.parametrize(("name", "ago", "words"), [
    ("seen_at", 3601, "Nothing was done for 60 minutes"), ("signed_in_at", 12 * 3600 + 1, "signed in for 12 hours")
])  # fmt: skip
def test_a_session_ends(signed_in, name, ago, words):
    assert signed_in.get("/search/").status_code == 200
    session = signed_in.session
    session[name] = time.time() - ago
    session.save()
    answer = signed_in.get("/cases/?q=x")
    assert answer.url == "/accounts/login/?next=/cases/%3Fq%3Dx"
    assert words in signed_in.get(answer.url).content.decode()


HOW = ["signed out", "switched off", "idle", "another password", "a role less", "a role's right less", "a team less"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", HOW)
def test_what_ends_or_narrows_access_ends_open_websockets(signed_in, user, monkeypatch, how):
    monkeypatch.setattr(sessions, "RECHECK_SECONDS", 0.1)
    user.teams.add(Team.objects.create(name="Ours"))
    signed_in.get("/search/")
    cookie = f"sessionid={signed_in.session.session_key}".encode()
    headers = [(b"cookie", cookie), (b"origin", b"http://127.0.0.1"), (b"host", b"127.0.0.1")]

    def end() -> None:
        if how == "signed out":
            signed_in.post("/accounts/logout/")
        elif how == "switched off":
            type(user).objects.update(is_active=False)
        elif how == "idle":
            session = signed_in.session
            session["seen_at"] = time.time() - 7200
            session.save()
        elif how == "another password":
            user.set_password("another-long-password")
            user.save()
        elif how == "a role less":
            user.groups.clear()
        elif how == "a role's right less":
            user.groups.get().permissions.remove(*user.groups.get().permissions.filter(codename="add_review"))
        else:
            user.teams.clear()
        connection.close()

    async def scenario() -> dict:
        socket = WebsocketCommunicator(application, "/ws/alerts/", headers=headers)
        await socket.connect(timeout=20)
        assert (await socket.receive_json_from(timeout=20))["kind"] == "ready"
        assert await socket.receive_nothing(0.5)
        await asyncio.to_thread(end)
        return await socket.receive_output(timeout=5)

    narrowed = how.endswith("less")
    assert async_to_sync(scenario)()["code"] == (4410 if narrowed else 4401)
    assert sessions.RECHECK_SECONDS < 5
    make_roles()


@pytest.mark.django_db(transaction=True)
def test_a_cameras_websocket_ends_when_its_token_is_revoked(camera, monkeypatch):
    from matching.consumers import cameras

    monkeypatch.setattr(cameras, "RECHECK_SECONDS", 0.1)

    def revoke() -> None:
        camera.revoke()
        connection.close()

    async def scenario() -> dict:
        headers = [(b"authorization", f"Bearer {camera.token}".encode())]
        socket = WebsocketCommunicator(application, "/ws/camera/", headers=headers)
        await socket.connect(timeout=20)
        assert (await socket.receive_json_from(timeout=20))["kind"] == "settings"
        await asyncio.to_thread(revoke)
        assert (await socket.receive_json_from(timeout=5))["kind"] == "refused"
        return await socket.receive_output(timeout=5)

    assert async_to_sync(scenario)()["code"] == 4403


@pytest.mark.parametrize("how", ["on the page", "by an administrator"])
def test_a_new_password_ends_the_tokens_that_the_old_one_let_in(signed_in, user, as_admin, how):
    program = Client(headers={"authorization": f"Token {api_token(user)}"})
    user.save()
    assert program.get("/api/v1/cases/").status_code == 200
    new = "another-long-password"
    if how == "on the page":
        sign_in(signed_in)
        form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        signed_in.post("/accounts/password/change/", form)
    else:
        as_admin.post(f"/admin/auth/user/{user.pk}/password/", {"password1": new, "password2": new})
    user.refresh_from_db()
    assert user.check_password(new)
    assert program.get("/api/v1/cases/").status_code == 401


def test_a_token_for_a_password_may_what_it_asked_for(user):
    def scopes(**said) -> list[str]:
        said |= {"username": "kim", "password": PASSWORD}
        return Client().post("/api/v1/token/", said, content_type="application/json").json()["scopes"]

    assert scopes() == ["read"]
    assert scopes(scopes=["search", "read"]) == ["read", "search"]
    assert [one.scopes for one in ApiToken.objects.order_by("pk")] == [["read"], ["read", "search"]]
    for wrong in ([], ["all"], "everything"):
        said = {"username": "kim", "password": PASSWORD, "scopes": wrong}
        assert Client().post("/api/v1/token/", said, content_type="application/json").status_code == 400


def test_a_token_narrows_with_its_owners_role(user):
    program = Client(headers={"authorization": f"Token {api_token(user)}"})
    assert program.get("/api/v1/cases/").status_code == 200
    user.groups.clear()
    assert program.get("/api/v1/cases/").status_code == 403


def test_a_token_is_made_shown_once_used_and_revoked(signed_in, user):
    assert "Say what the program may do" in signed_in.post("/tokens/", {"name": "x", "days": 3}).content.decode()
    page = signed_in.post("/tokens/", {"name": "sync", "days": 3, "scopes": ["read"]}).content.decode()
    token = page.split('<code class="token">')[1].split("<")[0]
    assert token not in signed_in.get("/tokens/").content.decode()
    program = Client(headers={"authorization": f"Token {token}"})
    assert program.get("/api/v1/cases/").status_code == 200
    made = ApiToken.objects.get()
    assert made.used_at is not None
    assert token not in str(ApiToken.objects.values())
    signed_in.post(f"/tokens/{made.pk}/revoke/")
    assert program.get("/api/v1/cases/").status_code == 401


def test_a_token_may_what_its_scopes_say_and_no_more_than_its_owner(user, collection):
    def may(*scopes: str) -> list[int]:
        program = Client(headers={"authorization": f"Token {api_token(user, *scopes)}"})
        new = {"collection": collection.pk, "number": "N1"}
        return [
            program.get("/api/v1/cases/").status_code,
            program.post("/api/v1/searches/", {}).status_code,
            program.post("/api/v1/cases/", new, content_type="application/json").status_code,
        ]

    assert may("read") == [200, 403, 403]
    assert may("search") == [403, 400, 403]
    assert may("write") == [403, 403, 403], "its owner may not change cases"


def test_a_token_that_is_over_or_replayed_after_its_owner_left_is_refused(user):
    text = api_token(user)
    program = Client(headers={"authorization": f"Token {text}"})
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert program.get("/api/v1/cases/").status_code == 401
    ApiToken.objects.update(expires_at=None)
    type(user).objects.update(is_active=False)
    assert program.get("/api/v1/cases/").status_code == 401


def test_tokens_for_passwords_are_not_given_without_end_to_somebody_who_guesses(user):
    codes = [Client().post("/api/v1/token/", {"username": "kim", "password": "x"}).status_code for _ in range(21)]
    assert codes[0] == 400
    assert codes[-1] == 429


def test_an_administrator_comes_in_by_the_same_door(admin):
    client = Client()
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/")
    sign_in(client, "boss")
    assert client.get("/admin/").status_code == 200
