"""Redis emptied under load, and cameras whose clocks jump: nothing accepted is lost, nothing is told twice."""

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import psutil
import redis
import requests

from tests import faces
from tests.faults.test_worker_killed import alerts_of, camera  # noqa: F401  (camera is a fixture)
from tests.product import Product


def redis_of(product: Product) -> redis.Redis:
    said = dict(line.split(" ", 1) for line in (product.folder / "redis.conf").read_text().splitlines() if " " in line)
    return redis.Redis(port=int(said["port"]), password=said["requirepass"])


def send(product: Product, token: str, person: int, at: datetime) -> str:
    uid = str(uuid.uuid4())
    answer = requests.post(
        f"{product.url}api/v1/captures/",
        data={"id": uid, "captured_at": at.isoformat(), "detection_score": 0.9},
        files={"image": faces.person(person)},
        headers={"Authorization": f"Bearer {token}"},
        timeout=240,
    )
    assert answer.status_code == 202, answer.text
    return uid


def wait_until_matched(product: Product, uids: list[str], seconds: float = 90) -> None:
    code = (
        "from matching.models import Capture\n"
        f"print(Capture.objects.filter(uid__in={uids!r}).exclude(status='pending').count())"
    )
    deadline = time.monotonic() + seconds
    while (done := int(product.manage("shell", "-c", code).stdout.split()[-1])) < len(uids):
        assert time.monotonic() < deadline, f"{done} of {len(uids)} were matched"
        time.sleep(1)


def test_redis_emptied_again_and_again_while_captures_come(product, camera):  # noqa: F811
    before = {a["id"] for a in product.alerts()}
    over = threading.Event()

    def flush() -> None:
        with redis_of(product) as server:
            while not over.wait(0.1):
                server.flushall()

    worker = product.child("captures,work")
    flushing = threading.Thread(target=flush)
    flushing.start()
    try:
        # Stopped for a while, so that tasks surely wait in what is emptied.
        worker.suspend()
        uids = [send(product, camera, person=number % 2, at=datetime.now(UTC)) for number in range(16)]
        worker.resume()
        uids += [send(product, camera, person=number % 2, at=datetime.now(UTC)) for number in range(8)]
    finally:
        over.set()
        flushing.join()
        if worker.status() == psutil.STATUS_STOPPED:
            worker.resume()
    wait_until_matched(product, uids)
    for number in ("DEMO-1", "DEMO-2"):
        assert [alert["capture_count"] for alert in alerts_of(product, number, before)] == [12]


def test_a_camera_whose_clock_jumps_loses_nothing_and_begins_no_burst(product, camera):  # noqa: F811
    before = {a["id"] for a in product.alerts()}
    now = datetime.now(UTC)
    # An hour back, a year ahead, to 1970 and on again, within one visit.
    hour, year, second = timedelta(hours=1), timedelta(days=365), timedelta(seconds=1)
    times = [now, now - hour, now + year, now + second, datetime(1970, 1, 1, tzinfo=UTC)]
    uids = [send(product, camera, person=5, at=at) for at in times for _ in range(3)]
    wait_until_matched(product, uids)
    alerts = alerts_of(product, "DEMO-6", before)
    # Times in the past are believed, each an episode of its own; those to come are not.
    assert sorted(alert["capture_count"] for alert in alerts) == [3, 3, 9]
