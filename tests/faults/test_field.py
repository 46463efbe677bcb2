"""Cameras in the field while everything is killed in turn: what a client took is there once, each alert once.

`make faults` is the long form: 10 minutes and 2,000 captures (FAULT_SECONDS, FAULT_CAPTURES).
"""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from tests import faces, needs
from tests.broker import Broker, broker
from tests.faults.test_servers_killed import is_well, server
from tests.product import ROOT, Product, start

SECONDS = float(os.environ.get("FAULT_SECONDS", "30"))
CAPTURES = int(os.environ.get("FAULT_CAPTURES", "60"))
# Let what was killed come back before the next: a web process needs seconds to start.
PAUSE = (1.5, 5.0)
SERVERS = {"web": "uvicorn", "worker": "captures,work", "importer": "bulk", "scheduler": "mpsite.scheduler",
           "bridge": "mqtt_bridge"}  # fmt: skip


class Client:
    """A client that watches a folder, started again whenever it was killed."""

    def __init__(self, folder: Path, *words: str, token: str = "") -> None:
        self.pictures, self.queue = folder / "pictures", folder / "queue"
        self.pictures.mkdir(parents=True)
        self._log = open(folder / "log", "a")  # noqa: SIM115 (as long as the client)
        model = str(faces.PACK) if faces.PACK.is_dir() else "dlib"
        options = ["--queue", str(self.queue), "--model", model, "--min-score", "0.5", "--threads", "1"]
        self._command = [sys.executable, "-m", "edge_client", "--source", str(self.pictures), *options, *words]
        self._token = token
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env={**os.environ, "SIGHTLINE_TOKEN": self._token},
            stdout=self._log,
            stderr=self._log,
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.start()

    def has_read(self) -> int:
        """How many pictures. One that was listed while it was being written has a line for each version."""
        assert self.process.poll() is None, f"the client ended by itself:\n{Path(self._log.name).read_text()[-2000:]}"
        done = self.pictures / ".sightline-done"
        return len({line.split("\t")[0] for line in done.read_text().splitlines()}) if done.exists() else 0

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._log.close()

    def taken(self, folder: Path) -> set[str]:
        """What a client that nobody disturbs takes of the same pictures."""
        words = [*self._command, "--once"]
        words[words.index("--queue") + 1] = str(folder)
        # A copy with the same names and times: the client that was disturbed may still be reading the others.
        copy = shutil.copytree(self.pictures, folder.with_suffix(".pictures"), ignore=shutil.ignore_patterns(".*"))
        words[words.index("--source") + 1] = str(copy)
        words[words.index("--server") + 1] = "http://127.0.0.1:9"
        subprocess.run(words, cwd=ROOT, env={**os.environ, "SIGHTLINE_TOKEN": "x"}, capture_output=True, timeout=600)
        from edge_client.queue import DiskQueue

        queue = DiskQueue(folder)
        found = {one.details["id"] for one in queue.first(100_000)}
        queue.close()
        return found


def record(folders: list[Path], number: int, seconds: float) -> None:
    """A recorder that drops portraits of the demo's persons, each another picture, into the folders."""
    chance = np.random.default_rng(5)
    portraits = [cv2.imdecode(np.frombuffer(faces.person(n), np.uint8), cv2.IMREAD_COLOR) for n in range(6)]
    for one in range(number):
        noisy = np.clip(portraits[one % 6] + chance.normal(0, 4, portraits[one % 6].shape), 0, 255).astype(np.uint8)
        path = folders[one % len(folders)] / f"{one:05d}.jpg"
        cv2.imwrite(str(path), noisy)
        time.sleep(seconds / number)


def wait_until(true, what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def kill_one(chance: random.Random, product: Product, mosquitto: Broker, clients: list[Client]) -> str:
    """Kill something that runs; what nobody else looks after is started again."""
    what = chance.choice([*SERVERS, "mosquitto", "PostgreSQL", "Redis", "client", "client"])
    try:
        if what == "mosquitto":
            mosquitto.kill()
            time.sleep(0.5)
            mosquitto.start()
        elif what == "client":
            chance.choice(clients).kill()
        elif what in SERVERS:
            product.child(SERVERS[what]).kill()
        else:
            server(product.folder, what).kill()
    except (IndexError, AttributeError, psutil.NoSuchProcess):
        return f"{what} was down already"
    return what


@needs.mosquitto
def test_nothing_is_lost_and_nothing_told_twice_whoever_is_killed(tmp_path):
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    with broker(tmp_path) as mosquitto:
        product = start(tmp_path / "data", MQTT_URL=mosquitto.url)
        clients: list[Client] = []
        try:
            product.wait_until_up()
            api = product.api()
            made = [
                api.post(f"{product.url}api/v1/cameras/", {"name": name, "thing": name}, timeout=60).json()
                for name in ("over-http", "over-mqtt")
            ]
            clients.append(Client(tmp_path / "http", "--server", product.url, token=made[0]["token"]))
            clients.append(Client(tmp_path / "mqtt", "--server", f"{mosquitto.url}/over-mqtt"))
            recorder = threading.Thread(
                target=record, args=([one.pictures for one in clients], CAPTURES, SECONDS * 0.9)
            )
            recorder.start()
            chance, killed = random.Random(11), []
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                time.sleep(chance.uniform(*PAUSE))
                killed.append(kill_one(chance, product, mosquitto, clients))
            recorder.join()
            wait_until(lambda: sum(one.has_read() for one in clients) == CAPTURES, "pictures are left unread")
            expected = [one.taken(tmp_path / f"alone-{uuid.uuid4()}") for one in clients]
            wait_until(lambda: is_well(product), "the product is not well again")
            wait_until(lambda: len(uids(product)) >= sum(map(len, expected)), "captures are missing", seconds=300)
            wait_until(lambda: state(product)["pending"] == 0, "captures are left unmatched")
            time.sleep(12)  # another sweep, which must find nothing left to do
            found = state(product)
        finally:
            for one in clients:
                one.close()
            product.stop()
    counted = {what: killed.count(what) for what in sorted(set(killed))}
    print(f"{len(killed)} kills: {counted}")
    print(f"{len(found['uids'])} captures of {CAPTURES} pictures, {found['alerts']} alerts")
    assert sorted(found["uids"]) == sorted(expected[0] | expected[1])
    assert len(set(found["uids"])) == len(found["uids"])
    assert found["in_no_alert"] == 0
    assert found["alerts_twice"] == []
    assert found["alerts"] > 0


def uids(product: Product) -> list[str]:
    return state(product)["uids"]


def state(product: Product) -> dict:
    """What the database has in the end."""
    code = """
import json
from datetime import timedelta
from matching.models import Alert, AlertCapture, Capture
EPISODE = timedelta(seconds=60)  # of a new collection
captures = Capture.objects.filter(camera__name__startswith="over-")
twice = []
alerts = list(Alert.objects.filter(camera__name__startswith="over-").order_by("camera", "case", "first_captured_at"))
for one, other in zip(alerts, alerts[1:]):
    same = (one.camera_id, one.case_id) == (other.camera_id, other.case_id)
    if same and other.first_captured_at - one.last_captured_at < EPISODE:
        twice.append([one.pk, other.pk])
print(json.dumps({
    "uids": [str(uid) for uid in captures.values_list("uid", flat=True)],
    "pending": captures.filter(status="pending").count(),
    "in_no_alert": captures.filter(status="matched", entries=None).count(),
    "alerts": len(alerts), "alerts_twice": twice,
}))
"""
    answer = product.manage("shell", "-c", code)
    try:
        found: dict = json.loads(answer.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {"uids": [], "pending": -1}
    return found


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
