"""How much one camera may send in an hour, whichever way it comes: who stole a token fills neither disk nor queue."""

import time
from contextlib import suppress

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from matching.models import Camera

HOUR = 3600


def allows(camera: Camera, what: str, number: int) -> bool:
    """Count what a camera sends; False where that is more than it may. what: captures, bytes or minutes.

    While Redis is away nothing is counted, and nobody turned away.
    """
    if not number:
        return True
    key = f"camera-{camera.pk}-{what}-{int(time.time() // HOUR)}"
    try:
        sent = _counted(key, number)
    except (RedisError, ValueError):
        return True
    if sent <= settings.CAMERA_LIMITS[what]:
        return True
    # For the fleet page; once is enough for each hour.
    if cache.add(f"{key}-told", 1, HOUR):
        Camera.objects.filter(pk=camera.pk).update(limited_at=timezone.now())
    return False


def _counted(key: str, number: int) -> int:
    """What was sent in this hour, with this. Nearly always it is not the first, so that is tried first."""
    with suppress(ValueError):
        return cache.incr(key, number)
    return number if cache.add(key, number, HOUR) else cache.incr(key, number)


def seconds_left() -> int:
    """Until it may send again."""
    return HOUR - int(time.time()) % HOUR
