"""Unnamed people: LFW's faces grouped as they come, from a camera and in batches, and anew in the night; and 50,000
captures, how quickly."""

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from benchmarks import labelled
from benchmarks.common import fresh_database, percentiles, table
from cases.models import Collection
from matching.faces import engines, images
from matching.faces.engines.base import unit_length
from matching.faces.rows import face_columns
from matching.gallery import kept_faces
from matching.indexing import subject
from matching.models import Batch, BatchFile, Camera, Capture, FaceModel, Probe, Shot, UnnamedFace
from matching.searching import batch_persons, batches
from matching.unnamed import grouping, seen
from tests import faces

CAPTURES, PEOPLE, JOINED = 50_000, 30_000, 300
PHOTOS = 1000
IN_A_BATCH = 40
# A capture's cosine to the picture it was made of: two of one picture are then some 0.72 alike.
LIKENESS = 0.85
NUMBERS = {
    "left": 0, "top": 0, "right": 1, "bottom": 1, "landmarks": [], "detection_score": 0.9, "size": 100,
    "sharpness": 100, "poorness": 0, "yaw": 0, "pitch": 0, "roll": 0, "crop": "x.jpg",
}  # fmt: skip


def run() -> None:
    if not labelled.LFW.is_dir():
        print("LFW is not here.")
        return
    alike = [labelled.Labelled(path, path.parent.name) for path in sorted((faces.EVAL / "people").glob("*/*.jpg"))]
    lfw = labelled.lfw("enrol", "enrol_more", "mate", "stranger")
    rows = [
        row
        for name, photos in (("LFW", lfw), ("`people/`, who are alike", alike))
        for share in (0.0, 0.5)
        for row in _grouped(name, photos, share)
    ]
    head = ("faces", "persons", "of them in batches", "grouped", "persons found")
    table((*head, "pairwise precision", "recall", "mixed"), *rows)
    print()
    _speed(lfw[:PHOTOS])


def _grouped(name: str, photos: Sequence[labelled.Labelled], share: float) -> list[tuple[object, ...]]:
    """Photos as a camera's captures, each joined as it comes, a share of them as batches' pictures, each batch when it
    is done; then all of them as in the night."""
    model = fresh_database()
    columns, people = _found(model, photos)
    camera, random = _camera(), np.random.default_rng(1)
    owners: dict[tuple[str, int], str] = {}
    waiting: list[int] = []
    for place in random.permutation(len(columns)):
        if random.random() < share:
            waiting.append(place)
            if len(waiting) == IN_A_BATCH:
                owners |= _batch(model, columns, people, waiting)
                waiting = []
            continue
        capture = _captures(camera, [columns[place]], [timezone.now()])[0]
        owners["probe", capture.probe.pk] = people[place]
        with transaction.atomic():
            grouping.join(capture.probe)
    owners |= _batch(model, columns, people, waiting)
    by_day = _scores(owners)
    grouping.regroup()
    head = (f"{len(people):,} of {name}", f"{len(set(people)):,}", f"{share:.0%}")
    return [(*head, "as they come", *by_day), (*head, "in the night", *_scores(owners))]


def _batch(
    model: FaceModel, columns: Sequence[dict[str, Any]], people: Sequence[str], places: Sequence[int]
) -> dict[tuple[str, int], str]:
    """A batch's pictures, a face in each: its persons told apart, searched and grouped. Returns whose each face is."""
    batch = batches.begin(user=None, purpose="benchmark")
    file = BatchFile.objects.create(batch=batch, name="x.zip", file="x.zip")
    made = [Shot(file=file, name=str(place), place=place, **columns[place]) for place in places]
    Shot.objects.bulk_create(made)
    batch_persons.conclude(batch)
    Batch.objects.filter(pk=batch.pk).update(status=Batch.Status.DONE)
    grouping.join_batch(batch)
    return {("shot", shot.pk): people[shot.place] for shot in made}


def _found(model: FaceModel, photos: Sequence[labelled.Labelled]) -> tuple[list[dict[str, Any]], list[str]]:
    """Each photo's central face as a worker keeps it, and whose it is."""
    engine, found, people = engines.load(model.source), [], []
    for photo in photos:
        rgb = images.open_image(photo.path.read_bytes()).rgb
        if seen_ := engine.faces(rgb):
            face = seen_[subject.by_position([one.relative_box(rgb) for one in seen_]).faces[0]]
            found.append(face_columns(model, rgb, face) | {"crop": "x.jpg"})
            people.append(photo.person)
    return found, people


