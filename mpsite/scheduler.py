"""What is due when: `celery -A mpsite.scheduler beat`. It only puts names into queues, so it loads no Django.

Any number of them agree who sends: whoever has the lease, a lock in Redis that ends by itself.
"""

import logging
import os
from contextlib import suppress
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from celery.schedules import crontab
from redis import Redis, RedisError
from redis.exceptions import LockError

from cases import heartbeat

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
# How often whoever has it renews it at least, and the others ask for it.
ASKED_EVERY = 5.0
# What became due while nobody had the lease is still due to the next one. What the last one sent just before it ended
# is sent twice then, which harms nothing.
OVERLAP = LEASE + timedelta(seconds=2 * ASKED_EVERY)


class OneOfSeveral(PersistentScheduler):
    """Sends what is due while it has the lease, and stands by while another has it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        client = Redis.from_url(str(self.app.conf.broker_url), socket_timeout=ASKED_EVERY)
        self._lease = client.lock("sightline-scheduler", timeout=LEASE.total_seconds())

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Returns after how many seconds it is to be called again."""
        try:
            leads = self._leads()
        except RedisError as problem:
            logger.warning("nothing is sent, for Redis is away (%s)", type(problem).__name__)
            return ASKED_EVERY
        if not leads:
            self._stand_by()
            return ASKED_EVERY
        return min(float(super().tick(*args, **kwargs)), ASKED_EVERY)

    def _leads(self) -> bool:
        """Raises `RedisError`."""
        # Between the question and the renewal it may have ended.
        with suppress(LockError):
            if self._lease.owned() and self._lease.reacquire():
                return True
        return bool(self._lease.acquire(blocking=False))

    def _stand_by(self) -> None:
        for entry in self.schedule.values():
            entry.last_run_at = entry.default_now() - OVERLAP

    def close(self) -> None:
        # Else the next one waits until it ends.
        with suppress(RedisError, LockError):
            self._lease.release()
        super().close()


app = Celery(
    "scheduler", broker=os.environ.get("REDIS_URL", "redis://localhost:6379/0"), fixups=[], set_as_current=False
)
app.conf.beat_scheduler = "mpsite.scheduler:OneOfSeveral"
# No task has a result; Celery would tidy them up each night, in a queue that nobody reads.
app.conf.result_expires = None
app.conf.timezone = os.environ.get("TIME_ZONE", "UTC")
app.conf.task_routes = {
    "matching.tasks.sweep": {"queue": "captures"},
    "cases.tasks.keep_current": {"queue": "work"},
    "cases.tasks.locate": {"queue": "bulk"},
    "matching.gallery.tasks.measure": {"queue": "bulk"},
    "matching.watching.tasks.forget": {"queue": "bulk"},
    "matching.watching.tasks.regroup": {"queue": "bulk"},
    "matching.tasks.keep_to_days": {"queue": "bulk"},
    "cases.tasks.keep_audit_head": {"queue": "work"},
    "matching.watching.tasks.look_after": {"queue": "work"},
    "matching.indexing.tasks.fill_second": {"queue": "bulk"},
    "matching.gallery.tasks.compare_missing_found": {"queue": "bulk"},
}
app.conf.beat_schedule = {
    "sweep": {"task": "matching.tasks.sweep", "schedule": 10.0, "options": {"expires": 10.0}},
    "keep-current": {"task": "cases.tasks.keep_current", "schedule": 20.0, "options": {"expires": 20.0}},
    "locate": {"task": "cases.tasks.locate", "schedule": 600.0, "options": {"expires": 600.0}},
    "measure": {"task": "matching.gallery.tasks.measure", "schedule": crontab(hour="3", minute="10"), "args": [True]},
    "fill-second": {
        "task": "matching.indexing.tasks.fill_second",
        "schedule": crontab(hour="3", minute="50"),
        "args": [True],
    },
    "compare-missing-found": {
        "task": "matching.gallery.tasks.compare_missing_found",
        "schedule": crontab(hour="2", minute="40"),
        "args": [True],
    },
    "regroup": {"task": "matching.watching.tasks.regroup", "schedule": crontab(hour="3", minute="30")},
    "look-after": {"task": "matching.watching.tasks.look_after", "schedule": 30.0, "options": {"expires": 30.0}},
    "keep-to-days": {"task": "matching.tasks.keep_to_days", "schedule": crontab(hour="4", minute="20")},
    "keep-audit-head": {"task": "cases.tasks.keep_audit_head", "schedule": crontab(minute="5")},
    "forget": {"task": "matching.watching.tasks.forget", "schedule": crontab(minute="40")},
}
heartbeat.begin()
