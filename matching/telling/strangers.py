"""Somebody whom a camera's lists of known people do not hold: one alert for each stranger and visit."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Q

from matching.gallery import calibration
from matching.gallery import search as gallery
from matching.models import Alert, AlertCapture, Capture, FaceModel, Probe
from matching.searching import remembering
from matching.telling import episodes, notifying, settled

# Captures of a camera no further apart may be one stranger; then this share of different people is taken for one, which
# only spares an alert.
GAP, SAME_VISITOR = timedelta(seconds=60), 1e-3


def join_or_raise(
    capture: Capture,
    model: FaceModel,
    closest: float,
    collections: Sequence[int],
    *,
    visits: int,
    last_visit_at: datetime | None,
) -> Alert | None:
    """Add the capture to the stranger's alert, or begin one. None where it shows somebody who was known, or looked for,
    a moment ago. Runs inside the caller's transaction.

    closest: the similarity of the known person most like it; collections: those of known people that were asked.
    """
    episodes.one_writer([(capture.camera_id, 0)])
    if _is_somebody(capture, model):
        Capture.objects.filter(pk=capture.pk).update(status=Capture.Status.KNOWN)
        return None
    if (known := settled.dismissed_before(capture, None, model, -1.0)) is not None:
        return settled.fold(capture, closest, known)
    own = Alert.objects.filter(kind=Alert.Kind.STRANGER, camera=capture.camera)
    near = own.filter(first_captured_at__lte=capture.captured_at + GAP, last_captured_at__gte=capture.captured_at - GAP)
    alert = own.filter(captures__track=capture.track).first() if capture.track else None
    alert = alert or settled.showing(capture, near, model, fmr=SAME_VISITOR)
    is_new = alert is None
    if alert is None:
        alert = Alert(
            kind=Alert.Kind.STRANGER,
            camera=capture.camera,
            first_captured_at=capture.captured_at,
            last_captured_at=capture.captured_at,
            best_capture=capture,
            model=model,
            measurement=calibration.latest(model),
            similarity=closest,
            gallery_size=gallery.size(model, collections),
            visits=visits,
            last_visit_at=last_visit_at,
        )
    elif _says_more(capture.probe, alert.best_capture.probe):
        alert.best_capture, alert.model = capture, model
    alert.similarity = max(alert.similarity, closest)
    alert.count(capture)
    alert.save(update_fields=None if is_new else episodes.JOINED)
    AlertCapture.objects.create(alert=alert, capture=capture, similarity=closest)
    notifying.announce(alert, is_new=is_new)
    return alert


def is_known_after_all(capture: Capture) -> None:
    """Nobody need see to the alert of a stranger whom a better picture of the same track shows to be known."""
    if capture.track is None:
        return
    episodes.one_writer([(capture.camera_id, 0)])
    of_track = Alert.objects.filter(captures__track=capture.track, camera=capture.camera, kind=Alert.Kind.STRANGER)
    for alert in Alert.objects.select_for_update().filter(pk__in=of_track, status__in=Alert.OPEN):
        episodes.move(alert, Alert.Status.CLOSED)


def _is_somebody(capture: Capture, model: FaceModel) -> bool:
    """Whether the same camera knew this person, or raised an alert of a case, a moment ago: by their track or face."""
    others = Capture.objects.filter(camera=capture.camera).exclude(pk=capture.pk)
    told = Q(status=Capture.Status.KNOWN) | Q(alerts__case__isnull=False)
    if capture.track and others.filter(told, track=capture.track).exists():
        return True
    lately = others.filter(
        told, captured_at__range=(capture.captured_at - GAP, capture.captured_at + GAP), probe__model=model
    )
    embeddings = lately.order_by("-pk").values_list("probe__embedding", flat=True)[: settled.MOST_COMPARED]
    face = np.asarray(capture.probe.embedding, np.float32)
    return remembering.same_face(model, face, remembering.numbers(embeddings), -1.0, SAME_VISITOR) is not None


def _says_more(one: Probe, other: Probe) -> bool:
    """Which picture of a stranger people are shown: the one less poor, and of those alike the larger."""
    return (-(one.poorness or 0), one.size) > (-(other.poorness or 0), other.size)
