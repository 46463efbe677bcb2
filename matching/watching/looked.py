"""What a camera's captures show: looked at, compared with the gallery, and written, with their alerts."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import prefetch_related_objects
from numpy.typing import NDArray

from cases.models import Collection
from matching.faces import face_models, images
from matching.faces.engines import Detection
from matching.faces.rows import face_columns
from matching.gallery import kept_faces
from matching.gallery import search as gallery
from matching.models import Alert, Capture, FaceModel, Probe
from matching.searching.pictures import keep_all_candidates
from matching.telling import episodes, strangers
from matching.unnamed import grouping
from matching.watching import alert_clips, newcomers, retention, thresholds, visitors

ALERTS_A_CAPTURE = 3


@dataclass
class Looked:
    """A capture with what was seen in it. columns: of its face; None without one. among: the collections searched."""

    capture: Capture
    columns: dict[str, Any] | None = None
    is_too_poor: bool = False
    hits: list[gallery.Hit] = field(default_factory=list)
    among: list[int] = field(default_factory=list)

    @property
    def embedding(self) -> NDArray[np.float32] | None:
        """(d,) float32, unit length, of a face that may be compared."""
        return None if self.columns is None or self.is_too_poor else self.columns["embedding"]

    @property
    def is_visit(self) -> bool:
        """Whether its camera asks who comes."""
        return self.embedding is not None and visitors.looks(self.capture.camera)

    @property
    def status(self) -> Capture.Status:
        """Of one that is like nobody."""
        if self.columns is None:
            return Capture.Status.NO_FACE
        return Capture.Status.TOO_POOR if self.is_too_poor else Capture.Status.NO_CANDIDATE


def look(capture: Capture, model: FaceModel) -> Looked:
    try:
        with capture.image.open() as file:
            opened = images.open_image(file.read())
        face = face_models.find_face(
            face_models.engine(model), opened.rgb, lambda found: _meant_face(found, opened, capture)
        )
    except images.ImageRefused:
        face = None
    if face is None:
        return Looked(capture)
    columns = face_columns(model, opened.rgb, face, opened.scale)
    return Looked(capture, columns, model.is_too_poor(columns["poorness"], columns["size"]))


def compare(looked: Sequence[Looked], model: FaceModel) -> list[Alert]:
    """Search for those that have a face, and write what comes of each. Returns the alerts raised or joined."""
    # One camera for all of its captures.
    prefetch_related_objects([one.capture for one in looked], "camera__teams", "camera__greets")
    newest = newcomers.newest(model)
    of_teams: dict[frozenset[int], list[Looked]] = defaultdict(list)
    for one in looked:
        if one.embedding is not None:
            of_teams[frozenset(team.pk for team in one.capture.camera.teams.all())].append(one)
    for alike in of_teams.values():
        levels = thresholds.of(model, alike[0].capture.camera.compares_with().exclude(kind=Collection.Kind.KNOWN))
        found = thresholds.over(model, np.array([one.embedding for one in alike]), levels)
        for one, hits in zip(alike, found, strict=True):
            one.hits, one.among = hits[:ALERTS_A_CAPTURE], levels.among
    _keep([one for one in looked if not one.hits and not one.is_visit])
    alerts = _tell([one for one in looked if one.hits and not one.is_visit], model)
    alerts += [alert for one in looked if one.is_visit for alert in _visit(one, model)]
    newcomers.compare_again(model, newest)
    return alerts


def claim(capture: Capture, status: str) -> bool:
    """Move the capture on from waiting; False where another worker was faster."""
    capture.status = status
    return bool(Capture.objects.filter(pk=capture.pk, status=Capture.Status.PENDING).update(status=status))


def _claim(looked: Sequence[Looked]) -> list[Looked]:
    """Those that still wait, which nobody else then writes. Inside the caller's transaction."""
    waiting = Capture.objects.select_for_update().filter(status=Capture.Status.PENDING).order_by("pk")
    ours = set(waiting.filter(pk__in=[one.capture.pk for one in looked]).values_list("pk", flat=True))
    return [one for one in looked if one.capture.pk in ours]


