"""Photos a second through a real worker with both cores, and with one engine call at a time."""

import os
import subprocess
import sys
import time

from benchmarks.common import fresh_database, table
from cases.models import Case, Collection, Photo, add_photo
from matching.faces import engines, images
from tests import faces
from tests.product import ROOT


def run() -> None:
    model = fresh_database()
    paths = sorted((faces.EVAL / "people").glob("*/*")) if faces.EVAL.is_dir() else [faces.GROUP, faces.ASTRONAUT]
    contents = [path.read_bytes() for path in paths]
    engine = engines.load(model.source)
    started = time.perf_counter()
    for content in contents:
        engine.faces(images.open_image(content).rgb)
    alone = len(contents) / (time.perf_counter() - started)

    collection = Collection.objects.create(name="bench")
    for number in range(3):
        case = Case.objects.create(collection=collection, number=str(number))
        for content in contents:
            add_photo(case, content, "x.jpg")
    total = Photo.objects.count()
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "--quiet", "-A", "mpsite", "worker", "--pool", "threads", "--concurrency", "2",
         "-Q", "captures,work", "--loglevel", "ERROR"],
        cwd=ROOT, env=dict(os.environ),
    )  # fmt: skip
    try:
        warm = _wait_for(total // 10)
        started = time.perf_counter()
        done = _wait_for(total)
        rate = (done - warm) / (time.perf_counter() - started)
    finally:
        worker.terminate()
        worker.wait()
    table(
        ("what", "photos a second"),
        ("decode, detect, embed in one thread of calls", f"{alone:.1f}"),
        (f"a worker with two threads, all of indexing, {total} photos", f"{rate:.1f}"),
        ("the sheriff's office in 2017", "1.2"),
    )


def _wait_for(count: int) -> int:
    while True:
        done = Photo.objects.exclude(status=Photo.Status.PENDING).count()
        if done >= count:
            return done
        time.sleep(0.05)
