"""Walk 3, watch: what a camera sends is kept, and matched by a worker, together with what else waits."""

import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain

import numpy as np
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from cases import work
from matching.faces import face_models, images, padding
from matching.faces.engines import EngineUnavailable
from matching.models import Alert, Camera, Capture
from matching.models.alert import LATE
from matching.signals import capture_waiting
from matching.watching import calling, looked

# A camera's clock that runs further ahead than this is not believed.
CLOCK_TOLERANCE = timedelta(minutes=5)
# How stale the time may be at which a camera was last seen.
SEEN_EVERY = timedelta(seconds=10)
# A worker looks at captures for so long, seconds, and at so many at most, before it says whom they show.
LOOKING, TOGETHER = 0.5, 32
# Seconds after which others look at what somebody began to look at: that worker may have been killed.
TAKEN = 10
# From a camera that was let in, or was heard of, since then faces are expected.
COMES_SOON = timedelta(hours=1)
WAITS = (face_models.NoFaceModel, EngineUnavailable)


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


def get_ready() -> None:
    """Load what looks at faces, so that a camera's first face need not wait a second for it. Nothing, where no camera
    is about to send one, or no face model is ready yet."""
    now = timezone.now()
    lately = (
        Q(token_at__gt=now - COMES_SOON) | Q(heartbeat_at__gt=now - COMES_SOON) | Q(last_seen_at__gt=now - COMES_SOON)
    )
    if not Camera.objects.filter(lately, revoked_at=None).exists():
        return
    with suppress(*WAITS):
        opened = images.open_image(images.to_jpeg(np.zeros((192, 192, 3), np.uint8)))
        face_models.find_faces(face_models.engine(face_models.active()), opened.rgb)


def match_waiting(capture_id: int) -> None:
    """Match a waiting capture, and with it others that wait, the oldest first: as many as are looked at in `LOOKING`.

    They are searched for and written together. Where one breaks, each is matched by itself. Raises as `match_capture`.
    """
    taken: list[Capture] = []
    try:
        _match_together(capture_id, taken)
    except Exception as error:
        try:
            if not taken or isinstance(error, WAITS) or work.is_the_machines(error):
                raise
            for capture in taken:
                match_capture(capture.pk)
            # Its call stood for others, too, which it has not come to.
            calling.call(capture_id)
        finally:
            cache.delete_many([_mark(capture) for capture in taken])


def match_capture(capture_id: int) -> list[Alert]:
    """Compare a waiting capture with the gallery and raise or join its alerts. May run twice: the second does nothing.

    One that breaks is tried again later and then set aside. Raises `NoFaceModel`, `EngineUnavailable`; the capture then
    waits on.
    """
    capture = _waiting().filter(pk=capture_id).first()
    if capture is None:
        return []
    model = face_models.active()
    with work.attempt("capture", capture.pk, str(capture), WAITS) as tried:
        return looked.compare([looked.look(capture, model)], model)
    if tried.is_set_aside:
        looked.claim(capture, Capture.Status.SET_ASIDE)
    return []


def _match_together(capture_id: int, taken: list[Capture]) -> None:
    """taken: what others leave alone meanwhile is added, so that the caller knows of it whatever breaks."""
    calling.heard()
    # What broke has pauses between its attempts.
    waiting = _waiting().exclude(pk__in=work.not_now("capture")).order_by("received_at", "pk")
    # The rest is asked for once the first was looked at; of some of them another worker sees to it. A client that was
    # away for days may have sent thousands, and what is seen now waits for none of them.
    first, rest = waiting.filter(pk=capture_id), waiting.exclude(pk=capture_id)
    live = rest.filter(captured_at__gt=timezone.now() - LATE)[: 2 * TOGETHER]
    model, until = face_models.active(), time.monotonic() + LOOKING
    seen: list[looked.Looked] = []
    for capture in chain(first, live, rest[: 2 * TOGETHER]):
        if len(seen) == TOGETHER or (seen and time.monotonic() > until):
            # Nobody was called for it.
            calling.call(capture.pk)
            break
        if cache.add(_mark(capture), 1, TAKEN):
            taken.append(capture)
            seen.append(looked.look(capture, model))
    looked.compare(seen, model)
    work.done("capture", [capture.pk for capture in taken])


def _waiting() -> QuerySet[Capture]:
    return Capture.objects.filter(status=Capture.Status.PENDING)


def _mark(capture: Capture) -> str:
    """What says that somebody looks at a capture, and spares others that. `looked.claim` sees that it counts once."""
    return f"taken:{capture.image.name}"
