"""Errors of an evaluation by the age on the enrolled photo and by the years between it and the searched one."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from matching.evaluating.comparing import Search, Seen
from matching.evaluating.labelled import ENROL, Labelled
from matching.gallery import bands

_Known = Callable[[Labelled, Sequence[Labelled]], float | None]


def of(searches: Sequence[Search], seen: Sequence[Seen], threshold: float | None) -> dict[str, list[dict[str, Any]]]:
    """For each band its mates, the share found first, and the share missed: not first, or worth less than `threshold`
    (None: too few strangers were searched to tell one)."""
    enrolled: dict[str, list[Labelled]] = defaultdict(list)
    for one in seen:
        if one.photo.role in ("", ENROL):
            enrolled[one.photo.person].append(one.photo)
    mates = [search for search in searches if search.rank is not None]
    return {
        "ages": _banded(mates, enrolled, _age, bands.AGES, threshold),
        "years": _banded(mates, enrolled, _years, bands.YEARS, threshold),
    }


def _age(probe: Labelled, others: Sequence[Labelled]) -> float | None:
    """The youngest that somebody is on an enrolled photo."""
    return min((one.age for one in others if one.age is not None), default=None)


def _years(probe: Labelled, others: Sequence[Labelled]) -> float | None:
    """From the searched photo to the nearest enrolled one."""
    if probe.taken is None:
        return None
    return min((abs(probe.taken - one.taken) for one in others if one.taken is not None), default=None)


def _banded(
    mates: Sequence[Search],
    enrolled: dict[str, list[Labelled]],
    known: _Known,
    among: bands.Bands,
    threshold: float | None,
) -> list[dict[str, Any]]:
    found: dict[str, list[Search]] = defaultdict(list)
    for search in mates:
        probe = search.seen.photo
        value = known(probe, [one for one in enrolled[probe.person] if one is not probe])
        if value is not None:
            found[bands.name(among, value)].append(search)
    return [_row(name, found[name], threshold) for _, name in among if found[name]]


def _row(name: str, searches: Sequence[Search], threshold: float | None) -> dict[str, Any]:
    first = np.array([search.rank == 1 for search in searches])
    over = np.array([threshold is not None and search.worth >= threshold for search in searches])
    missed = None if threshold is None else float(1 - (first & over).mean())
    return {"name": name, "mates": len(searches), "first": float(first.mean()), "missed": missed}
