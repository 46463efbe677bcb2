"""The vector search at any size: what it loses against an exact scan, and how long it takes beside FAISS.

CASES="15000 300000" for other sizes. `vectors dlib` takes LFW's faces as dlib embeds them (slow); `vectors 512` only
what is made up.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray
from pgvector import HalfVector

from benchmarks import labelled
from benchmarks.common import fresh_database, percentiles, table
from cases.filters import SearchedCases
from cases.models import Case, Collection
from matching.faces import engines, images, poor
from matching.gallery import search as gallery
from matching.gallery import signs
from matching.indexing import subject
from matching.models import FaceModel, GalleryBits, Template

SIZES = tuple(map(int, os.environ.get("CASES", "15000 300000 1000000").split()))
# Narrowed searches take longer, so fewer are made.
PROBES, FEWER = 1000, 300
MATES, ALIKE = 0.4, 0.3
BLOCK = 50_000
Embeddings = NDArray[np.float32]


def run() -> None:
    if labelled.LFW.is_dir() and "512" not in sys.argv:
        model = fresh_database("dlib" if "dlib" in sys.argv else None)
        enrolled = _embedded(model, labelled.lfw("enrol"))
        probes = _embedded(model, labelled.lfw("mate", "stranger", "enrol_more"))[:PROBES]
        print(f"{model}, {model.dimensions} numbers: faces of LFW among made-up ones of the same mean and covariance\n")
        _measure(model, enrolled, probes, _like(enrolled))
    model = fresh_database()
    model.dimensions, model.poor_direction = 512, None
    model.save()
    made = _like(np.random.default_rng(2).normal(size=(5000, 512)).astype(np.float32))
    enrolled = made(PROBES)
    probes = _rounded(MATES * enrolled + (1 - MATES**2) ** 0.5 * made(PROBES))
    print(f"\n512 numbers: random directions, each probe's mate at a similarity of {MATES}\n")
    _measure(model, enrolled, probes, made)


def _measure(model: FaceModel, enrolled: Embeddings, probes: Embeddings, made: Callable[[int], Embeddings]) -> None:
    collections = [Collection.objects.create(name=name) for name in ("most", "a third")]
    embeddings, speed, losses = enrolled, [], []
    _write(model, enrolled, 0, collections)
    for size in SIZES:
        while len(embeddings) < size:
            more = made(min(BLOCK, size - len(embeddings)))
            _write(model, more, len(embeddings), collections)
            embeddings = np.vstack([embeddings, more])
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        speed.append(_speed(model, size, embeddings, probes))
        losses.append(_losses(model, size, embeddings, probes, collections))
    table(
        ("cases", "search p50 / p95", "the gallery not in memory", "of one sex", "exact scan", "FAISS flat",
         "FAISS bits, re-ranked",
         "to FAISS flat", "to FAISS bits", "templates, bits in PostgreSQL", "FAISS flat, bits"),
        *speed,
    )  # fmt: skip
    print()
    table(
        ("cases", "shortlist", "the exact scan's first candidate found first", "in one collection", "of one sex"),
        *losses,
    )


def _embedded(model: FaceModel, photos: Sequence[labelled.Labelled]) -> Embeddings:
    """The central face of each photo, as a search compares it."""
    engine, found = engines.load(model.source), []
    for photo in photos:
        rgb = images.open_image(photo.path.read_bytes()).rgb
        if seen := engine.faces(rgb):
            found.append(seen[subject.by_position([face.relative_box(rgb) for face in seen]).faces[0]].embedding)
    return _rounded(poor.without(np.array(found), model.direction)[0])


def _like(real: Embeddings) -> Callable[[int], Embeddings]:
    """Made-up embeddings with the mean and covariance of real ones."""
    random, mean = np.random.default_rng(1), real.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(real.T))
    root = (vectors * np.sqrt(np.maximum(values, 0))).astype(np.float32)

    def made(count: int) -> Embeddings:
        drawn = mean + random.normal(size=(count, real.shape[1])).astype(np.float32) @ root.T
        return _rounded(drawn)

    return made


def _rounded(embeddings: Embeddings) -> Embeddings:
    """Of unit length, and as the database keeps them."""
    embeddings = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(embeddings.astype(np.float16), np.float32)


def _write(model: FaceModel, embeddings: Embeddings, first: int, collections: Sequence[Collection]) -> None:
    """Cases with a template each, by COPY. A case's place in the gallery is its id; every other one is female."""
    now, ids = timezone.now(), range(first + 1, first + len(embeddings) + 1)
    cases = (
        Case(
            pk=pk, collection=collections[pk % 3 == 0], number=f"G{pk}", sex="female" if pk % 2 else "male",
            circumstances="x" * 300, created_at=now, updated_at=now,
        )
        for pk in ids
    )  # fmt: skip
    _copy(Case, cases)
    of = zip(ids, embeddings, signs.signs(embeddings), strict=True)
    _copy(
        Template,
        (
            Template(pk=pk, model=model, case_id=pk, embedding=HalfVector(one), bits=signs.text(bits), faces=1)
            for pk, one, bits in of
        ),
    )


