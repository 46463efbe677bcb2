"""Best shots, not bursts: of somebody followed through frames a first picture soon, and a better one when it comes."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.boxes import Box
from edge_client.describing import Describer
from edge_client.detectors import FoundFace, cut_out
from edge_client.sources import Frame
from edge_client.tracking import NOBODY, Tracker, Vector

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
    """describer: what tells a face from another where its place does not.

    patience: seconds that somebody may be out of sight before the best picture of them goes out.
    """

    def __init__(self, describer: Describer | None = None, patience: float = 1.0) -> None:
        self._patience, self._describer = patience, describer
        self._tracker = self._new_tracker()
        self._followed: dict[int, _Followed] = {}
        # Persons who came into view since the beginning.
        self.begun = 0
        # Of the faces of the last frame, in their order.
        self.tracks: list[str] = []

    def see(self, frame: Frame, faces: Sequence[FoundFace], weak: Sequence[FoundFace] = ()) -> list[Shot]:
        """What is to be sent now that this frame was looked at. Frames come in the order of their time.

        weak: faces that are not sent, and by which somebody stays in view whose face is less sure for a moment.
        """
        now = frame.seen_at.timestamp()
        every = [*faces, *weak]
        numbers = self._tracker.follow(
            [face.box for face in every],
            now,
            None if self._describer is None else partial(_describe, self._describer, frame, every),
            len(weak),
        )
        self.tracks = []
        for place, (number, face) in enumerate(zip(numbers, every, strict=True)):
            if number == NOBODY:
                continue
            if number not in self._followed:
                self._followed[number] = _Followed(since=now, seen=now)
                self.begun += 1
            one = self._followed[number]
            one.seen = now
            if place >= len(faces):
                continue
            self.tracks.append(one.track)
            good = goodness(frame.bgr, face)
            if good > max(one.sent_goodness, one.waiting.goodness if one.waiting else 0.0):
                jpeg, box = cut_out(frame.bgr, face)
                one.waiting = Shot(jpeg, box, face.detection_score, frame.seen_at, one.track, good, _uid(frame, face))
        due = [one.due(now, is_gone=now - one.seen > self._patience) for one in self._followed.values()]
        remembered = self._tracker.remembered()
        self._followed = {number: one for number, one in self._followed.items() if number in remembered}
        return [shot for shot in due if shot is not None]

    def expected(self, at: float) -> list[Box]:
        """Where those in view should be now. at: seconds since the epoch."""
        return self._tracker.expected(at)

    def finish(self) -> list[Shot]:
        """What is left to send when the source ends, or when the next frame shows another moment."""
        left = [one.due(one.seen, is_gone=True) for one in self._followed.values()]
        self._followed, self._tracker = {}, self._new_tracker()
        return [shot for shot in left if shot is not None]

    def change(self, describer: Describer | None) -> list[Shot]:
        """Go on with another describer, whose descriptions compare with none of the last. Returns what is left."""
        self._describer = describer
        return self.finish()

    def _new_tracker(self) -> Tracker:
        return Tracker(self._patience, self._describer.likeness if self._describer else None)


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


def _describe(describer: Describer, frame: Frame, faces: Sequence[FoundFace], place: int) -> Vector | None:
    return describer.describe(frame.bgr, faces[place])


def _uid(frame: Frame, face: FoundFace) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{frame.key} {face.box}") if frame.key else uuid.uuid4())
