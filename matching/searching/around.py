"""Around a sighting: which cameras somebody can have passed before or after, and who was like them there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Count

from cases.gazetteer import kilometres
from cases.visibility import visible
from matching.models import Alert, Camera, Capture
from matching.searching import looking_back

# Kilometres an hour along the straight line, as people go through a town.
PACES = {"on foot": 5.0, "by bicycle": 14.0, "by car": 45.0}
HOURS = (1, 2, 6, 12, 24)


@dataclass(frozen=True)
class Near:
    """A camera that may have seen them too. kilometres: along the straight line; None: nobody knows where it stands.
    ways: how somebody gets there in the time, and in how many minutes. captures: of anybody, in that time. visits: of
    faces like the alert's, the most alike first."""

    camera: Camera
    kilometres: float | None
    ways: list[tuple[str, int]]
    captures: int
    visits: list[looking_back.Visit]


@dataclass(frozen=True)
class Around:
    """since, until: which time is looked at. near: the most alike first, then the nearest; far: how many cameras nobody
    reaches in the time."""

    since: datetime
    until: datetime
    near: list[Near]
    far: int


def around(alert: Alert, user: User, hours: int) -> Around:
    """Cameras within reach of an alert's, so many hours before and after it. Raises `SearchRefused` for somebody who
    may not search."""
    since = alert.first_captured_at - timedelta(hours=hours)
    until = alert.last_captured_at + timedelta(hours=hours)
    seen: dict[int, list[looking_back.Visit]] = {}
    for visit in looking_back.for_alert(alert, user).visits:
        if visit.camera is not None and since <= visit.last and visit.first <= until:
            seen.setdefault(visit.camera.pk, []).append(visit)
    taken = visible(Capture, user).filter(captured_at__range=(since, until)).order_by().values_list("camera")
    counts = dict(taken.annotate(number=Count("pk")))
    found: list[Near] = []
    far = 0
    for camera in visible(Camera, user).exclude(pk=alert.camera_id).filter(officer=None):
        away = kilometres(alert.camera.point, camera.point) if alert.camera.point and camera.point else None
        ways = [] if away is None else [(way, round(60 * away / pace)) for way, pace in PACES.items()]
        ways = [(way, minutes) for way, minutes in ways if minutes <= 60 * hours]
        if away is not None and not ways:
            far += 1
            continue
        visits = sorted(seen.get(camera.pk, []), key=lambda visit: -visit.similarity)
        found.append(Near(camera, away, ways, counts.get(camera.pk, 0), visits))
    found.sort(key=lambda one: (-one.visits[0].similarity if one.visits else 2.0, one.kilometres or 1e9))
    return Around(since, until, found, far)
