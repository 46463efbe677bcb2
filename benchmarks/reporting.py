"""Reports over 1,000,000 captures of twenty cameras in ninety days, beside a bare count of the rows."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from benchmarks.common import fresh_database, table
from benchmarks.map import median_ms
from matching import reports
from matching.models import Camera, Capture

COUNT, CAMERAS, DAYS = 1_000_000, 20, 90
QUESTIONS: dict[str, dict[str, Any]] = {
    "by hour and camera": {"step": "hour", "by": "camera"},
    "by day": {"step": "day"},
    "by hour of the day": {"step": "time"},
    "by place": {"by": "place"},
    "one camera by day": {"step": "day", "one": True},
}


def run() -> None:
    fresh_database()
    admin = User.objects.create_superuser("report")
    for number in range(CAMERAS):
        Camera(name=f"Camera {number}", place=f"Place {number % 5}").issue_token()
    first = Camera.objects.earliest("pk")
    since = timezone.now() - timedelta(days=DAYS)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO matching_capture (camera_id, uid, image, captured_at, received_at, detection_score, status)"
            " SELECT %s + n %% %s, gen_random_uuid(), '', at, at, 0.5 + random() / 2, 'no_candidate' FROM"
            " generate_series(1, %s) AS n, LATERAL (SELECT %s + random() * %s * interval '1 day' AS at OFFSET n * 0) t",
            [first.pk, CAMERAS, COUNT, since, DAYS],
        )
        cursor.execute("ANALYZE matching_capture")
    bare = median_ms(lambda: Capture.objects.count())
    rows = []
    for name, said in QUESTIONS.items():
        asked = reports.Asked(
            "captures", said.get("step", ""), said.get("by", ""), since, camera=first if "one" in said else None
        )
        answer = reports.answer(asked, admin)
        took = median_ms(partial(reports.answer, asked, admin))
        rows.append((name, f"{len(answer.rows):,}", f"{took:.0f} ms", f"{took / bare:.1f}"))
    table((f"report over {COUNT:,} captures", "rows", "answered in", "of a bare count"), *rows)
