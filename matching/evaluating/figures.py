"""What searches of labelled photos say of a face model, as NIST FRTE 1:N counts it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.evaluating.comparing import Pairs, Search
from matching.gallery.curves import EDGES
from matching.models import Evaluation

RANKS = (1, 5, 20)
FPIRS = (0.1, 0.01, 0.003)
# Errors by group are read off at the similarity that so many of all non-mate pairs reach, where there are enough.
FMR, FEWEST = (1e-4, 1e-3, 1e-2), 30
POINTS = 60


def of(searches: Sequence[Search], pairs: Pairs, strangers: Sequence[Search]) -> dict[str, Any]:
    """Ranks, FNIR and curves of all searches. strangers: those whose best other person is a false alarm."""
    mates = [search for search in searches if search.rank is not None]
    ranks = np.array([search.rank for search in mates])
    own = np.array([search.worth for search in mates])
    alarms = np.sort([search.alarm for search in strangers])
    threshold, rate = _threshold(pairs.non_mates[""])
    return {
        "mates": len(mates),
        "strangers": len(strangers),
        "ranks": [[rank, float(np.mean(ranks <= rank)) if len(ranks) else None] for rank in RANKS],
        "fnir": [_fnir(fpir, alarms, ranks, own) for fpir in FPIRS],
        "groups": _groups(pairs, threshold) if threshold is not None else [],
        "group_rate": rate,
        "group_threshold": threshold,
        "curves": {"strangers": _curve(alarms), "mates": _curve(np.sort(own))},
    }


def _fnir(
    fpir: float, alarms: NDArray[np.float64], ranks: NDArray[np.int64], own: NDArray[np.float64]
) -> dict[str, float | None]:
    """threshold: None where too few strangers were searched to tell so small a share; fnir: None without mates."""
    if len(alarms) * fpir < 1:
        return {"fpir": fpir, "threshold": None, "fnir": None}
    threshold = float(np.quantile(alarms, 1 - fpir))
    found = (ranks == 1) & (own >= threshold)
    return {"fpir": fpir, "threshold": threshold, "fnir": float(1 - found.mean()) if len(ranks) else None}


def _threshold(counts: NDArray[np.int64]) -> tuple[float | None, float | None]:
    """The similarity that the smallest share of non-mates reaches that their number can tell, and the share."""
    total = int(counts.sum())
    rate = next((rate for rate in FMR if total * rate >= FEWEST), None)
    if rate is None:
        return None, None
    reached = np.cumsum(counts[::-1])[::-1] / total
    return float(EDGES[int(np.sum(reached > rate))]), rate


def _groups(pairs: Pairs, threshold: float) -> list[dict[str, Any]]:
    """Misses and false matches within each group at one similarity, with the pairs behind them."""
    below = int(np.searchsorted(EDGES, threshold))
    rows = []
    for name in sorted(name for name in pairs.non_mates if name):
        mates, others = pairs.mates[name], pairs.non_mates[name]
        rows.append({
            "name": name,
            "mates": int(mates.sum()),
            "fnmr": float(mates[:below].sum() / mates.sum()) if mates.sum() else None,
            "non_mates": int(others.sum()),
            "fmr": float(others[below:].sum() / others.sum()) if others.sum() else None,
        })  # fmt: skip
    return rows


def _curve(ascending: NDArray[np.float64]) -> list[list[float]]:
    """(similarity, share at or above it) at even steps of rank, closer together at both ends."""
    count = len(ascending)
    if not count:
        return []
    tail = np.geomspace(1, count, POINTS).astype(int) - 1
    places = np.unique(np.concatenate([tail, count - 1 - tail]))
    return [[round(float(ascending[place]), 4), float((count - place) / count)] for place in places]


def rows(evaluation: Evaluation, before: Evaluation | None) -> list[tuple[str, str, str]]:
    """Each figure in words, of an evaluation and of the one before it, or empty."""
    now, then = _words(evaluation), _words(before) if before else {}
    return [(label, value, then.get(label, "")) for label, value in now.items()]


def banded(evaluation: Evaluation) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Errors by age and by years between, each with its title and its column's; none where no photo says it."""
    found = evaluation.figures or {}
    return [
        ("By age on the enrolled photo", "Age", found.get("ages", [])),
        ("By years between the two photos", "Years", found.get("years", [])),
    ]


def share(value: float | None) -> str:
    """A share as a percentage with as many digits as tell something."""
    if value is None:
        return "too few to tell"
    percentage = value * 100
    return f"{percentage:.1f} %" if percentage >= 0.1 or not percentage else f"{percentage:.2g} %"


def _words(evaluation: Evaluation) -> dict[str, str]:
    figures = evaluation.figures or {}
    return {
        "face model": str(evaluation.model),
        "people": f"{evaluation.people:,}",
        "photos": f"{evaluation.total:,}",
        "photos without a face": f"{evaluation.no_face:,}",
        "mates searched": f"{figures['mates']:,}",
        "strangers searched": f"{figures['strangers']:,}",
        **{f"found at rank {'1' if rank == 1 else f'1 to {rank}'}": share(value) for rank, value in figures["ranks"]},
        **{f"missed (FNIR) at FPIR {row['fpir'] * 100:g} %": share(row["fnir"]) for row in figures["fnir"]},
    }
