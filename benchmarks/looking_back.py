"""Looking back at a million captures: one face, a new case with its alerts, and many new cases at once.

`python -m benchmarks looking_back`, with `LARGEST=10000000` before it for ten million (15 GB of disk, half an hour).
"""

import os
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
from matching.models import Alert, Camera, Capture, FaceModel, Probe, ProbeBits, Template
from matching.searching import looking_back
from matching.watching import newcomers
from tests import faces

# Up to so many each is made up; more are those again, with other bits, which costs a tenth of the time.
MADE_UP = 1_000_000
SIZES = sorted({100_000, MADE_UP, int(os.environ.get("LARGEST", MADE_UP))})
BLOCK = 50_000
TIMES, NEW = 30, 500


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
        while number < min(size, MADE_UP):
            count = min(BLOCK, size - number)
            _write(model, cameras, made(count), number)
            number += count
        while number < size:
            _again(number)
            number += MADE_UP
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        asked = embeddings[np.random.default_rng(3).permutation(len(embeddings))[:TIMES]]
        for one in asked[:5]:
            _look(model, one, admin)
        one_face = [_timed(lambda one=one: _look(model, one, admin)) for one in asked]
        narrowed = [_timed(lambda one=one: _look(model, one, lee)) for one in asked]
        newcomer = [_newcomer(model, person, size + n) for n in range(5)]
        times = map(percentiles, (one_face, narrowed, newcomer))
        rows.append((f"{size:,}", *times, f"{_newcomers(model, made(NEW), size):.1f} ms", f"{_megabytes():,} MB"))
    table(
        ("captures kept", "where was this face seen (p50 / p95)", "the same by who sees one camera, of 1 in 100",
         "a new case, to its alert", f"each of {NEW} new cases", "bits"), *rows,
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


def _newcomers(model: FaceModel, embeddings: NDArray[np.float32], number: int) -> float:
    """Milliseconds in which each of many new cases that are like nobody has been compared with everything."""
    collection, _ = Collection.objects.get_or_create(name="new")
    cases = Case.objects.bulk_create(Case(collection=collection, number=f"{number} {n}") for n in range(NEW))
    Template.objects.bulk_create(
        Template(case=case, model=model, embedding=one, bits=signs.text(bits), faces=1)
        for case, one, bits in zip(cases, embeddings, signs.signs(embeddings), strict=True)
    )
    return _timed(newcomers.look_back) / NEW


def _again(number: int) -> None:
    """The captures that were made up, once more, with bits that are as far from theirs as strangers' are."""
    mask = signs.text(np.random.default_rng(number).random(signs.SIGNS) < 0.5)
    capture = "camera_id, gen_random_uuid(), image, captured_at, received_at, status"
    probe = (
        'embedding, "left", top, "right", bottom, landmarks, detection_score, size, sharpness, poorness, yaw, pitch, '
        "roll, crop, position"
    )
    with connection.cursor() as cursor:
        # Nothing refers to what is not there, so that need not be looked up for each.
        cursor.execute("SET session_replication_role = replica")
        for statement in (
            f"INSERT INTO matching_capture (id, camera_id, uid, image, captured_at, received_at, status) "
            f"SELECT id + %(more)s, {capture} FROM matching_capture WHERE id <= %(first)s",
            f"INSERT INTO matching_probe (id, model_id, capture_id, {probe}) "
            f"SELECT id + %(more)s, model_id, capture_id + %(more)s, {probe} FROM matching_probe WHERE id <= %(first)s",
            "INSERT INTO matching_probebits (probe_id, model_id, bits) "
            "SELECT probe_id + %(more)s, model_id, bits # %(mask)s::bit(1024) FROM matching_probebits "
            "WHERE probe_id <= %(first)s",
        ):
            cursor.execute(statement, {"more": number, "first": MADE_UP, "mask": mask})
        cursor.execute("SET session_replication_role = DEFAULT")


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
