"""A thin Celery wrapper around matching what cameras sent."""

from celery import shared_task

from cases.tasks import URGENT


@shared_task(queue=URGENT)
def match_capture(capture_id: int) -> None:
    from matching.watching import captures

    captures.match_capture(capture_id)
