"""Questions in SQL: what analysts may ask, and that they can do nothing else."""

import threading
import uuid
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.utils import timezone

from cases.models import ApiToken, AuditEvent, Case, Collection
from matching import analysis
from matching.models import Camera, Capture, Delivery, Report, Subscription
from matching.telling import messages, notifying
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "Somebody Hidden"


@pytest.fixture(autouse=True)
def _role(db):
    analysis.make_role()


@pytest.fixture
def analyst(client):
    client.force_login(person("ana", "Analyst"))
    return client


@pytest.fixture
def kept(collection, camera) -> Camera:
    Case.objects.create(collection=collection, number="MP1", name=SECRET)
    for hours in range(3):
        Capture.objects.create(
            camera=camera, uid=uuid.uuid4(), image="x.jpg", captured_at=timezone.now() - timedelta(hours=hours)
        )
    return camera


def test_it_works(kept, analyst):
    question = "SELECT cameras.name, count(*) AS faces FROM captures JOIN cameras ON cameras.id = camera_id GROUP BY 1;"
    page = analyst.post("/reports/sql/", {"question": question})
    assert "<td>Gate 3</td><td>3</td>" in page.content.decode()
    assert AuditEvent.objects.get(action="asked in SQL").why == question
    taken = analyst.post("/reports/sql/", {"question": question, "as": "csv"})
    assert b"".join(taken).decode().splitlines() == ["name,faces", "Gate 3,3"]
    over = analyst.post("/api/v1/reports/sql/", {"question": question}, content_type="application/json")
    assert over.json() == {"headings": ["name", "faces"], "rows": [["Gate 3", 3]], "is_cut": False}


@pytest.mark.parametrize("view", analysis.VIEWS)
def test_each_view_is_there_and_on_the_page(view, analyst):
    assert analysis.ask(f"SELECT * FROM {view}").headings
    assert f"<b>{view}</b>" in analyst.get("/reports/sql/").content.decode()


def test_no_view_has_a_face_a_name_or_what_a_user_wrote():
    columns = {(view, column) for view, found in analysis.columns().items() for column, _ in found}
    words = ("image", "crop", "embedding", "bits", "user", "note", "by_id", "token", "purpose", "address", "email")
    assert not [one for one in columns for word in words if word in one[1]]
    assert {view for view, column in columns if column == "name"} == {"cameras", "collections"}


def test_a_phone_is_not_named_after_its_officer(camera):
    Camera.objects.update(officer=User.objects.create(username="kim"), name="Kim's phone")
    assert analysis.ask("SELECT name FROM cameras").rows == [["a phone"]]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("DELETE FROM captures", "syntax error"),
        ("WITH gone AS (DELETE FROM captures RETURNING 1) SELECT * FROM gone", "must be at the top level"),
        ("SELECT 1) AS x; DROP TABLE matching_capture; SELECT * FROM (SELECT 1", "multiple commands"),
        ("SELECT 1; SELECT 2", "syntax error"),
        ("SELECT name FROM public.cases_case", "permission denied"),
        ("SELECT * FROM public.auth_user", "permission denied"),
        ("SELECT rolpassword FROM pg_authid", "permission denied"),
        ("SELECT pg_read_file('/etc/passwd')", "permission denied"),
        ("SELECT * FROM pg_ls_dir('/')", "permission denied"),
        ("SELECT lo_import('/etc/passwd')", "permission denied"),
        ("SELECT lo_from_bytea(0, 'x')", "read-only"),
        ("SELECT nextval('public.cases_case_id_seq')", "permission denied"),
        ("SELECT query_to_xml('DELETE FROM public.cases_case', true, true, '')", "The database says"),
        ("SELECT set_config('role', 'postgres', false)", "permission denied to set role"),
        ("SELECT set_config('transaction_read_only', 'off', false)", "before any query"),
        ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user", "permission denied"),
        ("SELECT nonsense FROM captures", "does not exist, at line 1"),
        ("SELECT id\nFROM captures\nWHERE nonsense", "at line 3"),
        ("SELECT repeat('x', 200000)", "larger than 100 kB"),
        ("SELECT repeat('x', 2000000000)", "too large"),
        ("SELECT 1 /* and", "unterminated"),
        ("SELECT '\x00'", "Null characters"),
        ("SELECT 'infinity'::timestamptz", "timestamp too large"),
        ("   ;", "syntax error"),
        ("", "Write a SELECT first"),
        ("SELECT " + "1," * 6000 + "1", "10000 characters"),
    ],
)
def test_what_it_does_not_do_is_said_in_words(kept, analyst, question, words):
    answer = analyst.post("/reports/sql/", {"question": question})
    assert answer.status_code == 422
    said = answer.content.decode()
    assert words in said.replace("&#x27;", "'").replace("10,000", "10000"), said[said.find("error") :][:300]
    assert SECRET not in said
    assert Capture.objects.count() == 3


