"""The edge client over made clips: who is followed, how small, how dark and which way up, against what is true."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np

from benchmarks import walking
from benchmarks.common import table
from edge_client.over_http import Http
from edge_client.queue import DiskQueue
from edge_client.reporting import Reporter
from edge_client.settings import LiveSettings, Settings
from edge_client.sources import Frame
from edge_client.watch import Watch
from tests import faces

RATES = (0.5, 1.0, 2.0, 4.0, 8.0, 12.5)
FULL_HD, FOUR_K = (1920, 1080), (3840, 2160)


def run() -> None:
    if not faces.EVAL.is_dir() or not faces.PACK.is_dir():
        print("The labelled photos or the pack are not here.")
        return
    folder = Path(tempfile.mkdtemp(prefix="sightline-passing-"))
    try:
        followed(folder)
        small(folder)
        seen_badly(folder)
        posters(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def watched(folder: Path, frames: Iterator[Frame], rate: float, model: str = str(faces.PACK)) -> tuple[Watch, int, int]:
    """A clip through the client's own walk. Returns it, the persons that it counted and the faces that it sent."""
    queue = DiskQueue(folder / uuid.uuid4().hex)
    settings = LiveSettings(Settings(fps=rate, detector=model))
    watch = Watch(settings, {}, queue, Reporter(queue, Http("http://127.0.0.1:9", "x"), "clip"), None, has_moments=True)
    for frame in frames:
        watch.look(frame)
    watch.finish()
    queue.close()
    return watch, watch._followed.begun, watch.kept


def followed(folder: Path) -> None:
    """Persons counted and faces sent, at each pace."""
    crossing, crowd = walking.crossing(30, seed=3), walking.crowd(40, seed=3)
    rows = []
    for name, walkers, change, model in (
        ("30 cross in 5 s each", crossing, False, str(faces.PACK)),
        ("the same, another photo of each every second", crossing, True, str(faces.PACK)),
        ("40 stand for 30 s", crowd, False, str(faces.PACK)),
        ("the same, another photo of each every second", crowd, True, str(faces.PACK)),
        ("30 cross in 5 s each, dlib", crossing, False, "dlib"),
    ):
        cells = []
        for rate in RATES:
            _, tracks, sent = watched(folder, walking.played(walkers, rate, change=change), rate, model)
            cells.append(f"{tracks} ({sent})")
        rows.append((name, *cells))
    table(("tracks counted (faces sent), at frames a second of", *(f"{rate:g}" for rate in RATES)), *rows)


def small(folder: Path) -> None:
    """Persons of twenty who cross that are sent, by the width of their faces."""
    widths = ((55, 60), (38, 42), (28, 32), (20, 24))
    rows = []
    for name, size in (("1920x1080", FULL_HD), ("3840x2160", FOUR_K)):
        cells = []
        for width in widths:
            # Who is farther away takes longer to cross.
            seconds = 5 * 110 / width[0]
            walkers = walking.crossing(20, seed=5, seconds=seconds, every=2.0, widths=width, size=size)
            watch, tracks, sent = watched(folder, walking.played(walkers, 2.0, size=size), 2.0)
            cells.append(f"{tracks} ({sent}), of {watch._looking.smallest():.0f}")
        rows.append((name, *cells))
    table(
        ("20 persons at 2 frames a second: tracks (faces sent), smallest said", *(f"{a}-{b} px" for a, b in widths)),
        *rows,
    )


def seen_badly(folder: Path) -> None:
    walkers = walking.crossing(20, seed=6)

    def changed(change: Callable[[np.ndarray], np.ndarray]) -> Iterator[Frame]:
        for frame in walking.played(walkers, 2.0):
            yield replace(frame, bgr=np.ascontiguousarray(change(frame.bgr), np.uint8))

    rows = []
    for name, change in (
        ("as it is", lambda bgr: bgr),
        ("dim", lambda bgr: bgr * 0.3),
        ("night", lambda bgr: bgr * 0.05),
        ("mirrored", lambda bgr: bgr[:, ::-1]),
        ("out of focus", lambda bgr: cv2.GaussianBlur(bgr, (0, 0), 4)),
        ("upside down", lambda bgr: bgr[::-1, ::-1]),
        ("turned to its left", lambda bgr: np.rot90(bgr)),
        ("covered", lambda bgr: np.full_like(bgr, 60)),
    ):
        watch, tracks, sent = watched(folder, changed(change), 2.0)
        said = watch.about()
        rows.append((name, tracks, sent, f"{said['runs']['turn']}°", said["sees"]["unseen"]))
    table(("20 persons of 90-130 px at 2 frames a second", "tracks", "faces sent", "turned by", "said"), *rows)


def posters(folder: Path) -> None:
    """Faces sent in twenty minutes of three posters on a wall that is lit by turns."""
    people = walking.crowd(3, seed=7, face=110)
    rows = []
    for rate in (0.5, 2.0):
        watch, tracks, sent = watched(folder, wall(people, rate, 1200.0), rate)
        rows.append((f"{rate:g}", tracks, sent, len(watch.about()["sees"]["still"])))
    table(("three posters, 20 minutes, frames a second", "tracks", "faces sent", "told as still"), *rows)


def wall(people: list[walking.Walker], rate: float, seconds: float) -> Iterator[Frame]:
    """A picture that does not change but for its noise, and the light, which comes and goes by a third."""
    first = next(walking.played(people, 1.0, size=(1280, 720))).bgr.astype(np.float32)
    random = np.random.default_rng(1)
    noise = random.normal(0, 4, first.shape[:2]).astype(np.float32)[..., None]
    for number in range(int(seconds * rate)):
        at = number / rate
        light = 0.85 + 0.15 * np.sin(at / 200)
        shaken = np.roll(noise, (number * 37 % 720, number * 91 % 1280), (0, 1))
        yield Frame(np.clip(first * light + shaken, 0, 255).astype(np.uint8), walking.BEGAN + timedelta(seconds=at))
