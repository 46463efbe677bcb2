"""What a camera sees now, for people who look: asked of its client for as long as somebody does, and never kept."""

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User

from cases.visibility import visible
from matching.models import AlertCapture, Camera
from matching.telling import dashboards

logger = logging.getLogger(__name__)

# A client shows for so long after it was last asked, so many pictures a second, so wide.
LEASE, RATE, WIDTH = 12.0, 3.0, 640
TEST_WIDTH = 1600
# The largest picture that is passed on.
MOST_BYTES = 900_000


def client_group(camera_id: int) -> str:
    """Where the camera's own client listens."""
    return f"camera.{camera_id}"


def viewer_group(camera_id: int) -> str:
    """Where those listen who look through the camera."""
    return f"camera.{camera_id}.viewers"


def announce_settings(camera: Camera) -> None:
    """A client that listens takes up new settings at once; another with its next report."""
    message = {"type": "camera.asked_settings", "settings": settings_of(camera)}
    try:
        dashboards.send(client_group(camera.pk), message)
    except Exception as error:  # whatever redis raises while it is away
        logger.warning("the client of %s hears of its settings with its next report (%s)", camera.pk, error)


def settings_of(camera: Camera) -> dict[str, Any]:
    """What the client is asked to run; what is missing it decides by itself."""
    said = {**camera.asked_settings, "preview": camera.preview}
    return {**said, "clips": True} if holds_its_last_minute(camera) else said


def holds_its_last_minute(camera: Camera) -> bool:
    """Whether a camera's client should, so that the seconds around an alert can be asked for."""
    return camera.preview and camera.compares_with().filter(clip_days__gt=0).exists()


def names(tracks: Sequence[str], user: User) -> dict[str, str]:
    """Whom followed persons resemble, where an alert says so, by their track."""
    wanted = [track for track in tracks if _is_uuid(track)]
    entries = (
        visible(AlertCapture, user)
        .filter(capture__track__in=wanted)
        .exclude(alert__status="dismissed")
        .select_related("alert__case", "capture")
        .order_by("similarity")
    )
    return {str(one.capture.track): f"{one.alert.title} {one.similarity:.2f}" for one in entries}


def _is_uuid(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False
