"""The server under a fleet: captures a second accepted and matched, alerts, 1,000 reporting cameras and 50 dashboards.

`python -m benchmarks field [--seconds=60] [--rates=20,50]`. It loads the same cores as the product that it measures.
"""

import http.client
import json
import queue
import random
import re
import sys
import tempfile
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
from websockets.sync.client import connect
from websockets.typing import Origin

from benchmarks.common import counted, percentiles, signed_in, table
from benchmarks.labelled import lfw
from tests import faces
from tests.product import NAME, PASSWORD, Product, start

CAMERAS, DASHBOARDS, SENDERS = 1000, 50, 8
# One capture in so many is of somebody who is looked for.
WANTED = 50


def run() -> None:
    seconds = float(option("--seconds", "60"))
    folder = Path(tempfile.mkdtemp(prefix="sightline-field-"))
    folder.chmod(0o755)
    product = start(folder / "data")
    try:
        product.wait_until_up()
        tokens = make_cameras(product)
        rows = [measured(product, tokens, float(rate), seconds) for rate in option("--rates", "20,50").split(",")]
    finally:
        product.stop()
    head = ("captures a second asked", "accepted", "matched meanwhile", "lost", "answer", "capture to all dashboards")
    table((*head, "reports answered in"), *rows)


def option(name: str, default: str) -> str:
    return next((word.split("=")[1] for word in sys.argv if word.startswith(f"{name}=")), default)


def make_cameras(product: Product) -> list[str]:
    code = (
        "from matching.models import Camera\n"
        f"print([Camera(name=f'Field {{n}}').issue_token() for n in range({CAMERAS})])"
    )
    return re.findall(r"cam_[\w-]+", product.manage("shell", "-c", code).stdout)


def crops() -> tuple[list[bytes], list[bytes]]:
    """Strangers, and persons of the demo, as cameras send them."""
    strangers = [one.path.read_bytes() for one in lfw("stranger")]
    wanted = []
    chance = np.random.default_rng(3)
    for number in range(6):
        portrait = np.asarray(cv2.imdecode(np.frombuffer(faces.person(number), np.uint8), cv2.IMREAD_COLOR))
        for _ in range(20):
            noisy = np.clip(portrait + chance.normal(0, 4, portrait.shape), 0, 255).astype(np.uint8)
            wanted.append(cv2.imencode(".jpg", noisy)[1].tobytes())
    return strangers, wanted


class Load:
    """What one step sends, and what came of it."""

    def __init__(self, product: Product, tokens: list[str]) -> None:
        self.tokens, self.where = tokens, urlsplit(product.url)
        self.answers: list[float] = []
        self.reports: list[float] = []
        self.seen: list[float] = []
        self.refused = 0
        self.due: queue.Queue[tuple[float, str, bytes]] = queue.Queue()
        self.alert_sent: dict[str, float] = {}
        self.stop = threading.Event()

    def send(self) -> None:
        connection = http.client.HTTPConnection(self.where.hostname or "", self.where.port, timeout=60)
        while True:
            at, token, image = self.due.get()
            if not token:
                return
            time.sleep(max(0.0, at - time.monotonic()))
            began = time.monotonic()
            boundary = uuid.uuid4().hex
            said = {"id": uuid.uuid4(), "captured_at": datetime.now(UTC).isoformat(), "detection_score": 0.9}
            body = b"".join(
                f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                for name, value in said.items()
            )
            body += f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="f.jpg"\r\n\r\n'.encode()
            body += image + f"\r\n--{boundary}--\r\n".encode()
            kind = f"multipart/form-data; boundary={boundary}"
            if self._post(connection, "/api/v1/captures/", token, body, kind) == 202:
                self.answers.append((time.monotonic() - began) * 1000)
            else:
                self.refused += 1

    def report(self) -> None:
        """Every camera once a minute."""
        connection = http.client.HTTPConnection(self.where.hostname or "", self.where.port, timeout=60)
        number = 0
        while not self.stop.is_set():
            began = time.monotonic()
            now = datetime.now(UTC).isoformat()
            minute = {"minute": now, "frames": 120, "faces": 80, "most": 4, "tracks": 9, "score": 0.9}
            said = {"sent_at": now, "version": "0.6.0", "queue": 0, "runs": {}, "minutes": [minute]}
            token = self.tokens[number % len(self.tokens)]
            self._post(connection, "/api/v1/heartbeats/", token, json.dumps(said).encode(), "application/json")
            self.reports.append((time.monotonic() - began) * 1000)
            number += 1
            time.sleep(max(0.0, 60 / CAMERAS - (time.monotonic() - began)))

    def watch(self, cookie: str) -> None:
        """A dashboard: how long after its capture each new alert is there."""
        url = f"ws://{self.where.netloc}/ws/alerts/"
        origin = Origin(f"http://{self.where.netloc}")
        with connect(url, additional_headers={"Cookie": cookie}, origin=origin, max_size=None) as socket:
            while not self.stop.is_set():
                try:
                    message = json.loads(socket.recv(timeout=1))
                except TimeoutError:
                    continue
                sent = self.alert_sent.get(_camera_in(message.get("html", "")))
                if sent is not None:
                    self.seen.append((time.monotonic() - sent) * 1000)

    def _post(self, connection: http.client.HTTPConnection, path: str, token: str, body: bytes, kind: str) -> int:
        try:
            connection.request("POST", path, body, {"Authorization": f"Bearer {token}", "Content-Type": kind})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0


def _camera_in(html: str) -> str:
    found = re.search(r"Field \d+", html)
    return found.group(0) if found else ""


def measured(product: Product, tokens: list[str], rate: float, seconds: float) -> tuple[object, ...]:
    load, chance = Load(product, tokens), random.Random(1)
    strangers, wanted = crops()
    before = counted(product)
    cookie = signed_in(product, NAME, PASSWORD)
    threads = [threading.Thread(target=load.send) for _ in range(SENDERS)]
    threads += [threading.Thread(target=load.report)]
    threads += [threading.Thread(target=load.watch, args=[cookie]) for _ in range(DASHBOARDS)]
    for one in threads:
        one.start()
    time.sleep(2)
    began = time.monotonic()
    cameras = list(range(len(tokens)))
    chance.shuffle(cameras)
    for number in range(int(rate * seconds)):
        at = began + number / rate
        # Ahead by no more than a second: what is late is the product's doing, and stays visible.
        time.sleep(max(0.0, at - time.monotonic() - 1))
        if number % WANTED == 0 and cameras:
            camera = cameras.pop()
            load.alert_sent[f"Field {camera}"] = at
            load.due.put((at, tokens[camera], chance.choice(wanted)))
        else:
            load.due.put((at, chance.choice(tokens), chance.choice(strangers)))
    for _ in range(SENDERS):
        load.due.put((0.0, "", b""))
    for one in threads[:SENDERS]:
        one.join()
    spent = time.monotonic() - began
    now = counted(product)
    matched = now["matched"] - before["matched"]
    deadline = time.monotonic() + 600
    while counted(product)["waiting"] and time.monotonic() < deadline:
        time.sleep(1)
    after = counted(product)
    time.sleep(2)
    load.stop.set()
    for one in threads[SENDERS:]:
        one.join()
    kept = after["matched"] - before["matched"]
    return (
        f"{rate:g} for {seconds:g} s", f"{len(load.answers) / spent:.1f}", f"{matched / spent:.1f}",
        len(load.answers) - kept + load.refused, percentiles(load.answers), percentiles(load.seen or [0.0]),
        percentiles(load.reports),
    )  # fmt: skip
