"""Search by upload against 15,000 cases: the whole of it and its parts, in one run."""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks import gallery as made
from benchmarks.common import fresh_database, percentiles, table
from matching.faces import engines, images
from matching.gallery import search as gallery
from matching.models import FaceModel
from matching.searching import pictures
from tests import faces

SIZES = (1_000, 15_000)
PROBES = 40


def run() -> None:
    rows = []
    for size in SIZES:
        model = fresh_database()
        made.fill(model, size)
        paths = (
            sorted((faces.EVAL / "people").glob("*/*"))[:PROBES] if faces.EVAL.is_dir() else [faces.ASTRONAUT] * PROBES
        )
        contents = [path.read_bytes() for path in paths]
        engine = engines.load(model.source)
        embeddings = [engine.faces(images.open_image(content).rgb)[0].embedding for content in contents]
        whole = [_timed(partial(pictures.search_image, c, "x.jpg", user=None, purpose="bench")) for c in contents]
        vector = [_timed(partial(gallery.search, model, e)) for e in embeddings]
        group = faces.GROUP.read_bytes()
        six = [_timed(partial(pictures.search_image, group, "x.jpg", user=None, purpose="bench")) for _ in range(10)]
        faces_ = [_timed(partial(_faces, engine, c)) for c in contents]
        plain = [_timed(partial(gallery.search, model, e, common=0.0)) for e in embeddings]
        people = np.array([face.embedding for face in engine.faces(images.open_image(group).rgb)])
        alone = [_timed(partial(_one_by_one, model, people)) for _ in range(15)]
        together = [_timed(partial(gallery.search_all, model, people)) for _ in range(15)]
        counted = [_timed(partial(gallery.size, model)) for _ in embeddings]
        # The same scan in numpy, for the ratio: a matrix product in this process's memory.
        matrix = np.random.default_rng(2).normal(size=(size, model.dimensions)).astype(np.float32)
        product = [_timed(partial(_scan, matrix, e)) for e in embeddings]
        rows.append(
            (f"{size:,}", *map(percentiles, (whole, six, faces_, vector, plain, alone, together, counted, product)))
        )
    table(
        ("cases", "portrait: upload to candidates, kept (p50 / p95)", "group photo of six",
         "of the portrait's decode, detect, embed", "the vector search and the faces to show",
         "without commonness", "six faces one by one", "together", "the count of cases",
         "numpy scan, to compare"),
        *rows,
    )  # fmt: skip


def _one_by_one(model: FaceModel, embeddings: NDArray[np.float32]) -> None:
    for embedding in embeddings:
        gallery.search(model, embedding)


def _faces(engine: engines.Engine, content: bytes) -> None:
    engine.faces(images.open_image(content).rgb, thorough=True)


def _scan(matrix: NDArray[np.float32], embedding: NDArray[np.float32]) -> None:
    np.argsort(-(matrix @ embedding))[:20]


def _timed(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
