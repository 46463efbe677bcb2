"""The edge client by itself: how fast it looks, what it sends and whom it misses, and its queue with 20,000 waiting."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import percentiles, table
from benchmarks.labelled import Labelled, lfw
from edge_client import detectors
from edge_client.over_http import Http
from edge_client.queue import DiskQueue
from edge_client.reporting import Reporter
from edge_client.settings import LiveSettings, Settings
from edge_client.sources import Frame
from edge_client.watch import Watch
from matching.faces import images
from matching.faces.engines.pack import PackEngine
from tests import faces
from tests.product import ROOT

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CLIP = faces.EVAL / "video" / "clip.mp4"
RATE, WAITING = 25, 20_000
Bgr = NDArray[np.uint8]


def run() -> None:
    if not CLIP.is_file() or not faces.PACK.is_dir():
        print("The clip or the pack is not here.")
        return
    folder = Path(tempfile.mkdtemp(prefix="sightline-edge-"))
    try:
        queue_with_many(folder)
        speed(folder)
        found(folder)
        memory(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def queue_with_many(folder: Path) -> None:
    queue, jpeg = DiskQueue(folder / "many", limit=WAITING), os.urandom(20_000)
    queue._database.execute("PRAGMA synchronous = OFF")
    for _ in range(WAITING):
        _put(queue, jpeg)
    queue._database.execute("PRAGMA synchronous = FULL")
    puts, takes = [], []
    for _ in range(300):
        began = time.perf_counter()
        _put(queue, jpeg)
        puts.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        queue.sent(queue.first()[0])
        takes.append((time.perf_counter() - began) * 1000)
    table(
        (f"{WAITING:,} faces of 20 KB wait", "p50 / p95"),
        ("put, with one dropped for it", percentiles(puts)),
        ("take and settle", percentiles(takes)),
    )
    queue.close()


def _put(queue: DiskQueue, jpeg: bytes) -> None:
    queue.put(jpeg, {"id": str(uuid.uuid4()), "captured_at": BEGAN.isoformat()}, uuid.uuid4().hex, 0.5)


def clip(width: int, step: int) -> Iterator[Frame]:
    video, number = cv2.VideoCapture(str(CLIP)), 0
    while True:
        taken, bgr = video.read()
        if not taken:
            return
        if number % step == 0:
            small = cv2.resize(bgr, (width, width * 9 // 16), interpolation=cv2.INTER_AREA)
            yield Frame(np.asarray(small, np.uint8), BEGAN + timedelta(seconds=number / RATE))
        number += 1


def watching(folder: Path, rate: float, score: float = 0.8, threads: int = 1) -> tuple[Watch, DiskQueue]:
    queue = DiskQueue(folder / uuid.uuid4().hex)
    settings = LiveSettings(Settings(fps=rate, min_score=score, detector=str(faces.PACK)))
    reporter = Reporter(queue, Http("http://127.0.0.1:9", "x"), "clip")
    return Watch(settings, {}, queue, reporter, None, has_moments=True, threads=threads), queue


def speed(folder: Path) -> None:
    """On one core, as fast as it goes: with the whole frame looked at each time, and as it does it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    cv2.setNumThreads(1)
    frames = list(clip(1280, 2))
    try:
        rows = []
        for name in ("every frame whole", "whole each 0.4 s, else around those in view"):
            watch, _ = watching(folder, 12.5)
            if name.startswith("every"):
                watch._followed.expected = lambda at: []  # type: ignore[method-assign]
                detector = watch._looking.detector
                looked = time.perf_counter()
                for frame in frames:
                    watch._followed.see(frame, [f for f in detector.find(frame.bgr) if f.detection_score >= 0.8])
            else:
                looked = time.perf_counter()
                for frame in frames:
                    watch.look(frame)
            rows.append((name, f"{len(frames) / (time.perf_counter() - looked):.1f}"))
        table(("1280x720 of the clip (6 to 9 faces), one core", "frames a second"), *rows)
    finally:
        os.sched_setaffinity(0, before)
        cv2.setNumThreads(0)


def found(folder: Path) -> None:
    """Whom the server finds by what is sent, beside what it finds by every face of every frame."""
    engine = PackEngine(faces.PACK)
    mates = {photo.person: photo.path for photo in lfw("mate")}
    enrolled = [photo for photo in lfw("enrol") if photo.person in mates][:300]
    gallery = np.stack([embedded(engine, read(one.path)) for one in enrolled])
    rows = []
    for rate in (2.0, 5.0, 10.0):
        every: set[str] = set()
        best: set[str] = set()
        seen = sent = 0
        for seed in range(4):
            people = [enrolled[(seed * 8 + i) % len(enrolled)].person for i in range(8)]
            watch, queue = watching(folder, rate, score=0.6, threads=0)
            detector = watch._looking.detector
            for frame in made(people, mates, rate, seed):
                for face in detector.find(frame.bgr):
                    if face.detection_score >= 0.6:
                        seen += 1
                        every |= named(engine, detectors.cut_out(frame.bgr, face)[0], gallery, enrolled, seed)
                watch.look(frame)
            watch.finish()
            for waiting in queue.first(10_000):
                sent += 1
                best |= named(engine, waiting.jpeg, gallery, enrolled, seed)
            queue.close()
        rows.append((f"{rate:g}", seen, len(every), sent, f"{sent / seen:.1%}", len(best), len(every - best)))
    head = (
        "frames a second",
        "faces seen",
        "persons found by all",
        "sent",
        "share",
        "persons found by these",
        "missed",
    )
    table(head, *rows)


