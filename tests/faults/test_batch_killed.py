"""A batch whose worker is killed goes on where it was, and nobody in it is met twice."""

import time

import pytest

from tests import faces
from tests.product import Product


@pytest.fixture
def batch(product: Product) -> str:
    """Forty group photos, under way."""
    api = product.api()
    url = f"{product.url}api/v1/batches/"
    pk = api.post(url, {"purpose": "a long one"}, timeout=20).json()["id"]
    group = faces.GROUP.read_bytes()
    files = [("files", (f"{n:02}.jpg", group + bytes([n]))) for n in range(40)]
    assert api.post(f"{url}{pk}/files/", files=files, timeout=60).json()["files"] == 40
    assert api.post(f"{url}{pk}/start/", timeout=20).status_code == 200
    return f"{url}{pk}/"


def test_a_worker_killed_in_the_middle_of_a_batch_it_goes_on_and_ends(product: Product, batch):
    api = product.api()

    def status() -> dict:
        return api.get(batch, timeout=20).json()

    deadline = time.monotonic() + 120
    while not (was := status())["done"]:
        assert time.monotonic() < deadline, product.log.read_text()[-3000:]
        time.sleep(0.1)
    product.child("bulk").kill()
    assert was["done"] < 40
    while (now := status())["status"] != "done":
        assert now["status"] == "running"
        assert now["done"] >= was["done"]
        assert time.monotonic() < deadline, (now, product.log.read_text()[-3000:])
        time.sleep(0.5)
    assert (now["done"], now["total"], now["problems"]) == (40, 40, [])
    persons = api.get(f"{batch}persons/", timeout=60).json()
    found = {person["candidates"][0]["case_name"]: len(person["places"]) for person in persons}
    assert found["Casey Brook"] == 40
    assert all(times == 40 for times in found.values())
