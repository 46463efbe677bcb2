"""A gallery engine beside PostgreSQL, as the small Milvus of a package shows it: the calls, and no cluster's speed."""

import tempfile
import time
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection

from benchmarks.common import fresh_database, percentiles, table
from benchmarks.vectors import _like, _rounded, _timed, _write
from cases.models import Collection
from matching.gallery import engines, feeding
from matching.gallery import search as gallery
from tests import milvus

CASES, PROBES, MATES = 50_000, 40, 0.56


def run() -> None:
    model = fresh_database()
    made = _like(np.random.default_rng(2).normal(size=(5000, model.dimensions)).astype(np.float32))
    embeddings = made(CASES)
    _write(model, embeddings, 0, [Collection.objects.create(name=name) for name in ("most", "a third")])
    probes = _rounded(MATES * embeddings[:PROBES] + (1 - MATES**2) ** 0.5 * made(PROBES))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    alone = _timed(probes, lambda e: gallery.search(model, e))
    firsts = [gallery.search(model, probe, limit=1) for probe in probes]
    with tempfile.TemporaryDirectory() as folder, milvus.service(Path(folder)) as address:
        settings.GALLERY_URL = address
        # It is slower than a search waits for.
        engines.milvus.SECONDS = 60.0
        began = time.perf_counter()
        told = feeding.feed()
        filled = told / (time.perf_counter() - began)
        beside = _timed(probes, lambda e: gallery.search(model, e))
        same = sum(gallery.search(model, one, limit=1) == first for one, first in zip(probes, firsts, strict=True))
        assert not feeding.were_away(), "PostgreSQL answered"
        began = time.perf_counter()
        engine = engines.fed()
        assert engine is not None
        differs = len(list(feeding.differences(engine)))
        checked = CASES / (time.perf_counter() - began)
        settings.GALLERY_URL = ""
    table(
        (f"{CASES:,} cases of {model.dimensions} numbers", "measured"),
        ("a search, PostgreSQL alone (p50 / p95)", percentiles(alone)),
        ("a search, milvus-lite beside it", percentiles(beside)),
        ("the same first candidate as PostgreSQL's", f"{same} of {PROBES}"),
        ("filled, templates a second", f"{filled:,.0f}"),
        ("checked, templates a second", f"{checked:,.0f}"),
        ("templates that differ", str(differs)),
    )
