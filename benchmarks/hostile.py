"""A table of a third odd cells imported: how fast, with how much memory, and that nobody is lost.

`python -m benchmarks hostile`, with `ROWS=300000` before it for the size of a jail's archive.
"""

import csv
import itertools
import os
import resource
import time
from pathlib import Path

from benchmarks.common import fresh_database, table

ROWS = int(os.environ.get("ROWS", "30000"))
AGES = ["35", "30-35", "7 months", "Adult", "~40", "#N/A", "35 yrs", "400", "30s", ""]
DAYS = ["2019-05-03", "circa 1985", "31-Dec-2007", "39447", "Unknown", "12/31/07", "June 1985", "3 mars 1999", "?"]
SEXES = ["M", "F", "Female", "U", "zz", "#N/A"]
URLS = ["https://a.example/1", "not a link", ""]


def run() -> None:
    from cases import importing
    from cases.models import Case, Collection, ImportDoubt, ImportSource

    fresh_database()
    path = Path(os.environ["SIGHTLINE_DATA"]) / "hostile.csv"
    odd = zip(*map(itertools.cycle, (AGES, DAYS, SEXES, URLS)), strict=False)
    with open(path, "w", newline="", encoding="cp1252") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Booking No", "Name", "Age", "Last seen", "Sex", "Link"])
        for number, cells in zip(range(ROWS), odd, strict=False):
            plain = ("35", "2019-05-03", "M", "")
            writer.writerow([f"{number:06}", f"Núñez, José {number}", *(cells if number % 3 == 0 else plain)])
    collection = Collection.objects.create(name="Hostile")
    source = ImportSource.objects.create(
        name="Hostile", kind="spreadsheet", collection=collection, options={"file": str(path)}
    )
    memory: list[float] = []

    def progress(run: object) -> None:
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

    started = time.perf_counter()
    done = importing.work(importing.start(source), progress=progress)
    seconds = time.perf_counter() - started
    assert done.status == "done", done.note
    assert Case.objects.filter(collection=collection).count() == ROWS
    assert not done.counts.get("refused")
    third = memory[len(memory) // 3]
    table(
        ["rows, a third of them odd", f"{ROWS:,}"],
        ["imported, a second", f"{ROWS / seconds:.0f}"],
        ["cases lost, records refused", "0, 0"],
        ["cells listed as not understood", f"{ImportDoubt.objects.count():,}"],
        ["highest memory at a third, at the end (MB)", f"{third:.0f}, {memory[-1]:.0f}"],
    )
