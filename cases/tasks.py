"""Thin Celery wrappers around importing, and what keeps sources current."""

import contextlib
import threading
from typing import Any

import redis
from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings

# Captures and messages are looked at before anything else, so that a bulk upload never holds up an alert; long work has
# a worker of its own.
URGENT, BULK = "captures", "bulk"
stopping = threading.Event()


@worker_shutting_down.connect
def _stop(**kwargs: Any) -> None:
    stopping.set()


@shared_task(queue=BULK)
def run_import(run_id: int) -> None:
    from cases import importing
    from cases.models import ImportRun

    run = ImportRun.objects.select_related("source").filter(pk=run_id).first()
    if run is not None:
        # Busy: another worker or a terminal is at it.
        with contextlib.suppress(importing.ImportBusy):
            importing.work(run, must_stop=stopping.is_set)


@shared_task(queue=BULK)
def retry_problem(problem_id: int) -> None:
    from cases import importing
    from cases.models import ImportProblem

    problem = ImportProblem.objects.select_related("source").filter(pk=problem_id).first()
    if problem is not None and problem.ended_at is None:
        try:
            importing.retry(problem)
        except importing.ImportBusy:
            ImportProblem.objects.filter(pk=problem_id).update(status=ImportProblem.Status.OPEN)


@shared_task(queue=BULK)
def locate() -> None:
    from cases import locating

    locating.locate_all(must_stop=stopping.is_set)


@shared_task
def keep_current() -> None:
    """Start what is due or has changed, and go on with runs whose process is gone."""
    from cases import importing

    with redis.Redis.from_url(settings.REDIS_URL) as client:
        if client.llen(BULK):
            return
    for run in [*importing.abandoned(), *importing.start_what_is_due()]:
        run_import.delay(run.pk)


@shared_task
def keep_audit_head() -> None:
    from cases import audit_heads

    audit_heads.keep()
