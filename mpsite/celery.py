"""The Celery application: worker and scheduler are `celery -A mpsite worker` and `celery -A mpsite beat`."""

import os
import resource
import signal
import time
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import task_postrun
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mpsite.settings")

app = Celery("sightline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# However little memory it is given, a worker does some work before it makes room for its successor.
LEAST_LIFE = 60.0
_started = time.monotonic()


@task_postrun.connect
def leave_when_large(**kwargs: Any) -> None:
    """End after the tasks at hand where the process has outgrown `WORKER_MEMORY`; its keeper starts another."""
    most = settings.WORKER_MEMORY
    if not most or time.monotonic() - _started < LEAST_LIFE:
        return
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    if pages * resource.getpagesize() > most * 2**20:
        os.kill(os.getpid(), signal.SIGTERM)
