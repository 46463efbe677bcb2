"""Which face of a photo is the case's person: said by a person, named in its file, the only one, like the other
photos', or central."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cases.names import plain
from matching.faces.engines import overlap
from matching.faces.images import Box
from matching.faces.regions import Region
from matching.models import Face

By = Face.ChosenBy

# How far from the middle, in sides of the picture, a face has lost most of its weight.
REACH = 0.3
# A face that comes this near the best one in size and place is not told apart from it by them.
NO_TELLING = 0.7
# How much more like the case's other photos a face must be than any other of its photo.
CLEARLY = 0.1
# A face lies where the one chosen before lay, where their boxes overlap so much.
SAME_PLACE = 0.3


@dataclass
class Choice:
    """faces: indices of the subject; more than one only where nothing tells them apart. doubt: 0 sure to 1."""

    faces: tuple[int, ...] = ()
    by: str = ""
    doubt: float = 0.0


@dataclass
class Picture:
    """What is known of one photo. boxes: fractions of the picture. embeddings: (n, d) float32, unit length.

    sure: the choice where there is nothing to weigh, else empty.
    """

    boxes: Sequence[Box]
    embeddings: NDArray[np.float32]
    sure: Choice


def sure(boxes: Sequence[Box], said: Box | None, named: Box | None = None) -> Choice:
    """The choice that needs no weighing: the face that a person chose before, the one that the picture's file names, or
    the only one; else an empty one.

    boxes: fractions of the picture. said, named: where that face lies, if there is one.
    """
    for place, by in ((said, By.PERSON), (named, By.FILE)):
        if place is not None and boxes:
            overlaps = [overlap(box, place) for box in boxes]
            if max(overlaps) > SAME_PLACE:
                return Choice((int(np.argmax(overlaps)),), by)
    return Choice((0,), By.ONLY) if len(boxes) == 1 else Choice()


def named(regions: Sequence[Region], names: Sequence[str]) -> Box | None:
    """The face that a file marks as the person's: by one of their names, or the only one that it marks.

    regions: of the upright picture. names: the case's, in any order of their parts.
    """
    wanted = {plain(name) for name in names if name.strip()}
    by_name = [box for name, box in regions if plain(name) in wanted]
    if len(by_name) == 1:
        return by_name[0]
    return regions[0][1] if len(regions) == 1 and not regions[0][0] else None


def choose(pictures: Sequence[Picture], alike: float) -> list[Choice]:
    """The subject of each photo of one case, looked at together.

    alike: the similarity from which two faces are taken for one person's.
    """
    choices = [picture.sure for picture in pictures]
    anchors = [p.embeddings[c.faces[0]][None] for p, c in zip(pictures, choices, strict=True) if c.faces]
    for number, picture in enumerate(pictures):
        if choices[number].faces or not len(picture.boxes):
            continue
        # Without a photo of the person alone, a face that comes back in another photo is the person's.
        others = anchors or [p.embeddings for p in pictures if p is not picture and len(p.boxes)]
        choices[number] = _by_agreement(picture, others, alike) or by_position(picture.boxes)
    return choices


def _by_agreement(picture: Picture, others: Sequence[NDArray[np.float32]], alike: float) -> Choice | None:
    if not others:
        return None
    similar = (picture.embeddings @ np.concatenate(others).T).max(axis=1)
    second, best = np.argsort(similar)[-2:]
    if similar[best] < alike or similar[best] - similar[second] < CLEARLY:
        return None
    # Half as doubtful as a choice by position with the same lead.
    return Choice((int(best),), By.AGREEMENT, float(max(similar[second], 0) / similar[best]) / 2)


def by_position(boxes: Sequence[Box]) -> Choice:
    """The most central face, weighed with size; every face that comes near it where none stands out.

    boxes: at least one, as fractions of the picture.
    """
    left, top, right, bottom = np.array(boxes).T
    from_middle = np.hypot((left + right) / 2 - 0.5, (top + bottom) / 2 - 0.5)
    size = np.sqrt(np.maximum((right - left) * (bottom - top), 1e-12))
    weight = size * np.exp(-((from_middle / REACH) ** 2))
    order = np.argsort(-weight)
    near = weight[order] / weight[order[0]]
    doubt = float(near[1]) if len(near) > 1 else 0.0
    if doubt > NO_TELLING:
        return Choice(tuple(int(face) for face in order[near > NO_TELLING]), By.EITHER, doubt)
    return Choice((int(order[0]),), By.POSITION, doubt)
