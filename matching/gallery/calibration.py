"""What a similarity is worth: how often a stranger is this alike, what a level's threshold is, and honest words for it.

A face model's non-mates (pairs of different persons) were measured, and the upper tail of their similarities is
described by a normal curve through two measured quantiles. From it follow the rate of non-mates at or above a
similarity (FMR), and for a gallery of n cases the number of strangers to expect there.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cases.models import Collection
from matching.models import FaceModel


@dataclass(frozen=True)
class Calibration:
    """q90, q999: the similarities that 90 % and 99.9 % of non-mates stay below. measured_on: "" if assumed.

    poor_from, poor_slope: two poor faces of different people are more alike, by so much for each unit of the less poor
    one's poorness beyond the first.
    """

    q90: float
    q999: float
    measured_on: str
    poor_from: float = 0.15
    poor_slope: float = 0.4

    def _tail(self) -> NormalDist:
        z90, z999 = NormalDist().inv_cdf(0.9), NormalDist().inv_cdf(0.999)
        sigma = (self.q999 - self.q90) / (z999 - z90)
        return NormalDist(self.q90 - z90 * sigma, sigma)

    def false_match_rate(self, similarity: float) -> float:
        """The share of non-mates at or above a similarity."""
        return 1 - self._tail().cdf(similarity)

    def threshold(self, false_match_rate: float) -> float:
        """The similarity that this share of non-mates reaches."""
        return self._tail().inv_cdf(1 - false_match_rate)

    def allowance(self, a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
        """What to take off the similarities of faces with these poornesses; a and b are broadcast."""
        return np.asarray(self.poor_slope * np.maximum(np.minimum(a, b) - self.poor_from, 0), dtype=np.float32)


# By the fingerprint of the recogniser. The figures are those that `make bench` prints; docs/accuracy.md has the tables.
MEASURED = {
    "a86857bda5b99491dfa63fd1d661ee39f3be587d9bd9b0d1a27603f9066b9b8f": Calibration(
        0.138, 0.332, "2.4 million pairs of different persons (press photos)"
    ),
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30": Calibration(
        0.881, 0.9285, "2.3 million pairs of different persons (press photos)"
    ),
}
# An unmeasured ArcFace model is taken to be no better than the small pack.
ASSUMED = Calibration(0.138, 0.332, "")

LEVELS = {
    Collection.AlertLevel.STRICT: 1e-5,
    Collection.AlertLevel.STANDARD: 1e-4,
    Collection.AlertLevel.SENSITIVE: 1e-3,
}


def of(model: FaceModel) -> Calibration:
    return MEASURED.get(model.fingerprint, ASSUMED)


def alert_threshold(model: FaceModel, level: str) -> float | None:
    """The similarity from which a capture raises an alert; None where the level is off."""
    rate = LEVELS.get(Collection.AlertLevel(level))
    return None if rate is None else of(model).threshold(rate)


@dataclass(frozen=True)
class Strength:
    """What to make of a candidate. word: strong, fair or weak. why: one sentence for the investigator."""

    word: str
    why: str


def strength(model: FaceModel, similarity: float, gallery_size: int, allowance: float = 0.0) -> Strength:
    """How much a likeness is worth when it is the best of `gallery_size` cases.

    allowance: what to take off the similarity first, because both pictures are poor.
    """
    calibration = of(model)
    strangers = calibration.false_match_rate(similarity - allowance) * max(gallery_size, 1)
    cases = f"{gallery_size:,} case{'' if gallery_size == 1 else 's'}"
    if strangers < 0.01:
        word, why = "strong", f"Fewer than 1 in 100 unrelated faces would find somebody this alike among {cases}."
    elif strangers < 0.1:
        word, why = (
            "fair",
            f"About 1 in {1 / strangers:.0f} unrelated faces would find somebody this alike among {cases}.",
        )
    elif strangers < 1:
        word, why = (
            "weak",
            f"About {strangers * 100:.0f} in 100 unrelated faces would find somebody this alike among {cases}.",
        )
    else:
        expected = "1 stranger" if round(strangers) == 1 else f"{strangers:,.0f} strangers"
        word, why = "weak", f"About {expected} among {cases} would be this alike by chance."
    if allowance:
        why += " Both pictures are poor, and poor pictures of different people look alike; this is counted in."
    if not calibration.measured_on:
        why += " An estimate: this face model's error rates have not been measured."
    return Strength(word, why)