@pytest.mark.parametrize(
    "question",
    [
        "SELECT pg_sleep(60)",
        "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b",
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(60)",
    ],
)
def test_what_takes_too_long_is_stopped(monkeypatch, question):
    monkeypatch.setattr(analysis, "SECONDS", 1)
    with pytest.raises(analysis.QuestionRefused, match="stopped after 1 seconds"):
        analysis.ask(question)


def test_what_is_written_past_the_wrapping_is_still_one_question():
    assert analysis.ask("SELECT 1 AS n) AS one CROSS JOIN (SELECT 2 AS m").rows == [[1, 2]]
    assert analysis.ask("SELECT '100%' AS said -- and %s").rows == [["100%"]]
    assert analysis.ask("VALUES (1, null), (2, 'x')").rows == [[1, None], [2, "x"]]


def test_of_many_rows_the_first_are_shown_and_that_is_said(analyst, monkeypatch):
    monkeypatch.setattr(analysis, "MOST_ROWS", 10)
    answer = analysis.ask("SELECT generate_series(1, 11)")
    assert (len(answer.rows), answer.is_cut) == (10, True)
    assert (
        "There are more rows"
        in analyst.post("/reports/sql/", {"question": "SELECT generate_series(1, 11)"}).content.decode()
    )
    assert not analysis.ask("SELECT generate_series(1, 10)").is_cut


def test_no_more_than_four_questions_at_once(monkeypatch):
    monkeypatch.setattr(analysis, "SECONDS", 3)
    said: list[str] = []

    def ask() -> None:
        try:
            analysis.ask("SELECT pg_sleep(2)")
        except analysis.QuestionRefused as refusal:
            said.append(str(refusal))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["4 questions run already. Wait until one has ended."] * 2


def test_who_sees_one_team_only_does_not_ask(client):
    kim = person("kim", "Viewer")
    client.force_login(kim)
    assert client.get("/reports/sql/").status_code == 403
    kim.user_permissions.add(Permission.objects.get(codename="query_database"))
    answer = client.get("/reports/sql/")
    assert answer.status_code == 403
    assert "only somebody who sees all teams" in answer.content.decode()
    over = client.post("/api/v1/reports/sql/", {"question": "SELECT 1"}, content_type="application/json")
    assert over.status_code == 403
    assert "Ask in SQL" not in client.get("/reports/").content.decode()


def test_a_token_that_may_read_may_ask(kept, client):
    token = ApiToken.issue(person("ana", "Analyst"), "test", ["read"], None)[1]
    answer = client.post(
        "/api/v1/reports/sql/", {"question": "SELECT 1"}, content_type="application/json",
        headers={"authorization": f"Token {token}"},
    )  # fmt: skip
    assert answer.json()["rows"] == [[1]]


def test_without_a_user_of_the_database_that_is_said(settings, analyst):
    settings.HAS_EMBEDDED_DATABASE = False
    answer = analyst.post("/reports/sql/", {"question": "SELECT 1"})
    assert "ANALYSIS_DATABASE_URL" in answer.content.decode()
    settings.ANALYSIS_DATABASE_URL = "postgresql://nobody@127.0.0.1:1/x"
    said = analyst.post("/reports/sql/", {"question": "SELECT 1"}).content.decode()
    assert "does not let the question in" in said
    assert "127.0.0.1" not in said.split("<main")[1]


def test_without_views_the_page_says_so(analyst):
    analysis.drop_views([1])
    try:
        assert "The views are not there" in analyst.get("/reports/sql/").content.decode()
    finally:
        analysis.make_views([1])
    assert analysis.ask("SELECT count(*) FROM collections").rows == [[Collection.objects.count()]]


def test_the_role_owns_nothing_and_is_nobodys_member():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolconnlimit FROM pg_roles WHERE rolname = %s",
            [analysis.ROLE],
        )
        assert cursor.fetchone() == (False, False, False, False, 4)
        cursor.execute("SELECT count(*) FROM pg_auth_members WHERE member = to_regrole(%s)", [analysis.ROLE])
        assert cursor.fetchone() == (0,)


