"""Unnamed people as one reader may see them: who came how often, when, where, with whom; and visits, counted."""

import bisect
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.contrib.auth.models import User
from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from pgvector import HalfVector
from pgvector.django import MaxInnerProduct

from cases.models import Case
from cases.visibility import visible
from matching.gallery import calibration
from matching.models import Camera, UnnamedFace, UnnamedPerson
from matching.searching.looking_back import VISIT, WORTH_SHOWING

ORDERS = {
    "often": ("Most often", ["-times", "-last"]),
    "newest": ("Newest", ["-last"]),
    "longest": ("Longest", ["-span", "-times"]),
}
# Somebody who comes so shortly before or after is with them.
TOGETHER = timedelta(minutes=1)
# Beyond this, being seen together is put down to chance.
CHANCE = 0.05
MOST_LIKE, MOST_WITH = 6, 12


@dataclass(frozen=True)
class VisitHere:
    """Somebody at one camera, until they were not seen for five minutes. faces: the first is the earliest."""

    camera: Camera
    first: datetime
    last: datetime
    faces: list[UnnamedFace]


@dataclass(frozen=True)
class Companion:
    """Who comes with somebody. together: at how many of their visits; expected: at how many chance would have it;
    chance: how probable at least so many are by chance, 0..1."""

    person: UnnamedPerson
    together: int
    expected: float
    chance: float


@dataclass(frozen=True)
class Alike:
    person: UnnamedPerson
    similarity: float
    strength: calibration.Strength


@dataclass(frozen=True)
class Day:
    """Visitors of a day: new ones were never seen before in the days that are kept. stay: minutes, the mean of those
    who were seen twice at least; None: nobody was. hours: how many came in each hour, 0 to 23."""

    day: date
    new: int
    returning: int
    stay: float | None
    hours: list[int]

    @property
    def visitors(self) -> int:
        return self.new + self.returning


def people(user: User) -> QuerySet[UnnamedPerson]:
    """Those whom this user's cameras saw, by what these alone saw: `times` visits at `places` cameras, `first` and
    `last`, their `span`, `best`, the probe of the best picture, and `seen_case`, made of them, where it is seen."""
    seen = visible(UnnamedFace, user)
    own = Q(faces__in=seen)
    at = "faces__probe__capture__captured_at"
    best = seen.filter(person=OuterRef("pk")).order_by("probe__poorness", "-probe__size")
    return (
        visible(UnnamedPerson, user)
        .annotate(
            times=Count("faces", filter=own & Q(faces__begins_visit=True)),
            places=Count("faces__probe__capture__camera", filter=own, distinct=True),
            first=Min(at, filter=own),
            last=Max(at, filter=own),
        )
        .annotate(
            span=F("last") - F("first"),
            best=Subquery(best.values("probe")[:1]),
            seen_case=Subquery(visible(Case, user).filter(pk=OuterRef("case")).values("pk")[:1]),
        )
        # Of whom the last face is gone nothing is left to show until they go, too.
        .exclude(first=None)
    )


def visits(person: UnnamedPerson, user: User) -> list[VisitHere]:
    """When and where somebody was seen, the latest first."""
    faces = visible(UnnamedFace, user).filter(person=person).select_related("probe__capture__camera")
    faces = faces.only("probe__capture__captured_at", "probe__capture__camera__name", "probe__capture__camera__place")
    found: dict[int, list[VisitHere]] = defaultdict(list)
    for face in faces.order_by("probe__capture__captured_at"):
        camera, at = face.capture.camera, face.capture.captured_at
        own = found[camera.pk]
        if own and at - own[-1].last <= VISIT:
            own[-1] = VisitHere(camera, own[-1].first, at, [*own[-1].faces, face])
        else:
            own.append(VisitHere(camera, at, at, [face]))
    return sorted((one for own in found.values() for one in own), key=lambda one: one.last, reverse=True)


