"""Looking back at a million captures: one face, and a new case with its alerts."""

import time
import uuid
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray
from pgvector import HalfVector

from benchmarks import gallery, labelled
from benchmarks.common import fresh_database, percentiles, table
from benchmarks.vectors import _embedded, _like
from cases.models import Case, Collection, Team, add_photo
from matching.gallery import signs
from matching.indexing import single
from matching.models import Alert, Camera, Capture, FaceModel, Probe, ProbeBits
from matching.searching import looking_back
from matching.watching import newcomers
from tests import faces

SIZES = (100_000, 1_000_000)
BLOCK = 50_000
TIMES = 30


def run() -> None:
    model = fresh_database()
    real = labelled.lfw("enrol")
    embeddings = _embedded(model, real) if real else gallery.real_embeddings(model.source)
    made = _like(embeddings)
    cameras = [Camera(name="Gate"), Camera(name="Door")]
    lee, admin = User.objects.create_user("lee"), User(is_superuser=True)
    for camera, name in zip(cameras, ("Theirs", "Ours"), strict=True):
        camera.issue_token()
        camera.teams.add(Team.objects.create(name=name))
    lee.teams.add(Team.objects.get(name="Ours"))
    rows, number = [], 0
    person = faces.person(3)
    for size in SIZES:
        while number < size:
            count = min(BLOCK, size - number)
            _write(model, cameras, made(count), number)
            number += count
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        asked = embeddings[np.random.default_rng(3).permutation(len(embeddings))[:TIMES]]
        for one in asked[:5]:
            _look(model, one, admin)
        one_face = [_timed(lambda one=one: _look(model, one, admin)) for one in asked]
        narrowed = [_timed(lambda one=one: _look(model, one, lee)) for one in asked]
        newcomer = [_newcomer(model, person, size + n) for n in range(5)]
        times = map(percentiles, (one_face, narrowed, newcomer))
        rows.append((f"{size:,}", *times, f"{_megabytes():,} MB"))
    table(
        ("captures kept", "where was this face seen (p50 / p95)", "the same by who sees one camera, of 1 in 100",
         "a new case, to its alert", "bits"), *rows,
    )  # fmt: skip


def _look(model: FaceModel, embedding: NDArray[np.float32], user: User) -> None:
    """As the page does for a probe that is not kept itself."""
    looking_back._look_back(model, user, [(embedding, 0.0, 0.0)])


def _newcomer(model: FaceModel, photo: bytes, number: int) -> float:
    """Milliseconds in which a case that is indexed has been compared with everything."""
    collection, _ = Collection.objects.get_or_create(name="new")
    case = Case.objects.create(collection=collection, number=str(number))
    single.index_photo(add_photo(case, photo, "x.jpg", announce=False).pk)
    took = _timed(newcomers.look_back)
    assert not Alert.objects.filter(seen_before=False).exists()
    return took


def _write(model: FaceModel, cameras: Sequence[Camera], embeddings: NDArray[np.float32], first: int) -> None:
    """Captures of a month with their probes and bits, by COPY. Of a hundred one is the second camera's."""
    now = timezone.now()
    ids = range(first + 1, first + len(embeddings) + 1)
    tables = [
        (Capture, "id, camera_id, uid, image, captured_at, received_at, status",
         ((i, cameras[i % 100 == 0].pk, uuid.uuid4(), "captures/none.jpg", now - timedelta(minutes=i % 40_000), now,
           "no_candidate") for i in ids)),
        (Probe, 'id, model_id, capture_id, embedding, "left", top, "right", bottom, landmarks, detection_score, size, '
         "sharpness, poorness, yaw, pitch, roll, crop, position",
         ((i, model.pk, i, HalfVector(e).to_text(), 0.2, 0.2, 0.8, 0.8, "[]", 0.9, 120.0, 300.0, 0.0, 0.0, 0.0, 0.0,
           "crops/none.jpg", 0) for i, e in zip(ids, embeddings, strict=True))),
        (ProbeBits, "probe_id, model_id, bits",
         ((i, model.pk, signs.text(bits)) for i, bits in zip(ids, signs.signs(embeddings), strict=True))),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        for into, columns, rows in tables:
            with cursor.copy(f"COPY {into._meta.db_table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)


def _timed(call) -> float:  # type: ignore[no-untyped-def]
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _megabytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_table_size(%s)", [ProbeBits._meta.db_table])
        return int(cursor.fetchone()[0]) // 10**6