def _copy(kind: type[Any], rows: Iterable[Any]) -> None:
    """Rows by COPY, each column as Django would write it."""
    fields = kind._meta.concrete_fields
    columns = ", ".join(field.column for field in fields)
    with connection.cursor() as cursor, cursor.copy(f"COPY {kind._meta.db_table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields])


def _flat(embeddings: Embeddings) -> Any:
    index = faiss.IndexFlatIP(embeddings.shape[1])
    index.add(embeddings)
    return index


def _speed(model: FaceModel, size: int, embeddings: Embeddings, probes: Embeddings) -> tuple[str, ...]:
    flat, bits = _flat(embeddings), faiss.IndexBinaryFlat(signs.SIGNS)
    for first in range(0, size, BLOCK):
        bits.add(np.packbits(signs.signs(embeddings[first : first + BLOCK]), axis=1))
    women = SearchedCases({"sex": "female"}).qs
    few = probes[:: len(probes) // 100][:100]
    narrowed = _timed(few, lambda e: gallery.search(model, e, cases=women))
    search = _timed(few, lambda e: gallery.search(model, e))
    with _in_database():
        in_database = _timed(few, lambda e: gallery.search(model, e))
    with _exact():
        exact = _timed(few[:20], lambda e: gallery.search(model, e))
    faiss.omp_set_num_threads(1)
    flat_times = _timed(few, lambda e: flat.search(e[None], 20))

    shortlist = gallery.shortlist(size)

    def reranked(e: Embeddings) -> None:
        _, near = bits.search(np.packbits(signs.signs(e[None]), axis=1), shortlist)
        np.argsort(-(embeddings[near[0]] @ e))[:20]

    bits_times = _timed(few, reranked)
    return (
        f"{size:,}", *map(percentiles, (search, in_database, narrowed, exact, flat_times, bits_times)),
        f"{np.median(search) / np.median(flat_times):.1f}", f"{np.median(search) / np.median(bits_times):.1f}",
        f"{_megabytes(Template)} MB, {_megabytes(GalleryBits)} MB",
        f"{embeddings.nbytes / 1e6:.0f} MB, {size * signs.SIGNS / 8e6:.0f} MB",
    )  # fmt: skip


def _losses(
    model: FaceModel, size: int, embeddings: Embeddings, probes: Embeddings, collections: Sequence[Collection]
) -> tuple[str, ...]:
    """How often the first candidate is the exact scan's, of all probes; as alike a one counts as the same."""
    ids = np.arange(1, size + 1)
    women = SearchedCases({"sex": "female"}).qs
    narrowings: list[tuple[NDArray[np.bool_], dict[str, Any]]] = [
        (np.ones(size, bool), {}),
        (ids % 3 == 0, {"collections": [collections[1].pk]}),
        (ids % 2 == 1, {"cases": women}),
    ]
    cells = []
    for mask, narrowed in narrowings:
        asked = probes[: FEWER if narrowed else None]
        first, _ = _flat(embeddings[mask]).search(asked, 1)
        with _shortlisted():
            found = [gallery.search(model, probe, limit=1, **narrowed)[0].similarity for probe in asked]
        # Where nobody is alike it does not matter who comes first.
        alike = first[:, 0] > ALIKE
        same = np.abs(np.array(found) - first[:, 0]) < 1e-3
        cells.append(f"{(same & alike).sum():,} of {alike.sum():,}")
    return (f"{size:,}", f"{gallery.shortlist(size):,}", *cells)


@contextmanager
def _set(name: str, value: int) -> Iterator[None]:
    before = getattr(gallery, name)
    setattr(gallery, name, value)
    try:
        yield
    finally:
        setattr(gallery, name, before)


def _exact() -> Any:
    return _set("EXACT_TO", sys.maxsize)


def _shortlisted() -> Any:
    return _set("EXACT_TO", 0)


def _in_database() -> Any:
    return _set("HELD_TO", 0)


def _megabytes(table_: type[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_table_size(%s) / 1000000", [table_._meta.db_table])
        return int(cursor.fetchone()[0])


def _timed(probes: Embeddings, call: Callable[[Embeddings], object]) -> list[float]:
    """Milliseconds of each call, after three that warm up."""
    for probe in probes[:3]:
        call(probe)
    times = []
    for probe in probes:
        started = time.perf_counter()
        call(probe)
        times.append((time.perf_counter() - started) * 1000)
    return times
