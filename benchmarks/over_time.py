"""A time line of 10,000 and of 1,000,000 faces at one camera: all of it and nearer, beside a bare count of the rows."""

import uuid
from datetime import timedelta
from functools import partial

import numpy as np
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from benchmarks.common import fresh_database, table
from benchmarks.map import median_ms
from matching import over_time
from matching.models import Camera, Capture

COUNTS = (10_000, 1_000_000)


def run() -> None:
    fresh_database()
    admin = User.objects.create_superuser("time")
    rows = []
    for count in COUNTS:
        camera = Camera(name=f"Gate {count}")
        camera.issue_token()
        now, random = timezone.now(), np.random.default_rng(1)
        # By day more than by night, over two years.
        hours = (random.integers(0, 730, count) * 24 + random.normal(14, 4, count)).tolist()
        Capture.objects.bulk_create(
            (
                Capture(camera=camera, uid=uuid.uuid4(), captured_at=now - timedelta(hours=hour), status="no_candidate")
                for hour in hours
            ),
            batch_size=5000,
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE matching_capture")
        bare = median_ms(Capture.objects.filter(camera=camera).count)
        window: tuple[object, ...] = ()
        for name in ("all of it", "a bar of that", "a bar of that one"):
            found = over_time.look(camera, admin, *window)  # type: ignore[arg-type]
            took = median_ms(partial(over_time.look, camera, admin, *window))  # type: ignore[arg-type]
            seen = sum(found.totals.values())
            rows.append((f"{count:,}", name, f"{seen:,}", len(found.bars), f"{took:.0f} ms", f"{took / bare:.1f}"))
            fullest = max(found.bars, key=lambda bar: sum(bar.counts.values())).window
            window = (fullest.since, fullest.until)
    table(("faces of the camera", "looked at", "in it", "bars", "answered in", "of a bare count"), *rows)
