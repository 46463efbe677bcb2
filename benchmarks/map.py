"""The map's window of 100,000 last-seen places: answered by the product's own way, beside a bare count of the rows."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import connection

from benchmarks.common import fresh_database, table
from cases.models import Case, Collection
from matching import places

COUNT = 100_000
WINDOWS = {
    "the world": places.Window(zoom=2),
    "a continent": places.Window(-130, 20, -60, 52, 4),
    "a state": places.Window(-124, 32, -114, 42, 6),
    "a city": places.Window(-122.7, 37.3, -121.7, 38.0, 11),
}


def run() -> None:
    fresh_database()
    random = np.random.default_rng(1)
    admin = User.objects.create_superuser("map")
    collection = Collection.objects.create(name="Map")
    # As people live: in towns, some of them large.
    towns = np.column_stack([random.uniform(26, 48, 3000), random.uniform(-124, -70, 3000)])
    chosen = np.minimum(random.zipf(1.4, COUNT) - 1, len(towns) - 1)
    where = towns[chosen] + random.normal(0, 0.05, (COUNT, 2))
    Case.objects.bulk_create(
        (
            Case(collection=collection, number=f"M{number}", name=f"Person {number}", latitude=lat, longitude=lon)
            for number, (lat, lon) in enumerate(where.tolist())
        ),
        batch_size=5000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cases_case")
    bare = median_ms(lambda: Case.objects.filter(latitude__isnull=False).count())
    rows = []
    for name, window in WINDOWS.items():
        asked = places.Asked()
        found = places.points(admin, window, asked)
        took = median_ms(partial(places.points, admin, window, asked))
        rows.append(
            (name, f"{sum(point.count for point in found):,}", len(found), f"{took:.0f} ms", f"{took / bare:.1f}")
        )
    table((f"window of {COUNT:,} places", "in it", "points sent", "answered in", "of a bare count"), *rows)


def median_ms(work: Callable[[], Any]) -> float:
    spent = []
    for _ in range(9):
        began = time.perf_counter()
        work()
        spent.append(1000 * (time.perf_counter() - began))
    return statistics.median(spent)
