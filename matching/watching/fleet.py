"""How cameras are: what their clients report twice a minute, and what they count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Sum
from django.db.models.functions import Greatest, TruncDay, TruncHour, TruncMinute
from django.utils import timezone

from cases import work
from matching.models import Camera, CameraMinute, Trouble
from matching.telling import notifying
from matching.watching import live

# A clock that is wrong by less is as right as the network lets us see.
CLOCK = 2.0
OFFSETS = 3
# Two clients that report in one camera's name within this long share its token.
SHARED = timedelta(minutes=2)
# A camera is blind where it saw nobody for so long, and at least so many came into view then on each of so many days.
BLIND, DAYS, MANY = timedelta(hours=1), 3, 10
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
    # A report that waits on its way, in a broker or before a server that is slow, makes a clock look behind: of the
    # last few the one that came fastest says most.
    offsets = [*camera.report.get("offsets", [])[1 - OFFSETS :], round((now - sent_at).total_seconds(), 1)]
    offset = min(offsets)
    offset = offset if abs(offset) > CLOCK else 0.0
    # How many it had dropped by the report before: more since then is trouble.
    report = {**report, "offsets": offsets, "dropped_before": camera.report.get("dropped", report.get("dropped", 0))}
    report |= _clients(camera, report.get("client", ""), now)
    Camera.objects.filter(pk=camera.pk).update(heartbeat_at=now, report=report, clock_offset=offset)
    CameraMinute.objects.bulk_create(
        (
            CameraMinute(camera=camera, **{**one, "minute": _minute(one["minute"] + timedelta(seconds=offset))})
            for one in minutes
        ),
        ignore_conflicts=True,
    )


def _clients(camera: Camera, client: str, now: datetime) -> dict[str, Any]:
    """Which clients reported in its name of late; and when one did again after another, for then both are at work."""
    since = (now - SHARED).isoformat()
    lately = {one: at for one, at in camera.report.get("clients", {}).items() if at > since}
    taken_turns = client in lately and client != camera.report.get("client")
    return {
        "clients": {**lately, client: now.isoformat()} if client else lately,
        "shared_at": now.isoformat() if taken_turns else camera.report.get("shared_at"),
    }


def change_settings(camera: Camera, values: dict[str, Any]) -> None:
    """What the camera's client is asked to run; None leaves it to the client."""
    camera.asked_settings = {name: value for name, value in values.items() if value is not None}
    camera.save(update_fields=["asked_settings"])
    live.announce_settings(camera)


def said_status(camera: Camera, is_online: bool) -> None:
    """What a broker says of a client: that it came, or that it is gone, with a word or without."""
    now = timezone.now()
    if is_online:
        Camera.objects.filter(pk=camera.pk).update(heartbeat_at=now)
    else:
        Camera.objects.filter(pk=camera.pk).update(report={**camera.report, "offline_at": now.isoformat()})


def counted(camera: Camera, faces: int) -> None:
    """One frame's number of faces, from a device that sends just that."""
    now = timezone.now()
    minute, _ = CameraMinute.objects.get_or_create(
        camera=camera, minute=_minute(now), defaults={"frames": 0, "faces": 0, "most": 0, "tracks": 0}
    )
    CameraMinute.objects.filter(pk=minute.pk).update(
        frames=F("frames") + 1, faces=F("faces") + faces, most=Greatest("most", faces)
    )
    Camera.objects.filter(pk=camera.pk).update(heartbeat_at=now)


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


def look_after() -> None:
    """Note which cameras have come into trouble, and which are well again; each is told once."""
    for camera in Camera.objects.exclude(heartbeat_at=None, limited_at=None):
        with work.attempt("camera", camera.pk, str(camera)):
            for kind, is_so in _troubles(camera).items():
                with transaction.atomic():
                    _note(camera, kind, is_so)


def _troubles(camera: Camera) -> dict[str, bool]:
    """What is wrong with a camera now. A revoked one is in no trouble: somebody wanted it silent."""
    kinds = Trouble.Kind
    if camera.revoked_at is not None:
        return dict.fromkeys(kinds.values, False)
    report = camera.report
    silent = camera.heartbeat_at is not None and camera.state == "offline" and not report.get("ended")
    limited = camera.limited_at is not None and timezone.now() - camera.limited_at < timedelta(hours=1)
    found = {kinds.SILENT.value: silent, kinds.LIMITED.value: limited}
    if not silent:
        # It goes on until what waits is sent: a queue that is still full will drop again.
        known = Trouble.objects.filter(camera=camera, kind=kinds.DROPPING, ended_at=None).exists()
        drops = report.get("dropped", 0) > report.get("dropped_before", 0)
        found[kinds.DROPPING.value] = drops or (known and report.get("queue", 0) > 0)
        found[kinds.BLIND.value] = _is_blind(camera)
        found[kinds.SHARED.value] = (report.get("shared_at") or "") > (timezone.now() - SHARED).isoformat()
    return found


def _is_blind(camera: Camera) -> bool:
    """Whether it has seen nobody for a while, at a time of day at which many came on each of its last days."""
    now = timezone.now()
    minutes = CameraMinute.objects.filter(camera=camera)
    lately = minutes.filter(minute__gte=now - BLIND).aggregate(faces=Sum("faces"), frames=Sum("frames"))
    if lately["faces"] or not lately["frames"]:
        return False
    ends = [now - timedelta(days=day) for day in range(1, DAYS + 1)]
    usual = [
        minutes.filter(minute__gte=end - BLIND, minute__lt=end).aggregate(tracks=Sum("tracks", default=0))["tracks"]
        for end in ends
    ]
    return bool(min(usual) >= MANY)


def _note(camera: Camera, kind: str, is_so: bool) -> None:
    open_ = Trouble.objects.select_for_update().filter(camera=camera, kind=kind, ended_at=None).first()
    if is_so and open_ is None:
        notifying.tell_trouble(Trouble.objects.create(camera=camera, kind=kind))
    elif open_ is not None and not is_so:
        open_.ended_at = timezone.now()
        open_.save(update_fields=["ended_at"])
        notifying.tell_trouble(open_)


def forget_counts() -> int:
    """Remove counts that are older than the setting says. Returns how many."""
    old = CameraMinute.objects.filter(minute__lt=timezone.now() - timedelta(days=settings.COUNT_DAYS))
    return old.delete()[0]


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
