"""What a similarity is worth: how often a search finds a stranger this alike, what a level's threshold is, and words.

Two curves a face model, non-mates and mates. Those of measured recognisers are shipped; an installation's own take
their place once it has made some (`measuring`). From the share of non-mates that reach a similarity (FMR) follows how
often the best of n cases does, for a face that none of them is: 1 - (1 - FMR)^n, the FPIR of that search.
"""

import json
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cases.models import Collection, Photo
from matching.gallery.curves import Curve
from matching.models import FaceModel, Measurement

# Written by `python -m benchmarks curves`, by the fingerprint of the recogniser and the recipe.
SHIPPED = Path(__file__).parent / "curves.json"
# An unmeasured ArcFace model is taken to be no better than the small pack.
ASSUMED = "a86857bda5b99491dfa63fd1d661ee39f3be587d9bd9b0d1a27603f9066b9b8f passes+mirror"

# Two poor faces of different people are more alike, by so much for each unit of the less poor one's poorness beyond
# the first.
POOR_FROM, POOR_SLOPE = 0.15, 0.4

# The last is a likeness to what is no photograph of somebody alive.
UNMEASURED = "unmeasured"
LABELS = {"strong": "Strong", "fair": "Fair", "weak": "Weak", UNMEASURED: "Not measured"}

# What is taken off for a face that is like everybody is said from here on.
TOLD = 0.01

# Of strangers whom a camera sees, the share that may raise an alert.
LEVELS = {
    Collection.AlertLevel.STRICT: 0.001,
    Collection.AlertLevel.STANDARD: 0.01,
    Collection.AlertLevel.SENSITIVE: 0.05,
}


@dataclass(frozen=True)
class Calibration:
    """A face model's two curves. measured_on: in words; "" where they are another model's, assumed.

    mean_tells, following_tell: by how much a stranger's best candidate is more alike for each unit that the mean of the
    gallery is, and that the candidates which follow are: 0..1, for `commonness`.
    """

    non_mates: Curve
    mates: Curve | None
    measured_on: str
    mean_tells: float = 1.0
    following_tell: float = 1.0

    def fpir(self, similarity: float, cases: int) -> float:
        """How often a search among so many cases finds a stranger at least this alike, 0..1."""
        share = self.non_mates.share(similarity)
        # As 1 - (1 - share) ** cases, which would lose what is smaller than 1e-16.
        return 1.0 if share >= 1 else -math.expm1(max(cases, 1) * math.log1p(-share))

    def threshold(self, fpir: float, cases: int) -> float:
        """The similarity that strangers reach in this share of searches among so many cases."""
        return self.non_mates.similarity(-math.expm1(math.log1p(-fpir) / max(cases, 1)))

    def missed(self, threshold: float) -> float | None:
        """The share of mates below a similarity; None where mates were not measured."""
        return None if self.mates is None else 1 - self.mates.share(threshold)

    def is_counted(self, similarity: float) -> bool:
        """Whether enough pairs this alike were counted; beyond, a fitted tail speaks."""
        return similarity <= self.non_mates.tail.start


def allowance(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """What to take off the similarities of faces with these poornesses; a and b are broadcast."""
    return np.asarray(POOR_SLOPE * np.maximum(np.minimum(a, b) - POOR_FROM, 0), dtype=np.float32)


def of(model: FaceModel) -> Calibration:
    """The curves in force: the installation's latest, else the shipped ones."""
    return by(model, latest(model))


def latest(model: FaceModel) -> Measurement | None:
    return Measurement.objects.filter(model=model).first()


def by(model: FaceModel, measurement: Measurement | None) -> Calibration:
    """The curves of one measurement, so that what was said of a likeness stays; without one, the shipped ones."""
    if measurement is None:
        return shipped(model)
    non_mates = Curve.from_json(measurement.non_mates)
    return replace(
        shipped(model),
        non_mates=non_mates,
        mates=Curve.from_json(measurement.mates) if measurement.mates else None,
        measured_on=f"{non_mates.pairs:,} pairs of different cases here, {measurement.measured_at:%-d %b %Y}",
    )


@lru_cache
def _shipped() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SHIPPED.read_text())
    return found


def shipped(model: FaceModel) -> Calibration:
    """The curves that came with the product: what does not follow an installation's cases is decided by them."""
    own = _shipped().get(f"{model.fingerprint} {model.recipe}")
    kept = own or _shipped()[ASSUMED]
    non_mates = Curve.from_json(kept["non_mates"])
    words = f"{non_mates.pairs:,} pairs of different persons (press photos)" if own else ""
    return Calibration(non_mates, Curve.from_json(kept["mates"]), words, kept["mean_tells"], kept["following_tell"])


@dataclass(frozen=True)
class Strength:
    """What to make of a candidate. word: strong, fair, weak or unmeasured. why: a sentence for the investigator."""

    word: str
    why: str

    @property
    def label(self) -> str:
        return LABELS.get(self.word, self.word).lower()


def strength(
    calibrated: Calibration,
    similarity: float,
    gallery_size: int,
    allowance: float = 0.0,
    commonness: float = 0.0,
    *,
    found_by: str = Photo.Kind.PHOTOGRAPH,
    among: str = "case",
    candidate: str = "best candidate",
) -> Strength:
    """How much a likeness is worth among `gallery_size` cases, or whatever else was looked at.

    allowance: what to take off the similarity first, because both pictures are poor; commonness: and because the face
    is like everybody there. found_by: the kind of picture that it was found by. among: what there are so many of;
    candidate: what the most alike of them is called.
    """
    if found_by != Photo.Kind.PHOTOGRAPH:
        kind = Photo.Kind(found_by).label.lower()
        found = f"Found by {'an' if kind[0] in 'aeiou' else 'a'} {kind}"
        return Strength(UNMEASURED, f"{found}: what a likeness to one is worth has not been measured.")
    judged = similarity - allowance - commonness
    fpir = calibrated.fpir(judged, gallery_size)
    word = "strong" if fpir < 0.01 else "fair" if fpir < 0.1 else "weak"
    cases = f"{gallery_size:,} {among}{'' if gallery_size == 1 else 's'}"
    why = f"A stranger's {candidate} among {cases} is this alike {_how_often(fpir)}."
    if not calibrated.is_counted(judged):
        why += " So few pairs are this alike that a fitted curve says so, not a count."
    if allowance:
        why += " Both pictures are poor, and poor pictures of different people look alike; this is counted in."
    if commonness >= TOLD:
        why += f" This face is like many of those searched; {commonness:.2f} was taken off for that."
    if not calibrated.measured_on:
        why += " An estimate: this face model's error rates have not been measured."
    return Strength(word, why)


def _how_often(fpir: float) -> str:
    if fpir > 0.9:
        return "in nearly every search"
    if fpir > 0.4:
        return f"in {fpir * 10:.0f} of 10 searches"
    if fpir < 1e-6:
        return "less than once in a million searches"
    searches = 1 / fpir
    rounded = round(searches, 1 - math.floor(math.log10(searches)))
    return f"once in {rounded:,.0f} searches"
