"""The whole product from outside: capture posted to alert in a dashboard's websocket; start; memory."""

import json
import queue
import shutil
import tempfile
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import psutil
import requests
from websockets.sync.client import connect

from benchmarks.common import percentiles, table
from tests import faces
from tests.product import NAME, PASSWORD, Product, start

CAPTURES = 150
A_SECOND = 5
PERSONS = 6


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
        idle = _memory(product)
        latencies = _alerts(product)
        busy = _memory(product)
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
        ("first start to first page, packages installed", f"{cold:.1f} s"),
        ("later start to first page", f"{warm:.1f} s"),
        ("memory of all processes, idle (PSS)", f"{sum(idle.values()):.0f} MB"),
        *((f"  {name}", f"{size:.0f} MB") for name, size in idle.items()),
        ("memory of all processes after the captures (PSS)", f"{sum(busy.values()):.0f} MB"),
    )


def _memory(product: Product) -> dict[str, float]:
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


def _alerts(product: Product) -> list[float]:
    """Milliseconds from each post to its message. Each capture is of another camera, so each raises its own alert."""
    session = requests.Session()
    page = session.get(f"{product.url}login/", timeout=10).text
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    session.post(
        f"{product.url}login/", {"username": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token}, timeout=10
    )
    api = product.api()
    cameras = {}
    for number in range(CAPTURES // PERSONS + 1):
        made = api.post(f"{product.url}api/v1/cameras/", {"name": f"bench {number}"}, timeout=10).json()
        cameras[made["name"]] = made["token"]
    sent: dict[tuple[str, str], float] = {}
    latencies: queue.Queue[float] = queue.Queue()
    socket = connect(
        product.url.replace("http", "ws") + "ws/alerts/",
        additional_headers={"Cookie": f"sessionid={session.cookies['sessionid']}", "Origin": product.url.rstrip("/")},
    )

    def listen() -> None:
        for message in socket:
            arrived, data = time.perf_counter(), json.loads(message)
            if data["kind"] != "alert":
                continue
            for (camera, case), at in list(sent.items()):
                if f"<dd>{camera}<" in data["html"] and f"<dd>{case}," in data["html"]:
                    latencies.put((arrived - at) * 1000)
                    del sent[camera, case]

    threading.Thread(target=listen, daemon=True).start()
    begin = time.perf_counter()
    for number in range(CAPTURES):
        time.sleep(max(0, begin + number / A_SECOND - time.perf_counter()))
        camera, token = list(cameras.items())[number // PERSONS]
        person = number % PERSONS
        sent[camera, f"DEMO-{person + 1}"] = time.perf_counter()
        answer = requests.post(
            f"{product.url}api/v1/captures/",
            data={"id": str(uuid.uuid4()), "captured_at": datetime.now(UTC).isoformat(), "detection_score": 0.9},
            files={"image": faces.person(person)},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        answer.raise_for_status()
    deadline = time.monotonic() + 20
    while sent and time.monotonic() < deadline:
        time.sleep(0.1)
    socket.close()
    if sent:
        print(f"{len(sent)} of {CAPTURES} alerts did not come.")
    return [latencies.get_nowait() for _ in range(latencies.qsize())]
