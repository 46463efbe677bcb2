"""Around a sighting: which cameras somebody can have passed before or after, who was like them there, where to look
first."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Count, Q

from cases.gazetteer import direction, kilometres
from cases.visibility import visible
from matching.models import Alert, Camera, Capture
from matching.searching import going_on, looking_back

# Kilometres an hour along the straight line, as people go through a town.
PACES = {"on foot": 5.0, "by bicycle": 14.0, "by car": 45.0}
# What the map draws around a sighting, so that some of it is in view near and far.
RINGS = [("on foot", 15), ("on foot", 30), ("on foot", 60), ("by car", 15), ("by car", 30), ("by car", 60)]
HOURS = (1, 2, 6, 12, 24)
# Cameras of one plan: nobody goes to more of them in a night.
MOST = 60


@dataclass(frozen=True)
class Way:
    """How somebody gets to a camera, in how many minutes, and when they are there at the earliest."""

    name: str
    minutes: int
    at: datetime


@dataclass(frozen=True)
class Near:
    """A camera that may have seen them too. kilometres, direction: along the straight line; None and empty: nobody
    knows where it stands. ways: those that fit into the time. went_on: how often other people came there next from the
    alert's camera; None: never. captures: of anybody, in that time. visits: of faces like the alert's, the most alike
    first."""

    camera: Camera
    kilometres: float | None
    direction: str
    ways: list[Way]
    went_on: going_on.WentOn | None
    captures: int
    visits: list[looking_back.Visit]

    @property
    def best(self) -> looking_back.Visit | None:
        """The most alike that was seen there, unless it is worth little: among many faces some are always alike."""
        return next((visit for visit in self.visits if visit.strength.word != "weak"), None)

    def _order(self) -> tuple[float, int, float]:
        return (
            -self.best.similarity if self.best else 2.0,
            -self.went_on.times if self.went_on else 0,
            1e9 if self.kilometres is None else self.kilometres,
        )


@dataclass(frozen=True)
class Around:
    """since, until: which time is looked at. near: where to look first: the most alike unless weak, then where people
    went next most often, then the nearest. more: cameras beyond `MOST`; far: how many cameras nobody reaches in the
    time. left: how often people left the alert's camera for another."""

    since: datetime
    until: datetime
    near: list[Near]
    more: int
    far: int
    left: int


def around(alert: Alert, user: User, hours: int) -> Around:
    """Cameras within reach of an alert's, so many hours before and after it. Raises `SearchRefused` for somebody who
    may not search."""
    since = alert.first_captured_at - timedelta(hours=hours)
    until = alert.last_captured_at + timedelta(hours=hours)
    seen: dict[int, list[looking_back.Visit]] = {}
    for visit in looking_back.for_alert(alert, user, since, until).visits:
        if visit.camera is not None:
            seen.setdefault(visit.camera.pk, []).append(visit)
    taken = visible(Capture, user).filter(captured_at__range=(since, until)).order_by().values_list("camera")
    counts = dict(taken.annotate(number=Count("pk")))
    went_on = going_on.from_camera(alert.camera, user, timedelta(hours=hours), alert.case)
    here = alert.camera.point
    found: list[Near] = []
    far = 0
    # One that was taken down counts where it still saw somebody in that time.
    others = visible(Camera, user).exclude(pk=alert.camera_id).filter(officer=None)
    for camera in others.filter(Q(revoked_at=None) | Q(pk__in=counts)):
        away = kilometres(here, camera.point) if here and camera.point else None
        ways = [] if away is None else _ways(away, hours, alert.last_captured_at)
        if away is not None and not ways:
            far += 1
            continue
        toward = direction(here, camera.point) if here and camera.point else ""
        visits = sorted(seen.get(camera.pk, []), key=lambda visit: -visit.similarity)
        next_there = went_on.get(camera.pk)
        found.append(Near(camera, away, toward, ways, next_there, counts.get(camera.pk, 0), visits))
    found.sort(key=Near._order)
    left = sum(one.times for one in went_on.values())
    return Around(since, until, found[:MOST], max(0, len(found) - MOST), far, left)


def rings() -> list[tuple[str, float]]:
    """How far somebody gets: in words, and in kilometres along the straight line."""
    return [(f"{minutes} min {way}", PACES[way] * minutes / 60) for way, minutes in RINGS]


def _ways(away: float, hours: int, left_at: datetime) -> list[Way]:
    ways = [(name, round(60 * away / pace)) for name, pace in PACES.items()]
    return [Way(name, took, left_at + timedelta(minutes=took)) for name, took in ways if took <= 60 * hours]


def words(alert: Alert, hours: int) -> str:
    """What the trail says of it."""
    return f"alert {alert.pk}, {hours} h before and after"
