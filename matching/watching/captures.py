"""Walk 3, watch: a camera's capture is kept, matched, and joined to the alert of its episode or raises a new one."""

import math
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.models import Case, Collection
from matching.faces import face_models, images
from matching.faces.engines import DetectedFace, Detection
from matching.faces.rows import face_columns
from matching.gallery import calibration, seen
from matching.gallery import search as gallery
from matching.models import Alert, Camera, Capture, FaceModel, Probe
from matching.searching.pictures import keep_candidates
from matching.signals import capture_waiting
from matching.telling import episodes
from matching.watching import retention

# A camera's clock that runs further ahead than this is not believed.
CLOCK_TOLERANCE = timedelta(minutes=5)
ALERTS_A_CAPTURE = 3
# Of a face like more cases than this each collection is searched by itself, so that none crowds another out.
LIKE_MANY = 20
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
    images.open_image(content)
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

    Raises `NoFaceModel`, `EngineUnavailable`; the capture then waits on.
    """
    capture = Capture.objects.filter(pk=capture_id, status=Capture.Status.PENDING).select_related("camera").first()
    if capture is None:
        return []
    model = face_models.active()
    try:
        with capture.image.open() as file:
            opened = images.open_image(file.read())
        face = face_models.find_face(
            face_models.engine(model), opened.rgb, lambda found: _meant_face(found, opened, capture)
        )
    except (FileNotFoundError, images.ImageRefused):
        face = None
    if face is None:
        _claim(capture, Capture.Status.NO_FACE)
        return []
    columns = face_columns(model, opened.rgb, face, opened.scale)
    too_poor = model.is_too_poor(columns["poorness"], columns["size"])
    matches, searched = ([], []) if too_poor else _over_threshold(model, face, capture.camera)
    without = Capture.Status.TOO_POOR if too_poor else Capture.Status.NO_CANDIDATE
    with transaction.atomic():
        if not _claim(capture, Capture.Status.MATCHED if matches else without):
            return []
        if not matches and not retention.days():
            retention.forget_one(capture)
            return []
        probe = Probe.objects.create(capture=capture, **columns)
        seen.keep(probe)
        keep_candidates(probe, matches)
        return [episodes.join_or_raise(capture, hit, model, searched) for hit in matches]


def _claim(capture: Capture, status: str) -> bool:
    """Move the capture on from waiting; False where another worker was faster."""
    return bool(Capture.objects.filter(pk=capture.pk, status=Capture.Status.PENDING).update(status=status))


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


def _over_threshold(model: FaceModel, face: DetectedFace, camera: Camera) -> tuple[list[gallery.Hit], list[int]]:
    """The best cases over their own collection's threshold, and the collections that were searched."""
    calibrated, sizes = calibration.of(model), gallery.sizes(model)
    watched = camera.compares_with().filter(alert_level__in=calibration.LEVELS)
    levels = dict(watched.values_list("pk", "alert_level"))
    thresholds = {
        collection: calibrated.threshold(calibration.LEVELS[Collection.AlertLevel(level)], sizes[collection])
        for collection, level in levels.items()
        if sizes.get(collection)
    }
    hits = _search(model, face, list(thresholds), min(thresholds.values())) if thresholds else []
    if hits:
        # One search for all of them, for most faces are like nobody's in any.
        whose = dict(Case.objects.filter(pk__in=[hit.case_id for hit in hits]).values_list("pk", "collection"))
        over = [hit for hit in hits if hit.similarity - hit.allowance >= thresholds[whose[hit.case_id]]]
        if len(hits) == LIKE_MANY:
            over = [hit for one, least in thresholds.items() for hit in _search(model, face, [one], least)]
        over.sort(key=lambda hit: hit.similarity - hit.allowance, reverse=True)
        hits = over[:ALERTS_A_CAPTURE]
    return hits, list(levels)


def _search(model: FaceModel, face: DetectedFace, collections: list[int], at_least: float) -> list[gallery.Hit]:
    # A template that is too poor is like anybody: it is for people to look at, never a reason to wake them.
    return gallery.search(
        model, face.embedding, collections=collections, limit=LIKE_MANY, at_least=at_least, reliable=True
    )
