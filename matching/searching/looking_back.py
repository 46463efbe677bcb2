"""Retrospective search: a face against everything that cameras sent and people searched for before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.contrib.auth.models import User
from django.db.models import Q

from cases.fair_use import may_search
from cases.models import Case
from cases.visibility import sees_all, visible
from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.gallery import calibration, kept_faces
from matching.gallery import search as gallery
from matching.models import Alert, Camera, FaceModel, Probe, Search, Template

# Captures of one camera that lie no further apart are one visit.
VISIT = timedelta(minutes=5)
# What strangers reach in more than this share of looks back is not shown.
WORTH_SHOWING = 0.9


@dataclass(frozen=True)
class Visit:
    """Where and when a face like the one looked for was seen: by a camera, or in somebody's search.

    best: the most alike of its probes; strength: what that is worth among all faces that were looked at.
    """

    camera: Camera | None
    search: Search | None
    first: datetime
    last: datetime
    best: Probe
    times: int
    similarity: float
    strength: calibration.Strength


@dataclass(frozen=True)
class LookedBack:
    """faces: how many were looked at. visits: the latest first. former: faces that a former face model embedded, which
    cannot be compared with today's."""

    faces: int
    visits: Sequence[Visit]
    former: int = 0


def for_probe(probe: Probe, user: User) -> LookedBack:
    """Where else the face of a search was seen, for the same purpose. Raises `SearchRefused`."""
    search = probe.searched
    may_search(user, search.collections.all(), purpose=search.purpose, reference=search.reference)
    cleaned, poorness = poor.without(np.asarray(probe.embedding, np.float32)[None], probe.model.direction)
    return _look_back(probe.model, user, [(cleaned[0], float(poorness[0]), probe.commonness)], leave_out=probe)


def for_case(case: Case, model: FaceModel, user: User, *, purpose: str, reference: str = "") -> LookedBack:
    """Where a case's person may have been seen, by whichever of its templates is most like what was seen.

    Raises `SearchRefused`.
    """
    may_search(user, [case.collection], purpose=purpose, reference=reference)
    own = Template.objects.filter(case=case, model=model)
    wanted = [(np.asarray(one.embedding, np.float32), one.poorness) for one in own]
    return _look_back(model, user, [(one, poorness, gallery.common(model, one)) for one, poorness in wanted])


def for_alert(alert: Alert, user: User, since: datetime, until: datetime) -> LookedBack:
    """Where cameras saw the face of an alert's best capture in a time. Raises `SearchRefused`."""
    among = [alert.case.collection] if alert.case else []
    reference = alert.case.number if alert.case else f"alert {alert.pk}"
    may_search(user, among, purpose=f"around the alert at {alert.camera}", reference=reference)
    probe = Probe.objects.select_related("model").filter(capture=alert.best_capture_id).first()
    if probe is None or not probe.model.is_active:
        return LookedBack(0, [])
    cleaned, poorness = poor.without(np.asarray(probe.embedding, np.float32)[None], probe.model.direction)
    then = Q(capture__captured_at__range=(since, until))
    return _look_back(probe.model, user, [(cleaned[0], float(poorness[0]), probe.commonness)], probe, then)


def _look_back(
    model: FaceModel,
    user: User,
    wanted: Sequence[tuple[Embeddings, float, float]],
    leave_out: Probe | None = None,
    narrowed: Q | None = None,
) -> LookedBack:
    among = kept_faces.size(model)
    calibrated = calibration.of(model)
    least = calibrated.threshold(WORTH_SHOWING, among)
    seen = visible(Probe, user) if narrowed is None else visible(Probe, user).filter(narrowed)
    only = None if narrowed is None and sees_all(user) else seen
    best: dict[int, kept_faces.Seen] = {}
    for embedding, poorness, common in wanted:
        for one in kept_faces.look_back(model, embedding, poorness, least=least, common=common, only=only):
            if one.probe_id not in best or best[one.probe_id].worth < one.worth:
                best[one.probe_id] = one
    if leave_out is not None:
        best.pop(leave_out.pk, None)
    probes = seen.filter(pk__in=best).select_related("capture__camera", "search__user", "model")
    visits: list[list[Probe]] = []
    for probe in sorted(probes, key=_when):
        if visits and _is_one_visit(visits[-1][-1], probe):
            visits[-1].append(probe)
        else:
            visits.append([probe])
    found = [_visit(one, best, calibrated, among) for one in visits]
    latest = sorted(found, key=lambda visit: visit.last, reverse=True)
    return LookedBack(among, latest, kept_faces.former(model))


def _when(probe: Probe) -> tuple[int, datetime]:
    """Visits of one camera lie side by side in this order."""
    if probe.capture is not None:
        return probe.capture.camera_id, probe.capture.captured_at
    return 0, probe.searched.created_at


def _is_one_visit(a: Probe, b: Probe) -> bool:
    if a.capture is None or b.capture is None:
        return a.search_id == b.search_id and a.search_id is not None
    return a.capture.camera_id == b.capture.camera_id and b.capture.captured_at - a.capture.captured_at <= VISIT


def _visit(
    probes: Sequence[Probe], best: dict[int, kept_faces.Seen], calibrated: calibration.Calibration, among: int
) -> Visit:
    most_alike = max(probes, key=lambda probe: best[probe.pk].worth)
    likeness = best[most_alike.pk]
    return Visit(
        camera=most_alike.capture.camera if most_alike.capture else None,
        search=most_alike.search,
        first=_when(probes[0])[1],
        last=_when(probes[-1])[1],
        best=most_alike,
        times=len(probes),
        similarity=likeness.similarity,
        strength=calibration.strength(
            calibrated,
            likeness.similarity,
            among,
            likeness.allowance,
            likeness.commonness,
            candidate="most similar face",
            among="face",
        ),
    )