def alike(person: UnnamedPerson, user: User) -> list[Alike]:
    """Who else may be the same person, the most alike first."""
    model, calibrated = person.model, calibration.of(person.model)
    distance = MaxInnerProduct("embedding", HalfVector(np.asarray(person.embedding, np.float32)))
    others = people(user).filter(model=model).exclude(pk=person.pk)
    among = UnnamedPerson.objects.filter(model=model).count()
    found = []
    for other in others.annotate(distance=distance).order_by("distance")[:MOST_LIKE]:
        similarity = -float(other.distance)
        allowance = float(calibration.allowance(*np.array([[person.poorness], [other.poorness]], np.float32))[0])
        common = (person.commonness + other.commonness) / 2
        if similarity - allowance - common >= calibrated.threshold(WORTH_SHOWING, among):
            strength = calibration.strength(
                calibrated, similarity, among, allowance, common, candidate="most similar face", among="person"
            )
            found.append(Alike(other, similarity, strength))
    return found


def companions(person: UnnamedPerson, user: User) -> list[Companion]:
    """Who comes with somebody more often than chance would have it, the least probable first."""
    own = visits(person, user)
    if not own:
        return []
    windows: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for visit in own:
        windows[visit.camera.pk].append((visit.first - TOGETHER, visit.last + TOGETHER))
    others = visible(UnnamedFace, user).filter(probe__capture__camera__in=windows).exclude(person=person)
    rows = others.values_list("person", "probe__capture__camera", "probe__capture__captured_at", "begins_visit")
    began, ended = min(visit.first for visit in own), max(visit.last for visit in own)
    met: dict[int, set[tuple[int, int]]] = defaultdict(set)
    came: dict[tuple[int, int], int] = defaultdict(int)
    since, until = dict.fromkeys(windows, began), dict.fromkeys(windows, ended)
    for each in windows.values():
        each.sort()
    for other, camera, at, begins in rows.iterator(chunk_size=5000):
        since[camera], until[camera] = min(since[camera], at), max(until[camera], at)
        came[other, camera] += begins
        # Visits lie further apart than what is added around them, so at most one window holds a moment.
        number = bisect.bisect_right(windows[camera], at, key=lambda window: window[0]) - 1
        if number >= 0 and at <= windows[camera][number][1]:
            met[other].add((camera, number))
    share = {
        camera: min(1.0, _seconds(last - first for first, last in each)
                    / max((until[camera] - since[camera]).total_seconds(), 1.0))
        for camera, each in windows.items()
    }  # fmt: skip
    found: list[tuple[float, int, int, float]] = []
    for other, places in met.items():
        expected = sum(came[other, camera] * part for camera, part in share.items())
        chance = _at_least(len(places), expected)
        if chance < CHANCE:
            found.append((chance, other, len(places), expected))
    least = sorted(found)[:MOST_WITH]
    named = people(user).in_bulk([other for _, other, *_ in least])
    return [Companion(named[other], count, expected, chance) for chance, other, count, expected in least]


def by_day(user: User, cameras: Iterable[Camera], days: int) -> list[Day]:
    """Visitors at some cameras, the latest day first, days with nobody left out. Staff are no visitors."""
    faces = visible(UnnamedFace, user).filter(probe__capture__camera__in=cameras)
    faces = faces.exclude(person__mark=UnnamedPerson.Mark.STAFF)
    at = "probe__capture__captured_at"
    met: dict[int, date] = {}
    came: dict[date, dict[int, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for person, when in faces.order_by(at).values_list("person", at).iterator(chunk_size=5000):
        local = timezone.localtime(when)
        met.setdefault(person, local.date())
        came[local.date()][person].append(local)
    since = timezone.localdate() - timedelta(days=days - 1)
    return [_day(day, own, met) for day, own in sorted(came.items(), reverse=True) if day >= since]


def _day(day: date, own: dict[int, list[datetime]], met: dict[int, date]) -> Day:
    new = sum(met[person] == day for person in own)
    stays = [(times[-1] - times[0]).total_seconds() / 60 for times in own.values() if len(times) > 1]
    hours = [0] * 24
    for times in own.values():
        hours[times[0].hour] += 1
    return Day(day, new, len(own) - new, sum(stays) / len(stays) if stays else None, hours)


def _seconds(spans: Iterable[timedelta]) -> float:
    return sum(span.total_seconds() for span in spans)


def _at_least(times: int, expected: float) -> float:
    """How probable it is that what happens `expected` times happens so often or more (Poisson), 0..1."""
    below: Sequence[float] = [
        math.exp(k * math.log(expected) - expected - math.lgamma(k + 1)) if expected else float(k == 0)
        for k in range(times)
    ]
    return max(0.0, 1.0 - math.fsum(below))