def test_kept_questions_are_not_in_the_views():
    assert Report._meta.db_table not in str(analysis.VIEWS)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(**analysis._address()) as analyst:
        analyst.execute("SELECT * FROM public.matching_report")


COUNTED = "SELECT cameras.name, count(*) AS faces FROM captures JOIN cameras ON cameras.id = camera_id GROUP BY 1"


def keep(analyst, way: str = "keep", **said: object):
    return analyst.post("/reports/sql/", {"question": COUNTED, "as": way, "name": "By camera", **said}, follow=True)


def test_a_question_is_kept_asked_anew_changed_and_removed(kept, analyst):
    page = keep(analyst).content.decode()
    report = Report.objects.get()
    assert (report.sql, report.user.username) == (COUNTED, "ana")
    assert "<h1>By camera</h1>" in page
    assert "<td>Gate 3</td><td>3</td>" in page
    assert f'href="/reports/{report.pk}/"' in analyst.get("/reports/").content.decode()
    Capture.objects.first().delete()
    page = analyst.get(f"/reports/{report.pk}/", follow=True)
    assert "<td>Gate 3</td><td>2</td>" in page.content.decode()
    assert AuditEvent.objects.filter(action="asked in SQL", why=COUNTED).count() == 3
    shorter = "SELECT count(*) FROM captures"
    keep(analyst, "change", kept=report.pk, question=shorter, name="All")
    report.refresh_from_db()
    assert (report.sql, report.name) == (shorter, "All")
    keep(analyst, "keep", kept=report.pk, name="Another")
    assert Report.objects.count() == 2
    analyst.post(f"/reports/{report.pk}/remove/")
    assert Report.objects.get().name == "Another"
    assert AuditEvent.objects.get(action="removed").why == shorter


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"question": "SELECT nothing"}, "does not exist"),
        ({"question": ""}, "Write a SELECT first."),
        ({"name": ""}, "This field is required."),
    ],
)
def test_what_is_not_answered_or_has_no_name_is_not_kept(kept, analyst, said, words):
    page = keep(analyst, **said)
    assert page.status_code == 422
    assert words in page.content.decode()
    assert not Report.objects.exists()


@pytest.mark.parametrize("number", ["0", "x", "99999999999999999999", "-1"])
def test_a_kept_question_that_is_none_is_not_found(analyst, number):
    assert analyst.get("/reports/sql/", {"kept": number}).status_code == 404


def test_it_is_shared_with_those_who_may_ask_alone_and_changed_by_its_owner_alone(kept, analyst, client):
    keep(analyst, is_shared="on")
    report = Report.objects.get()
    analyst.force_login(person("bea", "Analyst"))
    assert "<td>Gate 3</td>" in analyst.get(f"/reports/{report.pk}/", follow=True).content.decode()
    keep(analyst, "change", kept=report.pk, name="Mine now")
    report.refresh_from_db()
    assert (report.name, report.user.username) == ("By camera", "ana")
    assert Report.objects.get(name="Mine now").user.username == "bea"
    analyst.force_login(person("kim", "Reviewer"))
    assert analyst.get(f"/reports/{report.pk}/").status_code == 404
    assert "By camera" not in analyst.get("/reports/").content.decode()


def test_on_monday_it_is_asked_anew_and_mailed_while_its_owner_may_ask(kept, analyst):
    keep(analyst, on_mondays="on")
    Report.objects.update(created_at=timezone.now() - timedelta(days=30))
    ana = User.objects.get(username="ana")
    Subscription.objects.create(user=ana, way="mail", address="ana@agency.example", confirmed_at=timezone.now())
    notifying.tell_reports_due()
    delivery = Delivery.objects.get()
    asked = AuditEvent.objects.filter(action="asked in SQL").count()
    title, text, _ = messages.of(delivery)
    assert (title, text) == ("Sightline: By camera", "name | faces\nGate 3 | 3")
    assert AuditEvent.objects.filter(action="asked in SQL").count() == asked + 1
    Report.objects.update(sql="SELECT nothing")
    assert "was not answered. The database says: " in messages.of(Delivery.objects.get())[1]
    Report.objects.update(sql="SELECT 1 WHERE false")
    assert messages.of(Delivery.objects.get())[1] == "No row is so."
    ana.groups.clear()
    assert "may not ask in SQL any more" in messages.of(Delivery.objects.get())[1]
