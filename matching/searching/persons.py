"""Which faces of many pictures are one person: each person a batch meets is shown once."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.faces.engines import Embeddings
from matching.faces.engines.base import unit_length
from matching.gallery import calibration, commonness

# Of faces that are joined to somebody, so many may be another's: what a stranger's best of so many others reaches.
# Two people taken for one may hide one of them; one taken for two is only shown twice (docs/accuracy.md, "Persons of a
# batch").
WRONG = 0.001
# With so many of a batch's faces each is compared, to tell how much it is like everybody.
SAMPLE = 1000
# Among so many of them their mean tells as much as the most alike do; docs/accuracy.md, "Persons of a batch".
EVEN = 50


@dataclass(frozen=True)
class Appearance:
    """Somebody in one picture, or followed through a stretch of a clip.

    embedding: (d,) float32, unit length, the model's poor direction taken out. apart: whoever shares one of these
    marks was seen at the same time, and so is somebody else. goodness: of the picture; the best come first.
    """

    embedding: Embeddings
    poorness: float
    apart: frozenset[Hashable]
    goodness: float


def persons(appearances: Sequence[Appearance], calibrated: calibration.Calibration) -> list[list[int]]:
    """The appearances of each person, by their index, who was met most often first.

    The best picture first, each is joined to the person whose mean it is most like, where strangers are not as alike;
    what the two have in common with everybody of the batch is taken off first.
    """
    if not appearances:
        return []
    threshold = calibrated.threshold(WRONG, len(appearances))
    dimensions = len(appearances[0].embedding)
    sums = np.zeros((len(appearances), dimensions), np.float32)
    means: NDArray[np.float32] = np.zeros_like(sums)
    poorness = np.zeros(len(appearances), np.float32)
    common = _commonness(np.array([one.embedding for one in appearances]), threshold, calibrated)
    shared = np.zeros(len(appearances), np.float32)
    members: list[list[int]] = []
    marks: list[set[Hashable]] = []
    for index in sorted(range(len(appearances)), key=lambda i: -appearances[i].goodness):
        one = appearances[index]
        known = len(members)
        alike = means[:known] @ one.embedding
        alike -= calibration.allowance(poorness[:known], np.float32(one.poorness))  # type: ignore[arg-type]
        alike -= (shared[:known] + common[index]) / 2
        place = known
        for candidate in np.argsort(-alike):
            if alike[candidate] < threshold:
                break
            if not marks[candidate] & one.apart:
                place = int(candidate)
                break
        if place == known:
            members.append([])
            marks.append(set())
        members[place].append(index)
        marks[place] |= one.apart
        sums[place] += one.embedding
        means[place] = unit_length(sums[place : place + 1])[0]
        poorness[place] += (one.poorness - poorness[place]) / len(members[place])
        shared[place] += (common[index] - shared[place]) / len(members[place])
    return sorted(members, key=len, reverse=True)


def _commonness(embeddings: Embeddings, threshold: float, calibrated: calibration.Calibration) -> NDArray[np.float32]:
    """How much more than most each is like the others of the batch. embeddings: (n, d). Those as alike as one person's
    are left out."""
    chosen = np.unique(np.linspace(0, len(embeddings) - 1, min(len(embeddings), SAMPLE)).astype(int))
    found = np.zeros(len(embeddings), np.float32)
    for start in range(0, len(embeddings), SAMPLE):
        similarities = embeddings[start : start + SAMPLE] @ embeddings[chosen].T
        others = similarities < threshold
        counts = np.maximum(others.sum(axis=1), 1)
        by_mean = np.where(others, similarities, 0).sum(axis=1) / counts - calibrated.non_mates.mean
        first = -np.sort(-np.where(others, similarities, -1), axis=1)[:, : commonness.LOOKED_AT]
        by_following = [
            commonness.beyond_expected(calibrated, row[:count].tolist(), len(chosen))
            for row, count in zip(first, counts, strict=True)
        ]
        both = by_mean, np.array(by_following)
        found[start : start + SAMPLE] = commonness.together(calibrated, len(chosen), *both, EVEN)
    return found
