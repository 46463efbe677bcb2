"""Where frames come from: a camera, a stream, a clip, or a folder that a recorder fills with pictures."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
RECONNECT_SECONDS = 3.0
POLL_SECONDS = 1.0


class SourceUnavailable(Exception):
    """The source cannot be opened; the text says which and what it may be."""


@dataclass(frozen=True)
class Frame:
    """bgr: (height, width, 3) uint8. seen_at: when it was taken, UTC."""

    bgr: NDArray[np.uint8]
    seen_at: datetime


def frames(source: str, fps: float, once: bool) -> Iterator[Frame]:
    """Frames of a source, at most `fps` a second of its time.

    source: a camera's index, an rtsp:// or http:// stream, a clip, or a folder. once: end when a folder is read.
    Raises `SourceUnavailable`.
    """
    if source.isdigit():
        return _live(int(source), fps)
    if "://" in source:
        return _live(source, fps)
    path = Path(source)
    if path.is_dir():
        return _folder(path, once)
    if path.is_file():
        return _clip(path, fps)
    raise SourceUnavailable(f"{source} is no camera index, stream, clip or folder.")


def _live(source: int | str, fps: float) -> Iterator[Frame]:
    """A camera or stream, opened again whenever it breaks off."""
    opened_once = False
    while True:
        video = cv2.VideoCapture(source)
        if not video.isOpened() and not opened_once:
            raise SourceUnavailable(f"{source} cannot be opened. Is it plugged in, reachable and spelled right?")
        opened_once = True
        due = 0.0
        while video.grab():
            if time.monotonic() < due:
                continue
            due = time.monotonic() + 1 / fps
            ok, bgr = video.retrieve()
            if ok:
                yield Frame(np.asarray(bgr, dtype=np.uint8), datetime.now(UTC))
        video.release()
        logger.warning("%s broke off; trying again in %.0f s", source, RECONNECT_SECONDS)
        time.sleep(RECONNECT_SECONDS)


def _clip(path: Path, fps: float) -> Iterator[Frame]:
    """A clip, played at its own pace, so that it stands in for a live camera."""
    video = cv2.VideoCapture(str(path))
    if not video.isOpened():
        raise SourceUnavailable(f"{path} is no video that can be read.")
    rate = video.get(cv2.CAP_PROP_FPS) or 25.0
    step = max(1, round(rate / fps))
    began, wall = datetime.now(UTC), time.monotonic()
    number = 0
    while video.grab():
        if number % step == 0:
            ok, bgr = video.retrieve()
            if ok:
                time.sleep(max(0.0, wall + number / rate - time.monotonic()))
                yield Frame(np.asarray(bgr, dtype=np.uint8), began + timedelta(seconds=number / rate))
        number += 1
    video.release()
    if number == 0:
        raise SourceUnavailable(f"{path} is no video that can be read.")


def _folder(path: Path, once: bool) -> Iterator[Frame]:
    """Pictures as they appear, oldest first, each once; which were read is kept beside them."""
    done_file = path / ".sightline-done"
    done = set(done_file.read_text().splitlines()) if done_file.exists() else set()
    sizes: dict[str, int] = {}
    while True:
        waiting = False
        for picture in sorted(path.iterdir(), key=lambda p: p.name):
            if picture.suffix.lower() not in PICTURES or picture.name in done:
                continue
            stat = picture.stat()
            # A recorder may still be writing: take the file when it has not grown since the last look.
            if not once and sizes.get(picture.name) != stat.st_size:
                sizes[picture.name] = stat.st_size
                waiting = True
                continue
            bgr = cv2.imdecode(np.frombuffer(picture.read_bytes() or b"\0", dtype=np.uint8), cv2.IMREAD_COLOR)
            if bgr is None:
                logger.error("%s is no picture that can be read; left out", picture)
            else:
                yield Frame(np.asarray(bgr, dtype=np.uint8), datetime.fromtimestamp(stat.st_mtime, UTC))
            done.add(picture.name)
            with open(done_file, "a") as file:
                file.write(picture.name + "\n")
        if once and not waiting:
            return
        time.sleep(POLL_SECONDS)
