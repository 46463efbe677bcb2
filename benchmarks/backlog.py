"""A client that was away for days: how long its faces take, and how long one that it sees meanwhile."""

import os
import shutil
import statistics
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from benchmarks.common import table
from edge_client.over_http import Http
from edge_client.queue import DiskQueue
from edge_client.sender import Sender
from tests import faces
from tests.product import start

# 20,000 are what a client's queue holds.
FACES = int(os.environ.get("BACKLOG", "20000"))
LIVE_EVERY = 2.0


def run() -> None:
    folder = Path(tempfile.mkdtemp(prefix="sightline-backlog-"))
    folder.chmod(0o755)
    product = start(folder / "data")
    try:
        product.wait_until_up()
        camera = product.api().post(f"{product.url}api/v1/cameras/", {"name": "Gate"}, timeout=60).json()
        queue = DiskQueue(folder / "queue", limit=FACES + 1000)
        for number in range(FACES):
            at = datetime.now(UTC) - timedelta(days=3) * (1 - number / FACES) - timedelta(minutes=11)
            # One in fifty is somebody who is looked for.
            put(queue, faces.person(1 if number % 50 == 0 else 5), at)
        sender = Sender(queue, Http(product.url, camera["token"]))
        began, live, sent = time.monotonic(), dict[str, float](), None
        sender.start()
        taken: list[float] = []
        said = product.manage("shell", "-c", "import os; print(os.environ['DATABASE_URL'])").stdout
        with psycopg.connect(said.split()[-1], autocommit=True) as database:
            while True:
                if sent is None and not len(queue):
                    sent = time.monotonic() - began
                if sent is None:
                    live[put(queue, faces.person(1), datetime.now(UTC))] = time.monotonic()
                until = time.monotonic() + LIVE_EVERY
                while time.monotonic() < until:
                    rows = database.execute(
                        "SELECT uid::text FROM matching_capture WHERE status <> 'pending' AND uid = ANY (%s::uuid[])",
                        [list(live)],
                    )
                    taken += [time.monotonic() - live.pop(uid) for (uid,) in rows]
                    time.sleep(0.1)
                (waits,) = database.execute(
                    "SELECT count(*) FROM matching_capture WHERE status = 'pending'"
                ).fetchone() or (0,)
                if sent is not None and not waits and not live:
                    break
        whole = time.monotonic() - began
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)
    taken.sort()
    table(
        (f"{FACES:,} faces of three days", "measured"),
        ("sent", f"{sent:.0f} s"),
        ("all of them matched", f"{whole:.0f} s, {FACES / whole:.1f} a second"),
        ("a face that the camera sees meanwhile, until it is matched (p50 / p95)",
         f"{statistics.median(taken):.1f} / {taken[int(len(taken) * 0.95)]:.1f} s"),
    )  # fmt: skip


def put(queue: DiskQueue, jpeg: bytes, at: datetime) -> str:
    uid = str(uuid.uuid4())
    queue.put(jpeg, {"id": uid, "captured_at": at.isoformat(), "detection_score": 0.9})
    return uid
