"""Whether a camera can see at all: too dark, covered, or turned on its side."""

from collections.abc import Callable, Sequence
from datetime import datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.detectors import FoundFace

# Grey values of 0 to 255: a frame whose mean and whose brightest parts lie below is too dark, one that differs less
# within itself shows nothing.
DARK, DARK_BRIGHTEST, PLAIN = 16.0, 70.0, 3.0
# For so long before it is said.
SAID_AFTER = 60.0

# Degrees clockwise by which a frame is turned.
TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
# Each so many looks at the whole the other three ways up are tried, while no face was found for so long.
TRIED_EACH, TRIED_AFTER = 8, 3600.0
# So many looks must find a surely detected face one way up, and within so many seconds.
VOTES, VOTE_SECONDS, SURE = 3, 600.0, 0.8


class Sight:
    """Since when nothing can be seen, and why."""

    def __init__(self) -> None:
        self._why = ""
        self._since: datetime | None = None
        self._at: datetime | None = None

    def see(self, grey: NDArray[np.float32], faces: int, at: datetime) -> None:
        """One frame. grey: (height, width), 0..255, made small. faces: that were found in it."""
        why = ""
        if not faces:
            if grey.mean() < DARK and np.percentile(grey, 99) < DARK_BRIGHTEST:
                why = "too dark"
            elif grey.std() < PLAIN:
                why = "one plain surface: is it covered?"
        if why != self._why:
            self._why, self._since = why, at
        self._at = at

    def said(self) -> tuple[str, float]:
        """Why nothing can be seen, and for how many seconds; "" and 0 where something can, or could a moment ago."""
        seconds = (self._at - self._since).total_seconds() if self._at and self._since else 0.0
        return (self._why, seconds) if self._why and seconds >= SAID_AFTER else ("", 0.0)


class Turning:
    """Which way up the camera hangs: as it is asked, or as faces are found by trying."""

    def __init__(self) -> None:
        self.found = 0
        self._votes: dict[int, list[float]] = {}
        self._looks = 0
        self._upright_at: float | None = None

    def turned(self, bgr: NDArray[np.uint8], asked: int | None) -> NDArray[np.uint8]:
        """The frame, the right way up. asked: degrees clockwise; None for what was found."""
        return turned(bgr, self.found if asked is None else asked)

    def learn(
        self,
        bgr: NDArray[np.uint8],
        faces: Sequence[FoundFace],
        find: Callable[[NDArray[np.uint8]], Sequence[FoundFace]],
        at: float,
    ) -> bool:
        """Try the other ways up where it is time to. Returns whether another way up was found.

        bgr: a frame, turned as it is now. faces: found in it. find: finds those of another. at: the frame's second.
        """
        self._looks += 1
        if any(face.detection_score >= SURE for face in faces):
            self._votes, self._upright_at = {}, at
        is_known = self._upright_at is not None and at - self._upright_at < TRIED_AFTER
        if is_known or self._looks % TRIED_EACH:
            return False
        for turn in TURNS:
            if any(face.detection_score >= SURE for face in find(turned(bgr, turn))):
                recent = [one for one in self._votes.get(turn, []) if at - one < VOTE_SECONDS]
                self._votes[turn] = [*recent, at]
        best = max(self._votes, key=lambda turn: len(self._votes[turn]), default=0)
        if not best or len(self._votes[best]) < VOTES:
            return False
        if sum(map(len, self._votes.values())) >= 2 * len(self._votes[best]):
            # As many another way up: of a picture in which faces are found any way up nothing is known.
            self._votes = {}
            return False
        self.found, self._votes, self._upright_at = (self.found + best) % 360, {}, at
        return True


def turned(bgr: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """The frame, turned clockwise by 0, 90, 180 or 270 degrees."""
    return np.asarray(cv2.rotate(bgr, TURNS[turn]), np.uint8) if turn else bgr
