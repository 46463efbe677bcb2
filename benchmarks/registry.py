"""A registry of 12,300 cases with 24,600 photos imported over HTTP and indexed, through the real commands.

`REGISTRY_CASES` makes it smaller for a quick look.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.db import connection

from benchmarks.common import fresh_database, table
from benchmarks.stand_in import generate
from matching.models import IndexRun
from tests.product import ROOT

CASES = int(os.environ.get("REGISTRY_CASES", "12300"))
TABLES = ("cases_case", "cases_photo", "cases_importedcase", "cases_importproblem", "matching_face")


@dataclass
class Measured:
    """seconds: from start to end. memory: resident megabytes, twice a second."""

    seconds: float
    memory: list[float]

    def growth(self) -> str:
        """The last tenth against the tenth after warm-up (the first tenth)."""
        tenth = max(len(self.memory) // 10, 1)
        early, late = (statistics.median(part) for part in (self.memory[tenth : 2 * tenth], self.memory[-tenth:]))
        return f"{early:.0f} -> {late:.0f} MB ({(late / early - 1) * 100:+.1f} %), at most {max(self.memory):.0f}"


def run() -> None:
    fresh_database()
    folder = Path(tempfile.mkdtemp(prefix="sightline-registry-"))
    try:
        began = time.perf_counter()
        generate(folder, CASES)
        print(f"{2 * CASES:,} photos generated in {time.perf_counter() - began:.0f} s\n", flush=True)
        with standing_in(folder) as url:
            environment = {"NAMUS_URL": url, "IMPORT_RATE": "100000"}
            words = ("import", "namus", "--ids", f"1-{CASES}")
            first = command(*words, **environment)
            indexing = command("index")
            before = written()
            again = command(*words, **environment)
            changed = written() - before
            drop = command("import", "folder", str(folder), "--name", "drop", "--collection", "Drop")
            before = written()
            drop_again = command("import", "folder", str(folder), "--name", "drop")
            changed_drop = written() - before
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report = IndexRun.objects.order_by("pk").first()
    if report is None:
        raise RuntimeError("nothing was indexed")
    cores = os.cpu_count() or 1
    whole = (first.seconds + indexing.seconds) / (2 * CASES) * 300_000 / 3600
    per_core = f"{report.rate:.1f} photos, {report.rate / cores:.1f} a core"
    table(
        ("what", "time", "a second", "memory of the process"),
        line(f"import of {CASES:,} cases over HTTP", first, f"{CASES / first.seconds:.0f} cases"),
        line(f"indexing of {report.done:,} photos", indexing, per_core),
        line("the same import again, unchanged", again, f"rows written: {changed}"),
        line(f"import of a folder of {CASES:,} cases", drop, f"{CASES / drop.seconds:.0f} cases"),
        line("that folder again, unchanged", drop_again, f"rows written: {changed_drop}"),
        ("300,000 photos imported and indexed at that rate", f"{whole:.1f} h", "", ""),
        ("a sheriff's office with a cloud service, 300,000, 2017", "72 h", "", ""),
    )
    print(f"\nWhat became of them: {report.counts}")


def line(what: str, measured: Measured, rate: str) -> tuple[str, ...]:
    return what, f"{measured.seconds:.1f} s", rate, measured.growth()


@contextmanager
def standing_in(folder: Path) -> Iterator[str]:
    """The stand-in in a process of its own, so that its memory and its time are not the importer's. Yields its URL."""
    port = folder.with_suffix(".port")
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.stand_in", str(folder)], cwd=ROOT)
    try:
        while not port.exists() or not port.read_text():
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port.read_text()}/"
    finally:
        server.kill()
        server.wait()
        port.unlink(missing_ok=True)


def command(*words: str, **environment: str) -> Measured:
    """One of `manage.py`'s commands, timed and watched."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *words], cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.DEVNULL
    )
    watched, memory = psutil.Process(process.pid), []
    while process.poll() is None:
        memory.append(watched.memory_info().rss / 2**20)
        time.sleep(0.5)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}")
    return Measured(time.perf_counter() - began, [m for m in memory if m] or [0.0])


def written() -> int:
    """Rows inserted, updated or deleted so far in the tables that hold cases."""
    time.sleep(2)  # a process that ended has told PostgreSQL by then
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname = ANY(%s)",
            [list(TABLES)],
        )
        return int(cursor.fetchone()[0])
