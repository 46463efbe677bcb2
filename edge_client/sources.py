"""Where frames come from: a camera, a stream, a clip, a DeepLens, or a place that a recorder fills with pictures."""

import importlib
import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client import recordings, snapshots, streams

logger = logging.getLogger(__name__)

# Pauses before a source that broke off is tried again, and how long one may give nothing before it counts as broken.
FIRST_PAUSE, LONGEST_PAUSE, SILENT_SECONDS = 1.0, 60.0, 10
# A frame that is older when its turn comes is not looked at.
STALE_SECONDS = 1.0
STOP_SECONDS = 3.0
# A clip that is behind leaves out frames worth so long before it is played more slowly.
CATCH_UP_SECONDS = 3.0
# On a substream the first one is tried again after so long.
BACK_SECONDS = 300.0
# Pictures with a longer side are made smaller first: no face gains by more, and a small device runs out of memory.
LONGEST_SIDE = 3840
OVER_MQTT = ("mqtt://", "mqtts://")


class SourceUnavailable(Exception):
    """The source cannot be opened; the text says which and what it may be."""


@dataclass(frozen=True)
class Frame:
    """bgr: (height, width, 3) uint8. seen_at: when it was taken, UTC. key: what tells a recorder's picture."""

    bgr: NDArray[np.uint8]
    seen_at: datetime
    key: str = ""


Pace = Callable[[], float]
Idle = Callable[[], None]


def frames(
    source: Sequence[str],
    pace: Pace,
    *,
    once: bool = False,
    home: Path | None = None,
    idle: Idle = lambda: None,
    remember: bool = True,
    say: Callable[[str], None] = lambda problem: None,
) -> Iterator[Frame]:
    """Frames of a source, at most `pace()` a second of its time.

    source: a camera's index, rtsp:// or http:// streams (the first, else the next), a clip, `awscam`, a folder,
    s3://bucket/prefix, or mqtt://broker/topic. once: end when a folder is read, or one picture has come. home: where
    is kept which pictures of S3 were read.
    idle: called now and then while nothing comes. remember: which pictures were read; without it a recorder's are
    looked at as if for the first time, and stay to be read. say: is told what is wrong with the source, in words that
    name no password, and nothing once all is well. Raises `SourceUnavailable`.
    """
    first = source[0]
    if first.isdigit():
        return _live([int(first)], pace, idle, say)
    if first.startswith("s3://"):
        return (_still(one) for one in recordings.bucket(first, once, idle, home if remember else None))
    if first.startswith(OVER_MQTT):
        return (_still(one) for one in snapshots.topic(first, once, idle, say))
    if "://" in first:
        return _live(source, pace, idle, say)
    if first == "awscam":
        return _deeplens(pace, idle)
    path = Path(first)
    if path.is_dir():
        return (_still(one) for one in recordings.folder(path, once, idle, path if remember else None))
    if path.is_file():
        return _clip(path, pace, say)
    raise SourceUnavailable(f"{first} is no camera index, stream, clip or folder.")


def has_moments(source: str) -> bool:
    """Whether a source's frames follow each other, and are no pictures that each stand for themselves."""
    return not source.startswith(("s3://", *OVER_MQTT)) and not Path(source).is_dir()


def shrunk(bgr: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """The picture, made smaller where a side is longer."""
    scale = longest / max(bgr.shape[:2])
    if scale >= 1:
        return bgr
    return np.asarray(cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)


class _Newest(threading.Thread):
    """Reads a stream as fast as it comes and holds only its newest frame, so that none waits in a buffer."""

    def __init__(self, source: int | str) -> None:
        super().__init__(name="source", daemon=True)
        options = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, SILENT_SECONDS * 1000, cv2.CAP_PROP_READ_TIMEOUT_MSEC]
        self._video = (
            cv2.VideoCapture(source, cv2.CAP_FFMPEG, [*options, SILENT_SECONDS * 1000])
            if isinstance(source, str)
            else cv2.VideoCapture(source)
        )
        self.is_open = self._video.isOpened()
        self.has_ended = not self.is_open
        self._wanted = threading.Event()
        self._ready = threading.Condition()
        self._frame: tuple[NDArray[np.uint8], float] | None = None
        self._stopping = False

    def run(self) -> None:
        while not self._stopping and self._video.grab():
            at = time.monotonic()
            # Only frames that are waited for are decoded to pixels.
            if not self._wanted.is_set():
                continue
            taken, bgr = self._video.retrieve()
            if taken and bgr is not None and bgr.size:
                with self._ready:
                    self._frame = (shrunk(bgr, LONGEST_SIDE), at)
                    self._wanted.clear()
                    self._ready.notify_all()
        self._video.release()
        with self._ready:
            self.has_ended = True
            self._ready.notify_all()

    def frames(self, pace: Pace, until: float) -> Iterator[NDArray[np.uint8]]:
        """Those that come, at most `pace()` a second, until none comes for long, or that second of the clock."""
        while not self.has_ended and time.monotonic() < until:
            self._wanted.set()
            with self._ready:
                self._ready.wait_for(lambda: self._frame is not None or self.has_ended, SILENT_SECONDS)
                frame, self._frame = self._frame, None
            if frame is None or time.monotonic() - frame[1] > STALE_SECONDS:
                return
            yielded = time.monotonic()
            yield frame[0]
            _wait(yielded, pace)

    def stop(self) -> None:
        self._stopping = True
        # The interpreter must not end while the video library is at work in the thread.
        self.join(STOP_SECONDS)


