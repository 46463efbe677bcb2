"""The client's walk: frames are looked at, faces followed, and the best pictures of each put into the queue."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from edge_client import detectors
from edge_client.line import Line
from edge_client.queue import DiskQueue
from edge_client.reporting import Reporter
from edge_client.settings import LiveSettings
from edge_client.shots import BestShots, Shot
from edge_client.sources import Frame, shrunk

logger = logging.getLogger(__name__)

# Between two looks at the whole frame only the surroundings of those who are followed are looked at.
WHOLE_SECONDS = 0.4
# The longest side that a detector is given: it shrinks the frame further by itself, and faces are cut out of the whole.
LOOKED_AT = (1920, 1280, 960, 640)
# A look that takes more than this share of the time between frames is too slow.
SHARE = 0.9
RATE_WHILE_WATCHED = 3.0


class Watch:
    """One source, watched until it ends. has_moments: its frames follow each other; a recorder's pictures do not."""

    def __init__(
        self, settings: LiveSettings, models: dict[str, str], queue: DiskQueue, reporter: Reporter, line: Line | None,
        *, has_moments: bool, alive: Callable[[], None] = lambda: None, threads: int = 0,
    ) -> None:  # fmt: skip
        self.kept = 0
        self._settings, self._models, self._queue = settings, models, queue
        self._reporter, self._line, self._has_moments, self._alive = reporter, line, has_moments, alive
        self._followed = BestShots()
        self._detector_name = settings.now.detector
        # What is wrong with the source, and with the detector that was asked for, in words for whoever asked.
        self.source_problem = self._detector_problem = ""
        self._refused_detector = ""
        self._threads = threads
        self._detector = detectors.load(models.get(self._detector_name, self._detector_name), threads)
        self._whole_at = 0.0
        self._side = 0
        self._seconds = 0.0
        self._frame_at = time.monotonic()
        self._began, self._looks = time.monotonic(), 0

    def pace(self) -> float:
        """Frames a second that are wanted now."""
        fps = self._settings.now.fps
        return max(fps, RATE_WHILE_WATCHED) if self._line is not None and self._line.is_watched() else fps

    def about(self) -> dict[str, Any]:
        """What the report says of it."""
        away = time.monotonic() - self._frame_at
        return {
            "detectors": list(self._models),
            "source_away": round(away, 1) if away > max(15.0, 3 / self._settings.now.fps) else None,
            "problem": "; ".join(filter(None, [self.source_problem, self._detector_problem, self._settings.problem]))[
                :300
            ],
            "runs": {
                **self._settings.said(),
                "detector": self._detector_name,
                "asleep": self._settings.now.is_asleep(datetime.now(UTC)),
                "looks_a_second": round(self._looks / max(1.0, time.monotonic() - self._began), 2),
                "looked_at": LOOKED_AT[self._side],
            },
        }

    def run(self, frames: Iterable[Frame]) -> None:
        for frame in self._awake(frames):
            self.look(frame)

    def finish(self) -> None:
        """What is left to send when the source ends."""
        self._put(self._followed.finish())

    def _awake(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        was_asleep = False
        for frame in frames:
            self._frame_at = time.monotonic()
            self._alive()
            asleep = self._settings.now.is_asleep(datetime.now(UTC))
            if asleep != was_asleep:
                logger.info("asleep: nothing is looked at" if asleep else "awake")
                was_asleep = asleep
            if not asleep:
                yield frame

    def look(self, frame: Frame) -> None:
        """One frame. Frames come in the order of their time."""
        self._change_detector()
        settings, began, at = self._settings.now, time.monotonic(), frame.seen_at.timestamp()
        # A clock that jumped back is no reason to wait.
        whole = not self._has_moments or not 0 <= at - self._whole_at < WHOLE_SECONDS
        near = [] if whole else self._followed.expected(at)
        if whole:
            self._whole_at = at
        # With nobody in view a frame between two whole looks is not looked at.
        found = self._find(frame, near) if whole or near else []
        seen = [face for face in found if settings.wants(face.box, face.detection_score, frame.bgr.shape)]
        before = self._followed.begun
        shots = self._followed.see(frame, seen)
        self._reporter.saw(frame.seen_at, [face.detection_score for face in seen], self._followed.begun - before)
        if self._line is not None:
            tracks = dict(zip(map(id, seen), self._followed.tracks, strict=True))
            self._line.show(frame, [(face, tracks.get(id(face), "")) for face in found])
        if not self._has_moments:
            # The next picture may be hours away, and show somebody else.
            shots += self._followed.finish()
        self._put(shots)
        self._looks += 1
        if whole:
            self._adapt(time.monotonic() - began)

    def _find(self, frame: Frame, near: list[detectors.Box]) -> list[detectors.FoundFace]:
        small = shrunk(frame.bgr, LOOKED_AT[self._side])
        scale = frame.bgr.shape[1] / small.shape[1]
        if near:
            # Around a face the frame's own pixels are looked at: there are few of them.
            return self._detector.find(frame.bgr, near)
        return [
            detectors.FoundFace(
                (face.box[0] * scale, face.box[1] * scale, face.box[2] * scale, face.box[3] * scale),
                face.detection_score,
            )
            for face in self._detector.find(small)
        ]

    def _adapt(self, seconds: float) -> None:
        """Look at smaller frames where the machine is too slow for as many as are wanted, and at larger ones again."""
        self._seconds = 0.8 * self._seconds + 0.2 * seconds if self._seconds else seconds
        allowed = SHARE * max(1 / self._settings.now.fps, WHOLE_SECONDS if self._has_moments else 0.0)
        if self._has_moments and self._seconds > allowed and self._side < len(LOOKED_AT) - 1:
            self._side, self._seconds = self._side + 1, 0.0
            logger.warning(
                "a look takes %.2f s, too slow: frames are looked at %d wide", seconds, LOOKED_AT[self._side]
            )
        elif self._side and self._seconds and self._seconds < allowed / 4:
            self._side, self._seconds = self._side - 1, 0.0

    def _change_detector(self) -> None:
        wanted = self._settings.now.detector
        if wanted == self._detector_name:
            self._detector_problem = self._refused_detector = ""
        if wanted in (self._detector_name, self._refused_detector):
            return
        try:
            if wanted not in self._models:
                raise detectors.DetectorUnavailable(f"there is no {wanted} here")
            self._detector, self._detector_name = detectors.load(self._models[wanted], self._threads), wanted
            self._side, self._seconds, self._detector_problem = 0, 0.0, ""
            logger.info("the detector is now %s", wanted)
        except detectors.DetectorUnavailable as problem:
            self._refused_detector = wanted
            self._detector_problem = f"detector: {problem}; {self._detector_name} goes on"
            logger.error("%s", self._detector_problem)

    def _put(self, shots: list[Shot]) -> None:
        for shot in shots:
            details = {
                "id": shot.uid,
                "captured_at": shot.seen_at.isoformat(),
                "detection_score": round(shot.detection_score, 4),
                "box": ",".join(f"{value:.1f}" for value in shot.box),
                "track": shot.track,
            }
            self._queue.put(shot.jpeg, details, shot.track, shot.goodness)
            self.kept += 1
