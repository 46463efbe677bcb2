"""A thin Celery wrapper around sending messages."""

from celery import shared_task

from cases.tasks import URGENT


@shared_task(queue=URGENT)
def deliver(delivery_id: int) -> None:
    from matching.telling import notifying

    notifying.deliver(delivery_id)
