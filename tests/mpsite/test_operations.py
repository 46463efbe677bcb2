"""What supervisors and Prometheus are told, and what the console says when something is behind."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
import uuid
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from cases import heartbeat
from cases.models import ProcessBeat
from matching.models import Capture, Delivery, FaceModel, Subscription
from matching.watching import captures
from mpsite import quickstart
from mpsite.logs import JsonFormatter
from tests import faces


def test_ready_only_when_the_work_can_be_done(any_model, monkeypatch):
    assert Client().get("/readyz/").json() == {"ok": True, "problems": []}
    FaceModel.objects.update(is_active=False)
    answer = Client().get("/readyz/")
    assert (answer.status_code, answer.json()["problems"]) == (503, ["face model"])
    monkeypatch.setattr("matching.views.health.LEAST_FREE", 2**60)
    assert "disk" in Client().get("/readyz/").json()["problems"]


def test_ready_names_what_does_not_answer(any_model, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert Client().get("/readyz/").json()["problems"] == ["redis"]


@pytest.mark.django_db(transaction=True)
def test_metrics_are_told_to_who_has_the_token(any_model, six_cases, camera, user, settings):
    Subscription.objects.create(user=user, name="x", address="json://127.0.0.1/")
    capture = captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=timezone.now())
    captures.match_capture(capture.pk)
    assert Client().get("/metrics").status_code == 404, "without a token set nobody reads them"
    settings.METRICS_TOKEN = "a-long-token"
    for said in ("", "Bearer wrong", "Bearer é"):
        assert Client(headers={"authorization": said}).get("/metrics").status_code == 404
    told = Client(headers={"authorization": "Bearer a-long-token"}).get("/metrics").content.decode()
    for line in (
        'sightline_captures{status="matched"} 1.0',
        'sightline_alerts{kind="sought",status="new",strength="strong"} 1.0',
        'sightline_deliveries{status="waiting"} 1.0',
        "sightline_oldest_capture_seconds 0.0",
        "django_http_requests_total_by_method_total",
    ):
        assert line in told
    assert "Person MP1" not in told
    assert "kim" not in told


def test_what_is_behind_is_said_on_every_page(any_model, camera, signed_in, make_case, user):
    assert "Behind:" not in signed_in.get("/cases/").content.decode()
    late = timezone.now() - timedelta(minutes=5)
    picture = ContentFile(b"x", "x.jpg")
    Capture.objects.create(camera=camera, uid=uuid.uuid4(), captured_at=late, received_at=late, image=picture)
    assert "1 captures wait longer than a minute" in signed_in.get("/cases/").content.decode()
    assert not Delivery.objects.exists()


def test_a_log_line_is_one_json_object(caplog):
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("matching").exception("delivery %s failed", 7)
    said = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert (said["message"], said["level"], said["logger"]) == ("delivery 7 failed", "error", "matching")
    assert "ValueError: broken" in said["error"]


def worker(life: float, **environment: str) -> int:
    """How a process that has worked for so long ends after a task; 0: it stays."""
    after_a_task = f"import mpsite.celery as c, time; c._started -= {life}; c.leave_when_large(); time.sleep(1)"
    command = [sys.executable, "-c", after_a_task]
    return subprocess.run(command, env={**os.environ, **environment}, check=False, timeout=60).returncode


def test_a_worker_that_outgrew_its_memory_makes_room_for_another():
    assert worker(100, WORKER_MEMORY="20") == -signal.SIGTERM
    assert worker(100, WORKER_MEMORY="4000") == 0
    assert worker(100) == 0
    assert worker(5, WORKER_MEMORY="20") == 0


def test_what_serves_is_not_the_owner_of_the_database(product):
    """The processes' own user adds to the audit trail, and can neither change, remove nor empty it."""
    import psycopg

    from mpsite import embedded

    owner = embedded.running(product.folder)["DATABASE_URL"]
    with psycopg.connect(owner) as connection:
        who = {
            row[0] for row in connection.execute("SELECT DISTINCT usename FROM pg_stat_activity WHERE usename <> ''")
        }
        owners = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'cases_auditevent'").fetchall()
    assert embedded.SERVING in who
    assert owners != [(embedded.SERVING,)]
    with psycopg.connect(embedded.url_for_serving(owner), autocommit=True) as connection:
        connection.execute("SELECT count(*) FROM cases_auditevent")
        for statement in (
            "UPDATE cases_auditevent SET why = ''", "DELETE FROM cases_auditevent", "TRUNCATE cases_auditevent CASCADE",
            "ALTER TABLE cases_auditevent DISABLE TRIGGER ALL", "DROP TABLE cases_auditquestion",
            "SET session_replication_role = replica",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    assert product.manage("verify_audit").returncode == 0


@pytest.mark.parametrize(
    ("kind", "ago", "missed"),
    [
        ("worker", 5, False), ("worker", 61, True), ("worker", 86_400, True),
        ("bridge", 61, True), ("bridge", 3_600, False), ("watch", 30, False),
    ],
)  # fmt: skip
def test_a_process_that_falls_silent_is_missed(any_model, db, kind, ago, missed):
    ProcessBeat.objects.create(kind=kind, host="one", at=timezone.now() - timedelta(seconds=ago))
    said = Client().get("/readyz/").json()["problems"]
    assert said == ([f"{kind} silent"] if missed else [])
    # Another machine's does the work as well.
    ProcessBeat.objects.create(kind=kind, host="two", at=timezone.now())
    assert Client().get("/readyz/").json()["problems"] == []


def test_the_system_page_says_what_runs_where_and_that_two_versions_do(db, admin_client, settings):
    ProcessBeat.heard("worker")
    page = admin_client.get("/system/").content.decode()
    assert f"<dt>Sightline</dt><dd>{settings.VERSION}</dd>" in page
    assert "run beside each other" not in page
    # As a version writes it that says none yet.
    ProcessBeat.objects.create(kind="worker", host="basement", at=timezone.now())
    page = admin_client.get("/system/").content.decode()
    assert "2 versions run beside each other" in page
    assert "before 0.18" in page
    ProcessBeat.objects.filter(host="basement").update(at=timezone.now() - timedelta(seconds=90))
    page = admin_client.get("/system/").content.decode()
    assert "silent since" in page
    assert "run beside each other" not in page
    # It was taken away.
    ProcessBeat.objects.filter(host="basement").update(at=timezone.now() - timedelta(hours=1))
    assert "basement" not in admin_client.get("/system/").content.decode()


def test_metrics_say_since_when_each_process_is_silent(db, settings):
    settings.METRICS_TOKEN = "a-token"
    ProcessBeat.objects.create(kind="worker", host="one", at=timezone.now() - timedelta(seconds=90))
    said = Client().get("/metrics", headers={"authorization": "Bearer a-token"}).content.decode()
    line = next(line for line in said.splitlines() if line.startswith("sightline_process_silent_seconds{"))
    assert 'kind="worker"' in line
    assert float(line.split()[-1]) == pytest.approx(90, abs=5)
    assert f'sightline_version{{version="{settings.VERSION}"}} 1.0' in said


def test_a_heartbeat_is_of_the_process_alone_that_was_started_so(db, tmp_path, monkeypatch):
    monkeypatch.setattr(heartbeat, "EVERY", 0.05)
    heard: list[str] = []
    heartbeat.begin(heard.append)
    time.sleep(0.3)
    assert not heard, "whoever was started by hand says nothing"
    file = tmp_path / "worker"
    monkeypatch.setenv(heartbeat.KIND, "worker")
    monkeypatch.setenv(heartbeat.FILE, str(file))
    heartbeat.begin(heard.append)
    assert heartbeat.KIND not in os.environ, "a child of it is another process"
    deadline = time.monotonic() + 5
    while not (heard and file.exists()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    monkeypatch.setattr(heartbeat, "EVERY", 3600.0)


def test_a_machine_that_slept_misses_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(quickstart, "_beat_file", lambda name: tmp_path / name)
    clock = [0.0]
    monkeypatch.setattr(quickstart.time, "monotonic", lambda: clock[0])
    beats = quickstart._Beats()
    (tmp_path / "worker").touch()

    def passes(seconds: float, step: float) -> bool:
        for _ in range(int(seconds / step)):
            clock[0] += step
            beats.tick()
            hung = beats.has_hung("worker")
        return hung

    assert not passes(30, 0.5)
    assert not passes(3_600, 3_600), "it slept for an hour"
    assert passes(15, 0.5)
    os.utime(tmp_path / "worker", ns=(1, 1))
    assert not passes(30, 0.5), "it beats again"
    (tmp_path / "worker").unlink()
    assert not passes(90, 0.5), "without a file, as while it starts or on a full disk, nobody hangs"
