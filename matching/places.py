"""What stands where: cameras, alerts, sightings, last-seen places, photos; put together in PostgreSQL for a window of
the world, or for a plan of a site."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Avg, Count, Exists, F, FloatField, Max, Min, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast, Coalesce, Floor, Greatest, Least, Ln, Pi, Radians, Tan
from django.urls import reverse

from cases import locating
from cases.gazetteer import kilometres
from cases.models import Case, Collection, Photo
from cases.visibility import visible
from matching.models import Alert, BatchPicture, Camera, Candidate, Search, Shot, SitePlan

# What is nearer to each other than so many pixels of the map is one point.
CELL = 64
# The latitude at which the map's square ends.
EDGE = 85.0
# Nobody goes faster, not even by air from gate to gate.
MOST_KM_AN_HOUR, LEAST_KM = 900.0, 5.0
MOST_STEPS = 500
LISTED = 30
KINDS = {
    "cameras": "Cameras",
    "alerts": "Alerts",
    "sightings": "Sightings",
    "cases": "Last seen",
    "photos": "Photos, as their files claim",
    "searches": "Searched pictures, as their files claim",
    "batches": "Pictures of batches, as their files claim",
}
# What stands on plans of a site: nobody knows of the others where in it they are.
ON_PLANS = ("cameras", "alerts", "sightings")
RELATED = {
    "cases": ("collection", "town"),
    "alerts": ("camera", "case__collection"),
    "sightings": ("camera", "case__collection"),
    "photos": ("case",),
    "batches": ("file__batch__search",),
}
# Each kind is shown to whom its own pages are shown.
READ_SEARCHES = ("matching.add_search", "matching.view_search")
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "cameras": ("matching.view_camera",),
    "alerts": ("matching.view_alert",),
    "sightings": ("matching.view_alert",),
    "cases": ("cases.view_case",),
    "photos": ("cases.view_photo",),
    "searches": READ_SEARCHES,
    "batches": READ_SEARCHES,
}
ORDER = {
    "cameras": F("name").asc(),
    "cases": F("last_seen_on").desc(nulls_last=True),
    "photos": F("created_at").desc(),
    "searches": F("created_at").desc(),
    "batches": F("pk").desc(),
}
# By whom somebody is shown among searched pictures: by what is likely theirs, until people say that it is not.
LIKELY = Q(strength="strong") | Q(decision__in=[Candidate.Decision.POSSIBLE, Candidate.Decision.CONFIRMED])


@dataclass(frozen=True)
class Window:
    """Degrees; west may lie east of east, across the date line. zoom: 0 shows the world in 256 pixels, each more
    doubles that."""

    west: float = -180.0
    south: float = -90.0
    east: float = 180.0
    north: float = 90.0
    zoom: int = 2

    def holds(self) -> Q:
        inside = Q(up__range=(self.south, self.north), right__isnull=False)
        if self.east - self.west >= 360:
            return inside
        west, east = _turned(self.west), _turned(self.east)
        from_west, to_east = Q(right__gte=west), Q(right__lte=east)
        return inside & ((from_west & to_east) if west <= east else (from_west | to_east))


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see. since, until: of alerts, sightings and searches. case: nothing but this one. plan:
    where on that plan of a site, instead of where in the world."""

    kinds: tuple[str, ...] = tuple(KINDS)
    since: datetime | None = None
    until: datetime | None = None
    collection: Collection | None = None
    strength: str = ""
    case: Case | None = None
    plan: SitePlan | None = None

    @property
    def stands(self) -> tuple[str, ...]:
        """The kinds that stand there at all."""
        return tuple(kind for kind in self.kinds if not self.plan or kind in ON_PLANS)


@dataclass(frozen=True)
class Point:
    """One thing, or several that lie together. up, right: latitude and longitude in degrees, of several their mean; on
    a plan the shares of it from its top and from its left edge, 0..1."""

    kind: str
    up: float
    right: float
    count: int
    title: str
    link: str = ""
    state: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Step:
    """One alert on the path of a person. up, right: as a point's. kilometres, hours: from the step before, on a plan
    without kilometres; far: nobody comes so far so fast."""

    alert: Alert
    up: float
    right: float
    kilometres: float | None
    hours: float

    @property
    def far(self) -> bool:
        return self.kilometres is not None and self.kilometres > max(LEAST_KM, MOST_KM_AN_HOUR * self.hours)


def points(user: Any, window: Window, asked: Asked) -> list[Point]:
    """Whatever lies in the window, as far as this person may see it: never more than one point of a kind in a cell of
    `CELL` pixels. On a plan all of it, and one point of a kind at each camera."""
    found: list[Point] = []
    for kind in _seen(user, asked.stands):
        found += _together(kind, _inside(user, kind, window, asked), _cells(kind, window, asked))
    return found


