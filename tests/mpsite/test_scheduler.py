"""What is due when: names that workers know, in the queues that they read, without Django behind them."""

import os
import subprocess
import sys

import redis
from django.conf import settings

from mpsite import scheduler
from mpsite.celery import app as worker_app
from tests.product import ROOT


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
