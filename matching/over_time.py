"""What was seen over time, from years to seconds: counted in PostgreSQL for the window that is asked for."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, DateTimeField, Expression, F, Func, Max, Min, Q, QuerySet, Value
from django.db.models import functions as fn
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, Photo
from cases.visibility import visible
from matching.models import Alert, AlertCapture, Camera, Capture, UnnamedFace, UnnamedPerson

KINDS = {"faces": "Faces", "alerts": "Alerts", "photos": "Photos, by the day they were taken"}
# Each kind is counted for whom its own pages are shown.
PERMISSIONS = {"faces": "matching.view_alert", "alerts": "matching.view_alert", "photos": "cases.view_photo"}
MOST_BARS, LISTED = 120, 60
SHORTEST = timedelta(seconds=10)
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """All cameras that stand at one place, by its words."""

    words: str


Subject = Case | Camera | UnnamedPerson | Place


@dataclass(frozen=True)
class Step:
    """How long a bar is. length: about that where it is one `by_calendar`: a day, week, month or year."""

    words: str
    length: timedelta
    by_calendar: str = ""

    def begin(self, at: datetime) -> Expression:
        """Of the bar in which `at` lies. at: a moment from which bars of the clock are counted."""
        if self.by_calendar:
            return fn.Trunc(
                "at", self.by_calendar, output_field=DateTimeField(), tzinfo=timezone.get_current_timezone()
            )
        return Func(Value(self.length), F("at"), Value(at), function="date_bin", output_field=DateTimeField())

    def end(self, begin: datetime) -> datetime:
        """Of the bar that begins then."""
        if not self.by_calendar:
            return begin + self.length
        # Somewhere in the next one, and back to where that begins: days and months have no one length.
        within = timezone.localtime(begin) + self.length * 1.4
        months = {"year": within.replace(month=1, day=1), "month": within.replace(day=1)}
        days = {"week": within - timedelta(days=within.weekday()), "day": within}
        day = {**months, **days}[self.by_calendar]
        return timezone.make_aware(datetime(day.year, day.month, day.day), timezone.get_current_timezone())


STEPS = [
    *(Step(f"{n} second{'s' * (n > 1)}", timedelta(seconds=n)) for n in (1, 5, 15)),
    *(Step(f"{n} minute{'s' * (n > 1)}", timedelta(minutes=n)) for n in (1, 5, 15)),
    *(Step(f"{n} hour{'s' * (n > 1)}", timedelta(hours=n)) for n in (1, 3)),
    Step("a day", timedelta(days=1), "day"), Step("a week", timedelta(days=7), "week"),
    Step("a month", timedelta(days=30), "month"), Step("a year", timedelta(days=365), "year"),
]  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """counts: by kind, of those that are there."""

    window: "Window"
    counts: dict[str, int]


@dataclass(frozen=True)
class Event:
    """picture: the address of its face; empty: none is kept."""

    at: datetime
    kind: str
    title: str
    link: str = ""
    picture: str = ""


@dataclass(frozen=True)
class Window:
    """From since on, and before until."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def query(self) -> str:
        """As an address asks for it, in UTC to the second."""
        return "&".join(
            f"{name}={side.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            for name, side in (("since", self.since), ("until", self.until))
        )


@dataclass(frozen=True)
class OverTime:
    """whole: from the first to the last; None: nothing was seen ever. events: the latest `LISTED` in the window. out: a
    window four times as long, as far as anything was seen; None: the window shows all."""

    window: Window
    whole: Window | None
    step: Step
    bars: list[Bar]
    totals: dict[str, int]
    events: list[Event]
    out: Window | None

    @property
    def earlier(self) -> Window | None:
        """As long a window before this one, where anything was seen before."""
        before = self.whole is not None and self.whole.since < self.window.since
        return Window(_believable(self.window.since - self.window.length), self.window.since) if before else None

    @property
    def later(self) -> Window | None:
        after = self.whole is not None and self.whole.until > self.window.until
        return Window(self.window.until, _believable(self.window.until + self.window.length)) if after else None


def places(user: User) -> list[tuple[str, int]]:
    """The places of the cameras that somebody sees, by name, with how many stand there."""
    named = visible(Camera, user).filter(officer=None).exclude(place="").order_by("place")
    return list(named.values_list("place").annotate(number=Count("pk")))


def look(subject: Subject, user: User, since: datetime | None = None, until: datetime | None = None) -> OverTime:
    """since, until: the window; without them all of it."""
    sources = {kind: rows for kind, rows in _sources(subject, user).items() if user.has_perm(PERMISSIONS[kind])}
    whole = _whole(sources)
    window = _window(whole, since, until)
    step = next((one for one in STEPS if window.length / one.length <= MOST_BARS), STEPS[-1])
    midnight = timezone.localtime(window.since).replace(hour=0, minute=0, second=0, microsecond=0)
    counts: dict[datetime, Counter[str]] = defaultdict(Counter)
    events: list[Event] = []
    for kind, rows in sources.items():
        inside = rows.filter(at__gte=window.since, at__lt=window.until)
        counted = inside.order_by().annotate(bar=step.begin(midnight)).values_list("bar").annotate(number=Count("pk"))
        for begin, number in counted:
            counts[begin][kind] += number
        events += [_event(kind, row) for row in inside.order_by("-at", "-pk")[:LISTED]]
    bars = [
        Bar(Window(max(begin, window.since), min(step.end(begin), window.until)), dict(of))
        for begin, of in sorted(counts.items())
    ]
    totals = sum(counts.values(), Counter())
    events = sorted(events, key=lambda event: event.at, reverse=True)[:LISTED]
    return OverTime(window, whole, step, bars, {kind: totals[kind] for kind in sources}, events, _out(window, whole))