def listed(user: Any, window: Window, asked: Asked) -> list[tuple[str, str, int, list[Any]]]:
    """The same in words: of each kind its name, how many lie in the window, and the latest `LISTED` of them."""
    said = []
    for kind in _seen(user, asked.stands):
        inside = _inside(user, kind, window, asked)
        order = ORDER.get(kind, F("last_captured_at").desc())
        rows = inside.select_related(*RELATED.get(kind, ())).order_by(order)[:LISTED]
        said.append((kind, KINDS[kind], inside.count(), list(rows)))
    return said


def unplaced(user: Any) -> dict[str, int]:
    """How many that this person may see have no coordinates, and so stand on no map; a camera that has its place on a
    plan is not lost."""
    waiting = {
        "cameras": visible(Camera, user).filter(revoked_at=None, officer=None, latitude=None, plan_x=None).count(),
        "cases": visible(Case, user).filter(status=Case.Status.OPEN).exclude(locating.with_place()).count(),
    }
    return {kind: waiting[kind] for kind in _seen(user, waiting)}


def path(user: Any, asked: Asked) -> list[Step]:
    """Where cameras may have seen the case that is asked for, in the order of time: open alerts and confirmed
    sightings. Without a case there is none."""
    if asked.case is None:
        return []
    alerts = (
        _of_cameras(visible(Alert, user).filter(case=asked.case), asked, "camera__")
        .filter(up__isnull=False, right__isnull=False)
        .exclude(status__in=(Alert.Status.DISMISSED, Alert.Status.CLOSED))
        .select_related("camera")
        .order_by("-first_captured_at")[:MOST_STEPS]
    )
    steps: list[Step] = []
    for alert in reversed(alerts):
        before = steps[-1] if steps else None
        far = 0.0 if before is None else kilometres((before.up, before.right), (alert.up, alert.right))
        hours = (alert.first_captured_at - before.alert.last_captured_at).total_seconds() / 3600 if before else 0.0
        steps.append(Step(alert, alert.up, alert.right, None if asked.plan else far, max(0.0, hours)))
    return steps


def plans(user: Any, case: Case) -> QuerySet[SitePlan]:
    """The plans of sites on which cameras stand that may have seen this case."""
    if not user.has_perm("matching.view_camera"):
        return SitePlan.objects.none()
    there = visible(Alert, user).filter(case=case, camera__plan_x__isnull=False)
    return visible(SitePlan, user).filter(pk__in=there.values("camera__plan"))


def _seen(user: Any, kinds: Iterable[str]) -> list[str]:
    return [kind for kind in kinds if any(map(user.has_perm, PERMISSIONS[kind]))]


def _of_cameras(rows: QuerySet[Any], asked: Asked, camera: str = "") -> QuerySet[Any]:
    """These rows with the places of their cameras, `camera` being the way to them."""
    if asked.plan:
        rows = rows.filter(**{f"{camera}plan": asked.plan})
    up, right = ("plan_y", "plan_x") if asked.plan else ("latitude", "longitude")
    placed: QuerySet[Any] = rows.annotate(up=F(f"{camera}{up}"), right=F(f"{camera}{right}"))
    return placed


def _inside(user: Any, kind: str, window: Window, asked: Asked) -> QuerySet[Any]:
    return _rows(user, kind, asked).filter(Q(right__isnull=False) if asked.plan else window.holds())


def _rows(user: Any, kind: str, asked: Asked) -> QuerySet[Any]:
    """The rows of a kind, with `up` and `right`, as a point's."""
    if kind == "cameras":
        cameras = visible(Camera, user).filter(revoked_at=None, officer=None)
        if asked.case:
            cameras = cameras.filter(pk__in=Alert.objects.filter(case=asked.case).values("camera"))
        return _of_cameras(cameras, asked)
    if kind == "cases":
        cases = visible(Case, user).filter(Q(pk=asked.case.pk) if asked.case else Q(status=Case.Status.OPEN))
        if asked.collection:
            cases = cases.filter(collection=asked.collection)
        up, right = (Coalesce(side, f"town__{side}") for side in ("latitude", "longitude"))
        return cases.annotate(up=up, right=right)
    if kind == "photos":
        photos = visible(Photo, user).filter(Q(case=asked.case) if asked.case else Q(case__status=Case.Status.OPEN))
        if asked.collection:
            photos = photos.filter(case__collection=asked.collection)
        return photos.annotate(up=F("own_latitude"), right=F("own_longitude"))
    if kind in ("searches", "batches"):
        searched: QuerySet[Any] = _searched(user, kind, asked)
        placed: QuerySet[Any] = searched.annotate(up=F("own_latitude"), right=F("own_longitude"))
        return placed
    rows = visible(Alert, user).filter(
        status__in=Alert.OPEN if kind == "alerts" else (Alert.Status.CONFIRMED,),
    )
    narrowed = {
        "last_captured_at__gte": asked.since,
        "first_captured_at__lte": asked.until,
        "case__collection": asked.collection,
        "strength": asked.strength,
        "case": asked.case,
    }
    rows = rows.filter(**{name: value for name, value in narrowed.items() if value})
    return _of_cameras(rows, asked, "camera__")


