"""Thin Celery wrapper around evaluating."""

import contextlib

from celery import shared_task

from cases.tasks import BULK, stopping


@shared_task(queue=BULK)
def evaluate(evaluation_id: int) -> None:
    from matching.evaluating import evaluation
    from matching.models import Evaluation

    found = Evaluation.objects.select_related("model").filter(pk=evaluation_id, status="running").first()
    if found is not None:
        # Busy: a terminal or another worker is at it.
        with contextlib.suppress(evaluation.EvaluationBusy):
            evaluation.run(found, must_stop=stopping.is_set)