def _settle(captures: Iterable[tuple[Capture, Capture.Status]]) -> None:
    """Say of each what came of it."""
    by_status: dict[Capture.Status, list[int]] = defaultdict(list)
    for capture, status in captures:
        capture.status = status
        by_status[status].append(capture.pk)
    for status, ids in by_status.items():
        Capture.objects.filter(pk__in=ids).update(status=status)


def _keep_faces(looked: Sequence[Looked]) -> list[Probe]:
    """Keep the face of each, to be found when somebody looks back."""
    probes = Probe.objects.bulk_create(Probe(capture=one.capture, **(one.columns or {})) for one in looked)
    kept_faces.keep_all(probes)
    return probes


def _keep(looked: Sequence[Looked]) -> None:
    """Write those that are not told, in one transaction."""
    if not looked:
        return
    with transaction.atomic():
        looked = _claim(looked)
        _settle((one.capture, one.status) for one in looked)
        with_face = [one for one in looked if one.columns is not None]
        if not retention.days():
            for one in with_face:
                retention.forget_one(one.capture)
            return
        for probe in _keep_faces(with_face):
            grouping.join(probe)


def _tell(told: Sequence[Looked], model: FaceModel) -> list[Alert]:
    """Write those that are like somebody, in one transaction."""
    if not told:
        return []
    with transaction.atomic():
        told = _claim(told)
        _settle((one.capture, Capture.Status.MATCHED) for one in told)
        keep_all_candidates([(probe, one.hits) for probe, one in zip(_keep_faces(told), told, strict=True)])
        likenesses = [episodes.Likeness(one.capture, hit, one.among) for one in told for hit in one.hits]
        return _ask_for_clips(likenesses, episodes.join_or_raise(likenesses, model))


def _visit(one: Looked, model: FaceModel) -> list[Alert]:
    """Write one whose camera asks who comes: by itself, for its face is counted by those who came before it."""
    capture, columns = one.capture, one.columns or {}
    visitor = visitors.look(model, columns["embedding"], capture)
    is_told = bool(visitor.is_told and not one.hits)
    status = Capture.Status.KNOWN if visitor.is_known else Capture.Status.NO_CANDIDATE
    with transaction.atomic():
        if not claim(capture, Capture.Status.MATCHED if one.hits or visitor.greeted or is_told else status):
            return []
        if visitor.is_known:
            strangers.is_known_after_all(capture)
        if capture.status != Capture.Status.MATCHED and not retention.days():
            retention.forget_one(capture)
            return []
        (probe,) = _keep_faces([one])
        keep_all_candidates([(probe, one.hits)])
        likenesses = [episodes.Likeness(capture, hit, one.among) for hit in one.hits]
        if visitor.greeted:
            likenesses.append(episodes.Likeness(capture, visitor.greeted, visitor.among, visitor.visits, visitor.last))
        alerts = _ask_for_clips(likenesses, episodes.join_or_raise(likenesses, model))
        if is_told:
            told = strangers.join_or_raise(
                capture, model, visitor.closest, visitor.among, visits=visitor.visits, last_visit_at=visitor.last
            )
            alerts += [told] if told else []
        # Somebody told of as a stranger may have turned out to be known a moment ago: then there is no alert.
        if not one.hits and not visitor.is_known and bool(alerts) == is_told:
            grouping.join(probe)
        return alerts


def _ask_for_clips(likenesses: Sequence[episodes.Likeness], alerts: list[Alert]) -> list[Alert]:
    for one, alert in zip(likenesses, alerts, strict=True):
        alert_clips.ask(alert, one.capture)
    return alerts


def _meant_face(faces: Sequence[Detection], opened: images.OpenedImage, capture: Capture) -> Detection:
    """The face the camera meant: nearest to its box, or to the middle of the crop."""
    if capture.box:
        left, top, right, bottom = (value * opened.scale for value in capture.box)
        x, y = (left + right) / 2, (top + bottom) / 2
    else:
        height, width = opened.rgb.shape[:2]
        x, y = width / 2, height / 2

    def distance(face: Detection) -> float:
        return math.hypot((face.box[0] + face.box[2]) / 2 - x, (face.box[1] + face.box[3]) / 2 - y)

    return min(faces, key=distance)
