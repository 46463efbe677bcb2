"""The ten seconds around an alert: asked of the camera's client, kept as a clip, removed when their days are over.

Only where the case's collection keeps clips, and only of cameras that may be looked through.
"""

import hashlib
import io
import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from cases import audit
from cases.models import Collection
from matching.faces import images
from matching.faces import opencv as cv2
from matching.faces.images import RgbImage
from matching.models import Alert, AlertClip, Camera, Capture
from matching.models.clip import LOST
from matching.telling import dashboards
from matching.watching import live

logger = logging.getLogger(__name__)

# Of a face that was seen longer ago no client holds the seconds any more.
HELD = timedelta(seconds=50)
MOST_FRAMES, MOST_SECONDS, LONGEST_SIDE = 60, timedelta(seconds=30), 960
# Frames come at most so often; a face is told at the quality that they came in, in half a second of one core.
RATE, MILLISECOND = 5, Fraction(1, 1000)
ENCODING = {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b": "0"}


class NotAskedFor(Exception):
    """Nobody asked the camera for these seconds, or they have come already."""


def ask(alert: Alert, capture: Capture) -> None:
    """Ask for the seconds around a face that raised an alert or joined it, once for each alert. In a transaction."""
    case, camera = alert.case, alert.camera
    if case is None or not case.collection.clip_days or not camera.preview or alert.status not in Alert.OPEN:
        return
    if timezone.now() - capture.captured_at > HELD:
        return
    _, is_new = AlertClip.objects.get_or_create(alert=alert, defaults={"capture": capture})
    if is_new:
        transaction.on_commit(lambda: _tell_client(camera, capture), robust=True)


def asked_of(camera: Camera) -> list[str]:
    """The ids of the captures around which a client is asked for the seconds, with the answer to each report."""
    waiting = AlertClip.objects.filter(
        alert__camera=camera, file="", is_gone=False, asked_at__gt=timezone.now() - LOST
    ).values_list("capture__uid", flat=True)
    return [str(uid) for uid in waiting]


def keep(camera: Camera, uid: uuid.UUID, frames: Sequence[tuple[datetime, bytes]]) -> AlertClip:
    """What a client sent. frames: with the time of each by its own clock; none where it no longer has any.

    Raises `NotAskedFor`, `ImageRefused`; then nothing is kept.
    """
    asked = AlertClip.objects.filter(alert__camera=camera, capture__uid=uid, file="", is_gone=False)
    clip = asked.select_related("alert", "capture").first()
    if clip is None:
        raise NotAskedFor
    if not frames:
        asked.update(is_gone=True)
        return clip
    # Decoded in a process of its own, and encoded anew: no browser gets what a camera's client sent.
    shown = [(at, images.open_image(jpeg).rgb) for at, jpeg in sorted(frames, key=lambda one: one[0])]
    content = encoded(shown)
    begins, seconds = shown[0][0], (shown[-1][0] - shown[0][0]).total_seconds()
    with transaction.atomic():
        clip = asked.select_for_update(of=("self",)).select_related("alert", "capture").first()
        if clip is None:
            raise NotAskedFor
        clip.file.save(f"{uuid.uuid4()}.webm", ContentFile(content), save=False)
        clip.sha256, clip.kept_at = hashlib.sha256(content).hexdigest(), timezone.now()
        clip.begins_at = begins + timedelta(seconds=camera.clock_offset)
        clip.seconds, clip.frames = seconds, len(shown)
        clip.save()
        audit.record_as(None, "kept clip", clip.alert, f"{len(shown)} frames, {seconds:.1f} s, SHA-256 {clip.sha256}")
    return clip


def encoded(frames: Sequence[tuple[datetime, RgbImage]]) -> bytes:
    """VP9 in WebM, which browsers play, each frame at its time. frames: in the order of their times, (height, width, 3)
    uint8; those later than `MOST_SECONDS` after the first are left out."""
    # Takes memory that a process without a clip need not have.
    import av

    height, width = frames[0][1].shape[:2]
    shrink = min(1.0, LONGEST_SIDE / max(height, width))
    # Colours are halved, so both sides are even.
    size = max(2, int(width * shrink) // 2 * 2), max(2, int(height * shrink) // 2 * 2)
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libvpx-vp9", rate=RATE, options=ENCODING)
        stream.width, stream.height = size
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", MILLISECOND
        for at, rgb in frames:
            after = at - frames[0][0]
            if after > MOST_SECONDS:
                break
            frame = av.VideoFrame.from_ndarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), format="rgb24")
            frame.pts, frame.time_base = round(after.total_seconds() * 1000), MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def forget() -> int:
    """Remove clips whose days are over, and those of collections that keep none any more; under a legal hold they stay.
    Returns how many."""
    forgotten = 0
    for collection in Collection.objects.all():
        until = timezone.now() - timedelta(days=collection.clip_days)
        over = AlertClip.objects.filter(alert__case__collection=collection, alert__case__held_at=None)
        for clip in over.filter(asked_at__lt=until).exclude(file=""):
            storage, name = clip.file.storage, clip.file.name or ""
            with transaction.atomic():
                clip.delete()
                transaction.on_commit(lambda storage=storage, name=name: storage.delete(name))  # type: ignore[misc]
            forgotten += 1
    return forgotten


def _tell_client(camera: Camera, capture: Capture) -> None:
    message = {"type": "camera.clip", "id": str(capture.uid)}
    try:
        dashboards.send(live.client_group(camera.pk), message)
    except Exception as error:  # whatever redis raises while it is away
        logger.warning("the client of %s is asked for a clip with its next report (%s)", camera.pk, error)
