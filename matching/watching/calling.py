"""Which captures a worker is called for. Whoever starts takes all that waits, so one call stands for those that come
before it is heard."""

from django.core.cache import cache
from redis.exceptions import RedisError

from matching.watching import tasks

KEY = "capture-called"
# A call that is lost is missed for so long, seconds, where another capture comes; else the sweep sees to it.
LOST = 2


def call(capture_id: int) -> None:
    """Have a worker take what waits, a capture among it. Nothing where one is called and has not begun."""
    try:
        is_first = cache.add(KEY, 1, LOST)
    except RedisError:
        is_first = True
    if is_first:
        tasks.match_capture.delay(capture_id)


def heard() -> None:
    """A worker begins. Asked before it looks what waits: whatever comes after is called for anew."""
    cache.delete(KEY)
