"""Many workers at the same captures at one moment."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.core.files.base import ContentFile
from django.db import connection

from matching.models import Camera, Capture
from matching.watching import captures


def matched(
    camera: Camera, contents: bytes | Sequence[bytes], times: Sequence[datetime], workers: int | None = None
) -> None:
    """A capture at each of these times, all matched at once. The test must commit (`transaction=True`).

    contents: of each, or one for all. workers: as many as captures if None.
    """
    pictures = [contents] * len(times) if isinstance(contents, bytes) else contents
    # Not received one after another, for then each would be matched where it is received.
    sent = [
        Capture.objects.create(
            camera=camera, uid=uuid.uuid4(), captured_at=at, image=ContentFile(content, f"{uuid.uuid4()}.jpg")
        )
        for content, at in zip(pictures, times, strict=True)
    ]

    def match(capture: Capture) -> None:
        try:
            captures.match_waiting(capture.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers or len(sent)) as pool:
        list(pool.map(match, sent))
