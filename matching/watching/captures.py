"""Walk 3, watch: a camera's capture is kept, matched, and joined to the alert of its episode or raises a new one."""

import math
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases import work
from cases.models import Collection
from matching.faces import face_models, images, padding
from matching.faces.engines import Detection, EngineUnavailable
from matching.faces.rows import face_columns
from matching.gallery import kept_faces
from matching.gallery import search as gallery
from matching.models import Alert, Camera, Capture, FaceModel, Probe
from matching.searching.pictures import keep_candidates
from matching.signals import capture_waiting
from matching.telling import episodes, strangers
from matching.unnamed import grouping
from matching.watching import alert_clips, retention, thresholds, visitors

# A camera's clock that runs further ahead than this is not believed.
CLOCK_TOLERANCE = timedelta(minutes=5)
ALERTS_A_CAPTURE = 3
# How stale the time may be at which a camera was last seen.
SEEN_EVERY = timedelta(seconds=10)


def receive_capture(
    camera: Camera,
    content: bytes,
    *,
    uid: uuid.UUID,
    captured_at: datetime | None = None,
    detection_score: float | None = None,
    box: Sequence[float] | None = None,
    track: uuid.UUID | None = None,
) -> Capture:
    """Keep what a camera sent, once for each `uid`, and have it matched by a worker.

    captured_at: now if None or if the camera's clock runs ahead. box: left, top, right, bottom in pixels.
    track: of somebody whom the camera followed. Raises `ImageRefused`; then nothing is kept.
    """
    now = timezone.now()
    if camera.last_seen_at is None or now - camera.last_seen_at > SEEN_EVERY:
        Camera.objects.filter(pk=camera.pk).update(last_seen_at=now)
    if known := Capture.objects.filter(camera=camera, uid=uid).first():
        return known
    content = padding.without(content)
    opened = images.open_image(content)
    padding.check(content, opened)
    camera_time = None
    if captured_at is not None and camera.clock_offset:
        camera_time, captured_at = captured_at, captured_at + timedelta(seconds=camera.clock_offset)
    if captured_at is None or captured_at > now + CLOCK_TOLERANCE:
        captured_at = now
    try:
        with transaction.atomic():
            capture = Capture.objects.create(
                camera=camera,
                uid=uid,
                image=ContentFile(content, name=f"{uuid.uuid4()}.jpg"),
                captured_at=captured_at,
                received_at=now,
                detection_score=detection_score,
                box=box,
                track=track,
                camera_time=camera_time,
            )
            capture_waiting.send(Capture, capture=capture)
    except IntegrityError:
        # Sent twice at once: the first one counts.
        return Capture.objects.get(camera=camera, uid=uid)
    return capture


def match_capture(capture_id: int) -> list[Alert]:
    """Compare a waiting capture with the gallery and raise or join its alerts. May run twice: the second does nothing.

    One that breaks is tried again later and then set aside. Raises `NoFaceModel`, `EngineUnavailable`; the capture then
    waits on.
    """
    capture = Capture.objects.filter(pk=capture_id, status=Capture.Status.PENDING).select_related("camera").first()
    if capture is None:
        return []
    model = face_models.active()
    with work.attempt("capture", capture.pk, str(capture), (face_models.NoFaceModel, EngineUnavailable)) as tried:
        return _match(capture, model)
    if tried.is_set_aside:
        _claim(capture, Capture.Status.SET_ASIDE)
    return []


def _match(capture: Capture, model: FaceModel) -> list[Alert]:
    try:
        with capture.image.open() as file:
            opened = images.open_image(file.read())
        face = face_models.find_face(
            face_models.engine(model), opened.rgb, lambda found: _meant_face(found, opened, capture)
        )
    except images.ImageRefused:
        face = None
    if face is None:
        _claim(capture, Capture.Status.NO_FACE)
        return []
    columns = face_columns(model, opened.rgb, face, opened.scale)
    too_poor = model.is_too_poor(columns["poorness"], columns["size"])
    matches: list[gallery.Hit] = []
    searched: list[int] = []
    visitor = visitors.NOBODY
    if not too_poor:
        sought = capture.camera.compares_with().exclude(kind=Collection.Kind.KNOWN)
        matches, searched = thresholds.over(model, face.embedding, sought)
        matches, visitor = matches[:ALERTS_A_CAPTURE], visitors.look(model, face.embedding, capture)
    is_told = bool(visitor.is_told and not matches)
    with transaction.atomic():
        if not _claim(capture, _status(too_poor, bool(matches or visitor.greeted or is_told), visitor)):
            return []
        if visitor.is_known:
            strangers.is_known_after_all(capture)
        if capture.status != Capture.Status.MATCHED and not retention.days():
            retention.forget_one(capture)
            return []
        probe = Probe.objects.create(capture=capture, **columns)
        kept_faces.keep(probe)
        keep_candidates(probe, matches)
        alerts = [episodes.join_or_raise(capture, hit, model, searched) for hit in matches]
        if visitor.greeted:
            alerts.append(
                episodes.join_or_raise(
                    capture, visitor.greeted, model, visitor.among, visits=visitor.visits, last_visit_at=visitor.last
                )
            )
        elif is_told:
            told = strangers.join_or_raise(
                capture, model, visitor.closest, visitor.among, visits=visitor.visits, last_visit_at=visitor.last
            )
            alerts += [told] if told else []
        for alert in alerts:
            alert_clips.ask(alert, capture)
        # Somebody told of as a stranger may have turned out to be known a moment ago: then there is no alert.
        if not too_poor and not matches and not visitor.is_known and bool(alerts) == is_told:
            grouping.join(capture, probe)
        return alerts


def _claim(capture: Capture, status: str) -> bool:
    """Move the capture on from waiting; False where another worker was faster."""
    capture.status = status
    return bool(Capture.objects.filter(pk=capture.pk, status=Capture.Status.PENDING).update(status=status))


def _status(too_poor: bool, raises: bool, visitor: visitors.Visitor) -> Capture.Status:
    if raises:
        return Capture.Status.MATCHED
    if too_poor:
        return Capture.Status.TOO_POOR
    return Capture.Status.KNOWN if visitor.is_known else Capture.Status.NO_CANDIDATE


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
