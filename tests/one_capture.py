"""What a camera saw, received and matched."""

import uuid
from datetime import datetime

from matching.models import Camera, Capture
from matching.watching import captures


def matched(camera: Camera, content: bytes, at: datetime, track: uuid.UUID | None = None) -> Capture:
    """A capture as it stands once it was matched."""
    capture = captures.receive_capture(camera, content, uid=uuid.uuid4(), captured_at=at, track=track)
    captures.match_capture(capture.pk)
    capture.refresh_from_db()
    return capture
