"""A batch whose process is killed goes on where it was, and nobody in it is met twice."""

import subprocess
import sys
import time

from tests import faces
from tests.product import ROOT, Product

# Forty group photos, under way in a process of their own.
WALK = """
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from matching.searching import batches
user = User.objects.get(username="admin")
batch = batches.begin(user=user, purpose="a long one")
with open({group!r}, "rb") as file:
    group = file.read()
for number in range(40):
    batches.add(batch, ContentFile(group + bytes([number])), f"{{number}}.jpg", user)
batches.start(batch)
print(batch.pk, flush=True)
batches.run(batch)
"""


def test_a_process_killed_in_the_middle_of_a_batch_another_goes_on_and_ends_it(product: Product):
    walk = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", WALK.format(group=str(faces.GROUP))],
        cwd=ROOT, env=product.environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert walk.stdout is not None
    batch = f"{product.url}api/v1/batches/{walk.stdout.readline().strip()}/"
    api = product.api()

    def status() -> dict:
        return api.get(batch, timeout=60).json()

    deadline = time.monotonic() + 120
    while not (was := status())["done"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    walk.kill()
    walk.wait()
    walk.stdout.close()
    assert was["done"] < 40
    while (now := status())["status"] != "done":
        assert now["status"] == "running"
        assert time.monotonic() < deadline, (now, product.log.read_text()[-3000:])
        time.sleep(0.5)
    assert (now["done"], now["total"], now["problems"]) == (40, 40, [])
    persons = api.get(f"{batch}persons/", timeout=60).json()
    found = {person["candidates"][0]["case_name"]: len(person["places"]) for person in persons}
    assert found["Casey Brook"] == 40
    assert all(times == 40 for times in found.values())
