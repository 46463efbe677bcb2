"""Clips as OpenCV reads them. Runs where it may die (`children`); what asks for it is `searching.evidence`."""

import math
from collections.abc import Iterator

import numpy as np

from matching.faces import opencv as cv2
from matching.faces.images import RgbImage

CLIP_WORDS = "mp4, mov, mkv, avi or webm"
# Looks at a clip in one of its seconds, at most.
LOOKS = 5.0


class ClipRefused(Exception):
    """A clip that is not searched; the text says why and what to send instead."""


def _open(path: str) -> "cv2.VideoCapture":
    video = cv2.VideoCapture(path)
    if not video.isOpened():
        raise ClipRefused(f"The clip cannot be read: it is cut short, damaged, or no {CLIP_WORDS}.")
    return video


def length(path: str) -> float:
    """A clip's seconds, as it says itself; 0 where it states nonsense. Raises `ClipRefused`."""
    video = _open(path)
    try:
        rate, frames = video.get(cv2.CAP_PROP_FPS) or 25.0, video.get(cv2.CAP_PROP_FRAME_COUNT)
    finally:
        video.release()
    return frames / rate if 0 < frames < 1e9 else 0.0


def frames(path: str, after: float) -> Iterator[tuple[float, RgbImage]]:
    """A clip's frames behind one second, `LOOKS` in a second at most, each with its second. Raises `ClipRefused`."""
    video = _open(path)
    try:
        rate = video.get(cv2.CAP_PROP_FPS) or 25.0
        number = max(0, math.floor(after * rate + 0.5) + 1)
        if number:
            video.set(cv2.CAP_PROP_POS_FRAMES, number)
        due = moment(after) + 1
        while video.grab():
            second, number = number / rate, number + 1
            if second * LOOKS < due - 1e-6:
                continue
            due = moment(second) + 1
            taken, bgr = video.retrieve()
            if taken:
                yield second, np.ascontiguousarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    finally:
        video.release()


def moment(second: float) -> int:
    """Which look at a clip falls on a second; frames lie a little behind their moment, never before."""
    return math.floor(second * LOOKS + 0.25)
