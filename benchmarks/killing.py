"""An import that is killed twenty times and started again each time, beside one that nobody disturbs."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import fresh_database, table
from benchmarks.registry import standing_in
from benchmarks.stand_in import generate
from cases.models import Case, ImportedCase, ImportRun, Photo
from matching.models import Face
from tests.product import ROOT

CASES = 400
KILLS = 20


def run() -> None:
    folder = Path(tempfile.mkdtemp(prefix="sightline-killing-"))
    try:
        generate(folder, CASES)
        with standing_in(folder) as url:
            fresh_database()
            _start(url, "import", "namus", "--ids", f"1-{CASES}").wait()
            _start(url, "index").wait()
            undisturbed = rows()
            fresh_database()
            points = killed(url, "import", "namus", "--ids", f"1-{CASES}")
            points += killed(url, "index")
            _start(url, "import", "namus", "--ids", f"1-{CASES}").wait()
            _start(url, "index").wait()
            same = rows() == undisturbed
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    table(
        ("what", "measured"),
        (f"kills of an import of {CASES} cases and of its indexing", f"{len(points)}, after {points} cases or photos"),
        ("the same rows as an undisturbed run", "yes" if same else "NO"),
    )


def killed(url: str, *words: str) -> list[int]:
    """Kill a command at random points, `KILLS` / 2 times; returns how far each had come."""
    chance = random.Random(7)
    points = []
    for _ in range(KILLS // 2):
        process = _start(url, *words)
        # The indexing loads its face model first.
        time.sleep(chance.uniform(2.0, 4.0) if words[0] == "import" else chance.uniform(5.0, 9.0))
        process.kill()
        process.wait()
        indexed = Photo.objects.exclude(status=Photo.Status.PENDING).count()
        points.append(Case.objects.count() if words[0] == "import" else indexed)
    return points


def rows() -> list[Any]:
    """Everything an import and its indexing leave, but for numbers and times that differ from run to run."""
    photo = ("case__number", "filename", "sha256", "view", "status", "status_note", "picture_hash")
    case = [
        f.name for f in Case._meta.fields if f.name not in ("id", "collection", "created_at", "updated_at", "closed_at")
    ]
    return [
        list(Case.objects.order_by("number").values_list(*case)),
        list(Photo.objects.order_by("case__number", "filename").values_list(*photo)),
        list(ImportedCase.objects.order_by("key").values_list("key", "fingerprint", "validators", "withdrawn")),
        list(ImportRun.objects.values_list("status", "total", "counts")),
        list(
            Face.objects.order_by("photo__case__number", "photo__sha256", "position").values_list("is_subject", "size")
        ),
    ]


def _start(url: str, *words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        # Slow enough that a kill falls into the work.
        env={**os.environ, "NAMUS_URL": url, "IMPORT_RATE": "150"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
