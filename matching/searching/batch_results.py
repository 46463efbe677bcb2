"""What a batch found: each person with where they were met, as the page's rows and as a table to take along."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Max, Prefetch, QuerySet
from django.utils import timezone

from cases.visibility import visible
from matching.gallery import calibration, strengths
from matching.models import Batch, Candidate, Probe, Shot, UnnamedPerson
from matching.searching.workbench import WORDS

COLUMNS = [
    "person", "file", "from second", "to second", "from", "to", "left", "top", "right", "bottom", "rank", "case",
    "name", "collection", "similarity", "strength", "decision", "address", "found on", "fetched", "posted",
]  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a person was met: a picture, or a stretch of a clip. shot: the best of it."""

    shot: Shot
    since: float | None
    until: float | None


@dataclass(frozen=True)
class Person:
    """number: 1 for who was met most often. first: the most alike case, with what that is worth. unnamed: with whom
    they are grouped, where they resemble nobody."""

    number: int
    probe: Probe
    places: Sequence[Place]
    first: Candidate | None
    strength: calibration.Strength | None
    unnamed: UnnamedPerson | None


def seen_by(user: User) -> Any:
    """The candidates that a person sees, with their cases, of probes that are fetched."""
    seen = visible(Candidate, user)
    return Prefetch("candidates", seen.select_related("case__collection", "face"))


def probes(batch: Batch, user: User, order: str) -> QuerySet[Probe]:
    """A batch's persons: by `alike`, whoever is most like a case first, or by `met`, whoever was met most often."""
    worth = Max(F("candidates__similarity") - F("candidates__allowance") - F("candidates__commonness"))
    found = batch.search.probes.prefetch_related("shots__file", seen_by(user)).annotate(worth=worth)
    return (
        found.order_by("position") if order == "met" else found.order_by(F("worth").desc(nulls_last=True), "position")
    )


def people(probes: Sequence[Probe], unnamed: Mapping[int, UnnamedPerson]) -> list[Person]:
    """Some of a batch's persons. probes: with shots and candidates. unnamed: by probe."""
    found = []
    for probe in probes:
        first = next(iter(probe.candidates.all()), None)
        worth = strengths.of(first) if first else None
        found.append(Person(probe.position + 1, probe, places(probe), first, worth, unnamed.get(probe.pk)))
    return found


def places(probe: Probe) -> list[Place]:
    """Where somebody was met, in the order of files and time."""

    def stretch(shot: Shot) -> tuple[int, int, int]:
        return shot.file_id, shot.place, -1 - shot.pk if shot.track is None else shot.track

    shots = sorted(probe.shots.all(), key=stretch)
    found = [list(group) for _, group in groupby(shots, key=stretch)]
    made = [Place(max(g, key=lambda s: s.detection_score * s.size), g[0].since, g[0].until) for g in found]
    return sorted(made, key=lambda place: (place.shot.file_id, place.shot.place, place.since or 0))


def rows(batch: Batch, user: User) -> Iterator[list[object]]:
    """A batch's table, headed `COLUMNS`: each place where somebody was met, with each candidate worth a look."""
    probes = batch.search.probes.prefetch_related("shots__file", seen_by(user)).order_by("position")
    for probe in probes.iterator(chunk_size=200):
        candidates = list(probe.candidates.all())
        worth = [one for one in candidates if one.strength in (*WORDS, calibration.UNMEASURED)] or candidates[:1]
        for place in places(probe):
            shot = place.shot
            where: list[object] = [
                probe.position + 1, shot.name, _second(place.since), _second(place.until),
                _time(place, place.since), _time(place, place.until),
                *(round(side, 4) for side in (shot.left, shot.top, shot.right, shot.bottom)),
            ]  # fmt: skip
            for one in worth:
                yield [
                    *where, one.rank, one.case.number, one.case.display_name, one.case.collection.name,
                    round(one.similarity, 4), one.strength, one.get_decision_display(), *_web(shot),
                ]  # fmt: skip
            if not worth:
                yield [*where, *[""] * 7, *_web(shot)]


def _web(shot: Shot) -> list[str]:
    file = shot.file
    return [file.address, file.found_on, _iso(file.fetched_at), _iso(shot.posted_at)]


def _time(place: Place, second: float | None) -> str:
    return _iso(place.shot.file.at(second))


def _iso(at: datetime | None) -> str:
    return timezone.localtime(at).isoformat(timespec="seconds") if at else ""


def _second(value: float | None) -> object:
    return "" if value is None else round(value, 2)
