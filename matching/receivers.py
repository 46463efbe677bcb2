"""Who announces that something waits, and the task that is queued for it.

Robust, all of them: with the broker away the row stays waiting, and the sweep picks it up.
"""

import logging
from collections.abc import Iterable
from typing import Any

from celery.signals import worker_ready
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from kombu.exceptions import OperationalError

from cases.models import Case, ImportRun, Photo
from cases.signals import case_moved, photo_waiting, photos_imported
from matching.indexing import tasks as indexing
from matching.models import Batch, Camera, Candidate, Capture, Delivery, FaceModel
from matching.signals import batch_done, candidate_found, capture_waiting, delivery_waiting
from matching.telling import tasks as telling
from matching.unnamed import tasks as unnamed
from matching.watching import calling
from matching.watching import tasks as watching

logger = logging.getLogger(__name__)


@receiver(post_delete, sender=Photo)
def fold_templates(sender: type[Photo], instance: Photo, **kwargs: Any) -> None:
    """However a photo went, its case is searched by the others from then on."""
    # Loads the libraries for pictures, which an idle worker need not hold.
    from matching.gallery import templates

    for model in FaceModel.objects.filter(template__case=instance.case_id).distinct():
        templates.rebuild(model, [instance.case_id])


@receiver(photo_waiting)
def index_photo(sender: type[Photo], photo: Photo, **kwargs: Any) -> None:
    transaction.on_commit(lambda: indexing.index_photo.delay(photo.pk), robust=True)


@receiver(case_moved)
def move_alerts(sender: type[Case], case: Case, **kwargs: Any) -> None:
    from matching.telling import episodes

    if case.is_open:
        episodes.reopen_case(case)
    else:
        episodes.close_case(case)


@receiver(photos_imported)
def index_waiting(sender: type[ImportRun], run: ImportRun, **kwargs: Any) -> None:
    if Photo.objects.filter(status=Photo.Status.PENDING).exists():
        transaction.on_commit(indexing.index_waiting.delay, robust=True)


@receiver(capture_waiting)
def match_capture(sender: type[Capture], capture: Capture, **kwargs: Any) -> None:
    transaction.on_commit(lambda: calling.call(capture.pk), robust=True)


@receiver(post_save, sender=Camera)
def get_ready(sender: type[Camera], created: bool, update_fields: Iterable[str] | None, **kwargs: Any) -> None:
    """A client that was let in soon sends its first face."""
    if created or "token_hash" in (update_fields or ()):
        transaction.on_commit(watching.get_ready.delay, robust=True)


@worker_ready.connect
def get_ready_anew(**kwargs: Any) -> None:
    """A worker that was started again looks at faces as quickly as the one before it."""
    try:
        watching.get_ready.delay()
    except OperationalError as error:
        logger.warning("no worker gets ready before the first face (%s)", error)


@receiver(batch_done)
def group_unnamed(sender: type[Batch], batch: Batch, **kwargs: Any) -> None:
    transaction.on_commit(lambda: unnamed.join_batch.delay(str(batch.pk)), robust=True)


@receiver(delivery_waiting)
def deliver(sender: type[Delivery], delivery: Delivery, **kwargs: Any) -> None:
    transaction.on_commit(lambda: telling.deliver.delay(delivery.pk), robust=True)


@receiver(candidate_found)
def tell_owners(sender: type[Candidate], candidate: Candidate, **kwargs: Any) -> None:
    from matching.telling import notifying

    notifying.tell_owners(candidate)
