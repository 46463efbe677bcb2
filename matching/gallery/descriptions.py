"""What the descriptions of a missing and of a found person say of whether they are one: points in words, with weights.

Weights are powers of ten, as evidence is weighed: 0.3 doubles the odds. They are judgements, by how many people share
what is compared, not measurements; they decide the order of a work list and nothing else.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cases.codes import HAIR, RACE
from cases.models import Case
from cases.models.photo import OF_AGE, ages_on

Column = NDArray[np.float64]

# Nobody goes missing after they were found.
IMPOSSIBLE = -math.inf
# Ages of the dead are estimates, and heights are told from memory.
YEARS_OFF, TALLER_OFF, HEAVIER_OFF = 5, 5, 10
COLOURS = {
    "black": "black", "brown": "brown", "blond": "blond", "blonde": "blond", "sandy": "blond", "strawberry": "blond",
    "red": "red", "auburn": "red", "gray": "gray", "grey": "gray", "white": "gray", "bald": "bald", "blue": "blue",
    "green": "green", "hazel": "hazel", "maroon": "maroon", "pink": "pink",
}  # fmt: skip
PEOPLES = {
    "white": "white", "caucasian": "white", "black": "black", "african": "black", "hispanic": "hispanic",
    "latino": "hispanic", "latina": "hispanic", "asian": "asian", "pacific": "asian", "hawaiian": "asian",
    "indian": "native", "native": "native",
}  # fmt: skip
# Words that too many descriptions hold to say anything.
COMMON = frozenset({
    "left", "right", "upper", "lower", "inner", "outer", "front", "back", "side", "arm", "leg", "hand", "wrist",
    "ankle", "neck", "shoulder", "chest", "abdomen", "face", "head", "thigh", "calf", "forearm", "finger", "foot",
    "knee", "hip", "with", "and", "the", "from", "that", "this", "his", "her", "two", "one", "small", "large",
    "tattoo", "tattoos", "scar", "scars", "mark", "marks", "mole", "piercing", "pierced", "ear", "ears", "other",
    "size", "color", "colour", "shirt", "pants", "shoes", "jeans", "clothing", "jewelry", "jewellery", "accessories",
    "footwear", "wearing", "possibly", "unknown", "body", "skin", "brand", "near",
})  # fmt: skip


@dataclass(frozen=True)
class Point:
    """words: what was compared and what of it holds. weight: above 0 it speaks for one person, below 0 against."""

    words: str
    weight: float


@dataclass(frozen=True)
class Described:
    """Cases as columns of (n,) float64; what is not known is nan. on: when last seen or found, as a day's number.

    sex: 1 female, 2 male, nan for all others.
    """

    cases: NDArray[np.int64]
    sex: Column
    age_low: Column
    age_high: Column
    height_low: Column
    height_high: Column
    weight_low: Column
    weight_high: Column
    on: Column

    @classmethod
    def of(cls, rows: Iterable[Case | dict[str, Any]]) -> "Described":
        """rows: cases, or dicts of the values named in `COLUMNS`."""
        table = [
            _numbers(row if isinstance(row, dict) else {name: getattr(row, name) for name in COLUMNS}) for row in rows
        ]
        columns = np.array(table, np.float64).reshape(-1, len(fields(cls))).T
        return cls(columns[0].astype(np.int64), *columns[1:])

    def __len__(self) -> int:
        return len(self.cases)

    def one(self, at: int) -> "Described":
        return Described(*(getattr(self, field.name)[at : at + 1] for field in fields(self)))


COLUMNS = (
    "pk", "sex", *OF_AGE, "height_from", "height_to", "weight_from", "weight_to",
)  # fmt: skip


def _numbers(row: dict[str, Any]) -> list[float]:
    sex = {Case.Sex.FEMALE: 1.0, Case.Sex.MALE: 2.0}.get(row["sex"], math.nan)
    on = row["last_seen_on"]
    ages = _span(row["age_from"], row["age_to"])
    if math.isnan(ages[0]) and (then := ages_on(on, *(row[name] for name in OF_AGE))):
        ages = _span(then[0], then[-1])
    heights = _span(row["height_from"], row["height_to"])
    weights = _span(row["weight_from"], row["weight_to"])
    return [row["pk"], sex, *ages, *heights, *weights, on.toordinal() if on else math.nan]


def _span(low: float | None, high: float | None) -> tuple[float, float]:
    known = [value for value in (low, high) if value is not None]
    return (float(known[0]), float(known[-1])) if known else (math.nan, math.nan)


def weigh(missing: Described, found: Described) -> dict[str, Column]:
    """What each measure says of each pair; one of both has one row. 0 where it says nothing, `IMPOSSIBLE` where it ends
    the question."""
    days = found.on - missing.on
    with np.errstate(invalid="ignore"):
        years = np.where(np.isnan(days), 60, np.maximum(days, 0) / 365.25)
        aged = np.maximum(found.age_low - (missing.age_high + years), missing.age_low - found.age_high)
        taller = _apart(missing.height_low, missing.height_high, found.height_low, found.height_high)
        heavier = _apart(missing.weight_low, missing.weight_high, found.weight_low, found.weight_high)
        said = {
            "dates": np.select([days < 0, days <= 31, days <= 366, days <= 1830], [IMPOSSIBLE, 1.0, 0.6, 0.2], 0.0),
            "sex": np.select([missing.sex == found.sex, missing.sex != found.sex], [0.3, -2.0], 0.0),
            "age": np.select([aged <= 0, aged <= YEARS_OFF, aged <= 15, aged > 15], [0.4, 0.0, -1.0, -2.0], 0.0),
            "height": np.select(
                [taller <= 0, taller <= TALLER_OFF, taller <= 10, taller > 10], [0.4, 0.2, -0.7, -1.5], 0.0
            ),
            "weight": np.select([heavier <= HEAVIER_OFF], [0.2], 0.0),
        }
    said["sex"] = np.where(np.isnan(missing.sex) | np.isnan(found.sex), 0.0, said["sex"])
    return said


def _apart(low: Column, high: Column, other_low: Column, other_high: Column) -> Column:
    """How far two spans lie apart; 0 or less where they meet."""
    return np.maximum(low - other_high, other_low - high)


def points(missing: Case, found: Case) -> list[Point]:
    """All that their descriptions say, what says most first."""
    said = weigh(Described.of([missing]), Described.of([found]))
    stated = {name: float(weights[0]) for name, weights in said.items()}
    for_, against = _measured_words(missing, found)
    measured = [Point((for_ if weight > 0 else against)[name], weight) for name, weight in stated.items() if weight]
    return sorted([*measured, *_worded(missing, found)], key=lambda one: -abs(one.weight))


def _measured_words(missing: Case, found: Case) -> tuple[dict[str, str], dict[str, str]]:
    spans = {
        "age": f"{missing.age or 'by birth'} then, {found.age} when found",
        "height": f"{_between(missing.height_from, missing.height_to)} and "
        f"{_between(found.height_from, found.height_to)} cm",
        "weight": f"{_between(missing.weight_from, missing.weight_to)} and "
        f"{_between(found.weight_from, found.weight_to)} kg",
    }
    sexes = f"{missing.get_sex_display().lower()} and {found.get_sex_display().lower()}"
    for_ = {
        "dates": f"Found {_after(missing.last_seen_on, found.last_seen_on)} after going missing",
        "sex": f"Same sex: {missing.get_sex_display().lower()}",
        **{name: f"{name.capitalize()} fits: {text}" for name, text in spans.items()},
    }
    against = {
        "dates": "Found before going missing",
        "sex": f"Sexes differ: {sexes}",
        **{name: f"{name.capitalize()} does not fit: {text}" for name, text in spans.items()},
    }
    return for_, against


def _worded(missing: Case, found: Case) -> list[Point]:
    said = []
    for label, table, ours, theirs, most, least in (
        ("Hair", COLOURS, missing.hair, found.hair, 0.2, -0.3),
        ("Eyes", COLOURS, missing.eyes, found.eyes, 0.3, -0.5),
        ("Ethnicity", PEOPLES, missing.race, found.race, 0.3, -0.7),
    ):
        ours_known, theirs_known = _known(ours, table), _known(theirs, table)
        if ours_known & theirs_known:
            said.append(Point(f"{label}: both {', '.join(sorted(ours_known & theirs_known))}", most))
        elif ours_known and theirs_known:
            said.append(Point(f"{label}: {ours.lower()} and {theirs.lower()}", least))
    for label, ours, theirs, each in (
        ("Marks", missing.marks, found.marks, 0.5),
        ("Clothing", missing.clothing, found.clothing, 0.3),
    ):
        shared = sorted(_telling(ours) & _telling(theirs))
        if shared:
            said.append(Point(f"{label} named of both: {', '.join(shared[:6])}", min(each * len(shared), 3 * each)))
    ours_place, theirs_place = _places(missing.last_seen_place), _places(found.last_seen_place)
    if ours_place and theirs_place and ours_place[-1] == theirs_place[-1]:
        is_town = len(ours_place) > 1 and ours_place[0] == theirs_place[0]
        place = missing.last_seen_place if is_town else missing.last_seen_place.split(",")[-1].strip()
        said.append(Point(f"Both in {place}", 1.5 if is_town else 0.7))
    return said


def _known(text: str, table: dict[str, str]) -> set[str]:
    spelled = {**HAIR, **RACE}.get(text.strip().upper(), text)
    return {table[word] for word in re.findall(r"[a-z]+", spelled.lower()) if word in table}


def _telling(text: str) -> set[str]:
    return {word for word in re.findall(r"[^\W\d_]{3,}", text.lower()) if word not in COMMON}


def _places(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",") if part.strip()]


def _between(low: int | None, high: int | None) -> str:
    known = sorted({value for value in (low, high) if value is not None})
    return "–".join(map(str, known)) or "not known"


def _after(first: date | None, then: date | None) -> str:
    if first is None or then is None:
        return "some time"
    days = (then - first).days
    return f"{days} days" if days < 61 else f"{days // 30} months" if days < 731 else f"{days // 365} years"


def total(said: Sequence[Point]) -> float:
    return sum(point.weight for point in said)
