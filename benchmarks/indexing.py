"""Bulk indexing beside the bare detector and recogniser on the same photos, in one run on all cores."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from django.conf import settings

from benchmarks import labelled
from benchmarks.common import bare_engine, fresh_database, table
from cases.models import Case, Collection, add_photo
from matching.faces import images
from matching.indexing import bulk
from matching.models import IndexRun
from tests import faces

SMALL = 1500  # LFW photos of 150 pixels
LARGE = 300  # press photos of up to 1000 pixels


def run() -> None:
    rows = []
    for words, contents in (("150 px", small()), ("1000 px", _large())):
        bare, product = measure(contents)
        rows.append((words, len(contents), f"{bare:.0f}", f"{product:.0f}", f"{product / bare:.0%}"))
    table(
        ("photos", "how many", "bare detector and recogniser, a second", "bulk indexing, a second", "share"),
        *rows,
        ("the sheriff's office in 2017", "300,000", "", "1.2", ""),
    )
    alone = shared(1)
    rates = {1: alone, 2: shared(2)}
    table(
        ("importers of one core each", "photos a second", "times one"),
        *((str(number), f"{rate:.0f}", f"{rate / alone:.2f}") for number, rate in rates.items()),
    )


def shared(processes: int) -> float:
    """Photos a second of so many processes of one core each, which share a run."""
    fresh_database()
    _fill(small())
    own = {**os.environ, "CORES": "1", "STORAGE_URL": f"file://{settings.MEDIA_ROOT}"}
    command = [sys.executable, "-W", "ignore", "manage.py", "index"]
    running = [
        subprocess.Popen(command, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(processes)
    ]
    assert [one.wait() for one in running] == [0] * processes
    return float(IndexRun.objects.get().rate)


def measure(contents: Sequence[bytes]) -> tuple[float, float]:
    """Photos a second of the bare engine, on pictures decoded before, and of the whole of bulk indexing."""
    model = fresh_database()
    engine = bare_engine(model)
    pictures = [images.open_image(content).rgb for content in contents]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(engine.faces, pictures[:20]))
        began = time.perf_counter()
        list(pool.map(engine.faces, pictures))
        bare = len(pictures) / (time.perf_counter() - began)
    del pictures
    _fill(contents)
    began = time.perf_counter()
    bulk.index_waiting()
    return bare, len(contents) / (time.perf_counter() - began)


def _fill(contents: Sequence[bytes]) -> None:
    collection = Collection.objects.create(name="bench")
    for number, content in enumerate(contents):
        case = Case.objects.create(collection=collection, number=str(number))
        add_photo(case, content, "x.jpg", announce=False)


def small() -> list[bytes]:
    if labelled.LFW.is_dir():
        return [photo.path.read_bytes() for photo in labelled.lfw("enrol")[:SMALL]]
    return [
        images.to_jpeg(images.open_image(faces.person(n % 6)).rgb, max_side=150) + bytes([n % 256]) for n in range(60)
    ]


def _large() -> list[bytes]:
    """Press photos at 1000 pixels; each byte string once, as a case keeps no photo twice."""
    paths = sorted((faces.EVAL / "people").glob("*/ref_*")) if faces.EVAL.is_dir() else [faces.ASTRONAUT]
    pictures = [images.open_image(path.read_bytes()).rgb for path in paths]
    large = [images.to_jpeg(_at(1000, rgb)) for rgb in pictures]
    return [large[n % len(large)] + n.to_bytes(2) for n in range(LARGE)]


def _at(side: int, rgb: np.ndarray) -> np.ndarray:
    import cv2

    scale = side / max(rgb.shape[:2])
    return np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale))
