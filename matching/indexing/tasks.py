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


@shared_task(queue=BULK)
def fill_second(again: bool = False) -> None:
    from cases import work
    from matching.indexing import second_model
    from matching.models import FaceModel

    model = FaceModel.objects.filter(is_second=True).first()
    if model is not None:
        with work.attempt("second model", model.pk, str(model)):
            second_model.fill(model, must_stop=stopping.is_set, again=again)


@shared_task(queue=BULK)
def change_over() -> None:
    from cases import work
    from matching.indexing import changing_over
    from matching.models import FaceModel

    model = FaceModel.objects.filter(is_next=True).first()
    if model is not None:
        with (
            contextlib.suppress(changing_over.ChangeOverBusy),
            work.attempt("change over", model.pk, str(model), (changing_over.ChangeOverBusy,)),
        ):
            changing_over.change_over(model, must_stop=stopping.is_set)
