"""What is due when: `celery -A mpsite.scheduler beat`. It only puts names into queues, so it loads no Django."""

import os

from celery import Celery
from celery.schedules import crontab

from cases import heartbeat

app = Celery(
    "scheduler", broker=os.environ.get("REDIS_URL", "redis://localhost:6379/0"), fixups=[], set_as_current=False
)
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
