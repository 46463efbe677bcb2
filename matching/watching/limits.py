"""How much one camera may send in an hour, whichever way it comes: who stole a token fills neither disk nor queue."""

import time

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from redis import Redis
from redis.exceptions import RedisError

from cases.redis_pool import OnePool
from matching.models import Camera

HOUR = 3600


def exceeded(camera: Camera, **sent: int) -> str:
    """Count what a camera sends: captures, bytes or minutes. Returns of which it was more than may be; empty: of none.

    While Redis is away nothing is counted, and nobody turned away.
    """
    sent = {what: number for what, number in sent.items() if number}
    hour = int(time.time() // HOUR)
    try:
        counted = _count({_key(camera, what, hour): number for what, number in sent.items()})
        over = next(
            (what for what, number in zip(sent, counted, strict=True) if number > settings.CAMERA_LIMITS[what]), ""
        )
        # For the fleet page; once is enough for each hour.
        if over and cache.add(f"{_key(camera, over, hour)}-told", 1, HOUR):
            Camera.objects.filter(pk=camera.pk).update(limited_at=timezone.now())
    except RedisError:
        return ""
    return over


def _count(numbers: dict[str, int]) -> list[int]:
    """What each key has come to, with this: in one round trip, for a camera waits for it with each face."""
    with Redis(connection_pool=OnePool.from_url(settings.REDIS_URL)).pipeline(transaction=False) as asked:
        for key, number in numbers.items():
            asked.incrby(key, number)
            asked.expire(key, HOUR, nx=True)
        counted: list[int] = asked.execute()[::2]
    return counted


def _key(camera: Camera, what: str, hour: int) -> str:
    return f"camera-{camera.pk}-{what}-{hour}"


def seconds_left() -> int:
    """Until it may send again."""
    return HOUR - int(time.time()) % HOUR
