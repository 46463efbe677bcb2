"""A case that is new, or has a new photo, against what was there before it: kept captures and standing searches."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone

from cases import locks, work
from cases.models import Collection
from matching.faces import face_models
from matching.gallery import calibration, kept_faces
from matching.gallery import search as gallery
from matching.models import Capture, FaceModel, Probe, StandingSearch, Template
from matching.searching import standing
from matching.telling import notifying, seen_before

LOCK = "newcomers"
BATCH = 500
# So many are quicker compared at once with all that was seen than one after the other (docs/performance.md).
TOGETHER = 16
# It then makes room for others' photos; the sweep has it go on.
SECONDS = 20


def waits() -> bool:
    """Whether there is a template that was not compared with what was seen before it."""
    waiting = Template.objects.filter(looked_back=False, model__is_active=True)
    return waiting.exclude(pk__in=work.not_now("look back")).exists() and locks.is_free(LOCK)


def newest(model: FaceModel) -> int:
    """The newest template there is."""
    return Template.objects.filter(model=model).order_by("-pk").values_list("pk", flat=True).first() or 0


def compare_again(model: FaceModel, since: int) -> None:
    """Have those compared once more that came since, and were compared: what was being matched meanwhile was searched
    for without them, and written after they looked for it. since: as `newest` said."""
    Template.objects.filter(model=model, pk__gt=since, looked_back=True).update(looked_back=False)


def close_lapsed() -> None:
    """End standing searches whose owner may search no more, and tell them."""
    with transaction.atomic():
        for one in standing.close_lapsed():
            notifying.tell_closed(one)


def look_back(must_stop: Callable[[], bool] = lambda: False) -> None:
    """Compare every template that waits; killed in the middle, it goes on where it was. Raises `NoFaceModel`."""
    with locks.held(LOCK) as mine:
        if not mine:
            return
        model = face_models.active()
        close_lapsed()
        for candidate in standing.bring_over(model):
            with transaction.atomic():
                notifying.tell_owners(candidate)
        waiting = Template.objects.filter(model=model, looked_back=False)
        among = kept_faces.size(model)
        if not among and not StandingSearch.objects.filter(closed_at=None).exists():
            # An import into an installation without cameras need not go through them one by one.
            waiting.update(looked_back=True)
            return
        kept = standing.faces(model)
        until = time.monotonic() + SECONDS
        waiting = waiting.select_related("model", "case__collection").order_by("pk")
        while batch := list(waiting.exclude(pk__in=work.not_now("look back"))[:BATCH]):
            seen = _seen(model, batch, among, must_stop)
            if seen is None:
                return
            for template in batch:
                with work.attempt("look back", template.pk, str(template.case)) as tried:
                    _compare(template, kept, among, seen.get(template.pk))
                if tried.is_set_aside or not tried.error:
                    Template.objects.filter(pk=template.pk).update(looked_back=True)
            if must_stop() or time.monotonic() > until:
                return


def _asks(template: Template, among: int) -> tuple[float, datetime] | None:
    """From which likeness on a case asks where it was seen before, and since when; None: it does not."""
    collection, model = template.case.collection, template.model
    level = calibration.LEVELS.get(Collection.AlertLevel(collection.alert_level))
    # A template that is too poor is like anybody, and wakes nobody.
    too_poor = model.poor_limit is not None and template.poorness > model.poor_limit
    is_known = collection.kind == Collection.Kind.KNOWN
    if level is None or is_known or not collection.look_back_days or not among or too_poor:
        return None
    return calibration.of(model).threshold(level, among), timezone.now() - timedelta(days=collection.look_back_days)


def _seen(
    model: FaceModel, batch: Sequence[Template], among: int, must_stop: Callable[[], bool]
) -> dict[int, list[kept_faces.Seen]] | None:
    """By template what is like it, of many at once; nothing where each is quicker by itself. None: it had to stop."""
    asking = [(one, *asks) for one in batch if one.case.is_open and (asks := _asks(one, among))]
    if len(asking) < TOGETHER:
        return {}
    found = kept_faces.look_back_all(
        model,
        np.array([np.asarray(template.embedding, np.float32) for template, *_ in asking]),
        np.array([template.poorness for template, *_ in asking], np.float32),
        least=np.array([least for _, least, _ in asking], np.float32),
        since=[since for *_, since in asking],
        must_stop=must_stop,
    )
    if found is None:
        return None
    return {template.pk: seen for (template, *_), seen in zip(asking, found, strict=True)}


def _compare(template: Template, kept: standing.Faces, among: int, seen: list[kept_faces.Seen] | None) -> None:
    """seen: what is like it; None: that is asked."""
    case, model = template.case, template.model
    if not case.is_open:
        return
    found = standing.compare(template, kept)
    with transaction.atomic():
        for candidate in found:
            notifying.tell_owners(candidate)
    if (asks := _asks(template, among)) is None:
        return
    least, since = asks
    embedding = np.asarray(template.embedding, np.float32)
    only = Probe.objects.filter(capture__captured_at__gte=since)
    if seen is None:
        seen = kept_faces.look_back(model, embedding, template.poorness, least=least, only=only)
    # Most new cases are like nothing that was seen, so what theirs have in common with all is asked of few.
    common = gallery.common(model, embedding) if seen else 0.0
    likenesses = {one.probe_id: like for one in seen if (like := replace(one, commonness=common)).worth >= least}
    captures = Capture.objects.filter(probe__in=only.filter(pk__in=likenesses)).select_related("camera", "probe")
    new = [(capture, likenesses[capture.probe.pk]) for capture in captures.exclude(entries__case=case)]
    if new:
        _raise(new, template, among)


def _raise(new: list[tuple[Capture, kept_faces.Seen]], template: Template, among: int) -> None:
    by_camera: dict[int, list[tuple[Capture, kept_faces.Seen]]] = {}
    for one in new:
        by_camera.setdefault(one[0].camera_id, []).append(one)
    collection = template.case.collection_id
    for found in by_camera.values():
        if not found[0][0].camera.compares_with().filter(pk=collection).exists():
            continue
        with transaction.atomic():
            seen_before.raise_alert(found, template.case_id, template.model, among, template.kind)
