"""Thin Celery wrapper around measuring."""

from celery import shared_task

from cases.tasks import BULK


@shared_task(queue=BULK)
def measure(nightly: bool = False) -> None:
    from cases import work
    from matching.gallery import measuring
    from matching.models import FaceModel

    model = FaceModel.objects.filter(is_active=True).first()
    if model is not None:
        with work.attempt("measuring", model.pk, str(model)):
            measuring.measure_alone(model, nightly=nightly)
