"""A thin Celery wrapper around batches."""

import contextlib

from celery import shared_task

from cases.tasks import BULK, stopping


@shared_task(queue=BULK)
def run_batch(batch_id: str) -> None:
    from uuid import UUID

    from matching.models import Batch
    from matching.searching import batches

    batch = Batch.objects.select_related("search__model").filter(pk=UUID(batch_id)).first()
    if batch is not None:
        # Busy: another worker is at it.
        with contextlib.suppress(batches.BatchBusy):
            batches.run(batch, must_stop=stopping.is_set)
