"""The audit trail: what leaves a row, that no row is changed, that a change is found, and what auditors do with it."""

import csv
import io

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from cases import audit, audit_heads, tasks
from cases.models import AuditEvent, AuditQuestion
from tests import faces
from tests.listener import listening
from tests.people import PASSWORD, person


@pytest.fixture
def auditor(db) -> Client:
    client = Client()
    client.force_login(person("ada", "Auditor"))
    return client


@pytest.fixture
def trail(user, collection) -> list[AuditEvent]:
    return [audit.record_as(user, "viewed", collection, f"tip {n} – größer", "192.0.2.7") for n in range(4)]


def sql(statement: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def tamper(statement: str, *values: object) -> None:
    """As somebody who owns the database could."""
    sql("SET LOCAL session_replication_role = replica")
    sql(statement, *values)
    sql("SET LOCAL session_replication_role = origin")


def test_the_database_itself_refuses_to_change_or_remove_a_row(trail):
    for change in (
        lambda: AuditEvent.objects.update(why=""),
        lambda: AuditEvent.objects.all().delete(),
        lambda: sql("UPDATE cases_auditevent SET username = 'nobody' WHERE id = %s", trail[0].pk),
        lambda: sql("DELETE FROM cases_auditevent"),
    ):
        with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic():
            change()
    assert AuditEvent.objects.filter(action="viewed").count() == 4


def test_a_whole_trail_is_verified_and_its_last_hash_told(trail, capsys):
    call_command("verify_audit")
    said = capsys.readouterr().out
    trail[-1].refresh_from_db()
    assert trail[-1].hash in said
    assert len(trail[-1].hash) == 64


@pytest.mark.parametrize(
    ("statement", "which"),
    [
        ("UPDATE cases_auditevent SET why = 'nothing' WHERE id = %s", 1),
        ("UPDATE cases_auditevent SET address = '192.0.2.9' WHERE id = %s", 1),
        ("DELETE FROM cases_auditevent WHERE id = %s", 2),
    ],
)
def test_the_first_broken_row_is_named(trail, statement, which):
    tamper(statement, trail[1].pk)
    with pytest.raises(CommandError, match=f"Row {trail[which].pk} .*is broken"):
        call_command("verify_audit")


def test_a_row_that_was_put_between_or_before_is_found(trail):
    tamper("UPDATE cases_auditevent SET id = id + 100 WHERE id > %s", trail[1].pk)
    with pytest.raises(CommandError, match="is broken"):
        call_command("verify_audit")


def test_a_trail_whose_end_was_cut_off_is_found_by_a_hash_kept_elsewhere(trail):
    trail[-1].refresh_from_db()
    call_command("verify_audit", holds=trail[-1].hash)
    tamper("DELETE FROM cases_auditevent WHERE id = %s", trail[-1].pk)
    call_command("verify_audit")
    with pytest.raises(CommandError, match="cut off"):
        call_command("verify_audit", holds=trail[-1].hash)


def test_whoever_has_the_database_alone_cannot_write_the_trail_anew(trail):
    """The rows changed and every hash of the chain worked out again, as the database's own functions do it."""
    tamper("UPDATE cases_auditevent SET why = 'nothing' WHERE id = %s", trail[1].pk)
    tamper(
        """
        DO $$ DECLARE event cases_auditevent; last text := ''; BEGIN
            SET LOCAL session_replication_role = replica;
            FOR event IN SELECT * FROM cases_auditevent ORDER BY id LOOP
                event.previous := last;
                last := cases_audit_hash(event);
                UPDATE cases_auditevent SET previous = event.previous, hash = last WHERE id = event.id;
            END LOOP;
            SET LOCAL session_replication_role = origin;
        END $$
        """
    )
    with pytest.raises(CommandError, match=f"Row {trail[1].pk} .*has not the key"):
        call_command("verify_audit")


def test_a_row_that_was_added_by_the_databases_owner_is_found(trail):
    sql(
        "INSERT INTO cases_auditevent (at, username, action, target_type, target_id, target_label, why, mac, hash,"
        " previous) VALUES (now(), 'kim', 'viewed', 'case', '1', 'x', '', '', '', '')"
    )
    with pytest.raises(CommandError, match="has not the key"):
        call_command("verify_audit")


def test_the_key_lies_outside_the_database_and_is_its_owners_only(trail, settings):
    from pathlib import Path

    key = Path(settings.DATA_DIR) / "audit_key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text() not in str(list(AuditEvent.objects.values()))


@pytest.fixture
def own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


def test_a_trail_whose_end_was_cut_off_is_found_by_what_was_written_down(own_folder, trail):
    assert audit_heads.keep().last == trail[-1].pk
    assert audit_heads.keep() is None, "nothing new"
    call_command("verify_audit")
    tamper("DELETE FROM cases_auditevent WHERE id = %s", trail[-1].pk)
    with pytest.raises(CommandError, match="the end of the trail was cut off"):
        call_command("verify_audit")


def test_a_trail_of_which_nothing_is_left_is_found(own_folder, trail):
    audit_heads.keep()
    tamper("DELETE FROM cases_auditevent")
    with pytest.raises(CommandError, match="cut off"):
        call_command("verify_audit")


def test_a_trail_written_anew_by_somebody_with_the_key_is_found(own_folder, trail, user, collection):
    audit_heads.keep()
    tamper("DELETE FROM cases_auditevent")
    tamper(f"ALTER SEQUENCE cases_auditevent_id_seq RESTART WITH {trail[0].pk - 1}")
    for _ in range(4):
        audit.record_as(user, "viewed", collection, "something else")
    assert not list(audit.broken())
    with pytest.raises(CommandError, match="written anew"):
        call_command("verify_audit")


def test_each_hour_the_last_hash_is_sent_out_where_that_is_set(own_folder, trail, settings):
    with listening() as elsewhere:
        settings.AUDIT_SEND_TO = f"json://127.0.0.1:{elsewhere.server_port}/"
        tasks.keep_audit_head()
        tasks.keep_audit_head()
    trail[-1].refresh_from_db()
    ((_, body),) = elsewhere.got
    assert trail[-1].hash in body.decode()


def test_the_trail_is_not_emptied(trail):
    for statement in ("TRUNCATE cases_auditevent CASCADE", "TRUNCATE cases_auditquestion, cases_auditevent"):
        with pytest.raises(DatabaseError, match="only ever added to"):
            sql(statement)
    assert AuditEvent.objects.count() == 4


def test_flush_empties_no_trail_but_a_tests(trail):
    name = connection.settings_dict["NAME"]
    try:
        connection.settings_dict["NAME"] = "sightline"
        with pytest.raises(CommandError, match="never emptied"):
            call_command("flush", interactive=False)
    finally:
        connection.settings_dict["NAME"] = name


def test_an_account_that_goes_leaves_its_rows_as_they_were(trail, user):
    user.delete()
    call_command("verify_audit")
    assert AuditEvent.objects.filter(username="kim", action="viewed").count() == 4


def test_sign_ins_failures_and_refusals_leave_rows(user):
    client = Client()
    client.post("/accounts/login/", {"login": "kim", "password": "wrong"})
    client.post("/accounts/login/", {"login": "kim", "password": PASSWORD})
    assert client.get("/cases/new/").status_code == 403
    client.post("/accounts/logout/")
    rows = list(AuditEvent.objects.order_by("pk").values_list("action", "username", "why", "address"))
    assert rows == [
        ("failed to sign in", "kim", "", "127.0.0.1"),
        ("signed in", "kim", "", "127.0.0.1"),
        ("was refused", "kim", "GET /cases/new/", "127.0.0.1"),
        ("signed out", "kim", "", "127.0.0.1"),
    ]
    assert "wrong" not in str(list(AuditEvent.objects.values()))


def test_an_auditor_narrows_the_trail_and_takes_it_along(auditor, trail):
    page = auditor.get("/audit/?q=tip+2&who=KIM").content.decode()
    assert "tip 2" in page
    assert "tip 1" not in page
    assert "Nothing like that" in auditor.get("/audit/?q=nobody").content.decode()
    assert "Null characters are not allowed" in auditor.get("/audit/?q=%00").content.decode()
    assert "Enter a valid date" in auditor.get("/audit/?since=yesterday").content.decode()
    table = b"".join(auditor.get("/audit/export.csv?who=kim")).decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["why"] for row in rows] == [f"tip {n} – größer" for n in range(4)]
    assert AuditEvent.objects.filter(action="exported", username="ada").exists()