def _whole(sources: dict[str, QuerySet[Any]]) -> Window | None:
    ends = [rows.aggregate(first=Min("at"), last=Max("at")) for rows in sources.values()]
    known = [end for end in ends if end["first"]]
    if not known:
        return None
    # To the full second, as windows are asked for.
    first, last = min(end["first"] for end in known), max(end["last"] for end in known)
    return Window(first.replace(microsecond=0), last.replace(microsecond=0) + timedelta(seconds=1))


def _window(whole: Window | None, since: datetime | None, until: datetime | None) -> Window:
    around = whole or Window(timezone.now() - timedelta(days=1), timezone.now())
    since, until = since or min(around.since, until or around.since), until or max(around.until, since or around.until)
    if until - since < SHORTEST:
        # To full seconds, as addresses say them.
        since = (since - (SHORTEST - (until - since)) / 2).replace(microsecond=0)
        until = since + SHORTEST
    return Window(_believable(since), _believable(until))


def _out(window: Window, whole: Window | None) -> Window | None:
    if whole is None or (window.since <= whole.since and window.until >= whole.until):
        return None
    since, until = window.since - 1.5 * window.length, window.until + 1.5 * window.length
    return Window(_believable(since), _believable(until)) if window.length < whole.length else whole


def _believable(at: datetime) -> datetime:
    return min(max(at, EARLIEST), LATEST)


def _sources(subject: Subject, user: User) -> dict[str, QuerySet[Any]]:
    """What is counted of it, as far as this reader may see it; each row has its time as `at`."""
    if isinstance(subject, UnnamedPerson):
        faces = visible(UnnamedFace, user).filter(person=subject)
        return {"faces": faces.select_related("probe__capture__camera", "probe__search")}
    if isinstance(subject, Case):
        alerts = visible(Alert, user).filter(case=subject).exclude(status=Alert.Status.DISMISSED)
        taken = AlertCapture.objects.filter(alert__in=alerts).select_related("alert__camera", "capture__probe")
        photos = visible(Photo, user).filter(case=subject, taken_on__isnull=False)
        return {
            "faces": taken.annotate(at=F("capture__captured_at")),
            "photos": photos.annotate(at=_midnight("taken_on")),
        }
    own = Q(pk=subject.pk) if isinstance(subject, Camera) else Q(place__iexact=subject.words)
    # Named one by one: an index has a camera's captures by their time.
    cameras = list(Camera.objects.filter(own).values_list("pk", flat=True))
    captures = visible(Capture, user).filter(camera__in=cameras).select_related("camera", "probe")
    alerts = visible(Alert, user).filter(camera__in=cameras).select_related("camera", "case", "best_capture__probe")
    return {"faces": captures.annotate(at=F("captured_at")), "alerts": alerts.annotate(at=F("first_captured_at"))}


def _midnight(day: str) -> Func:
    """The moment at which a day begins here."""
    begin = Func(F(day), template="%(expressions)s::timestamp")
    return Func(Value(timezone.get_current_timezone_name()), begin, function="timezone", output_field=DateTimeField())


def _event(kind: str, row: Any) -> Event:
    at: datetime = row.at
    match row:
        case Photo():
            words = ", ".join(filter(None, ["Photo", row.filename]))
            return Event(at, kind, words, reverse("case", args=[row.case_id]), reverse("photo", args=[row.pk]))
        case Alert():
            words = f"{row.title}: {row.get_status_display()}"
            return Event(at, kind, words, row.get_absolute_url(), _face(row.best_capture))
        case AlertCapture():
            return Event(at, kind, f"Seen by {row.alert.camera}", row.alert.get_absolute_url(), _face(row.capture))
        case UnnamedFace():
            face = reverse("probe", args=[row.probe_id])
            if (capture := row.probe.capture) is not None:
                return Event(at, kind, f"Seen by {capture.camera}", "", face)
            search = row.probe.searched
            how = {"posted": "Posted, met", "searched": "Searched"}.get(row.dated_by, "Met")
            words = f"{how} in {search.purpose}"
            return Event(at, kind, words, f"{search.get_absolute_url()}?face={row.probe_id}", face)
    return Event(at, kind, f"{row.camera}: {row.get_status_display()}", "", _face(row))


def _face(capture: Capture) -> str:
    probe = getattr(capture, "probe", None)
    return reverse("probe", args=[probe.pk]) if probe else ""
