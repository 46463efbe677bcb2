"""What is due when: names that workers know, in the queues that they read, without Django behind them."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
import redis
from django.conf import settings

from mpsite import scheduler
from mpsite.celery import app as worker_app
from tests.product import ROOT

QUEUES = ("captures", "work", "bulk")


def test_each_thing_that_is_due_is_a_task_in_the_queue_that_it_declares():
    worker_app.loader.import_default_modules()
    for entry in scheduler.app.conf.beat_schedule.values():
        task = worker_app.tasks[entry["task"]]
        queue = scheduler.app.conf.task_routes[entry["task"]]["queue"]
        assert queue == (getattr(task, "queue", None) or settings.CELERY_TASK_DEFAULT_QUEUE)


def test_it_loads_neither_django_nor_the_libraries_for_faces():
    code = "import sys, mpsite.scheduler, mpsite.quickstart; print(*sys.modules)"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mpsite.settings"}
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "celery" in loaded
    # Celery's own serialiser asks for a corner of django.utils where Django is installed.
    assert not {
        "django.db",
        "django.conf",
        "django.apps",
        "numpy",
        "cv2",
        "onnxruntime",
        "matching",
        "cases.models",
    } & set(loaded)


def test_what_it_puts_into_a_queue_a_worker_can_take():
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("bulk")
        scheduler.app.conf.broker_url = settings.REDIS_URL
        scheduler.app.send_task("matching.gallery.tasks.measure", args=[True])
        assert client.llen("bulk") == 1
        client.delete("bulk")


@pytest.fixture
def queues(monkeypatch):
    monkeypatch.setitem(scheduler.app.conf, "broker_url", settings.REDIS_URL)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("sightline-scheduler", *QUEUES)
        yield client
        client.delete("sightline-scheduler", *QUEUES)


@pytest.fixture
def one(queues, tmp_path):
    made = []

    def make():
        made.append(
            scheduler.OneOfSeveral(app=scheduler.app, schedule_filename=str(tmp_path / f"schedule-{len(made)}"))
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


def _sends(queues, beat):
    """How many names a scheduler puts into queues when everything is due since a day."""
    for entry in beat.schedule.values():
        entry.last_run_at -= timedelta(days=1)
    beat._heap = None  # it was made of the times before
    before = sum(map(queues.llen, QUEUES))
    # It takes one to put them in their order, and one each.
    for _ in range(len(beat.schedule) + 1):
        beat.tick()
    return sum(map(queues.llen, QUEUES)) - before


def test_of_two_schedulers_one_sends(queues, one):
    first, second = one(), one()
    assert _sends(queues, first) == len(first.schedule)
    assert _sends(queues, second) == 0


def test_the_other_goes_on_at_once_where_one_is_stopped(queues, one):
    first, second = one(), one()
    first.tick()
    assert _sends(queues, second) == 0
    first.close()
    assert _sends(queues, second) == len(second.schedule)


def test_one_that_hung_sends_nothing_when_it_comes_to_itself(queues, one):
    first, second = one(), one()
    first.tick()
    assert 0 < queues.pttl("sightline-scheduler") <= scheduler.LEASE.total_seconds() * 1000
    queues.delete("sightline-scheduler")  # as it ends by itself
    assert _sends(queues, second) == len(second.schedule)
    assert _sends(queues, first) == 0


def test_what_is_due_once_a_night_is_not_sent_again_by_whoever_goes_on(queues, one):
    first, second = one(), one()
    assert _sends(queues, first) == len(first.schedule)
    # It was started days ago, and has stood by since.
    assert _sends(queues, second) == 0
    first.close()
    nightly = {name for name, entry in second.schedule.items() if not hasattr(entry.schedule, "run_every")}
    due = {name for name, entry in second.schedule.items() if entry.is_due().is_due}
    assert len(nightly) > 3
    # What happens to be due in these very seconds is sent by both.
    assert len(due & nightly) <= 1


def test_a_redis_that_was_emptied_or_is_away_ends_no_scheduler(queues, one, monkeypatch):
    beat = one()
    beat.tick()
    queues.flushdb()
    assert _sends(queues, beat) == len(beat.schedule)
    monkeypatch.setitem(scheduler.app.conf, "broker_url", "redis://127.0.0.1:1/0")
    away = one()
    last = {name: entry.last_run_at for name, entry in away.schedule.items()}
    assert away.tick() <= scheduler.ASKED_EVERY
    # It is due when Redis is back.
    assert {name: entry.last_run_at for name, entry in away.schedule.items()} == last
