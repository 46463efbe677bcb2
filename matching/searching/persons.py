"""Which faces of many pictures are one person: each person a batch meets is shown once."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.faces.engines import Embeddings
from matching.faces.engines.base import unit_length
from matching.gallery import calibration

# Of faces that are joined to somebody, so many may be another's: what a stranger's best of so many others reaches.
# Two people taken for one may hide one of them; one taken for two is only shown twice (docs/accuracy.md, "Persons of a
# batch").
WRONG = 0.001


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

    The best picture first, each is joined to the person whose mean it is most like, where strangers are not as alike.
    """
    if not appearances:
        return []
    threshold = calibrated.threshold(WRONG, len(appearances))
    dimensions = len(appearances[0].embedding)
    sums = np.zeros((len(appearances), dimensions), np.float32)
    means: NDArray[np.float32] = np.zeros_like(sums)
    poorness = np.zeros(len(appearances), np.float32)
    members: list[list[int]] = []
    marks: list[set[Hashable]] = []
    for index in sorted(range(len(appearances)), key=lambda i: -appearances[i].goodness):
        one = appearances[index]
        known = len(members)
        alike = means[:known] @ one.embedding
        alike -= calibration.allowance(poorness[:known], np.float32(one.poorness))  # type: ignore[arg-type]
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
    return sorted(members, key=len, reverse=True)
