"""Clips as OpenCV reads them. Runs where it may die (`children`); what asks for it is `searching.evidence`."""

import math
import time
from collections.abc import Iterator

import numpy as np

from matching.faces import interlaced
from matching.faces import opencv as cv2
from matching.faces.images import RgbImage

CLIP_WORDS = "mp4, mov, mkv, avi, webm, wmv, flv, mpg, ts or h264"
# Looks at a clip in one of its seconds, at most.
LOOKS = 5.0
# Seconds that may pass in measuring a clip that does not say how long it is.
MEASURING = 60.0
# How many times as wide as high a pixel may be; what states more is damaged.
WIDEST_PIXEL = 4.0
# Of the frames that a clip states, how many may be missing at its end before it is said to be cut short.
FEW, SHARE = 2, 0.02


class ClipRefused(Exception):
    """A clip that is not searched; the text says why and what to send instead."""


def _open(path: str) -> "cv2.VideoCapture":
    video = cv2.VideoCapture(path)
    if not video.isOpened():
        raise ClipRefused(f"The clip cannot be read: it is cut short, damaged, or no {CLIP_WORDS}.")
    return video


def length(path: str) -> float:
    """A clip's seconds, as it says itself or as its frames do. Raises `ClipRefused`."""
    video = _open(path)
    try:
        rate, stated = video.get(cv2.CAP_PROP_FPS) or 25.0, _stated(video)
        if stated:
            return stated / rate
        # A browser's recording does not say it.
        second, number, until = 0.0, 0, time.monotonic() + MEASURING
        while video.grab() and time.monotonic() < until:
            second, number = _second(video, number), number + 1
        return second
    finally:
        video.release()


class Frames:
    """A clip's frames behind one second, each with its second by the clip's own clock: `LOOKS` in a second at most, or
    every one.

    is_whole: whether the clip went on to the end that it states; told once all frames were taken. Raises `ClipRefused`.
    """

    def __init__(self, path: str, after: float, *, every: bool = False) -> None:
        self._path, self._after, self._every = path, after, every
        self.is_whole = True

    def __iter__(self) -> Iterator[tuple[float, RgbImage]]:
        video, number, grabbed = _sought(self._path, self._after)
        try:
            stated, due, first = _stated(video), moment(self._after) + 1, number
            while grabbed:
                second, number = _second(video, number), number + 1
                if second > self._after and (self._every or second * LOOKS >= due - 1e-6):
                    due = moment(second) + 1
                    taken, bgr = video.retrieve()
                    if taken:
                        yield second, _upright(video, bgr)
                grabbed = video.grab()
            if number == first and self._after < 0:
                raise ClipRefused(
                    f"The clip's pictures, in the codec {_codec(video)}, cannot be decoded here. Convert it to an mp4 "
                    "with H.264 and send that."
                )
            self.is_whole = number >= stated - max(FEW, SHARE * stated)
        finally:
            video.release()


def _stated(video: "cv2.VideoCapture") -> float:
    """How many frames a clip states; 0 where that is nonsense."""
    frames = float(video.get(cv2.CAP_PROP_FRAME_COUNT))
    return frames if 0 < frames < 1e9 else 0.0


def _second(video: "cv2.VideoCapture", number: int) -> float:
    """When the frame that was grabbed is shown. number: of frames before it; raw streams have no other clock."""
    shown = float(video.get(cv2.CAP_PROP_POS_MSEC)) / 1000
    return shown if shown > 0 or not number else number / (video.get(cv2.CAP_PROP_FPS) or 25.0)


def _sought(path: str, after: float) -> tuple["cv2.VideoCapture", int, bool]:
    """A clip opened at a frame not behind one second, how many frames lie before that, and whether there is one."""
    video = _open(path)
    if after > 1:
        # Where the rate varies this lands anywhere; only what is too late is of no use.
        video.set(cv2.CAP_PROP_POS_MSEC, after * 1000)
        if video.grab() and 0 < video.get(cv2.CAP_PROP_POS_MSEC) <= after * 1000 + 1:
            return video, max(int(video.get(cv2.CAP_PROP_POS_FRAMES)) - 1, 1), True
        video.release()
        video = _open(path)
    return video, 0, video.grab()


def _upright(video: "cv2.VideoCapture", bgr: RgbImage) -> RgbImage:
    """A frame as a player shows it: in RGB, of one moment, with square pixels."""
    rgb = interlaced.one_moment(np.ascontiguousarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8))
    wide, high = video.get(cv2.CAP_PROP_SAR_NUM), video.get(cv2.CAP_PROP_SAR_DEN)
    if not (wide > 0 and high > 0 and wide != high and 1 / WIDEST_PIXEL <= wide / high <= WIDEST_PIXEL):
        return rgb
    height, width = rgb.shape[:2]
    size = (round(width * wide / high), height) if wide > high else (width, round(height * high / wide))
    return np.ascontiguousarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _codec(video: "cv2.VideoCapture") -> str:
    """Its four letters."""
    letters = int(video.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=False)
    return {"AV01": "AV1", "av01": "AV1"}.get(name := letters.decode("ascii", "replace").strip("\0 "), name)


def moment(second: float) -> int:
    """Which look at a clip falls on a second; frames lie a little behind their moment, never before."""
    return math.floor(second * LOOKS + 0.25)