def _camera() -> Camera:
    Collection.objects.create(name="Missing", unnamed_days=3650)
    camera = Camera(name="Gate")
    camera.issue_token()
    return camera


def _captures(camera: Camera, columns: Sequence[dict[str, Any]], at: Sequence[datetime]) -> list[Capture]:
    """With their probes, kept as a worker keeps them."""
    captures = Capture.objects.bulk_create(
        [Capture(camera=camera, uid=uuid.uuid4(), image="x.jpg", captured_at=one, status="no_candidate") for one in at],
        2000,
    )
    probes = [Probe(capture=capture, **one) for capture, one in zip(captures, columns, strict=True)]
    Probe.objects.bulk_create(probes, 2000)
    for start in range(0, len(probes), 2000):
        kept_faces.keep_all(probes[start : start + 2000])
    return captures


def _made(model: FaceModel, embeddings: NDArray[np.float32]) -> list[dict[str, Any]]:
    return [NUMBERS | {"model": model, "embedding": one} for one in embeddings]


def _scores(owners: dict[tuple[str, int], str]) -> tuple[str, str, str, int]:
    """Of faces: those of captures by their probe, those of batches by the picture that they are in."""
    faces = [(("probe", probe), person) for probe, person in UnnamedFace.objects.values_list("probe", "person")]
    shots = Shot.objects.filter(probe__unnamed__isnull=False).values_list("pk", "probe__unnamed__person")
    faces += [(("shot", shot), person) for shot, person in shots]
    groups: dict[int, Counter[str]] = {}
    for face, person in faces:
        if face in owners:
            groups.setdefault(person, Counter())[owners[face]] += 1
    joined = sum(_pairs(own.total()) for own in groups.values())
    right = sum(_pairs(count) for own in groups.values() for count in own.values())
    same = sum(_pairs(count) for count in sum(groups.values(), Counter[str]()).values())
    mixed = sum(len(own) > 1 for own in groups.values())
    return f"{len(groups):,}", f"{right / joined:.3f}", f"{right / same:.3f}", mixed


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _speed(photos: Sequence[labelled.Labelled]) -> None:
    """Made-up people whose captures are as alike as one person's are, most of them seen once, some often."""
    model = fresh_database()
    random = np.random.default_rng(2)
    raw = np.array([one["embedding"] for one in _found(model, photos)[0]])
    made_up = _like(raw[random.integers(0, len(raw), PEOPLE)], 0.4, random)
    camera = _camera()
    often = np.where(
        random.random(CAPTURES) < 0.6, random.integers(0, PEOPLE, CAPTURES), random.zipf(1.3, CAPTURES) % PEOPLE
    )
    times = [timezone.now() - timedelta(seconds=float(one)) for one in random.uniform(0, 30 * 86400, CAPTURES)]
    captures = _captures(camera, _made(model, _like(made_up[often], LIKENESS, random)), times)
    owners = {("probe", one.probe.pk): str(person) for one, person in zip(captures, often, strict=True)}
    began = time.perf_counter()
    grouping.regroup()
    night = time.perf_counter() - began
    joined = []
    for person in random.integers(0, PEOPLE, JOINED):
        capture = _captures(
            camera, _made(model, _like(made_up[person : person + 1], LIKENESS, random)), [timezone.now()]
        )[0]
        owners["probe", capture.probe.pk] = str(person)
        with transaction.atomic():
            start = time.perf_counter()
            grouping.join(capture.probe)
            joined.append((time.perf_counter() - start) * 1000)
    user = User.objects.create_superuser("bench")
    shown = []
    for _ in range(5):
        start = time.perf_counter()
        first = list(seen.people(user).order_by(*seen.ORDERS["often"][1])[:24])
        shown.append(time.perf_counter() - start)
    start = time.perf_counter()
    seen.visits(first[0], user)
    seen.alike(first[0], user)
    seen.companions(first[0], user)
    about = time.perf_counter() - start
    groups, precision, recall, _ = _scores(owners)
    table(
        ("captures", "persons", "found", "precision", "recall", "the night", "one joins, p50 / p95", "the list",
         "the page of the one seen most often"),
        (f"{CAPTURES:,}", f"{len(set(owners.values())):,}", groups, precision, recall, f"{night:.0f} s",
         percentiles(joined), f"{min(shown) * 1000:.0f} ms", f"{about * 1000:.0f} ms"),
    )  # fmt: skip


def _like(faces: NDArray[np.float32], likeness: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Others so like these. faces: (n, d) of unit length."""
    noise = unit_length(random.standard_normal(faces.shape).astype(np.float32))
    return unit_length(likeness * faces + np.sqrt(1 - likeness**2) * noise)
