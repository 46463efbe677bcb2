"""Two machines with a database behind pgbouncer, a Redis and a bucket in common, and no disk in common."""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import faces
from tests.many.conftest import copy_keys, send, statuses
from tests.product import ROOT, Product, start

CAPTURES = 100


@pytest.fixture
def machines(common, tmp_path_factory) -> Iterator[list[Product]]:
    """Two, of which the second has copies of the first one's keys, and the face model in a folder of its own."""
    first, second = (tmp_path_factory.mktemp(name) / "data" for name in ("first", "second"))
    running = [start(first, **common)]
    try:
        running[0].wait_until_up()
        copy_keys(first, second)
        own = {"FACE_MODEL": str(shutil.copytree(faces.PACK, second.parent / "pack"))} if faces.PACK.is_dir() else {}
        running.append(start(second, **common, **own))
        running[1].wait_until_up()
        yield running
    finally:
        for product in running:
            product.stop()


def test_either_goes_on_with_what_the_other_took_and_a_third_without_their_keys_does_not_start(
    machines, common, tmp_path
):
    captures_are_matched(machines, common)
    photos_are_indexed(machines, common)
    each_reads_all_of_it(machines, common)
    one_without_the_keys_does_not_start(machines, common, tmp_path)


def captures_are_matched(machines: list[Product], common: dict[str, str]) -> None:
    """Taken by one and the other in turn, looked at by whichever comes first, all in one alert."""
    api = machines[0].api()
    camera = api.post(f"{machines[0].url}api/v1/cameras/", {"name": "Gate"}, timeout=60).json()
    for number in range(CAPTURES):
        send(machines[number % 2], camera["token"], faces.person(1))
    statuses(common, "matching_capture", CAPTURES, "matched")
    (alert,) = machines[1].alerts()
    assert alert["capture_count"] == CAPTURES


def photos_are_indexed(machines: list[Product], common: dict[str, str]) -> None:
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


def each_reads_all_of_it(machines: list[Product], common: dict[str, str]) -> None:
    """And keeps none of it on its own disk."""
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


def one_without_the_keys_does_not_start(machines: list[Product], common: dict[str, str], tmp_path: Path) -> None:
    env = {**machines[1].environment(), **common, "SIGHTLINE_DATA": str(tmp_path / "third")}
    said = subprocess.run(
        [sys.executable, "manage.py", "prepare", "--no-input"], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert said.returncode == 1
    assert "missing here. Copy audit_key, push_key.pem, secret_key, signing_key" in said.stderr
    assert "Traceback" not in said.stderr
