"""What was set aside, for whom it is shown, and how a person takes it up again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from cases import importing, work
from cases.models import ImportRun, ImportSource, Photo
from cases.models.work import FailedWork
from cases.signals import photo_waiting
from cases.visibility import sees_all, visible
from matching.evaluating import evaluation
from matching.models import Batch, Camera, Capture, Evaluation, FaceModel, Template, WebSource
from matching.searching import batches
from matching.signals import capture_waiting


@dataclass(frozen=True)
class Kind:
    """label: as the page says it. model: whose id the key is; none for work on everything there is.
    again: what taking it up does, beside forgetting."""

    label: str
    model: type[Model] | None
    again: Callable[[Any], object] = lambda item: None


def _photo(photo: Photo) -> None:
    Photo.objects.filter(pk=photo.pk).update(status=Photo.Status.PENDING, status_note="")
    photo_waiting.send(Photo, photo=photo)


def _capture(capture: Capture) -> None:
    with transaction.atomic():
        Capture.objects.filter(pk=capture.pk, status=Capture.Status.SET_ASIDE).update(status=Capture.Status.PENDING)
        # Before a worker asks: what has failed has pauses, and one that is set aside is never looked at.
        work.done("capture", [capture.pk])
        capture_waiting.send(Capture, capture=capture)


def _template(template: Template) -> None:
    Template.objects.filter(pk=template.pk).update(looked_back=False)


KINDS = {
    "photo": Kind("Indexing a photo", Photo, _photo),
    "capture": Kind("Matching a capture", Capture, _capture),
    "batch": Kind("Searching a batch", Batch, batches.again),
    "web source": Kind("Looking at a place on the web for a case", WebSource),
    "import": Kind("Importing", ImportRun, lambda run: importing.start(run.source)),
    "source": Kind("Looking whether a source has changed", ImportSource),
    "evaluation": Kind("An evaluation", Evaluation, evaluation.again),
    "look back": Kind("Comparing a new case with what was seen before", Template, _template),
    "camera": Kind("Looking after a camera", Camera),
    "measuring": Kind("Measuring what a likeness is worth", FaceModel),
    "comparing": Kind("Comparing the gallery with itself", FaceModel),
    "change over": Kind("Changing over to another face model", FaceModel),
    "second model": Kind("Embedding for second opinions", FaceModel),
    "missing and found": Kind("Comparing the missing with the found", None),
    "gallery engine": Kind("Telling the gallery engine what changed", None),
    "unnamed people": Kind("Grouping unnamed people", None),
}


def shown(user: Any) -> list[FailedWork]:
    """What failed, of what this person sees: first what is set aside, then what is tried again; the latest first."""
    rows = list(FailedWork.objects.filter(kind__in=KINDS))
    seen: dict[str, set[str]] = {}
    for kind in {row.kind for row in rows}:
        model = KINDS[kind].model
        keys = [row.key for row in rows if row.kind == kind]
        if model is None:
            seen[kind] = set(keys) if sees_all(user) else set()
            continue
        is_owned = hasattr(model, "within") or hasattr(model, "belongs_to")
        if is_owned:
            there = visible(model, user).filter(pk__in=keys)
        else:
            there = model._default_manager.filter(pk__in=keys) if sees_all(user) else model._default_manager.none()
        seen[kind] = {str(pk) for pk in there.values_list("pk", flat=True)}
    found = [row for row in rows if row.key in seen[row.kind]]
    for row in found:
        row.what = KINDS[row.kind].label  # type: ignore[attr-defined]
    return sorted(found, key=lambda row: row.set_aside_at is None)


def take_up(row: FailedWork) -> None:
    """Have it tried again, as if it had never failed. Raises `ImportBusy`, `SearchRefused`."""
    kind = KINDS[row.kind]
    if kind.model is not None:
        key: Any = UUID(row.key) if kind.model is Batch else row.key
        item = kind.model._default_manager.filter(pk=key).first()
        if item is not None:
            kind.again(item)
    work.done(row.kind, [row.key])


def tidy() -> int:
    """Forget what failed of things that are no more. Returns how many."""
    gone = 0
    for name, kind in KINDS.items():
        if kind.model is None:
            continue
        keys = set(FailedWork.objects.filter(kind=name).values_list("key", flat=True))
        there = {str(pk) for pk in kind.model._default_manager.filter(pk__in=keys).values_list("pk", flat=True)}
        work.done(name, keys - there)
        gone += len(keys - there)
    return gone
