"""The sweep: what waits in the database though the queue is empty lost its task on the way, and is queued again."""

from datetime import timedelta

import redis
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from cases.tasks import BULK, URGENT
from matching.evaluating import tasks as evaluating
from matching.gallery import tasks as gallery
from matching.indexing import tasks as indexing
from matching.searching import tasks as searching
from matching.telling import tasks as telling
from matching.watching import tasks as watching

STALE = timedelta(seconds=15)
BATCH = 500


@shared_task(queue=BULK)
def keep_to_days() -> None:
    from matching import keeping

    keeping.keep_to_days()


@shared_task(queue=URGENT)
def sweep() -> None:
    from cases import work
    from matching.evaluating import evaluation
    from matching.gallery import feeding, measuring, missing_found
    from matching.indexing import bulk, changing_over, second_model
    from matching.models import Capture, Delivery, FaceModel
    from matching.searching import batches, web_sources
    from matching.telling import notifying
    from matching.watching import newcomers

    now = timezone.now()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        if not client.llen(URGENT):
            waiting = Capture.objects.filter(status=Capture.Status.PENDING, received_at__lt=now - STALE)
            waiting = waiting.exclude(pk__in=work.not_now("capture"))
            for pk in waiting.order_by("received_at").values_list("pk", flat=True)[:BATCH]:
                watching.match_capture.delay(pk)
            due = Delivery.objects.filter(status=Delivery.Status.WAITING, next_attempt_at__lt=now)
            for pk in due.values_list("pk", flat=True)[:BATCH]:
                telling.deliver.delay(pk)
        notifying.tell_shifts_over()
        notifying.tell_reports_due()
        if newcomers.waits():
            watching.look_back.delay()
        if not client.llen(BULK) and not bulk.is_resting():
            # Imported photos have no task of their own, and a lost one's photo is taken along.
            if bulk.waits(STALE):
                indexing.index_waiting.delay()
            following = FaceModel.objects.filter(is_next=True).first()
            if following and changing_over.is_idle() and work.may_try("change over", following.pk):
                indexing.change_over.delay()
            if feeding.waits() and work.may_try("gallery engine", 0):
                gallery.feed.delay()
            if work.may_try("missing and found", 0) and missing_found.is_due():
                gallery.compare_missing_found.delay()
            if second_model.waits():
                indexing.fill_second.delay()
            model = FaceModel.objects.filter(is_active=True).first()
            if model and measuring.is_idle() and work.may_try("measuring", model.pk) and measuring.is_due(model):
                gallery.measure.delay()
            for abandoned in evaluation.abandoned():
                evaluating.evaluate.delay(abandoned.pk)
            for pk in web_sources.due().values_list("pk", flat=True)[:BATCH]:
                searching.look_at_source.delay(pk)
            for left in batches.abandoned():
                searching.run_batch.delay(str(left.pk))
