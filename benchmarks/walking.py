"""Clips of people made from labelled photos, so that who passes, how fast and how large is known exactly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.labelled import lfw
from edge_client.sources import Frame
from tests import faces

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
Bgr = NDArray[np.uint8]
# Of a 150 px photo of the set the face takes so much of the width.
FACE_SHARE = 0.5


@dataclass(frozen=True)
class Walker:
    """photos: of one person, one after the other, each for a second. face: width of the face, pixels.

    since: second at which they come. seconds: that they take from one side to the other, or stand.
    """

    photos: Sequence[Bgr]
    face: float
    since: float
    seconds: float
    y: float
    x: float = -1.0
    leftwards: bool = False


def crossing(count: int, seed: int, *, size: tuple[int, int] = (1920, 1080), widths: tuple[float, float] = (90, 130),
             seconds: float = 5.0, every: float = 1.2) -> list[Walker]:  # fmt: skip
    """Persons who cross the picture one after another, at different heights, from both sides."""
    random = np.random.default_rng(seed)
    return [
        Walker(
            photos, random.uniform(*widths), n * every, seconds, random.uniform(0.15, 0.75) * size[1],
            leftwards=n % 2 == 1,
        )
        for n, photos in enumerate(_persons(count, seed))
    ]  # fmt: skip


def crowd(count: int, seed: int, *, size: tuple[int, int] = (1920, 1080), face: float = 60) -> list[Walker]:
    """Persons who stand in rows for half a minute, and move their heads a little."""
    columns = 10
    rows = -(-count // columns)
    return [
        Walker(
            photos, face, 0.0, 30.0, y=(n // columns + 0.7) * size[1] / (rows + 0.7),
            x=(n % columns + 0.5) * size[0] / columns,
        )
        for n, photos in enumerate(_persons(count, seed))
    ]  # fmt: skip


def _persons(count: int, seed: int) -> list[list[Bgr]]:
    """Photos of each of so many persons; of those with several, several."""
    found: dict[str, list[Path]] = {}
    for photo in [*lfw("mate"), *lfw("enrol"), *lfw("enrol_more")]:
        found.setdefault(photo.person, []).append(photo.path)
    names = sorted(found)
    np.random.default_rng(seed).shuffle(names)
    return [[np.asarray(cv2.imread(str(path)), np.uint8) for path in found[name]] for name in names[:count]]


def played(walkers: Sequence[Walker], rate: float, *, size: tuple[int, int] = (1920, 1080), seed: int = 0,
           change: bool = False) -> Iterator[Frame]:  # fmt: skip
    """The clip at so many looks a second, with noise, over ground that moves. change: of whom there are several photos,
    another is shown each second: as hard as a clip can be for who follows by faces."""
    random = np.random.default_rng(seed)
    width, height = size
    ground = cv2.GaussianBlur(
        cv2.resize(np.asarray(cv2.imread(str(faces.GROUP)), np.uint8), (width * 2, height * 2)), (0, 0), 16
    )
    noise = random.normal(0, 4, (height, width, 1)).astype(np.float32)
    phase = random.uniform(0, 6.28, len(walkers))
    end = max(one.since + one.seconds for one in walkers) + 2
    for number in range(int(end * rate)):
        at = number / rate
        dx = int(width / 4 * (1 + np.sin(at / 3)))
        bgr = ground[height // 2 : height // 2 + height, dx : dx + width].copy()
        for n, one in enumerate(walkers):
            if not one.since <= at < one.since + one.seconds:
                continue
            part = (at - one.since) / one.seconds
            photo = one.photos[int(at) % len(one.photos) if change else 0]
            head = photo[10:140, 20:130]
            across = max(8, round(one.face / FACE_SHARE * head.shape[1] / photo.shape[1]))
            head = cv2.resize(head, (across, across * head.shape[0] // head.shape[1]), interpolation=cv2.INTER_AREA)
            high, wide = head.shape[:2]
            if one.x >= 0:
                x = one.x + one.face * 0.1 * np.sin(at * 2 + phase[n]) - wide / 2
            else:
                x = (width - wide) * (1 - part if one.leftwards else part)
            y = one.y + one.face * 0.06 * np.sin(at * 9 + phase[n]) - high / 2
            left, top = max(0, int(x)), max(0, int(y))
            high, wide = min(high, height - top), min(wide, width - left)
            if high > 0 and wide > 0:
                bgr[top : top + high, left : left + wide] = head[:high, :wide]
        moved = np.roll(noise, (number * 37 % height, number * 91 % width), (0, 1))
        yield Frame(np.clip(bgr + moved, 0, 255).astype(np.uint8), BEGAN + timedelta(seconds=at))
