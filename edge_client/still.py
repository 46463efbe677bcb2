"""Faces that do not move: a poster, a photo on a wall, a screen. They are told once, and sent no more."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.boxes import Box, of_union
from edge_client.detectors import FoundFace

# A face is still after so many seconds in one place, in which nothing of it changed. Nobody alive holds that still.
STILL_SECONDS = 120.0
# It is in its place where the boxes share so much of their union, and unchanged where the pictures correlate so much.
SAME_PLACE, UNCHANGED = 0.6, 0.96
SAME_FACE = 0.3
# Pixels on each side that its picture is made small to, which leaves no noise.
SIDE = 24
# A place in which it was not seen for so long is forgotten: a lamp may have been off, or somebody stood before it.
FORGOTTEN_SECONDS = 3600.0
# Of faces that are not still yet; they come back sooner or were people.
DROPPED_SECONDS = 10.0
MOST = 100


@dataclass
class _Place:
    box: Box
    picture: NDArray[np.float32]
    since: float
    seen_at: float

    def is_still(self) -> bool:
        return self.seen_at - self.since >= STILL_SECONDS

    def is_over(self, at: float) -> bool:
        return at - self.seen_at > (FORGOTTEN_SECONDS if self.is_still() else DROPPED_SECONDS)


class StillFaces:
    """The places in which faces did not move, of one source."""

    def __init__(self) -> None:
        self._places: list[_Place] = []

    def see(self, bgr: NDArray[np.uint8], faces: Sequence[FoundFace], at: float) -> list[bool]:
        """Whether each face of a frame is one that does not move. at: the frame's second; frames come in order."""
        self._places = [place for place in self._places if not place.is_over(at)]
        return [self._is_still(bgr, face, at) for face in faces]

    def boxes(self) -> list[Box]:
        """Of those that do not move, in pixels of the frame, each once however a detector drew it."""
        kept: list[Box] = []
        for place in self._places:
            if place.is_still() and all(of_union(place.box, box) < SAME_FACE for box in kept):
                kept.append(place.box)
        return kept

    def _is_still(self, bgr: NDArray[np.uint8], face: FoundFace, at: float) -> bool:
        for place in [place for place in self._places if of_union(place.box, face.box) >= SAME_PLACE]:
            now = _picture(bgr, place.box)
            if now is not None and float((now * place.picture).mean()) >= UNCHANGED:
                place.seen_at = at
                return place.is_still()
            if not place.is_still():
                # Whoever sits there comes back to the same place now and then: one look that differs begins anew.
                self._places.remove(place)
        picture = _picture(bgr, face.box)
        if picture is not None and len(self._places) < MOST:
            self._places.append(_Place(face.box, picture, at, at))
        return False


def _picture(bgr: NDArray[np.uint8], box: Box) -> NDArray[np.float32] | None:
    """(SIDE, SIDE) float32, mean 0 and deviation 1, so that brighter light changes nothing; None of a plain surface."""
    height, width = bgr.shape[:2]
    left, top, right, bottom = (round(side) for side in box)
    patch = bgr[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    if min(patch.shape[:2]) < 8:
        return None
    small = cv2.resize(cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    values = small.astype(np.float32)
    deviation = float(values.std())
    return None if deviation < 1 else (values - values.mean()) / deviation