def _searched(user: Any, kind: str, asked: Asked) -> QuerySet[Any]:
    """Pictures that people searched, by themselves or in batches; of one person's case those that likely show them."""
    searches: QuerySet[Search] = Search.listed(user).filter(**({"created_at__gte": asked.since} if asked.since else {}))
    if asked.until:
        searches = searches.filter(created_at__lte=asked.until)
    candidates = visible(Candidate, user)
    if asked.case:
        candidates = candidates.filter(LIKELY, case=asked.case).exclude(decision=Candidate.Decision.REJECTED)
    if asked.collection:
        candidates = candidates.filter(case__collection=asked.collection)
    if asked.strength:
        candidates = candidates.filter(strength=asked.strength)
    is_narrowed = asked.case or asked.collection or asked.strength
    if kind == "searches":
        of_search = candidates.filter(probe__search=OuterRef("pk"))
        return searches.filter(Exists(of_search)) if is_narrowed else searches
    pictures: QuerySet[Any] = BatchPicture.objects.filter(file__batch__search__in=searches)
    shots = Shot.objects.filter(file=OuterRef("file"), place=OuterRef("place"), probe__candidates__in=candidates)
    return pictures.filter(Exists(shots)) if is_narrowed else pictures


def _cells(kind: str, window: Window, asked: Asked) -> dict[str, Any]:
    """By what rows lie together: a square of the map, on a plan a camera."""
    if asked.plan:
        return {"cell": F("pk" if kind == "cameras" else "camera")}
    cells = (2**window.zoom) * 256 / CELL
    latitude = Radians(Greatest(Least(Cast("up", FloatField()), EDGE), -EDGE))
    # Mercator's, as the map draws it.
    return {
        "across": Floor((F("right") + 180.0) / 360.0 * cells),
        "down": Floor((1.0 - Ln(Tan(Pi() / 4.0 + latitude / 2.0)) / Pi()) / 2.0 * cells),
    }


def _together(kind: str, rows: QuerySet[Any], cells: dict[str, Any]) -> Iterator[Point]:
    of_camera = kind in ("alerts", "sightings")
    grouped = (
        rows.order_by()
        .annotate(**cells)
        .values(*cells)
        .annotate(
            count=Count("pk"),
            # PostgreSQL knows no least of searches' ids.
            one=Min(Cast("pk", TextField()) if kind == "searches" else "pk"),
            middle_up=Avg("up"),
            middle_right=Avg("right"),
            **({"first": Min("camera"), "last": Max("camera")} if of_camera else {}),
        )
        .values_list("count", "one", "middle_up", "middle_right", *(("first", "last") if of_camera else ()))
    )
    to_id = rows.model._meta.pk.to_python
    found = [(count, to_id(one), *where) for count, one, *where in grouped]
    alone = rows.model._default_manager.select_related(*RELATED.get(kind, ())).in_bulk(
        [one for count, one, *_ in found if count == 1 or of_camera]
    )
    for count, one, north, east, *cameras in found:
        where = (kind, north, east, count)
        if count == 1:
            yield Point(*where, *_said(alone[one]))
        elif cameras and cameras[0] == cameras[1]:
            # Alerts of one camera lie together at any zoom: its list has them.
            status = "new" if kind == "alerts" else Alert.Status.CONFIRMED.value
            link = f"{reverse('alerts')}?status={status}&camera={cameras[0]}"
            yield Point(*where, f"{count} at {alone[one].camera}", link)
        else:
            yield Point(*where, f"{count} {KINDS[kind].partition(',')[0].lower()} here")


def _said(row: Any) -> tuple[str, str, str, datetime | None]:
    """Title, link, state and time of one thing."""
    if isinstance(row, Camera):
        return row.name, reverse("camera", args=[row.pk]), row.state, row.last_seen_at
    if isinstance(row, Case):
        about = f", somewhere in {row.town.name}" if row.latitude is None and row.town else ""
        return f"{row.display_name} ({row.number}){about}", row.get_absolute_url(), row.status, None
    if isinstance(row, Photo):
        taken = f" at {row.own_time}" if row.own_time else ""
        return (
            f"Its file says that a photo of {row.case.display_name} was taken here{taken}",
            row.case.get_absolute_url(),
            "",
            None,
        )
    if isinstance(row, Search | BatchPicture):
        search = row if isinstance(row, Search) else row.file.batch.search
        taken = f" at {row.own_time}" if row.own_time else ""
        return f"Its file says that a picture of {search.purpose} was taken here{taken}", _page(row), "", None
    return f"{row.title} at {row.camera}", row.get_absolute_url(), row.strength, row.last_captured_at


def _page(row: Search | BatchPicture) -> str:
    return row.get_absolute_url() if isinstance(row, Search) else row.file.batch.get_absolute_url()


def _turned(longitude: float) -> float:
    """The same meridian between -180 and 180 degrees."""
    return (longitude + 180) % 360 - 180 if not -180 <= longitude <= 180 else longitude
