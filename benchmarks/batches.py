"""A zip of 1,000 photos and a clip searched as one, beside the bare engine with the same passes, in one run."""

import io
import os
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.core.files.base import ContentFile

from benchmarks import gallery, labelled
from benchmarks.common import fresh_database, table
from matching.faces import face_models, images
from matching.models import Batch
from matching.searching import batches, evidence
from tests import faces

PHOTOS, CASES = 1000, 15_000
CLIP = faces.EVAL / "video" / "clip.mp4"


def run() -> None:
    model = fresh_database()
    gallery.fill(model, CASES)
    engine = face_models.engine(model, threads=1)
    contents = [photo.path.read_bytes() for photo in labelled.lfw("mate", "stranger", "enrol")[:PHOTOS]]
    contents = contents or [faces.person(n % 6) + bytes([n]) for n in range(60)]
    pictures = [images.open_image(content).rgb for content in contents]
    look = partial(engine.faces, thorough=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(look, pictures[:20]))
        began = time.perf_counter()
        list(pool.map(look, pictures))
        bare = time.perf_counter() - began
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        for number, content in enumerate(contents):
            opened.writestr(f"{number:04}.jpg", content)
    batch, whole = _timed("photos.zip", held.getvalue())
    table(
        ("", "photos", "bare engine, both passes", "the batch: looked at, searched, kept", "share", "persons"),
        ("zip against 15,000 cases", len(contents), f"{len(contents) / bare:.1f} a second",
         f"{len(contents) / whole:.1f} a second", f"{bare / whole:.0%}", batch.search.probes.count()),
    )  # fmt: skip
    if not CLIP.is_file():
        return
    batch, whole = _timed("clip.mp4", CLIP.read_bytes())
    frames = [frame.rgb for frame in evidence.frames(CLIP)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        began = time.perf_counter()
        list(pool.map(look, frames))
        bare = time.perf_counter() - began
    print()
    table(
        ("", "of the clip", "frames looked at", "took", "times real time", "the bare engine's share", "persons"),
        ("clip of 1080p", f"{batch.total} s", len(frames), f"{whole:.1f} s", f"{batch.total / whole:.1f}",
         f"{bare / whole:.0%}", batch.search.probes.count()),
    )  # fmt: skip


def _timed(name: str, content: bytes) -> tuple[Batch, float]:
    batch = batches.begin(user=None, purpose="bench")
    batches.add(batch, ContentFile(content), name, None)
    batches.start(batch)
    began = time.perf_counter()
    batches.run(batch)
    took = time.perf_counter() - began
    assert batch.status == Batch.Status.DONE, (batch.status, batch.error)
    return batch, took
