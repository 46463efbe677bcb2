"""Curves as the points of an SVG, which its template draws and its style colours."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from matching import over_time
from matching.gallery.calibration import Calibration

# In the drawing's own units; it scales with the page.
WIDTH, HEIGHT = 440, 260
LEFT, RIGHT, TOP, BOTTOM = 70, 18, 46, 34
STEPS = 120


# A time line: as wide as its page.
LINE_WIDTH, LINE_HEIGHT, LINE_MARGIN = 1000, 110, 24
# How a moment is said, by how much time is shown.
TICKS = ["%H:%M:%S", "%-d %b %H:%M", "%-d %b %Y"]


@dataclass(frozen=True)
class Bars:
    """bars: x, y, width and height of each, with its value and time in words. ticks: x and a time in words."""

    bars: Sequence[tuple[float, float, float, float, str]]
    ticks: Sequence[tuple[float, str]]
    top: str
    width: int = LINE_WIDTH
    height: int = 200


def bars(points: Sequence[tuple[datetime, float]], *, short: bool) -> Bars | None:
    """A value over time; None where there is none. short: times without their day."""
    if not points:
        return None
    highest = max(value for _, value in points) or 1.0
    wide = (LINE_WIDTH - 2 * LINE_MARGIN) / len(points)
    form = "%H:%M" if short else "%-d %b %H:%M"
    made, ticks = [], []
    for place, (at, value) in enumerate(points):
        tall = round(value / highest * 150, 1)
        said = f"{timezone.localtime(at):{form}}"
        x = round(LINE_MARGIN + place * wide, 1)
        made.append((x, 165 - tall, round(max(wide - 2, 1), 1), tall, f"{said}: {value:.1f}"))
        if place % max(1, len(points) // 6) == 0:
            ticks.append((round(x + wide / 2, 1), said))
    return Bars(made, ticks, f"{highest:.1f}")


@dataclass(frozen=True)
class Stacked:
    """bars: each with what it stands for in words, and its parts: x, y, width, height and class of each. ticks: x and a
    time in words. top: how many the highest has."""

    bars: Sequence[tuple[over_time.Bar, str, Sequence[tuple[float, float, float, float, str]]]]
    ticks: Sequence[tuple[float, str]]
    top: int
    width: int = LINE_WIDTH
    height: int = 200


def stacked(found: over_time.OverTime) -> Stacked:
    """A time line: a bar for each part of the window in which something was seen, its kinds on top of each other."""
    window, inner = found.window, LINE_WIDTH - 2 * LINE_MARGIN
    highest = max((sum(bar.counts.values()) for bar in found.bars), default=1)
    form = TICKS[0 if window.length < timedelta(minutes=10) else 1 if window.length < timedelta(days=3) else 2]

    def x(at: datetime) -> float:
        return LINE_MARGIN + (at - window.since) / window.length * inner

    made = []
    for bar in found.bars:
        left, right, bottom = x(bar.window.since), x(bar.window.until), 165.0
        parts = []
        for kind, number in bar.counts.items():
            tall = max(number / highest * 145, 3.0)
            bottom -= tall
            parts.append((round(left, 1), round(bottom, 1), round(max(right - left - 1, 2), 1), round(tall, 1), kind))
        words = ", ".join(
            f"{number} {kind.removesuffix('s') if number == 1 else kind}" for kind, number in bar.counts.items()
        )
        made.append((bar, f"{timezone.localtime(bar.window.since):%-d %b %Y %H:%M:%S}: {words}", parts))
    moments = [window.since + window.length * part / 4 for part in range(5)]
    return Stacked(made, [(round(x(at), 1), f"{timezone.localtime(at):{form}}") for at in moments], highest)


@dataclass(frozen=True)
class TimeLine:
    """dots: x, y and what each stands for; ticks: x and a day in words."""

    dots: Sequence[tuple[float, float, Any]]
    ticks: Sequence[tuple[float, str]]
    width: int = LINE_WIDTH
    height: int = LINE_HEIGHT


def time_line(points: Sequence[tuple[datetime, float, Any]]) -> TimeLine | None:
    """When something was seen, the more alike the higher; None where there is nothing. points: when, similarity, it."""
    if not points:
        return None
    times = [at for at, _, _ in points]
    first, last = min(times), max(times)
    span = max((last - first).total_seconds(), 1.0)
    inner = LINE_WIDTH - 2 * LINE_MARGIN

    def x(at: datetime) -> float:
        return round(LINE_MARGIN + (at - first).total_seconds() / span * inner, 1)

    def y(similarity: float) -> float:
        return round(12 + (1 - max(0.0, min(1.0, similarity))) * (LINE_HEIGHT - 46), 1)

    is_long = last - first > timedelta(days=1)
    moments = [first + (last - first) * part / 4 for part in range(5)] if is_long else [first, last]
    ticks = {f"{timezone.localtime(at):{'%-d %b %Y' if is_long else '%-d %b %Y %H:%M'}}": x(at) for at in moments}
    return TimeLine(
        [(x(at), y(similarity), it) for at, similarity, it in points], [(x, day) for day, x in ticks.items()]
    )


@dataclass(frozen=True)
class Line:
    """name: what it is, also its style's class. points: as an SVG polyline wants them."""

    name: str
    points: str


