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
# That is reckoned among as many as are known so far, but among so many from the start where so many faces come: the
# first few would join too easily, and stay joined.
FEW = 1000
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


def persons(
    appearances: Sequence[Appearance],
    calibrated: calibration.Calibration,
    begun: Sequence[Sequence[int]] = (),
    common: NDArray[np.float32] | None = None,
) -> list[list[int]]:
    """The appearances of each person, by their index, who was met most often first.

    The best picture first, each is joined to the person whose mean it is most like, where strangers are not as alike;
    what the two have in common with everybody else is taken off first. begun: those of persons who are known to be so
    many, whom others may join. common: what `common_among` says of each, where that is known already.
    """
    if not appearances:
        return []
    embeddings = np.array([one.embedding for one in appearances])
    sums = np.zeros_like(embeddings)
    means: NDArray[np.float32] = np.zeros_like(sums)
    poorness = np.zeros(len(appearances), np.float32)
    if common is None:
        common = common_among(embeddings, calibrated)
    shared = np.zeros(len(appearances), np.float32)
    members: list[list[int]] = []
    marks: list[set[Hashable]] = []
    for place, group in enumerate(begun):
        members.append(list(group))
        marks.append(set().union(*(appearances[index].apart for index in group)))
        sums[place] = embeddings[group].sum(axis=0)
        means[place] = unit_length(sums[place : place + 1])[0]
        poorness[place] = np.mean([appearances[index].poorness for index in group])
        shared[place] = common[group].mean()
    already = {index for group in begun for index in group}
    for index in sorted(set(range(len(appearances))) - already, key=lambda i: -appearances[i].goodness):
        one = appearances[index]
        known = len(members)
        threshold = calibrated.threshold(WRONG, max(known, min(len(appearances), FEW)))
        alike = means[:known] @ one.embedding
        alike -= calibration.allowance(poorness[:known], np.float32(one.poorness))  # type: ignore[arg-type]
        alike -= (shared[:known] + common[index]) / 2
        place = known
        enough = np.flatnonzero(alike >= threshold)
        for candidate in enough[np.argsort(-alike[enough])]:
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


def common_among(embeddings: Embeddings, calibrated: calibration.Calibration) -> NDArray[np.float32]:
    """How much more than most each is like the others, (n,). embeddings: (n, d). Those as alike as one person's don't
    count."""
    threshold = calibrated.threshold(WRONG, len(embeddings))
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
