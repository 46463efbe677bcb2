"""Thin Celery wrappers around batches, and what is looked at on the web for cases."""

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


@shared_task(queue=BULK)
def look_at_source(source_id: int) -> None:
    from cases import work
    from matching.models import WebSource
    from matching.searching import web_sources

    source = WebSource.objects.select_related("case", "user").filter(pk=source_id).first()
    if source is not None:
        batch = None
        with work.attempt("web source", source.pk, f"{source.case}: {source}"):
            batch = web_sources.look(source)
        if batch is not None:
            run_batch.delay(str(batch.pk))