@dataclass
class Chart:
    """x from `low` to `high`, y a share from 1 down to `least`, by powers of ten."""

    low: float
    high: float
    least: float
    lines: list[Line] = field(default_factory=list)

    def x(self, value: float) -> float:
        return round(LEFT + (value - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, share: float) -> float:
        depth = math.log10(max(share, self.least)) / math.log10(self.least)
        return round(TOP + depth * (HEIGHT - TOP - BOTTOM), 1)

    def add(self, name: str, points: Iterable[Sequence[float]]) -> None:
        inside = [(x, y) for x, y in points if self.low <= x <= self.high and y >= self.least]
        self.lines.append(Line(name, " ".join(f"{self.x(x)},{self.y(y)}" for x, y in inside)))

    def add_function(self, name: str, share: Callable[[float], float], low: float, high: float) -> None:
        low, high = max(low, self.low), min(high, self.high)
        steps = (low + (high - low) * i / STEPS for i in range(STEPS + 1))
        self.add(name, ((x, share(x)) for x in steps))

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        step = 0.2 if self.high - self.low > 0.7 else 0.1 if self.high - self.low > 0.3 else 0.05
        first = math.ceil(self.low / step - 1e-9)
        return [(self.x(i * step), f"{i * step:.2f}") for i in range(first, math.floor(self.high / step + 1e-9) + 1)]

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        powers = range(round(-math.log10(self.least)) + 1)
        return [(self.y(10**-power), "all" if not power else f"1 in {_short(10**power)}") for power in powers]

    def marks(self, values: Iterable[tuple[float, str]]) -> list[tuple[float, float, str]]:
        """Where lines with words at their heads go, one below the other so that they stand clear of each other."""
        inside = [(self.x(value), text) for value, text in values if self.low <= value <= self.high]
        return [(x, TOP - 5 - 13 * row, text) for row, (x, text) in enumerate(sorted(inside))]

    @property
    def box(self) -> dict[str, float]:
        return {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "top": TOP,
                "bottom": HEIGHT - BOTTOM, "across": WIDTH - LEFT - RIGHT}  # fmt: skip


def error_rates(calibrated: Calibration) -> Chart:
    """Both curves over similarity: non-mates at or above it, counted and fitted, and mates below it."""
    non_mates, mates = calibrated.non_mates, calibrated.mates
    low = math.floor(non_mates.similarity(0.9) * 10) / 10
    high = non_mates.similarity(1e-6)
    if mates is not None:
        high = max(high, mates.similarity(0.2))
    chart = Chart(low, min(1.0, math.ceil(high * 10) / 10), 1e-6)
    chart.add_function("non-mates", non_mates.share, chart.low, non_mates.tail.start)
    chart.add_function("fitted", non_mates.share, non_mates.tail.start, chart.high)
    if mates is not None:
        chart.add_function("mates", lambda x: 1 - mates.share(x), chart.low, chart.high)
    return chart


def evaluation(figures: dict[str, Any], before: dict[str, Any] | None) -> Chart:
    """Strangers whose best candidate is as alike, and mates less alike, of an evaluation and of the one before it."""
    curves = figures["curves"]
    everything = [x for points in curves.values() for x, _ in points] or [0.0, 1.0]
    low, high = math.floor(min(everything) * 10) / 10, math.ceil(max(everything) * 10) / 10
    chart = Chart(low, min(1.0, max(high, low + 0.1)), 1e-3)
    if before:
        chart.add("before", before["curves"]["strangers"])
        chart.add("before", _below(before["curves"]["mates"]))
    chart.add("non-mates", curves["strangers"])
    chart.add("mates", _below(curves["mates"]))
    return chart


def _below(points: list[list[float]]) -> list[tuple[float, float]]:
    return [(x, 1 - share) for x, share in points]


def _short(number: int) -> str:
    return f"{number // 1_000_000} M" if number >= 1_000_000 else f"{number:,}"
