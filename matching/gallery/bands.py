"""Bands of age and of years between two pictures, by which error rates are counted: both change a likeness's worth."""

from collections.abc import Sequence

Bands = Sequence[tuple[float, str]]

# Below each number of years, and the last without an end.
AGES: Bands = [(13.0, "under 13"), (18.0, "13 to 17"), (40.0, "18 to 39"), (60.0, "40 to 59"), (200.0, "60 and over")]
YEARS: Bands = [(1.0, "under 1"), (5.0, "1 to 5"), (10.0, "5 to 10"), (200.0, "over 10")]


def name(bands: Bands, value: float) -> str:
    """The band in which a number of years lies."""
    return next(name for below, name in bands if value < below or below == bands[-1][0])
