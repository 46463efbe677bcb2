"""A second face model's embeddings, kept beside the active one's to be asked for a second opinion."""

from collections.abc import Callable

from django.db import transaction

from cases import locks, work
from matching.faces import face_models
from matching.indexing import changing_over
from matching.models import Face, FaceModel, Template

LOCK = "second model"


class SecondModelRefused(Exception):
    """A model cannot be the second one; the text says why."""


def keep(model: FaceModel) -> None:
    """Fill this model in the background from now on. Raises `SecondModelRefused`."""
    if model.is_active or model.is_next:
        raise SecondModelRefused(f"{model} is the model in use, or about to be; name another one.")
    if not model.is_second:
        leave_off()
    face_models.keep_second(model)


def leave_off() -> None:
    """Keep no second model, and forget what one embedded."""
    for old in FaceModel.objects.filter(is_second=True):
        with transaction.atomic():
            face_models.keep_second(None)
            Template.objects.filter(model=old).delete()
            Face.objects.filter(model=old).delete()


def waits() -> bool:
    """Whether there are photos that the second model has not looked at."""
    model = FaceModel.objects.filter(is_second=True).first()
    if model is None or not locks.is_free(LOCK) or not work.may_try("second model", model.pk):
        return False
    return bool(changing_over.in_turn(model))


def fill(
    model: FaceModel,
    must_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    again: bool = False,
) -> None:
    """Embed the photos that came since the last time. again: also those that were indexed anew behind its back, and
    those in which it found no face. Stopped or killed, it goes on where it was. Raises `EngineUnavailable`."""
    with locks.held(LOCK) as mine:
        if not mine:
            return
        model.refresh_from_db()
        while ids := changing_over.in_turn(model):
            if not changing_over.embed(ids, model, must_stop, progress):
                return
        tried: set[int] = set()
        while again and (left := changing_over.behind(model, tried)):
            if not changing_over.embed(sorted(set(left.values())), model, must_stop, progress):
                return
            tried.update(left)
