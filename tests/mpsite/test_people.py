"""People, roles and teams: who may see to whom, and that what is taken away is gone within seconds."""

import asyncio
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from cases.models import ApiToken, AuditEvent, Collection, Notice, Team, Training
from matching.consumers import sessions
from matching.consumers.alerts import AlertConsumer
from mpsite.access import ROLE_WORDS, ROLES
from mpsite.asgi import application
from tests.people import PASSWORD, api_token, person


def signed_in_as(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def role(name: str) -> int:
    return Group.objects.get(name=name).pk


@pytest.fixture
def lead(db) -> Client:
    """A supervisor without a team yet."""
    return signed_in_as(person("ruth", "Supervisor"))


def link_in(page: str) -> str:
    return page.split('<code class="token">')[1].split("<")[0].removeprefix("http://testserver")


def invite(client: Client, name: str, *roles: str, teams=(), **more) -> str:
    form = {"username": name, "roles": [role(one) for one in roles], "teams": [team.pk for team in teams], **more}
    return client.post("/people/invite/", form).content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_lead_makes_a_team_invites_two_and_takes_ones_role_away_while_they_look(lead, monkeypatch):
    monkeypatch.setattr(sessions, "RECHECK_SECONDS", 0.1)
    lead.post("/people/teams/new/", {"name": "County"})
    team = Team.objects.get()
    assert [one.username for one in team.members.all()] == ["ruth"]
    links = {name: link_in(invite(lead, name, "Reviewer", teams=[team])) for name in ("kim", "lee")}
    # Kim chooses a password, once, and signs in by it.
    kim = Client()
    chosen = kim.get(links["kim"], follow=True)
    assert "Choose a password" in chosen.content.decode()
    kim.post(chosen.redirect_chain[-1][0], {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert kim.post("/accounts/login/", {"login": "kim", "password": PASSWORD}).status_code == 302
    assert "This link is over" in Client().get(links["kim"], follow=True).content.decode()
    assert kim.get("/alerts/").status_code == 200
    user = User.objects.get(username="kim")
    headers = [(b"cookie", f"sessionid={kim.session.session_key}".encode()), (b"origin", b"http://127.0.0.1"),
               (b"host", b"127.0.0.1")]  # fmt: skip

    def take_away() -> None:
        assert lead.post(f"/people/{user.pk}/", {"teams": [team.pk]}).status_code == 302
        connection.close()

    async def scenario() -> dict:
        socket = WebsocketCommunicator(application, "/ws/alerts/", headers=headers)
        await socket.connect(timeout=20)
        assert (await socket.receive_json_from(timeout=20))["kind"] == "ready"
        await asyncio.to_thread(take_away)
        return await socket.receive_output(timeout=5)

    assert async_to_sync(scenario)()["code"] == 4410
    assert "no role yet" in kim.get("/alerts/").content.decode()
    row = AuditEvent.objects.filter(action="placed").first()
    assert (row.username, row.target_label, row.why) == ("ruth", "kim", "Reviewer; County → no role; County")
    page = lead.get("/people/").content.decode()
    assert "invited" in page
    assert "no role yet" in page


@pytest.mark.django_db(transaction=True)
def test_of_several_dashboards_that_one_ends_whose_person_may_do_something_else(lead, monkeypatch):
    monkeypatch.setattr(sessions, "RECHECK_SECONDS", 0.1)
    people = [person(name, "Reviewer") for name in ("kim", "lee")]
    looked_at = []

    def access(who, is_back=sessions._access):
        looked_at.append(len(set(who)))
        if len(looked_at) == 3:
            raise OperationalError("the database is away")
        return is_back(who)

    monkeypatch.setattr(sessions, "_access", access)

    def take_away() -> None:
        people[0].groups.clear()
        connection.close()

    async def scenario() -> None:
        sockets = []
        for one in people:
            socket = WebsocketCommunicator(AlertConsumer.as_asgi(), "/ws/alerts/")
            socket.scope["user"] = one
            await socket.connect(timeout=20)
            assert (await socket.receive_json_from(timeout=20))["kind"] == "ready"
            sockets.append(socket)
        await asyncio.to_thread(take_away)
        assert (await sockets[0].receive_output(timeout=5))["code"] == 4410
        assert await sockets[1].receive_nothing(0.5)
        await sockets[1].disconnect()

    async_to_sync(scenario)()
    assert 2 in looked_at, "both are asked for together"


def test_nobody_lifts_themselves_or_a_friend_above_themselves(lead):
    team = Team.objects.create(name="County")
    me = User.objects.get(username="ruth")
    team.members.add(me)
    friend, boss = person("kim", "Reviewer"), person("ada", "Administrator")
    team.members.add(friend, boss)
    above = [role("Administrator"), role("Auditor")]
    page = lead.get(f"/people/{friend.pk}/").content.decode()
    assert "<b>Investigator</b>: do what" in page
    assert "<b>Administrator</b>: do all" not in page
    for one in (me, friend):
        answer = lead.post(f"/people/{one.pk}/", {"roles": above, "teams": [team.pk]})
        assert answer.status_code == 422
        assert not one.groups.filter(pk__in=above).exists()
    assert not User.objects.filter(username="new").exists() or "taken" in invite(
        lead, "new", "Administrator", teams=[team]
    )
    # Somebody above is not theirs to change.
    for path, form in (("", {"teams": [team.pk]}), ("switch/", {}), ("link/", {}), ("sign-out/", {}), ("factors/", {})):
        lead.post(f"/people/{boss.pk}/{path}", form)
    boss.refresh_from_db()
    assert boss.is_active
    assert boss.groups.get().name == "Administrator"
    assert not AuditEvent.objects.filter(target_label="ada").exists()


def test_a_superuser_is_nobody_elses_to_change(db, admin):
    client = signed_in_as(person("ada", "Administrator"))
    page = client.post(f"/people/{admin.pk}/switch/", follow=True)
    assert page.status_code in (403, 200)
    client.post(f"/people/{admin.pk}/link/")
    admin.refresh_from_db()
    assert admin.is_active
    assert not AuditEvent.objects.filter(action="gave sign-in link").exists()


def test_people_of_other_teams_do_not_exist(lead):
    other = person("somebody-elses", "Reviewer")
    Team.objects.create(name="Theirs").members.add(other)
    mine = Team.objects.create(name="Ours")
    mine.members.add(User.objects.get(username="ruth"))
    assert "somebody-elses" not in lead.get("/people/").content.decode()
    assert "Theirs" not in lead.get("/people/").content.decode()
    assert lead.get(f"/people/{other.pk}/").status_code == 404
    answer = lead.post("/people/invite/", {"username": "new", "teams": [Team.objects.get(name="Theirs").pk]})
    assert answer.status_code == 422
    assert "Choose one of your teams" in invite(lead, "new", "Viewer")
    assert lead.post("/people/teams/new/", {"name": "Theirs"}).status_code == 302, "says nothing of theirs"
    assert not User.objects.filter(username="new").exists()


def test_a_person_in_two_teams_keeps_the_one_that_the_lead_does_not_see(lead):
    mine, theirs = Team.objects.create(name="Ours"), Team.objects.create(name="Theirs")
    kim = person("kim", "Reviewer")
    mine.members.add(kim, User.objects.get(username="ruth"))
    theirs.members.add(kim)
    lead.post(f"/people/{kim.pk}/", {"roles": [role("Viewer")], "teams": []})
    assert [team.name for team in kim.teams.all()] == ["Theirs"]


def test_training_is_entered_shown_and_taken_back(as_admin, db):
    kim = person("kim", "Reviewer")
    over = timezone.localdate() - timedelta(days=1)
    form = {"roles": [role("Reviewer")], "good_until": over.isoformat(), "note": "FISWG, two days"}
    as_admin.post(f"/people/{kim.pk}/", form)
    assert Training.objects.get().note == "FISWG, two days"
    assert ", over" in as_admin.get("/people/").content.decode()
    as_admin.post(f"/people/{kim.pk}/", {**form, "good_until": ""})
    assert not Training.objects.exists()
    assert "Enter a valid date" in as_admin.post(f"/people/{kim.pk}/", {"good_until": "soon"}).content.decode()


def test_switched_off_ends_sessions_and_tokens_and_is_undone(as_admin, db):
    kim = person("kim", "Reviewer")
    client = Client()
    client.post("/accounts/login/", {"login": "kim", "password": PASSWORD})
    program = Client(headers={"authorization": f"Token {api_token(kim)}"})
    assert client.get("/alerts/").status_code == program.get("/api/v1/cases/").status_code == 200
    as_admin.post(f"/people/{kim.pk}/switch/")
    assert client.get("/alerts/").status_code == 302
    assert program.get("/api/v1/cases/").status_code == 401
    assert "switched off" in as_admin.get(f"/people/{kim.pk}/").content.decode()
    as_admin.post(f"/people/{kim.pk}/switch/", {"on": "yes"})
    assert client.post("/accounts/login/", {"login": "kim", "password": PASSWORD}).url == "/"
    boss = User.objects.get(username="boss")
    page = as_admin.post(f"/people/{boss.pk}/switch/", follow=True).content.decode()
    assert "your own account" in page


def test_everybodys_tokens_and_sessions_are_seen_and_ended(as_admin, db):
    kim = person("kim", "Reviewer")
    client = Client(headers={"user-agent": "Kim's browser"})
    client.post("/accounts/login/", {"login": "kim", "password": PASSWORD})
    program = Client(headers={"authorization": f"Token {api_token(kim)}"})
    for path in ("/people/access/", f"/people/{kim.pk}/"):
        page = as_admin.get(path).content.decode()
        assert "Kim&#x27;s browser" in page
        assert "read, search, write" in page
    as_admin.post(f"/people/tokens/{ApiToken.objects.get().pk}/end/")
    as_admin.post(f"/people/sessions/{UserSession.objects.get(user=kim).pk}/end/", {"next": "access"})
    assert program.get("/api/v1/cases/").status_code == 401
    assert client.get("/alerts/").status_code == 302
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {"revoked token", "ended session"}


def test_a_lost_second_factor_is_removed_and_a_lost_password_gets_a_link(as_admin, db):
    kim = person("kim", "Reviewer")
    TOTP.activate(kim, generate_totp_secret())
    assert "Remove the second factor" in as_admin.get(f"/people/{kim.pk}/").content.decode()
    as_admin.post(f"/people/{kim.pk}/factors/")
    assert "Remove the second factor" not in as_admin.get(f"/people/{kim.pk}/").content.decode()
    token = api_token(kim)
    link = link_in(as_admin.post(f"/people/{kim.pk}/link/").content.decode())
    kims = Client()
    where = kims.get(link, follow=True).redirect_chain[-1][0]
    weak = kims.post(where, {"new_password1": "kim", "new_password2": "kim"})
    assert "too short" in weak.content.decode()
    kims.post(where, {"new_password1": "another-long-word", "new_password2": "another-long-word"})
    kim.refresh_from_db()
    assert kim.check_password("another-long-word")
    assert Client(headers={"authorization": f"Token {token}"}).get("/api/v1/cases/").status_code == 401


def test_a_team_that_has_something_is_not_removed(as_admin, db):
    team = Team.objects.create(name="County")
    Collection.objects.create(name="X").teams.add(team)
    assert (
        "Give them to another team first"
        in as_admin.post(f"/people/teams/{team.pk}/remove/", follow=True).content.decode()
    )
    Collection.objects.all().delete()
    as_admin.post(f"/people/teams/{team.pk}/remove/")
    assert not Team.objects.exists()
    Team.objects.create(name="County")
    assert "of this name already" in as_admin.post("/people/teams/new/", {"name": "County"}).content.decode()


def test_the_notice_is_written_on_its_page(as_admin, db):
    assert signed_in_as(person("lee", "Supervisor")).get("/people/notice/").status_code == 403
    as_admin.post("/people/notice/", {"text": "Only leads.", "is_active": "on"})
    assert Notice.objects.get().text == "Only leads."
    assert "Only leads." in as_admin.get("/cases/").content.decode()


def test_each_role_says_in_words_what_it_may(as_admin, db):
    assert set(ROLE_WORDS) == set(ROLES)
    page = as_admin.get("/people/").content.decode()
    assert "See to the people" in page or "see to the people" in page


@pytest.mark.parametrize("name", [name for name in ROLES if name not in ("Supervisor", "Administrator")])
def test_nobody_else_sees_to_people(db, name):
    client = signed_in_as(person("kim", name))
    for path in ("/people/", "/people/invite/", "/people/access/", "/people/teams/new/"):
        assert client.get(path).status_code == 403
    assert 'href="/people/"' not in client.get("/system/").content.decode()
