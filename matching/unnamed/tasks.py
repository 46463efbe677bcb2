"""A thin Celery wrapper around the grouping of people whom nobody has named, as they are met in batches."""

from celery import shared_task

from cases.tasks import BULK, stopping


@shared_task(queue=BULK)
def join_batch(batch_id: str) -> None:
    from uuid import UUID

    from matching.models import Batch
    from matching.unnamed import grouping

    batch = Batch.objects.filter(pk=UUID(batch_id), status=Batch.Status.DONE).first()
    if batch is not None:
        grouping.join_batch(batch, stopping.is_set)
