"""A case as people work on it: how it ended, who sees to it, notes and tasks."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cases import desk
from cases.models import AuditEvent, Case, CaseNote, CaseTask, Team
from tests import people

TODAY = timezone.localdate()


@pytest.fixture
def case(make_case) -> Case:
    return make_case("MP-1")


@pytest.fixture
def investigator(db) -> Client:
    client = Client()
    client.force_login(people.person("ines", "Investigator"))
    return client


def test_a_case_ends_with_what_became_of_it_when_and_by_whom(case, investigator):
    day = TODAY - timedelta(days=2)
    said = {"outcome": "safe", "ended_on": day.isoformat(), "reason": "met at the harbour"}
    investigator.post(f"/cases/{case.pk}/close/", said)
    case.refresh_from_db()
    assert (case.status, case.outcome, case.ended_on, case.closed_by.username) == ("closed", "safe", day, "ines")
    page = investigator.get(f"/cases/{case.pk}/").content.decode()
    assert "Located safe" in page
    assert "by ines" in page
    assert AuditEvent.objects.filter(action="closed", why=f"Located safe, {day}, met at the harbour").exists()
    assert "located safe" in investigator.get("/cases/?outcome=safe").content.decode()
    assert "MP-1" not in investigator.get("/cases/?outcome=deceased").content.decode()
    assert f"safe,{day},met at the harbour" in b"".join(investigator.get("/cases/export.csv")).decode()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({}, "Say what became of the person"),
        ({"outcome": "vanished"}, "Select a valid choice"),
        ({"outcome": "other"}, "Say in words what became of it"),
        ({"outcome": "safe", "ended_on": str(TODAY + timedelta(days=2))}, "That day is still to come"),
        ({"outcome": "safe", "ended_on": "yesterday"}, "Enter a valid date"),
    ],
)
def test_how_a_case_ended_is_said_properly_or_it_stays_open(case, investigator, said, answer):
    assert answer in investigator.post(f"/cases/{case.pk}/close/", said, follow=True).content.decode()
    case.refresh_from_db()
    assert case.is_open


def test_what_became_of_a_closed_case_is_put_right_and_reopening_forgets_it(case, investigator):
    # As an import closes it.
    case.close("no longer in the source")
    assert "Say what became of it" in investigator.get(f"/cases/{case.pk}/").content.decode()
    investigator.post(f"/cases/{case.pk}/close/", {"outcome": "deceased", "ended_on": "2020-05-01"})
    case.refresh_from_db()
    assert (case.status, case.outcome, str(case.ended_on), case.closed_by.username) == (
        "closed", "deceased", "2020-05-01", "ines",
    )  # fmt: skip
    investigator.post(f"/cases/{case.pk}/reopen/")
    case.refresh_from_db()
    assert (case.is_open, case.outcome, case.ended_on, case.closed_by) == (True, "", None, None)


def test_the_api_closes_with_an_outcome(case, investigator):
    api = Client(headers={"authorization": f"Token {people.api_token(people.person('program', 'Investigator'))}"})
    where, kind = f"/api/v1/cases/{case.pk}/close/", "application/json"
    assert api.post(where, {"reason": "x", "outcome": "vanished"}, content_type=kind).status_code == 400
    said = {"reason": "found", "outcome": "returned", "ended_on": "2026-01-02"}
    answer = api.post(where, said, content_type=kind).json()
    assert (answer["outcome"], answer["ended_on"], answer["closed_by"]) == ("returned", "2026-01-02", "program")
    assert [one["number"] for one in api.get("/api/v1/cases/?outcome=returned").json()["results"]] == ["MP-1"]


def test_a_case_is_given_to_somebody_who_may_see_to_it(case, investigator, make_case):
    people.person("viewer", "Viewer")
    make_case("MP-2")
    page = investigator.post(f"/cases/{case.pk}/assign/", {"to": "ines"}).content.decode()
    assert "ines (you)" in page
    case.refresh_from_db()
    assert case.assigned_to.username == "ines"
    for path, numbers in (("assigned=me", {"MP-1"}), ("assigned=nobody", {"MP-2"}), ("", {"MP-1", "MP-2"})):
        listed = investigator.get(f"/cases/?{path}").content.decode()
        assert {number for number in ("MP-1", "MP-2") if number in listed} == numbers
    for other in ("viewer", "nobody-of-that-name"):
        answer = investigator.post(f"/cases/{case.pk}/assign/", {"to": other}).content.decode()
        assert "Nobody of that name may see to it" in answer
    case.refresh_from_db()
    assert case.assigned_to.username == "ines"
    investigator.post(f"/cases/{case.pk}/assign/", {"to": ""})
    case.refresh_from_db()
    assert case.assigned_to is None


def test_somebody_of_another_team_is_not_among_those_to_whom_a_case_is_given(case, investigator):
    case.collection.teams.add(Team.objects.create(name="Ours"))
    Team.objects.get().members.add(people.person("mate", "Investigator"))
    assert [one.username for one in desk.who_may_have(case)] == ["mate"]


def test_a_note_stays_and_only_its_writer_strikes_it_out(case, investigator, signed_in):
    page = investigator.post(f"/cases/{case.pk}/notes/", {"text": "Aunt called: <b>left on foot</b>"}).content.decode()
    assert "&lt;b&gt;left on foot" in page
    note = CaseNote.objects.get()
    refused = signed_in.post(f"/notes/{note.pk}/strike/").content.decode()
    assert "Only whoever wrote a note takes it back" in refused
    assert "<s>Aunt called" in investigator.post(f"/notes/{note.pk}/strike/").content.decode()
    assert "<s>" not in investigator.post(f"/notes/{note.pk}/strike/").content.decode()
    assert "Write something first" in investigator.post(f"/cases/{case.pk}/notes/", {"text": "  "}).content.decode()
    assert AuditEvent.objects.filter(target_type="case", action__in=["noted", "struck out"]).count() == 2


def test_a_task_is_asked_for_done_and_undone(case, investigator):
    late = {"text": "Ask the school", "due_on": str(TODAY - timedelta(days=1)), "to": "ines"}
    assert "late, was due" in investigator.post(f"/cases/{case.pk}/tasks/", late).content.decode()
    investigator.post(f"/cases/{case.pk}/tasks/", {"text": "Fetch the film of the bus", "to": ""})
    mine = investigator.get("/tasks/").content.decode()
    assert "Ask the school" in mine
    assert "Fetch the film" not in mine
    assert "Fetch the film" in investigator.get("/tasks/?list=nobody").content.decode()
    # What is due stands on every page.
    assert '<b class="badge">1</b>' in investigator.get("/cases/").content.decode()
    task = CaseTask.objects.get(text="Ask the school")
    assert "<s>Ask the school</s>" in investigator.post(f"/tasks/{task.pk}/done/", {"list": 1}).content.decode()
    assert "Ask the school" not in investigator.get("/tasks/").content.decode()
    assert "Ask the school" in investigator.get("/tasks/?list=done").content.decode()
    assert '<b class="badge">1</b>' not in investigator.get("/cases/").content.decode()
    investigator.post(f"/tasks/{task.pk}/done/")
    task.refresh_from_db()
    assert task.done_at is None
    investigator.post(f"/tasks/{task.pk}/remove/")
    assert list(CaseTask.objects.values_list("text", flat=True)) == ["Fetch the film of the bus"]
    assert AuditEvent.objects.filter(action="removed task", why="Ask the school").exists()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"text": ""}, "Say what is to be done"),
        ({"text": "x", "due_on": "soon"}, "Give the day as"),
        ({"text": "x", "to": "nobody-of-that-name"}, "Nobody of that name"),
        ({"text": "x" * 301}, "at most 300 characters"),
    ],
)
def test_a_task_that_cannot_be_says_why_and_is_not_kept(case, investigator, said, answer):
    assert answer in investigator.post(f"/cases/{case.pk}/tasks/", said).content.decode()
    assert not CaseTask.objects.exists()


def test_a_viewer_reads_the_desk_and_writes_nothing(case):
    client = Client()
    client.force_login(people.person("viewer", "Viewer"))
    page = client.get(f"/cases/{case.pk}/desk/").content.decode()
    assert "No note yet" in page
    assert "<form" not in page
    for path in ("notes", "tasks", "assign"):
        assert client.post(f"/cases/{case.pk}/{path}/", {"text": "x"}).status_code == 403


def post(client: Client, path: str, **said: object):
    return client.post(f"/api/v1/{path}", said, content_type="application/json")


def test_notes_over_http_are_added_struck_by_their_writer_alone_and_never_changed(case, investigator):
    made = post(investigator, "notes/", case=case.pk, text="Called the school")
    assert (made.status_code, made.json()["user"], made.json()["struck_at"]) == (201, "ines", None)
    assert AuditEvent.objects.filter(action="noted", why="Called the school").exists()
    assert investigator.patch(f"/api/v1/notes/{made.json()['id']}/", {"text": "x"}).status_code in (403, 405)
    other = Client()
    other.force_login(people.person("olga", "Investigator"))
    refused = post(other, f"notes/{made.json()['id']}/strike/")
    assert (refused.status_code, refused.json()["detail"]) == (409, "Only whoever wrote a note takes it back.")
    assert post(investigator, f"notes/{made.json()['id']}/strike/").json()["struck_at"]
    assert [one["text"] for one in other.get(f"/api/v1/notes/?case={case.pk}").json()["results"]] == [
        "Called the school"
    ]
    assert other.get(f"/api/v1/notes/?case={case.pk + 1}").json()["results"] == []


def test_tasks_over_http_are_given_settled_and_removed(case, investigator):
    rita = people.person("rita", "Reviewer")
    said = {"case": case.pk, "text": "Ask for a better photo", "due_on": f"{TODAY}", "assigned_to": "rita"}
    made = post(investigator, "tasks/", **said).json()
    assert (made["assigned_to"], made["made_by"], made["done_at"]) == ("rita", "ines", None)
    task = CaseTask.objects.get()
    assert task.assigned_to == rita
    assert AuditEvent.objects.filter(action="asked for", why=f"Ask for a better photo until {TODAY}, of rita").exists()
    assert post(investigator, f"tasks/{task.pk}/done/").json()["done_by"] == "ines"
    assert investigator.get("/api/v1/tasks/?done=true&assigned_to=rita").json()["count"] == 1
    assert investigator.get("/api/v1/tasks/?done=false").json()["count"] == 0
    assert post(investigator, f"tasks/{task.pk}/done/").json()["done_at"] is None
    assert investigator.delete(f"/api/v1/tasks/{task.pk}/").status_code == 204
    assert AuditEvent.objects.filter(action="removed task").exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"text": ""}, "may not be blank"),
        ({"text": "x" * 301}, "no more than 300"),
        ({"text": "Call", "due_on": "soon"}, "YYYY-MM-DD"),
        ({"text": "Call", "assigned_to": "vera"}, "Nobody of that name"),
        ({"text": "Call", "assigned_to": "nobody at all"}, "Nobody of that name"),
        ({"text": "Call", "case": 10**9}, "does not exist"),
    ],
)
def test_a_bad_task_over_http_is_refused_in_words(case, investigator, said, words):
    people.person("vera", "Viewer")
    answer = post(investigator, "tasks/", **{"case": case.pk, **said})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not CaseTask.objects.exists()


def test_a_viewer_reads_notes_and_tasks_over_http_and_writes_none(case, investigator):
    post(investigator, "notes/", case=case.pk, text="Called the school")
    viewer = Client()
    viewer.force_login(people.person("vera", "Viewer"))
    assert viewer.get("/api/v1/notes/").json()["count"] == 1
    for path in ("notes/", "tasks/"):
        assert post(viewer, path, case=case.pk, text="x").status_code == 403
