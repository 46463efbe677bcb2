"""Thin Celery wrappers around indexing."""

import contextlib

from celery import shared_task

from cases.tasks import BULK, stopping


@shared_task
def index_photo(photo_id: int) -> None:
    from matching.indexing import single

    single.index_photo(photo_id)


@shared_task(queue=BULK)
def index_waiting() -> None:
    from matching.indexing import bulk

    # Busy: a terminal or another worker is at it.
    with contextlib.suppress(bulk.IndexBusy):
        bulk.index_waiting(must_stop=stopping.is_set)
