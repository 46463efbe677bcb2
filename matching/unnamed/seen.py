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
from matching.models import Camera, Probe, Shot, UnnamedFace, UnnamedPerson
from matching.searching import shots
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
    """Somebody at one camera, until they were not seen for five minutes; or met in a batch. camera: None in a batch;
    shot: their best picture there. faces: the first is the earliest."""

    camera: Camera | None
    first: datetime
    last: datetime
    faces: list[UnnamedFace]
    shot: Shot | None = None

    @property
    def dated_by(self) -> str:
        """What says when it was, of `UnnamedFace.DatedBy`."""
        return self.faces[0].dated_by


@dataclass(frozen=True)
class Companion:
    """Who comes with somebody. together: at how many of their visits; expected: at how many chance would have it;
    chance: how probable at least so many are by chance, 0..1."""

    person: UnnamedPerson
    together: int
    expected: float
    chance: float


@dataclass(frozen=True)
class Pictured:
    """Who is pictured with somebody. pictures: in how many of them, and stretches of clips."""

    person: UnnamedPerson
    pictures: int


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
    """Those whom this user's cameras and batches saw, by what these alone saw: `times` visits at `places` cameras and
    in `batches`, `first` and `last`, their `span`, how many faces are `undated`, `best`, the probe of the best picture,
    and `seen_case`, made of them, where it is seen."""
    seen = visible(UnnamedFace, user)
    own = Q(faces__in=seen)
    best = seen.filter(person=OuterRef("pk")).order_by("probe__poorness", "-probe__size")
    return (
        visible(UnnamedPerson, user)
        .annotate(
            times=Count("faces", filter=own & Q(faces__begins_visit=True)),
            places=Count("faces__probe__capture__camera", filter=own, distinct=True),
            batches=Count("faces__probe__search", filter=own, distinct=True),
            first=Min("faces__at", filter=own),
            last=Max("faces__at", filter=own),
            undated=Count("faces", filter=own & Q(faces__dated_by=UnnamedFace.DatedBy.SEARCHED)),
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
    faces = visible(UnnamedFace, user).filter(person=person).select_related("probe__capture__camera").order_by("at")
    faces = faces.only("at", "dated_by", "probe__capture__camera__name", "probe__capture__camera__place")
    found: dict[int, list[VisitHere]] = defaultdict(list)
    met = [face for face in faces if face.probe.capture is None]
    best = shots.best(face.probe_id for face in met)
    in_batches = [VisitHere(None, face.at, face.at, [face], best.get(face.probe_id)) for face in met]
    for face in faces:
        if face.probe.capture is None:
            continue
        camera = face.probe.capture.camera
        own = found[camera.pk]
        if own and face.at - own[-1].last <= VISIT:
            own[-1] = VisitHere(camera, own[-1].first, face.at, [*own[-1].faces, face])
        else:
            own.append(VisitHere(camera, face.at, face.at, [face]))
    at_cameras = [one for own in found.values() for one in own]
    return sorted([*at_cameras, *in_batches], key=lambda one: one.last, reverse=True)


def among(probes: Iterable[Probe], user: User) -> dict[int, UnnamedPerson]:
    """By probe, with whom it is grouped, as `people` says them."""
    faces = dict(visible(UnnamedFace, user).filter(probe__in=probes).values_list("probe", "person"))
    found = people(user).in_bulk(set(faces.values()))
    return {probe: found[person] for probe, person in faces.items() if person in found}


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
    windows: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    own = [(visit.camera.pk, visit.first, visit.last) for visit in visits(person, user) if visit.camera]
    if not own:
        return []
    for camera, first, last in own:
        windows[camera].append((first - TOGETHER, last + TOGETHER))
    others = visible(UnnamedFace, user).filter(probe__capture__camera__in=windows).exclude(person=person)
    rows = others.values_list("person", "probe__capture__camera", "at", "begins_visit")
    began, ended = min(first for _, first, _ in own), max(last for *_, last in own)
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


def pictured_with(person: UnnamedPerson, user: User) -> list[Pictured]:
    """Who stands in the same pictures of batches, or within a minute of them in the same clip, most often first."""
    faces = visible(UnnamedFace, user)
    columns = ("file", "place", "since", "until")
    pictures: set[tuple[int, int]] = set()
    clips: dict[int, list[tuple[int, float, float]]] = defaultdict(list)
    own = Shot.objects.filter(probe__unnamed__in=faces.filter(person=person))
    for file, place, since, until in own.values_list(*columns):
        pictures.add((file, place))
        if since is not None and until is not None:
            clips[file].append((place, since - TOGETHER.total_seconds(), until + TOGETHER.total_seconds()))
    theirs = Shot.objects.filter(
        file__in={file for file, _ in pictures}, probe__unnamed__in=faces.exclude(person=person)
    ).values_list("probe__unnamed__person", *columns)
    met: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for other, file, place, since, until in theirs.iterator(chunk_size=5000):
        if since is None or until is None:
            met[other] |= {(file, place)} & pictures
        else:
            met[other] |= {(file, at) for at, first, last in clips[file] if since <= last and until >= first}
    often = sorted(((other, len(places)) for other, places in met.items() if places), key=lambda one: (-one[1], one[0]))
    named = people(user).in_bulk([other for other, _ in often[:MOST_WITH]])
    return [Pictured(named[other], count) for other, count in often[:MOST_WITH]]


def by_day(user: User, cameras: Iterable[Camera], days: int) -> list[Day]:
    """Visitors at some cameras, the latest day first, days with nobody left out. Staff are no visitors."""
    faces = visible(UnnamedFace, user).filter(probe__capture__camera__in=cameras)
    faces = faces.exclude(person__mark=UnnamedPerson.Mark.STAFF)
    met: dict[int, date] = {}
    came: dict[date, dict[int, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for person, when in faces.order_by("at").values_list("person", "at").iterator(chunk_size=5000):
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
