"""Thin Celery wrappers around the flows, and the sweep that picks up rows whose task vanished."""

import contextlib
from datetime import timedelta

import redis
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from cases.tasks import BULK, stopping

# Captures are looked at before anything else, so that a bulk upload never holds up an alert.
URGENT = "captures"
STALE = timedelta(seconds=15)
BATCH = 500


@shared_task
def index_photo(photo_id: int) -> None:
    from matching import indexing

    indexing.index_photo(photo_id)


@shared_task(queue=BULK)
def index_waiting() -> None:
    from matching import bulk_indexing

    # Busy: a terminal or another worker is at it.
    with contextlib.suppress(bulk_indexing.IndexBusy):
        bulk_indexing.index_waiting(must_stop=stopping.is_set)


@shared_task(queue=URGENT)
def match_capture(capture_id: int) -> None:
    from matching import watching

    watching.match_capture(capture_id)


@shared_task(queue=URGENT)
def deliver(delivery_id: int) -> None:
    from matching import notifying

    notifying.deliver(delivery_id)


@shared_task(queue=URGENT)
def sweep() -> None:
    """Queue again what waits in the database though the queue is empty: its task was lost on the way."""
    from cases.models import Photo
    from matching import bulk_indexing
    from matching.models import Capture, Delivery, IndexRun

    now = timezone.now()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        if not client.llen(URGENT):
            waiting = Capture.objects.filter(status=Capture.Status.PENDING, received_at__lt=now - STALE)
            for pk in waiting.order_by("received_at").values_list("pk", flat=True)[:BATCH]:
                match_capture.delay(pk)
            due = Delivery.objects.filter(status=Delivery.Status.WAITING, next_attempt_at__lt=now)
            for pk in due.values_list("pk", flat=True)[:BATCH]:
                deliver.delay(pk)
        if not client.llen(BULK) and not bulk_indexing.is_resting():
            # Imported photos have no task of their own, and a lost one's photo is taken along.
            photos = Photo.objects.filter(status=Photo.Status.PENDING, created_at__lt=now - STALE)
            if photos.exists() or IndexRun.objects.filter(finished_at=None).exists():
                index_waiting.delay()