def _live(sources: Sequence[int | str], pace: Pace, idle: Idle, say: Callable[[str], None]) -> Iterator[Frame]:
    """A camera or stream, opened again whenever it breaks off; the next of several while the first is away."""
    number, opened_once, pause = 0, False, FIRST_PAUSE
    while True:
        reading = _Newest(sources[number])
        until = time.monotonic() + BACK_SECONDS
        if reading.is_open:
            reading.start()
            try:
                for bgr in reading.frames(pace, math.inf if number == 0 else until):
                    if not opened_once or pause > FIRST_PAUSE:
                        say("")
                    opened_once, pause = True, FIRST_PAUSE
                    yield Frame(bgr, datetime.now(UTC))
            finally:
                reading.stop()
        if number and time.monotonic() >= until:
            number = 0
            continue
        broken = _problem(sources[number], opened_once)
        say(broken)
        if not opened_once and number == len(sources) - 1:
            raise SourceUnavailable(broken)
        number = (number + 1) % len(sources)
        if number == 0 or len(sources) == 1:
            logger.warning("%s; trying again in %.0f s", broken, pause)
            _rest(pause * random.uniform(0.7, 1.3), idle)  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            logger.warning("%s; going on with %s", broken, streams.shown(str(sources[number])))


def _problem(source: int | str, opened_once: bool) -> str:
    """What is wrong with a camera or a stream that gives no picture."""
    if isinstance(source, int):
        if opened_once:
            return f"camera {source} broke off"
        return f"camera {source} cannot be opened, or gives no picture. Is it plugged in, and used by nobody else?"
    name, reason = streams.shown(source), streams.why(source)
    if opened_once:
        return f"{name} broke off" + (f": {reason}" if reason else "")
    if reason:
        return f"{name} cannot be opened: {reason}"
    return f"{name} cannot be opened, or gives no picture that can be read. Try its substream, or H.264."


def _deeplens(pace: Pace, idle: Idle) -> Iterator[Frame]:
    """The camera of an AWS DeepLens, by the module that the device carries."""
    try:
        awscam: Any = importlib.import_module("awscam")
    except ImportError as error:
        raise SourceUnavailable("awscam is a DeepLens's own module, and not here. Name another --source.") from error
    pause = FIRST_PAUSE
    while True:
        taken, bgr = awscam.getLastFrame()
        if taken:
            pause = FIRST_PAUSE
            yielded = time.monotonic()
            yield Frame(shrunk(np.asarray(bgr, dtype=np.uint8), LONGEST_SIDE), datetime.now(UTC))
            _wait(yielded, pace)
        else:
            logger.warning("awscam gives no frame; trying again in %.0f s", pause)
            _rest(pause, idle)
            pause = min(pause * 2, LONGEST_PAUSE)


def _clip(path: Path, pace: Pace, say: Callable[[str], None]) -> Iterator[Frame]:
    """A clip, played at its own pace, so that it stands in for a live camera; slower where the machine cannot even read
    it at that pace."""
    video = cv2.VideoCapture(str(path))
    if not video.isOpened():
        raise SourceUnavailable(f"{path} is no video that can be read.")
    rate = video.get(cv2.CAP_PROP_FPS) or 25.0
    began, wall = datetime.now(UTC), time.monotonic()
    number, due, given, behind = 0, 0.0, 0, 0
    while video.grab():
        # By the clip's own clock, for its rate may vary; raw streams have none.
        shown = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        at = shown if shown > 0 or not number else number / rate
        number += 1
        if at + 1e-6 < due:
            continue
        taken, bgr = video.retrieve()
        if not taken:
            continue
        wait = wall + at - time.monotonic()
        # A machine that cannot keep up leaves frames out, as it would of a live camera.
        if wait < -STALE_SECONDS:
            behind += 1
            if behind < rate * CATCH_UP_SECONDS:
                continue
            # Not looking but reading is too slow: without this nothing would ever be looked at again.
            wall -= wait
            say(f"{path.name} is too heavy for this machine: it is played more slowly than it was taken")
            logger.warning("%s is too heavy for this machine; it falls %.1f s behind", path.name, -wait)
        behind = 0
        time.sleep(max(0.0, wait))
        due += 1 / pace()
        due = max(due, at)
        given += 1
        yield Frame(shrunk(np.asarray(bgr, dtype=np.uint8), LONGEST_SIDE), began + timedelta(seconds=at))
        del bgr
    video.release()
    if given == 0:
        raise SourceUnavailable(f"{path} is no video that can be read: it has no frame.")


def _still(picture: recordings.Picture) -> Frame:
    return Frame(shrunk(picture.bgr, LONGEST_SIDE), picture.taken_at, picture.key)


def _wait(since: float, pace: Pace) -> None:
    """Until the next frame is due; sooner where somebody begins to look meanwhile."""
    while (left := since + 1 / pace() - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))


def _rest(seconds: float, idle: Idle) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        idle()
        time.sleep(min(left, 5.0))