def test_what_a_spreadsheet_would_run_is_taken_along_as_text(auditor, user, collection):
    audit.record_as(user, "viewed", collection, "=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in b"".join(auditor.get("/audit/export.csv")).decode()


def test_an_auditor_asks_for_the_reason_and_gets_an_answer(auditor, trail, signed_in):
    auditor.post(f"/audit/{trail[1].pk}/ask/", {"text": "Which case was that for?"})
    assert "An auditor asks you why" in signed_in.get("/search/").content.decode()
    assert "Which case was that for?" in signed_in.get("/questions/").content.decode()
    question = AuditQuestion.objects.get()
    assert auditor.post(f"/questions/{question.pk}/answer/", {"answer": "mine"}).status_code == 404
    signed_in.post(f"/questions/{question.pk}/answer/", {"answer": ""})
    assert not AuditQuestion.objects.get().answered_at
    signed_in.post(f"/questions/{question.pk}/answer/", {"answer": "Tip 1, asked by the county"})
    assert "Tip 1, asked by the county" in auditor.get("/audit/?asked=any").content.decode()
    assert "An auditor asks" not in signed_in.get("/search/").content.decode()


def test_nobody_else_reads_the_trail(signed_in, trail):
    for path in ("/audit/", "/audit/export.csv"):
        assert signed_in.get(path).status_code == 403
    assert signed_in.post(f"/audit/{trail[0].pk}/ask/", {"text": "why?"}).status_code == 403


def test_a_look_at_a_photo_leaves_a_row_but_not_with_every_page(any_model, make_case, signed_in, as_admin):
    photo = make_case("MP1", faces.person(1), faces.person(2)).photos.first()
    for client in (signed_in, signed_in, as_admin):
        assert client.get(f"/photos/{photo.pk}/").status_code == 200
    rows = AuditEvent.objects.filter(action="saw photo").order_by("pk")
    assert [(row.username, row.target_label, row.why) for row in rows] == [
        ("kim", str(photo.case), "MP1.jpg"),
        ("boss", str(photo.case), "MP1.jpg"),
    ]


def test_while_redis_is_away_a_look_at_a_photo_still_leaves_its_row(any_model, make_case, user, rf, no_redis):
    case = make_case("MP1")
    request = rf.get("/")
    request.user = user
    for _ in range(2):
        audit.record_once(request, "saw photo", case, "", of="photo 1")
    assert AuditEvent.objects.filter(action="saw photo").count() == 2
