"""Error rates over similarity as curves: counted where enough pairs were, a fitted tail beyond.

The tail is a generalised Pareto distribution, which the excesses over a high threshold follow whatever they come from
(Pickands, Balkema and de Haan), fitted by probability-weighted moments (Hosking and Wallis, 1987).
"""

import math
from bisect import bisect_right
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Similarities are counted in bins of this width; inside one they are taken to be spread evenly.
BIN = 0.0005
EDGES = np.linspace(-1, 1, round(2 / BIN) + 1)
# So many pairs must be counted at or above a similarity for their share to be believed to within a seventh.
COUNTED = 50
# The tail is fitted to the excesses over the similarity that this share reaches, or that so many pairs do.
TAIL, TAIL_PAIRS = 1e-3, 500
# Shares at which a curve keeps the similarity: even steps where most lie, then eight a power of ten.
SHARES = [0.9999, 0.999, 0.99, *(x / 20 for x in range(19, 2, -1)), *(10 ** (-k / 8) for k in range(8, 57))]
SMALLEST = 1e-15


class TooFewPairs(Exception):
    """There is nothing to make a curve of."""


@dataclass(frozen=True)
class Tail:
    """Beyond `start`, which a share `rate` reaches: rate * (1 + shape * (s - start) / scale) ** (-1 / shape)."""

    start: float
    rate: float
    shape: float
    scale: float

    def share(self, similarity: float) -> float:
        inside = 1 + self.shape * (similarity - self.start) / self.scale
        return max(self.rate * math.pow(max(inside, 1e-9), -1 / self.shape), SMALLEST)

    def similarity(self, share: float) -> float:
        return self.start + self.scale / self.shape * (math.pow(share / self.rate, -self.shape) - 1)


@dataclass(frozen=True)
class Curve:
    """How large a share of pairs is at least as alike as a similarity.

    points: (similarity, share), similarities ascending, shares descending: what was counted. pairs: how many.
    """

    points: tuple[tuple[float, float], ...]
    tail: Tail
    pairs: int

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> "Curve":
        """From counts of pairs in the bins between EDGES. Raises `TooFewPairs`."""
        pairs = int(counts.sum())
        if pairs < 2 * COUNTED:
            raise TooFewPairs
        # reached[i]: the share at or above EDGES[i].
        reached = np.append(np.cumsum(counts[::-1])[::-1], 0) / pairs
        last = COUNTED / pairs
        shares = [share for share in SHARES if share > last] + [last]
        similarities = np.interp(shares, reached[::-1], EDGES[::-1])
        points = tuple((float(s), float(share)) for s, share in zip(similarities, shares, strict=True))
        shape, scale = _fit(counts, points[-1][0], min(0.1, max(TAIL, TAIL_PAIRS / pairs)), reached)
        return cls(points, Tail(*points[-1], shape, scale), pairs)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Curve":
        return cls(tuple((s, share) for s, share in kept["points"]), Tail(**kept["tail"]), kept["pairs"])

    def to_json(self) -> dict[str, Any]:
        points = [[round(s, 5), float(f"{share:.4g}")] for s, share in self.points]
        return {"points": points, "tail": asdict(self.tail), "pairs": self.pairs}

    @cached_property
    def _logs(self) -> tuple[list[float], list[float]]:
        return [s for s, _ in self.points], [math.log(share) for _, share in self.points]

    def share(self, similarity: float) -> float:
        """The share of pairs at or above a similarity, never quite 0."""
        similarities, logs = self._logs
        if similarity >= self.tail.start:
            return self.tail.share(similarity)
        if similarity <= similarities[0]:
            return 1.0
        return float(math.exp(np.interp(similarity, similarities, logs)))

    @cached_property
    def mean(self) -> float:
        """The mean similarity, by the area below the curve."""
        similarities, shares = zip(*self.points, strict=True)
        return float(similarities[0] + np.trapezoid(shares, similarities))

    def similarity(self, share: float) -> float:
        """The similarity that this share of pairs reaches."""
        similarities, logs = self._logs
        if share < self.tail.rate:
            return self.tail.similarity(max(share, SMALLEST))
        return float(np.interp(-math.log(share), [-x for x in logs], similarities))


def no_counts() -> NDArray[np.int64]:
    """A count of nothing in each bin between EDGES."""
    return np.zeros(len(EDGES) - 1, np.int64)


def binned(similarities: NDArray[np.floating]) -> NDArray[np.int64]:
    """How many lie in each bin between EDGES; what is not a number in none."""
    flat = similarities[~np.isnan(similarities)]
    places = np.clip((flat + 1) / BIN, 0, len(EDGES) - 2).astype(np.int64)
    return np.bincount(places, minlength=len(EDGES) - 1)


def _fit(counts: NDArray[np.int64], start: float, share: float, reached: NDArray[np.float64]) -> tuple[float, float]:
    """Shape and scale of the tail from `start`, by the excesses over the similarity that `share` reaches."""
    first = max(bisect_right([-x for x in reached], -share) - 1, 0)
    threshold, over = float(EDGES[first]), counts[first:]
    excesses = np.repeat(EDGES[first:-1] + BIN / 2 - threshold, over)
    above = (np.arange(len(excesses), 0, -1) - 0.65) / len(excesses)
    mean, weighted = float(excesses.mean()), float((above * excesses).mean())
    between = mean - 2 * weighted
    shape = 2 - mean / between if between > 0 else 0.0
    # Of similarities, which end at 1, neither a heavy tail nor one that ends within sight is to be believed.
    shape = float(np.clip(shape, -0.2, 0.2)) or 1e-6
    scale = mean * (1 - shape)
    # The same distribution seen from further out.
    return shape, max(scale + shape * (start - threshold), BIN)
