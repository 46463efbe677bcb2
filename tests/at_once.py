"""Many workers at the same captures at one moment."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.core.files.base import ContentFile
from django.db import connection

from matching.models import Camera, Capture
from matching.watching import captures


def matched(camera: Camera, content: bytes, times: Sequence[datetime]) -> None:
    """A capture at each of these times, all matched at once. The test must commit (`transaction=True`)."""
    picture = ContentFile(content, "x.jpg")
    # Not received one after another, for then each would be matched where it is received.
    sent = [Capture.objects.create(camera=camera, uid=uuid.uuid4(), captured_at=at, image=picture) for at in times]

    def match(capture: Capture) -> None:
        try:
            captures.match_waiting(capture.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(sent)) as workers:
        list(workers.map(match, sent))