def made(people: list[str], photos: dict[str, Path], rate: float, seed: int, seconds: float = 8.0) -> Iterator[Frame]:
    """Eight persons over moving ground: four cross each other, two leave and come back, two come nearer."""
    random = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(cv2.resize(read(faces.GROUP), (2600, 1400)), (0, 0), 12)
    heads = [read(photos[person])[15:135, 25:125] for person in people]
    phase = random.uniform(0, 0.3, len(heads))
    for number in range(int(seconds * rate)):
        at = number / rate
        dx = int(300 + 250 * np.sin(at / 3))
        bgr = ground[200:920, dx : dx + 1280].copy()
        for i, head in enumerate(heads):
            size, x, y = 90, 0.0, 60 + 150 * (i // 2)
            part = at / seconds + phase[i]
            if i < 4:
                x = 1180 * part if i % 2 else 1180 * (1 - part)
            elif i < 6:
                x = 200 + 700 * (i - 4) + 120 * np.sin(at)
                if 0.35 < at / seconds < 0.65:
                    continue
            else:
                x, size = 350 + 450 * (i - 6), int(60 + 90 * at / seconds)
            small = cv2.resize(head, (size, size * 6 // 5))
            left, top = int(x), int(y + 6 * np.sin(at * 3 + i))
            height, width = small.shape[:2]
            if 0 <= left < 1280 - width and 0 <= top < 720 - height:
                bgr[top : top + height, left : left + width] = small
        noisy = np.clip(bgr + random.normal(0, 4, bgr.shape), 0, 255).astype(np.uint8)
        yield Frame(noisy, BEGAN + timedelta(seconds=at))


def read(path: Path) -> Bgr:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def embedded(engine: PackEngine, bgr: Bgr) -> NDArray[np.float32]:
    """Of its most central face."""
    height, width = bgr.shape[:2]
    found = engine.faces(np.ascontiguousarray(bgr[:, :, ::-1]))
    return min(found, key=lambda f: abs(f.box[0] + f.box[2] - width) + abs(f.box[1] + f.box[3] - height)).embedding


def named(
    engine: PackEngine, jpeg: bytes, gallery: NDArray[np.float32], enrolled: list[Labelled], seed: int
) -> set[str]:
    """Whom of the gallery a sent crop is surely like, with the clip that it is of."""
    opened = images.open_image(jpeg)
    found = engine.faces(opened.rgb)
    if not found:
        return set()
    height, width = opened.rgb.shape[:2]
    middle = min(found, key=lambda f: abs(f.box[0] + f.box[2] - width) + abs(f.box[1] + f.box[3] - height))
    likeness = gallery @ middle.embedding
    best = int(likeness.argmax())
    return {f"{seed} {enrolled[best].person}"} if likeness[best] >= 0.5 else set()


def memory(folder: Path) -> None:
    """What a client at work holds, by detector and size of the frames."""
    sources = {}
    for width in (1280, 3840):
        sources[width] = folder / f"{width}.mp4"
        size = (width, width * 9 // 16)
        writer = cv2.VideoWriter(str(sources[width]), cv2.VideoWriter.fourcc(*"mp4v"), RATE, size)
        for frame in clip(width, 1):
            writer.write(frame.bgr)
        writer.release()
    code = (
        "import sys; from edge_client.__main__ import main; main(sys.argv[1:]);"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    rows = []
    for model in ("dlib", str(faces.PACK)):
        cells = []
        for source in (sources[1280], CLIP, sources[3840]):
            words = ["--source", str(source), "--server", "http://127.0.0.1:9", "--queue", str(folder / "m")]
            ended = subprocess.run(
                [sys.executable, "-c", code, *words, "--model", model, "--threads", "1"], cwd=ROOT, text=True,
                env={**os.environ, "SIGHTLINE_TOKEN": "x"}, check=False, capture_output=True,
            )  # fmt: skip
            cells.append(str(round(int(ended.stdout) / 1024)))
        rows.append((Path(model).name, *cells))
    table(("MB at most, by detector", "1280x720", "1920x1080", "3840x2160"), *rows)
