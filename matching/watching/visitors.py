"""Known people and strangers: who of a list has come, who is none of them, and how often somebody came before.

Visits are told by the face alone, never by a name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cases.models import Case, Collection
from matching.faces import poor
from matching.gallery import calibration, kept_faces
from matching.gallery import search as gallery
from matching.models import Camera, Capture, FaceModel, Probe
from matching.searching import remembering
from matching.searching.looking_back import VISIT
from matching.watching import thresholds


@dataclass(frozen=True)
class Visitor:
    """What a camera that greets, or tells of strangers, makes of a face.

    greeted: the person of its lists. is_known: whether it is somebody of the known collections at all. is_told: whether
    it is a stranger of whom the camera tells. closest: the similarity of the known person most like it. among: the
    collections that were asked. visits: how often it was seen, this visit with it; last: when the one before ended.
    """

    greeted: gallery.Hit | None = None
    is_known: bool = False
    is_told: bool = False
    closest: float = 0.0
    among: Sequence[int] = ()
    visits: int = 0
    last: datetime | None = None


NOBODY = Visitor()


def looks(camera: Camera) -> bool:
    """Whether a camera asks at all who comes: it greets somebody, or tells of strangers."""
    return bool(camera.strangers or camera.greets.all())


def look(model: FaceModel, embedding: NDArray[np.float32], capture: Capture) -> Visitor:
    """Compare a face with the known people of its camera's teams. embedding: (d,) float32, unit length."""
    camera = capture.camera
    if not looks(camera):
        return NOBODY
    lists = [collection.pk for collection in camera.greets.all()]
    levels = thresholds.of(model, camera.compares_with().filter(kind=Collection.Kind.KNOWN))
    hits, among = thresholds.over(model, embedding[None], levels)[0], levels.among
    if hits:
        listed = Case.objects.filter(collection__in=lists, pk__in=[hit.case_id for hit in hits])
        greeted = set(listed.values_list("pk", flat=True))
        best = next((hit for hit in hits if hit.case_id in greeted), None)
        visits, last = _visits(model, embedding, capture, best.commonness) if best else (0, None)
        return Visitor(best, is_known=True, closest=hits[0].similarity, among=among, visits=visits, last=last)
    # Where nobody is known yet, nobody is a stranger.
    if not camera.strangers or not gallery.size(model, among):
        return NOBODY
    nearest = thresholds.nearest(model, embedding[None], among)[0]
    common = nearest[0].commonness if nearest else 0.0
    visits, last = _visits(model, embedding, capture, common)
    return Visitor(
        is_told=visits >= camera.visits_from,
        closest=nearest[0].similarity if nearest else 0.0,
        among=among,
        visits=visits,
        last=last,
    )


def _visits(
    model: FaceModel, embedding: NDArray[np.float32], capture: Capture, common: float
) -> tuple[int, datetime | None]:
    """How many visits this face has made, this one included, and when the one before ended. Kept faces are counted."""
    cleaned, poorness = poor.without(np.asarray(embedding, np.float32)[None], model.direction)
    alike = kept_faces.look_back(
        model,
        cleaned[0],
        float(poorness[0]),
        least=calibration.shipped(model).non_mates.similarity(remembering.SAME_PERSON),
        common=common,
        only=Probe.objects.filter(
            capture__camera__in=capture.camera.counts_with(), capture__captured_at__lte=capture.captured_at
        ),
    )
    times = Capture.objects.filter(probe__in=[one.probe_id for one in alike]).order_by("captured_at")
    ends: list[datetime] = []
    for at in [*times.values_list("captured_at", flat=True), capture.captured_at]:
        if ends and at - ends[-1] <= VISIT:
            ends[-1] = at
        else:
            ends.append(at)
    return len(ends), ends[-2] if len(ends) > 1 else None
