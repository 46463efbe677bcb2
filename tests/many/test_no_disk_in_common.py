"""Two machines with a database, a Redis and a bucket in common, and no disk: either takes what the other sent on."""

import os
import shutil
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from tests import bucket, faces
from tests.product import ROOT, Product, start

CAPTURES = 100


@pytest.fixture(scope="module")
def common() -> Iterator[dict[str, str]]:
    """What both machines are told: where the database, Redis and the bucket are."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as direct:
        direct.execute("DROP DATABASE IF EXISTS without_a_disk")
        direct.execute("CREATE DATABASE without_a_disk")
        database = f"postgresql://{direct.info.user}@/without_a_disk?host={direct.info.host}"
    with bucket.service() as (_, leads):
        yield {
            "DATABASE_URL": database,
            "REDIS_URL": os.environ["REDIS_URL"],
            "STORAGE_URL": f"s3://{bucket.NAME}/ours",
            **leads,
        }


@pytest.fixture(scope="module")
def machines(common, tmp_path_factory) -> Iterator[list[Product]]:
    """Two, of which the second has copies of the first one's keys, and the face model in a folder of its own."""
    first, second = (tmp_path_factory.mktemp(name) / "data" for name in ("first", "second"))
    running = [start(first, **common)]
    try:
        running[0].wait_until_up()
        second.mkdir()
        for key in ("secret_key", "audit_key", "signing_key", "push_key.pem"):
            shutil.copy(first / key, second)
        own = {"FACE_MODEL": str(shutil.copytree(faces.PACK, second.parent / "pack"))} if faces.PACK.is_dir() else {}
        running.append(start(second, **common, **own))
        running[1].wait_until_up()
        yield running
    finally:
        for product in running:
            product.stop()


def statuses(common: dict[str, str], table: str, count: int, *wanted: str) -> None:
    """Wait until the latest rows of a table have one of some statuses."""
    deadline = time.monotonic() + 180
    with psycopg.connect(common["DATABASE_URL"], autocommit=True) as direct:
        while True:
            found = [row[0] for row in direct.execute(f"SELECT status FROM {table} ORDER BY id DESC LIMIT {count}")]
            if len(found) == count and set(found) <= set(wanted):
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.5)


def test_what_one_takes_the_other_looks_at_and_all_of_it_is_matched(machines, common):
    api = machines[0].api()
    camera = api.post(f"{machines[0].url}api/v1/cameras/", {"name": "Gate"}, timeout=60).json()
    for number in range(CAPTURES):
        sent = api.post(
            f"{machines[number % 2].url}api/v1/captures/",
            data={"id": str(uuid.uuid4()), "captured_at": datetime.now(UTC).isoformat(), "detection_score": 0.9},
            files={"image": ("face.jpg", faces.person(1), "image/jpeg")},
            headers={"Authorization": f"Bearer {camera['token']}"},
            timeout=60,
        )
        assert sent.status_code == 202, sent.text
    statuses(common, "matching_capture", CAPTURES, "matched")
    (alert,) = machines[1].alerts()
    assert alert["capture_count"] == CAPTURES


def test_photos_that_are_added_at_either_are_indexed_by_whichever_comes_first(machines, common):
    api = machines[0].api()
    case = api.get(f"{machines[0].url}api/v1/cases/", timeout=60).json()["results"][0]["id"]
    for number in range(10):
        # Another file for each: one that a case has is not taken twice.
        content = faces.person(2) + bytes([number])
        added = api.post(
            f"{machines[number % 2].url}api/v1/photos/",
            {"case": case},
            files={"image": ("photo.jpg", content)},
            timeout=60,
        )
        assert added.status_code == 201, added.text
    # The first of them, and the same picture nine times more.
    statuses(common, "cases_photo", 10, "indexed", "duplicate")


def test_each_reads_all_of_it_and_keeps_none_on_its_own_disk(machines, common):
    for product in machines:
        env = {**product.environment(), **common}
        command = [sys.executable, "manage.py", "backup", str(product.folder.parent / "backup.tar")]
        subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, timeout=300)
        with tarfile.open(product.folder.parent / "backup.tar") as tar:
            kept = [name.split("/")[1] for name in tar.getnames() if name.startswith("media/")]
        assert kept.count("captures") == CAPTURES
        assert kept.count("photos") >= 10
        assert not list((product.folder / "media").rglob("*.jpg"))
        assert "Traceback" not in product.log.read_text()


def test_one_without_the_others_keys_does_not_start(machines, common, tmp_path):
    env = {**machines[1].environment(), **common, "SIGHTLINE_DATA": str(tmp_path / "third")}
    said = subprocess.run(
        [sys.executable, "manage.py", "prepare", "--no-input"], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert said.returncode == 1
    assert "missing here. Copy audit_key, push_key.pem, secret_key, signing_key" in said.stderr
    assert "Traceback" not in said.stderr
