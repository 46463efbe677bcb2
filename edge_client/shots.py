"""Best shots, not bursts: of somebody followed through frames a first picture soon, and a better one when it comes."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.detectors import FoundFace, cut_out
from edge_client.sources import Frame
from edge_client.tracking import Box, Tracker

# A first picture goes out after so many seconds in view, a better one no sooner than so many after the last.
SOON, AGAIN = 0.4, 1.0
# How much better a picture must be to be sent as well.
BETTER = 1.2
MOST = 3
# Beyond so many pixels, and so sharp (variance of the Laplacian at 112 pixels), a face is no better for more.
LARGE, SHARP = 112, 240


@dataclass(frozen=True)
class Shot:
    """A face to send. box: of the face in the JPEG, pixels. track: whom it shows. goodness: of the picture, 0..1.

    uid: of the capture; the same where the same picture of a recorder is read again.
    """

    jpeg: bytes
    box: list[float]
    detection_score: float
    seen_at: datetime
    track: str
    goodness: float
    uid: str


@dataclass
class _Followed:
    """Somebody in view: the best picture that was not sent, and what was sent."""

    since: float
    seen: float
    track: str = field(default_factory=lambda: str(uuid.uuid4()))
    waiting: Shot | None = None
    sent: int = 0
    sent_at: float = 0.0
    sent_goodness: float = 0.0

    def due(self, now: float, *, is_gone: bool = False) -> Shot | None:
        """The picture that is to be sent now."""
        shot = self.waiting
        if shot is None or self.sent >= MOST:
            return None
        if self.sent:
            if shot.goodness < self.sent_goodness * BETTER or not (is_gone or now - self.sent_at >= AGAIN):
                return None
        elif not (is_gone or now - self.since >= SOON):
            return None
        self.sent, self.sent_at, self.sent_goodness, self.waiting = self.sent + 1, now, shot.goodness, None
        return shot


class BestShots:
    """patience: seconds that somebody may be out of sight and still be followed."""

    def __init__(self, patience: float = 1.0) -> None:
        self._patience = patience
        self._tracker = Tracker(patience)
        self._followed: dict[int, _Followed] = {}
        # Persons who came into view since the beginning.
        self.begun = 0
        # Of the faces of the last frame, in their order.
        self.tracks: list[str] = []

    def see(self, frame: Frame, faces: Sequence[FoundFace]) -> list[Shot]:
        """What is to be sent now that this frame was looked at. Frames come in the order of their time."""
        now = frame.seen_at.timestamp()
        self.tracks = []
        for number, face in zip(self._tracker.follow([face.box for face in faces], now), faces, strict=True):
            if number not in self._followed:
                self._followed[number] = _Followed(since=now, seen=now)
                self.begun += 1
            one = self._followed[number]
            one.seen = now
            self.tracks.append(one.track)
            good = goodness(frame.bgr, face)
            if good > max(one.sent_goodness, one.waiting.goodness if one.waiting else 0.0):
                jpeg, box = cut_out(frame.bgr, face)
                one.waiting = Shot(jpeg, box, face.detection_score, frame.seen_at, one.track, good, _uid(frame, face))
        due = [one.due(now) for one in self._followed.values()]
        gone = [number for number, one in self._followed.items() if now - one.seen > self._patience]
        due += [self._followed.pop(number).due(now, is_gone=True) for number in gone]
        return [shot for shot in due if shot is not None]

    def expected(self, at: float) -> list[Box]:
        """Where those in view should be now. at: seconds since the epoch."""
        return self._tracker.expected(at)

    def finish(self) -> list[Shot]:
        """What is left to send when the source ends, or when the next frame shows another moment."""
        left = [one.due(one.seen, is_gone=True) for one in self._followed.values()]
        self._followed, self._tracker = {}, Tracker(self._patience)
        return [shot for shot in left if shot is not None]


def goodness(bgr: NDArray[np.uint8], face: FoundFace) -> float:
    """How good a picture of a face is, above 0 to 1: large, sharp and surely a face."""
    left, top, right, bottom = (round(side) for side in face.box)
    height, width = bgr.shape[:2]
    patch = bgr[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    if not patch.size:
        return 1e-6
    grey = cv2.cvtColor(cv2.resize(patch, (112, 112), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    size = min(right - left, bottom - top)
    return max(1e-6, face.detection_score * min(size / LARGE, 1.0) * min((sharpness + SHARP / 4) / SHARP, 1.0))


def _uid(frame: Frame, face: FoundFace) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{frame.key} {face.box}") if frame.key else uuid.uuid4())
