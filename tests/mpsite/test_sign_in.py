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

from cases.models import ApiToken, AuditEvent
from matching.consumers import sessions
from mpsite.asgi import application
from tests.people import PASSWORD, api_token, person


def sign_in(client: Client, name: str = "kim", password: str = PASSWORD):
    return client.post("/accounts/login/", {"login": name, "password": password})


def test_it_works(user):
    client = Client()
    answer = sign_in(client)
    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/search/").status_code == 200


def test_after_five_wrong_passwords_a_name_is_locked_and_others_are_not(user):
    person("lee", "Reviewer")
    for _ in range(5):
        assert "not correct" in sign_in(Client(), password="wrong").content.decode()
    assert "Too many failed login attempts" in sign_in(Client()).content.decode()
    assert sign_in(Client(), "lee").status_code == 302
    assert AuditEvent.objects.filter(action="failed to sign in").count() >= 5


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["signed out", "switched off", "idle"])
def test_an_ended_session_ends_its_websockets(signed_in, user, monkeypatch, how):
    monkeypatch.setattr(sessions, "RECHECK_SECONDS", 0.1)
    signed_in.get("/search/")
    cookie = f"sessionid={signed_in.session.session_key}".encode()
    headers = [(b"cookie", cookie), (b"origin", b"http://127.0.0.1"), (b"host", b"127.0.0.1")]

    def end() -> None:
        if how == "signed out":
            signed_in.post("/accounts/logout/")
        elif how == "switched off":
            type(user).objects.update(is_active=False)
        else:
            session = signed_in.session
            session["seen_at"] = time.time() - 7200
            session.save()
        connection.close()

    async def scenario() -> dict:
        socket = WebsocketCommunicator(application, "/ws/alerts/", headers=headers)
        await socket.connect()
        assert (await socket.receive_json_from())["kind"] == "ready"
        assert await socket.receive_nothing(0.5)
        await asyncio.to_thread(end)
        return await socket.receive_output(timeout=5)

    assert async_to_sync(scenario)()["code"] == 4401


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
