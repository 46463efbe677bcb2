"""The gallery compared with itself: every pair of faces, for galleries of several sizes."""

import resource
import time

from benchmarks.common import fresh_database, table
from benchmarks.gallery import fill
from matching.gallery import comparing
from matching.models import CasePair, OddPhoto


def run() -> None:
    lines = []
    for size in (6_000, 24_600):
        model = fresh_database()
        fill(model, size)
        began = time.perf_counter()
        comparing.compare_new(model)
        seconds = time.perf_counter() - began
        pairs = f"{size * (size - 1) / 2 / seconds / 1e6:.1f} million"
        lines.append((f"{size:,}", f"{seconds:.1f} s", pairs, CasePair.objects.count(), OddPhoto.objects.count()))
    table(("faces", "time", "pairs a second", "possible duplicates", "odd photos"), *lines)
    print(f"\nMost memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
