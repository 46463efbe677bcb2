"""Things killed in mid-flight: what was accepted is not lost, and not counted twice."""

import time
import uuid
from datetime import UTC, datetime

import pytest
import requests

from tests import faces
from tests.product import Product


@pytest.fixture
def camera(product: Product) -> str:
    name = f"Camera {uuid.uuid4()}"
    return product.api().post(f"{product.url}api/v1/cameras/", {"name": name}, timeout=60).json()["token"]


def send(product: Product, token: str, person: int) -> requests.Response:
    return requests.post(
        f"{product.url}api/v1/captures/",
        data={"id": str(uuid.uuid4()), "captured_at": datetime.now(UTC).isoformat(), "detection_score": 0.9},
        files={"image": faces.person(person)},
        headers={"Authorization": f"Bearer {token}"},
        timeout=240,
    )


def alerts_of(product: Product, number: str, camera_alerts_before: set[int]) -> list[dict]:
    found = product.alerts()
    return [a for a in found if a["case_number"] == number and a["id"] not in camera_alerts_before]


def test_a_worker_killed_in_the_middle_of_a_capture_the_alert_still_comes_once(product, camera):
    before = {a["id"] for a in product.alerts()}
    worker = product.child("captures,work")
    # Stopped first, so that the kill surely falls between taking the task and finishing it.
    worker.suspend()
    assert send(product, camera, person=3).status_code == 202
    time.sleep(0.3)
    worker.resume()
    time.sleep(0.02)
    worker.kill()
    deadline = time.monotonic() + 75
    while not (alerts := alerts_of(product, "DEMO-4", before)):
        assert time.monotonic() < deadline, product.log.read_text()[-3000:]
        time.sleep(0.5)
    time.sleep(12)  # another sweep, which must find nothing left to do
    alerts = alerts_of(product, "DEMO-4", before)
    assert [a["capture_count"] for a in alerts] == [1]
