"""How cameras are: what their clients report twice a minute, and what they count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max, Sum
from django.db.models.functions import TruncDay, TruncHour, TruncMinute
from django.utils import timezone

from matching.models import Camera, CameraMinute

# A clock that is wrong by less is as right as the network lets us see.
CLOCK = 2.0
SPANS = {
    "day": (timedelta(days=1), TruncHour),
    "week": (timedelta(days=7), TruncHour),
    "month": (timedelta(days=31), TruncDay),
    "hour": (timedelta(hours=1), TruncMinute),
}


@dataclass(frozen=True)
class Part:
    """A minute, hour or day. people: in view, mean of all frames, and so a lower bound; most: in one frame."""

    at: datetime
    people: float
    most: int
    tracks: int
    frames: int


def heard(camera: Camera, report: dict[str, Any], sent_at: datetime, minutes: Iterable[dict[str, Any]]) -> None:
    """Keep a client's report and counts; a minute that is sent again is the same. Its clock is compared with ours."""
    now = timezone.now()
    offset = (now - sent_at).total_seconds()
    offset = offset if abs(offset) > CLOCK else 0.0
    Camera.objects.filter(pk=camera.pk).update(heartbeat_at=now, report=report, clock_offset=offset)
    CameraMinute.objects.bulk_create(
        (
            CameraMinute(camera=camera, **{**one, "minute": _minute(one["minute"] + timedelta(seconds=offset))})
            for one in minutes
        ),
        ignore_conflicts=True,
    )


def counts(camera: Camera, span: str) -> list[Part]:
    """What a camera counted until now. span: one of `SPANS`."""
    length, part = SPANS[span]
    since = CameraMinute.objects.filter(camera=camera, minute__gte=timezone.now() - length)
    rows = (
        since.annotate(part=part("minute"))
        .values("part")
        .annotate(seen=Sum("faces"), looked=Sum("frames"), begun=Sum("tracks"), peak=Max("most"))
        .order_by("part")
    )
    return [
        Part(
            row["part"], row["seen"] / row["looked"] if row["looked"] else 0.0, row["peak"], row["begun"], row["looked"]
        )
        for row in rows
    ]


def busiest(parts: Sequence[Part]) -> list[Part]:
    """The three with the most people in view."""
    return sorted((one for one in parts if one.people), key=lambda one: -one.people)[:3]


def forget_counts() -> None:
    """Remove counts that are older than the setting says."""
    CameraMinute.objects.filter(minute__lt=timezone.now() - timedelta(days=settings.COUNT_DAYS)).delete()


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
