"""`make bench-quick`: two minutes on an idle machine, a row in history.csv, and what fell since the last release.

Machines differ and are noisy: what counts is each figure beside that of the bare face engine in the same run.
"""

import csv
import os
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import psutil

from benchmarks import gallery as made
from benchmarks import indexing, live
from benchmarks.common import bare_engine, fresh_database, table
from edge_client import VERSION
from matching.faces import images
from matching.gallery import search as gallery
from matching.models import Camera
from matching.searching import pictures
from matching.watching import captures
from tests import faces
from tests.product import start

HISTORY = Path(__file__).with_name("history.csv")
CASES, TIMES = 5_000, 63
# More than this share worse than the last release is said.
FELL = 0.1
# What is measured, and how many of the bare engine's looks at a portrait it takes; of `indexing` the share of what the
# bare engine does in the same time, and of memory MB. Less is better but for that share.
FIGURES = ("search", "vector", "capture", "live", "indexing", "memory")
MORE_IS_BETTER = ("indexing",)


def run() -> None:
    # As in the worker. With two, a look takes twice as long where the second core is not free, and our part does not.
    os.environ["FACE_THREADS"] = "1"
    found = {"version": VERSION, "day": date.today().isoformat(), "processors": str(psutil.cpu_count())}
    engine_ms, figures = measure()
    found |= {"engine_ms": f"{engine_ms:.1f}"} | {name: f"{figures[name]:.3g}" for name in FIGURES}
    before = last_release(history(), found)
    write(HISTORY, found)
    table(
        ("figure", f"{VERSION}", f"{before['version']}" if before else "no release before", "of that"),
        *((name, found[name], *compared(name, found, before)) for name in FIGURES),
    )
    print(f"\nOne look of the bare engine at a portrait took {engine_ms:.1f} ms.")
    print(said(found, before))


def measure() -> tuple[float, dict[str, float]]:
    """Milliseconds of the bare engine, and the figures."""
    bare, product = indexing.measure(indexing.small()[:600])
    model = fresh_database()
    made.fill(model, CASES)
    engine = bare_engine(model)
    portrait, (probe, *_) = faces.person(0), engine.faces(images.open_image(faces.person(0)).rgb)
    rgb = images.open_image(portrait).rgb
    camera = Camera(name="bench")
    camera.issue_token()

    def capture() -> None:
        came = captures.receive_capture(camera, portrait, uid=uuid.uuid4())
        captures.match_capture(came.pk)

    def look() -> None:
        engine.faces(rgb)

    engine_ms = statistics.median(took for took, _ in beside(look, look))
    ratios = {
        name: statistics.median(ours for _, ours in both) / statistics.median(bare for bare, _ in both)
        for name, both in {
            "search": beside(look, partial(pictures.search_image, portrait, "x.jpg", user=None, purpose="bench")),
            "vector": beside(look, partial(gallery.search, model, probe.embedding)),
            "capture": beside(look, capture),
        }.items()
    }
    live_ms, memory = outside()
    return engine_ms, ratios | {"live": live_ms / engine_ms, "indexing": product / bare, "memory": memory}


def outside() -> tuple[float, float]:
    """Milliseconds from a posted capture to a dashboard's websocket, in the middle; and MB of all idle processes."""
    folder = Path(tempfile.mkdtemp(prefix="sightline-quick-"))
    # The database's own user must reach its folder where this runs as root.
    folder.chmod(0o755)
    product = start(folder / "data")
    try:
        product.wait_until_up()
        time.sleep(15)
        memory = sum(live.memory(product).values())
        dashboard = live.Dashboard(product)
        alone = live.alone(dashboard)
        dashboard.close()
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return statistics.median(alone), memory


def beside(bare: Callable[[], object], ours: Callable[[], object]) -> list[tuple[float, float]]:
    """Milliseconds of both, in turns: what else the machine does meanwhile falls on both."""
    spent = []
    for _ in range(TIMES):
        began = time.perf_counter()
        bare()
        between = time.perf_counter()
        ours()
        spent.append((1000 * (between - began), 1000 * (time.perf_counter() - between)))
    # The first ones load what is loaded once.
    return spent[3:]


def history() -> list[dict[str, str]]:
    """The rows so far, the oldest first."""
    if not HISTORY.exists():
        return []
    with HISTORY.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, row: dict[str, str]) -> None:
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        rows = csv.DictWriter(file, row.keys(), lineterminator="\n")
        if is_new:
            rows.writeheader()
        rows.writerow(row)


def last_release(rows: list[dict[str, str]], found: dict[str, str]) -> dict[str, str] | None:
    """The last row of another version, of a machine with as many processors."""
    others = [row for row in rows if row["version"] != found["version"] and row["processors"] == found["processors"]]
    return others[-1] if others else None


def compared(name: str, found: dict[str, str], before: dict[str, str] | None) -> tuple[str, str]:
    return (before[name], f"{float(found[name]) / float(before[name]):.2f}") if before else ("", "")


def said(found: dict[str, str], before: dict[str, str] | None) -> str:
    """What fell, in words."""
    if before is None:
        return "There is no other version's row to compare with."
    fell = []
    for name in FIGURES:
        share = float(found[name]) / float(before[name])
        if (1 / share if name in MORE_IS_BETTER else share) > 1 + FELL:
            fell.append(name)
    return f"WORSE by more than a tenth than {before['version']}: {', '.join(fell)}." if fell else "Nothing fell."
