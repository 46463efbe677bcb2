"""The whole product from outside: capture posted to alert in a dashboard's websocket; start; memory."""

import json
import os
import queue
import shutil
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.common import counted, percentiles, signed_in, table
from tests import faces
from tests.product import NAME, PASSWORD, Product, start

CAPTURES = 90
A_SECOND = 5
PERSONS = 6
# So many captures a second, each for so long.
BUSY_A_SECOND = [int(one) for one in os.environ.get("BUSY_A_SECOND", "20 30 50").split()]
BUSY_SECONDS = int(os.environ.get("BUSY_SECONDS", "60"))


def run() -> None:
    folder = Path(tempfile.mkdtemp(prefix="sightline-live-"))
    folder.chmod(0o755)
    product = None
    try:
        began = time.perf_counter()
        product = start(folder / "data")
        product.wait_until_up()
        requests.get(product.url, timeout=10)
        cold = time.perf_counter() - began
        product.stop()
        began = time.perf_counter()
        product = start(folder / "data")
        product.wait_until_up()
        requests.get(product.url, timeout=10)
        warm = time.perf_counter() - began
        time.sleep(5)
        idle = memory(product)
        dashboard = Dashboard(product)
        latencies = alone(dashboard)
        loaded = [(wanted, *_busy(dashboard, wanted)) for wanted in BUSY_A_SECOND]
        dashboard.close()
        busy = memory(product)
    finally:
        if product is not None:
            product.stop()
        shutil.rmtree(folder, ignore_errors=True)
    table(
        ("what", "measured"),
        (
            f"capture posted to alert in a dashboard's websocket, {A_SECOND} a second (p50 / p95)",
            percentiles(latencies),
        ),
        *(
            (
                f"`202` to alert, {wanted} captures a second for {BUSY_SECONDS} s, {taken:.0f} taken (p50 / p95)",
                percentiles(ms),
            )
            for wanted, taken, ms in loaded
        ),
        ("first start to first page, packages installed", f"{cold:.1f} s"),
        ("later start to first page", f"{warm:.1f} s"),
        ("memory of all processes, idle (PSS)", f"{sum(idle.values()):.0f} MB"),
        *((f"  {name}", f"{size:.0f} MB") for name, size in idle.items()),
        ("memory of all processes after the captures (PSS)", f"{sum(busy.values()):.0f} MB"),
    )


def memory(product: Product) -> dict[str, float]:
    """Megabytes by kind of process; shared pages are counted once (PSS)."""
    processes = [psutil.Process(product.process.pid), *product.children()]
    processes += [
        p for p in psutil.process_iter(["cmdline"]) if any(str(product.folder) in w for w in p.info["cmdline"] or [])
    ]
    processes += [c for p in processes if "postgres" in p.name() for c in p.children()]
    kinds: dict[str, float] = {}
    for process in set(processes):
        words = " ".join(process.cmdline())
        kind = next(
            (
                k
                for k, w in {
                    "web": "uvicorn",
                    "importer": "importer@",
                    "worker": " worker ",
                    "scheduler": " beat ",
                    "Redis": "redis",
                    "PostgreSQL": "postgres",
                }.items()
                if w in words
            ),
            "supervisor",
        )
        kinds[kind] = kinds.get(kind, 0) + process.memory_full_info().pss / 2**20
    return kinds


