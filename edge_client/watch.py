"""The client's walk: frames are looked at, faces followed, and the best pictures of each put into the queue."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from edge_client import detectors
from edge_client.boxes import Box
from edge_client.line import Line
from edge_client.looking import Looking, grey
from edge_client.moments import Moments
from edge_client.queue import DiskQueue
from edge_client.reporting import Reporter
from edge_client.settings import LiveSettings
from edge_client.shots import BestShots, Shot
from edge_client.sight import Sight, Turning
from edge_client.sources import Frame
from edge_client.still import StillFaces

logger = logging.getLogger(__name__)

# Between two looks at the whole frame only the surroundings of those who are followed are looked at.
WHOLE_SECONDS = 0.4
RATE_WHILE_WATCHED = 3.0
# Where nobody says how many frames a second: as many as take this share of the time, within these bounds. More show
# nobody whom these do not, and fewer leave little time to see somebody who passes.
OWN_SHARE, LEAST_PACE, MOST_PACE = 0.3, 1.0, 4.0
# Faces that do not move and are told of.
MOST_STILL = 20


class Watch:
    """One source, watched until it ends. has_moments: its frames follow each other; a recorder's pictures do not."""

    def __init__(
        self, settings: LiveSettings, models: dict[str, str], queue: DiskQueue, reporter: Reporter, line: Line | None,
        *, has_moments: bool, moments: Moments | None = None, alive: Callable[[], None] = lambda: None,
        threads: int = 0,
    ) -> None:  # fmt: skip
        self.kept = 0
        self._settings, self._models, self._queue = settings, models, queue
        self._reporter, self._line, self._has_moments, self._alive = reporter, line, has_moments, alive
        self._moments = moments
        self._detector_name = settings.now.detector
        # What is wrong with the source, and with the detector that was asked for, in words for whoever asked.
        self.source_problem = self._detector_problem = ""
        self._refused_detector = ""
        self._threads = threads
        detector = detectors.load(models.get(self._detector_name, self._detector_name), threads)
        self._looking = Looking(detector)
        # Of pictures that do not follow each other nobody has to be known again.
        self._followed = BestShots(detector.describer if has_moments else None)
        self._still, self._sight, self._turning = StillFaces(), Sight(), Turning()
        self._shape: tuple[int, ...] = ()
        self._whole_at = 0.0
        self._frame_at = time.monotonic()
        self._began, self._looks = time.monotonic(), 0

    def pace(self) -> float:
        """Frames a second that are wanted now."""
        fps = self._settings.now.fps or self._own_pace()
        return max(fps, RATE_WHILE_WATCHED) if self._line is not None and self._line.is_watched() else fps

    def _own_pace(self) -> float:
        """What this machine has time for."""
        seconds = self._looking.seconds
        return min(MOST_PACE, max(LEAST_PACE, OWN_SHARE / seconds)) if seconds else (LEAST_PACE + MOST_PACE) / 2

    def about(self) -> dict[str, Any]:
        """What the report says of it."""
        # Pictures that come when somebody is there are not missed.
        away = time.monotonic() - self._frame_at if self._has_moments else 0.0
        return {
            "detectors": list(self._models),
            "source_away": round(away, 1) if away > max(15.0, 3 / self.pace()) else None,
            "problem": "; ".join(filter(None, [self.source_problem, self._detector_problem, self._settings.problem]))[
                :300
            ],
            "runs": {
                **self._settings.said(),
                "fps": round(self._settings.now.fps or self._own_pace(), 2),
                "detector": self._detector_name,
                "turn": self._turn(),
                "asleep": self._settings.now.is_asleep(datetime.now(UTC)),
                "looks_a_second": round(self._looks / max(1.0, time.monotonic() - self._began), 2),
                "looked_at": self._looking.longest,
            },
            "sees": self._sees() if self._shape else None,
        }

    def _sees(self) -> dict[str, Any]:
        """What can be seen, and what of it is no person."""
        height, width = self._shape[:2]
        smallest = self._looking.smallest()
        unseen, seconds = self._sight.said()
        return {
            "frame": [width, height],
            "smallest_face": round(max(smallest, self._settings.now.min_size)) if smallest else None,
            "follows_by": self._looking.detector.describer.name if self._has_moments else "",
            "still": [
                [min(1.0, max(0.0, round(side / (height if i % 2 else width), 3))) for i, side in enumerate(box)]
                for box in self._still.boxes()[:MOST_STILL]
            ],
            "unseen": unseen,
            "unseen_seconds": round(seconds),
        }

    def _turn(self) -> int:
        asked = self._settings.now.turn
        return self._turning.found if asked is None else asked

    def run(self, frames: Iterable[Frame]) -> None:
        for frame in self._awake(frames):
            self.look(frame)
            # One of 4K takes 25 MB: it goes before the next is read.
            del frame

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
            del frame

    def look(self, frame: Frame) -> None:
        """One frame. Frames come in the order of their time."""
        self._change_detector()
        settings, at = self._settings.now, frame.seen_at.timestamp()
        frame = replace(frame, bgr=self._turning.turned(frame.bgr, settings.turn))
        if self._moments is not None and self._has_moments:
            self._moments.see(frame)
        if frame.bgr.shape != self._shape:
            self._shape, self._still = frame.bgr.shape, StillFaces()
        # A clock that jumped back is no reason to wait.
        whole = not self._has_moments or not 0 <= at - self._whole_at < WHOLE_SECONDS
        expected = self._followed.expected(at)
        # With nobody in view a frame between two whole looks is not looked at.
        found = self._find(frame, expected) if whole else self._looking.around(frame.bgr, expected) if expected else []
        found, still = self._without_still(frame, found)
        seen = [face for face in found if settings.wants(face.box, face.detection_score, frame.bgr.shape)]
        weak = [face for face in found if face not in seen]
        before = self._followed.begun
        shots = self._followed.see(frame, seen, weak)
        self._reporter.saw(frame.seen_at, [face.detection_score for face in seen], self._followed.begun - before)
        if self._line is not None:
            tracks = dict(zip(map(id, seen), self._followed.tracks, strict=True))
            self._line.show(frame, [(face, tracks.get(id(face), "")) for face in found], still)
        if not self._has_moments:
            # The next picture may be hours away, and show somebody else.
            shots += self._followed.finish()
        self._put(shots)
        self._looks += 1

    def _find(self, frame: Frame, expected: list[Box]) -> list[detectors.FoundFace]:
        """The faces of the whole frame."""
        at, self._whole_at = frame.seen_at.timestamp(), frame.seen_at.timestamp()
        small = grey(frame.bgr)
        seconds = max(1 / self.pace(), WHOLE_SECONDS) if self._has_moments else 0.0
        found = self._looking.whole(frame.bgr, small, expected, seconds)
        self._sight.see(small, len(found), frame.seen_at)
        if self._settings.now.turn is None and self._turning.learn(frame.bgr, found, self._looking.upright, at):
            logger.warning(
                "faces are found with each frame turned by %d degrees clockwise: so it goes on", self._turn()
            )
            self._put(self._followed.finish())
        return found

    def _without_still(
        self, frame: Frame, found: list[detectors.FoundFace]
    ) -> tuple[list[detectors.FoundFace], list[detectors.FoundFace]]:
        """The faces that move or may, and those that do not. Of pictures that are hours apart all may."""
        if not self._has_moments:
            return found, []
        is_still = self._still.see(frame.bgr, found, frame.seen_at.timestamp())
        parted: tuple[list[detectors.FoundFace], list[detectors.FoundFace]] = ([], [])
        for face, still in zip(found, is_still, strict=True):
            parted[still].append(face)
        return parted

    def _change_detector(self) -> None:
        wanted = self._settings.now.detector
        if wanted == self._detector_name:
            self._detector_problem = self._refused_detector = ""
        if wanted in (self._detector_name, self._refused_detector):
            return
        try:
            if wanted not in self._models:
                raise detectors.DetectorUnavailable(f"there is no {wanted} here")
            detector = detectors.load(self._models[wanted], self._threads)
            self._looking, self._detector_name, self._detector_problem = Looking(detector), wanted, ""
            self._put(self._followed.change(detector.describer if self._has_moments else None))
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
            if self._moments is not None:
                self._moments.sent(shot.uid, shot.seen_at)
            self.kept += 1
