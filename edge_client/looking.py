"""Where in a frame is looked: at the whole, around those in view, and at its own scale where there is time."""

import logging
import time
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.boxes import Box, grown, of_smaller
from edge_client.detectors import Detector, FoundFace
from edge_client.sources import shrunk

logger = logging.getLogger(__name__)

# The longest side that a detector is given: it shrinks the frame further by itself, and faces are cut out of the whole.
LOOKED_AT = (1920, 1280, 960, 640)
# A look that takes more than this share of the time that it may is too slow.
SHARE = 0.9
# Tiles are looked at in this share of the time between two looks at the whole.
TILE_SHARE = 0.3
# Neighbours share so many pixels, so that a face that is small enough to need them is whole in one.
SHARED = 96
# Where the mean grey of a tile changed by so much since the last look, something moves; it comes so much sooner.
MOTION, SOONER = 3.0, 4.0
LOST = 100.0
# Who was not found where they were expected may have gone on so many times further than their surroundings reach.
FURTHER = 2.0
# Boxes that share so much of the smaller are one face.
SAME_FACE = 0.4


def grey(bgr: NDArray[np.uint8], width: int = 160) -> NDArray[np.float32]:
    """(about width * 9 / 16, width) float32, 0..255: the frame without noise and detail."""
    small = cv2.resize(bgr, (width, max(1, width * bgr.shape[0] // bgr.shape[1])), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32)


class Looking:
    """detector: by which faces are found."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self._side = 0
        self._seconds = self._tile_seconds = 0.0
        self._tiles: list[Box] = []
        self._shape: tuple[int, int] = (0, 0)
        self._waited: NDArray[np.float32] = np.zeros(0, np.float32)
        self._before: NDArray[np.float32] | None = None
        # How many tiles the last look had time for.
        self._had_time_for = 0

    @property
    def seconds(self) -> float:
        """What a look at the whole takes, without tiles."""
        return self._seconds

    @property
    def longest(self) -> int:
        """The longest side that the detector is given of a whole frame, pixels."""
        return LOOKED_AT[self._side]

    def smallest(self) -> float | None:
        """How wide a face must be to be found, in pixels of the frame; None before the first look."""
        if not self._shape[1]:
            return None
        longest = max(self._shape)
        given = min(longest, self.longest)
        whole = self.detector.smallest(given) * longest / given
        return min(whole, self.detector.smallest(0)) if self._had_time_for else whole

    def around(self, bgr: NDArray[np.uint8], near: Sequence[Box]) -> list[FoundFace]:
        """The faces in these surroundings: the frame's own pixels are looked at, for there are few of them."""
        return self.detector.find(bgr, near)

    def upright(self, bgr: NDArray[np.uint8]) -> list[FoundFace]:
        """The large faces of a frame that stands another way up, quickly."""
        return self.detector.find(shrunk(bgr, self.longest))

    def whole(
        self, bgr: NDArray[np.uint8], now: NDArray[np.float32], followed: Sequence[Box], seconds: float
    ) -> list[FoundFace]:
        """The faces of a frame.

        now: its `grey`. followed: where those in view should be, who are looked for there too if they are not found in
        the whole. seconds: until the next look at the whole; 0 where all the time that it takes may be taken.
        """
        self._measure(bgr)
        began = time.monotonic()
        small = shrunk(bgr, self.longest)
        scale = bgr.shape[1] / small.shape[1]
        found = [face.moved(0, 0, scale) for face in self.detector.find(small)]
        missed = [box for box in followed if not any(of_smaller(box, face.box) >= SAME_FACE for face in found)]
        if missed:
            _add(found, self.detector.find(bgr, [grown(box, FURTHER) for box in missed]))
        self._adapt(time.monotonic() - began, seconds)
        if self._tiles:
            lost = [box for box in missed if not any(of_smaller(box, face.box) >= SAME_FACE for face in found)]
            _add(found, self._tiled(bgr, now, lost, seconds))
        return found

    def _tiled(
        self, bgr: NDArray[np.uint8], now: NDArray[np.float32], lost: Sequence[Box], seconds: float
    ) -> list[FoundFace]:
        self._waited += 1 + (SOONER - 1) * self._moved(now)
        # Whoever was seen and is not found is looked for first.
        self._waited += [LOST * any(of_smaller(tile, box) for box in lost) for tile in self._tiles]
        self._before = now
        a_tile = self._tile_seconds or self._seconds
        time_for = int(seconds * TILE_SHARE / max(a_tile, 1e-4)) if seconds else len(self._tiles)
        self._had_time_for = min(time_for, len(self._tiles))
        found: list[FoundFace] = []
        for place in np.argsort(-self._waited, kind="stable")[: self._had_time_for]:
            began = time.monotonic()
            left, top, right, bottom = (int(side) for side in self._tiles[place])
            _add(
                found,
                [
                    face.moved(left, top)
                    for face in self.detector.find(np.ascontiguousarray(bgr[top:bottom, left:right]))
                ],
            )
            self._waited[place] = 0
            spent = time.monotonic() - began
            self._tile_seconds = 0.8 * self._tile_seconds + 0.2 * spent if self._tile_seconds else spent
        return found

    def _moved(self, now: NDArray[np.float32]) -> NDArray[np.float32]:
        """1 for each tile in which something moved since the last look, else 0."""
        if self._before is None or self._before.shape != now.shape:
            return np.zeros(len(self._tiles), np.float32)
        changed = np.abs(now - self._before)
        scale = now.shape[1] / self._shape[1]
        moved = []
        for tile in self._tiles:
            left, top, right, bottom = (int(side * scale) for side in tile)
            moved.append(float(changed[top : bottom + 1, left : right + 1].mean() > MOTION))
        return np.array(moved, np.float32)

    def _measure(self, bgr: NDArray[np.uint8]) -> None:
        height, width = bgr.shape[:2]
        if (height, width) != self._shape:
            self._shape = height, width
            self._tiles = tiles(width, height, self.detector.tile)
            self._waited, self._before, self._had_time_for = np.zeros(len(self._tiles), np.float32), None, 0

    def _adapt(self, spent: float, seconds: float) -> None:
        """Look at smaller frames where the machine is too slow for as many as are wanted, and at larger ones again."""
        self._seconds = 0.8 * self._seconds + 0.2 * spent if self._seconds else spent
        if not seconds:
            return
        allowed = SHARE * seconds
        if self._seconds > allowed and self._side < len(LOOKED_AT) - 1:
            self._side, self._seconds = self._side + 1, 0.0
            logger.warning("a look takes %.2f s, too slow: frames are looked at %d wide", spent, self.longest)
        elif self._side and self._seconds and self._seconds < allowed / 4:
            self._side, self._seconds = self._side - 1, 0.0


def tiles(width: int, height: int, side: int) -> list[Box]:
    """Squares of so many pixels that cover a frame and overlap; none where it is hardly larger than one.

    side: 0 for none.
    """
    if not side or max(width, height) <= side + SHARED:
        return []
    return [
        (left, top, min(left + side, width), min(top + side, height))
        for top in _begins(height, side)
        for left in _begins(width, side)
    ]


def _begins(length: int, side: int) -> list[int]:
    """Where squares begin along one side, evenly."""
    if length <= side:
        return [0]
    count = -(-(length - side) // (side - SHARED)) + 1
    return [round(n * (length - side) / (count - 1)) for n in range(count)]


def _add(found: list[FoundFace], others: Sequence[FoundFace]) -> None:
    """Add the faces that are not among those found yet."""
    found += [face for face in others if all(of_smaller(face.box, other.box) < SAME_FACE for other in found)]
