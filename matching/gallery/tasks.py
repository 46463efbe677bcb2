"""Thin Celery wrappers around what is made of the whole gallery."""

from contextlib import suppress

from celery import shared_task

from cases.tasks import BULK, stopping


@shared_task(queue=BULK)
def measure(nightly: bool = False) -> None:
    from cases import work
    from matching.gallery import measuring
    from matching.models import FaceModel

    model = FaceModel.objects.filter(is_active=True).first()
    if model is not None:
        with work.attempt("measuring", model.pk, str(model)):
            measuring.measure_alone(model, nightly=nightly)


@shared_task(queue=BULK)
def compare_missing_found(everything: bool = False) -> None:
    from cases import work
    from matching.gallery import missing_found

    with work.attempt("missing and found", 0, "People who are missing and found"):
        missing_found.compare(stopping.is_set, everything=everything)


@shared_task(queue=BULK)
def feed() -> None:
    from cases import work
    from matching.gallery import feeding
    from matching.gallery.engines import GalleryAway

    # An engine that is away is told when it is back.
    with suppress(GalleryAway), work.attempt("gallery engine", 0, "The gallery engine", waits=(GalleryAway,)):
        feeding.feed(stopping.is_set)