class Dashboard:
    """An open dashboard's websocket, and the cameras that post to the product."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self._socket = connect(
            product.url.replace("http", "ws") + "ws/alerts/",
            additional_headers={
                "Cookie": signed_in(product, NAME, PASSWORD),
                "Origin": product.url.rstrip("/"),
            },
        )
        self._api = product.api()
        self.awaited: dict[tuple[str, str], float] = {}
        self.latencies: list[float] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(ConnectionClosed):
            for message in self._socket:
                arrived, data = time.perf_counter(), json.loads(message)
                if data["kind"] != "alert":
                    continue
                for (camera, case), at in list(self.awaited.items()):
                    if f"<dd>{camera}<" in data["html"] and f"<dd>{case}," in data["html"]:
                        self.latencies.append((arrived - at) * 1000)
                        self.awaited.pop((camera, case), None)

    def camera(self, name: str) -> str:
        """A new camera's token."""
        made = self._api.post(f"{self.product.url}api/v1/cameras/", {"name": name}, timeout=10)
        return str(made.json()["token"])

    def wait(self) -> None:
        """Until all that was sent is matched, and a moment for its messages. Says what then has not come, and why."""
        while counted(self.product)["waiting"]:
            time.sleep(1)
        deadline = time.monotonic() + 20
        while self.awaited and time.monotonic() < deadline:
            time.sleep(0.1)
        if self.awaited:
            raised = {(alert["camera_name"], alert["case_number"]) for alert in self.product.alerts()}
            never = sum(key not in raised for key in self.awaited)
            print(f"Not raised: {never} alerts. Raised, without a message: {len(self.awaited) - never}.")
        self.awaited.clear()

    def close(self) -> None:
        self._socket.close()


def post(session: requests.Session, url: str, token: str, person: int) -> None:
    answer = session.post(
        f"{url}api/v1/captures/",
        data={"id": str(uuid.uuid4()), "captured_at": datetime.now(UTC).isoformat(), "detection_score": 0.9},
        files={"image": faces.person(person)},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    answer.raise_for_status()


def alone(dashboard: Dashboard) -> list[float]:
    """Milliseconds from each post to its message. Each capture is of another camera, so each raises its own alert."""
    tokens = [dashboard.camera(f"bench {number}") for number in range(CAPTURES // PERSONS + 1)]
    # A client takes longer from its token to its first face; meanwhile a worker gets ready.
    time.sleep(5)
    session = requests.Session()
    begin = time.perf_counter()
    for number in range(CAPTURES):
        time.sleep(max(0, begin + number / A_SECOND - time.perf_counter()))
        camera, person = divmod(number, PERSONS)
        dashboard.awaited[f"bench {camera}", f"DEMO-{person + 1}"] = time.perf_counter()
        post(session, dashboard.product.url, tokens[camera], person)
    dashboard.wait()
    return dashboard.latencies


def _busy(dashboard: Dashboard, a_second: int) -> tuple[float, list[float]]:
    """Captures a second that were taken, and milliseconds from `202` to alert of one of them a second.

    The others come from busy cameras and join alerts that are open, each with a message of its own.
    """
    dashboard.latencies = []
    url, seconds = dashboard.product.url, BUSY_SECONDS
    busy = [dashboard.camera(f"busy {a_second} {number}") for number in range(PERSONS)]
    watched = [dashboard.camera(f"watched {a_second} {number}") for number in range(seconds // PERSONS + 1)]
    turns: queue.Queue[int] = queue.Queue()
    taken: list[float] = []

    def send() -> None:
        session = requests.Session()
        while (number := turns.get()) >= 0:
            second, turn = divmod(number, a_second)
            if turn:
                post(session, url, busy[turn % PERSONS], second % PERSONS)
            else:
                camera, person = divmod(second, PERSONS)
                key = f"watched {a_second} {camera}", f"DEMO-{person + 1}"
                dashboard.awaited[key] = float("inf")
                post(session, url, watched[camera], person)
                if key in dashboard.awaited:
                    dashboard.awaited[key] = time.perf_counter()
            taken.append(time.perf_counter())

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    begin = time.perf_counter()
    for number in range(a_second * seconds):
        time.sleep(max(0, begin + number / a_second - time.perf_counter()))
        turns.put(number)
    for _ in threads:
        turns.put(-1)
    for thread in threads:
        thread.join()
    dashboard.wait()
    # An alert that came before its 202 took no time after it.
    return len(taken) / (max(taken) - begin), [max(latency, 0.0) for latency in dashboard.latencies]
