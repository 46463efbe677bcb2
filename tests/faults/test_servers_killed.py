"""The embedded database, Redis, the web and the scheduler killed under a running Sightline: it comes back by itself."""

import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest
import requests

from tests.faults.test_worker_killed import alerts_of, camera, send  # noqa: F401  (camera is a fixture)
from tests.product import ROOT, Product, environment

PIDFILES = {"PostgreSQL": "postgres/postmaster.pid", "Redis": "redis.pid"}


def server(folder: Path, name: str) -> psutil.Process | None:
    """The embedded server that works on a data folder."""
    try:
        process = psutil.Process(int((folder / PIDFILES[name]).read_text().split()[0]))
        return process if process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None


def wait_until(true, product: Product, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, product.log.read_text()[-3000:]
        time.sleep(0.2)


def is_well(product: Product) -> bool:
    try:
        return requests.get(f"{product.url}healthz/", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@pytest.mark.parametrize("name", PIDFILES)
def test_a_server_that_is_killed_runs_again_within_seconds_and_everything_goes_on(product, camera, name):  # noqa: F811
    before = {a["id"] for a in product.alerts()}
    said = product.log.read_text().count(f"The embedded {name} was killed; it runs again.")
    server(product.folder, name).kill()
    # Meanwhile a camera hears that it is to come again, or that its face is kept; never a fault.
    answers = [send(product, camera, person=4) for _ in range(5)]
    assert {answer.status_code for answer in answers} <= {202, 503}
    assert all("Retry-After" in answer.headers and answer.json()["detail"] for answer in answers if not answer.ok)
    wait_until(lambda: product.log.read_text().count(f"The embedded {name} was killed; it runs again.") > said, product)
    wait_until(lambda: is_well(product), product)
    assert send(product, camera, person=4).status_code == 202
    wait_until(lambda: alerts_of(product, "DEMO-5", before), product)


@pytest.mark.parametrize("word", ["uvicorn", "mpsite.scheduler", "bulk"])
def test_a_process_that_is_killed_is_started_again(product, word):
    killed = product.child(word)
    killed.kill()
    wait_until(lambda: set(product.named(word)) - {killed}, product)
    wait_until(lambda: is_well(product), product)


def test_a_process_that_hangs_is_missed_and_started_anew(product, camera):  # noqa: F811
    """Stopped as by a debugger, or a disk that never answers: it is there, and does nothing."""
    before = {a["id"] for a in product.alerts()}
    wait_until(lambda: (product.folder / "beats" / "worker").exists(), product)
    hung = {product.child("captures,work"), product.child("mpsite.scheduler")}
    for process in hung:
        process.suspend()
    wait_until(lambda: "The worker process has hung" in product.log.read_text(), product, 90)
    wait_until(lambda: "The scheduler process has hung" in product.log.read_text(), product, 90)
    wait_until(
        lambda: set(product.named("captures,work")) - hung and set(product.named("mpsite.scheduler")) - hung, product
    )
    assert send(product, camera, person=2).status_code == 202
    wait_until(lambda: alerts_of(product, "DEMO-3", before), product, 90)


def test_a_command_that_started_the_servers_for_itself_takes_them_down_when_it_is_ended(tmp_path):
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    folder = tmp_path / f"data{uuid.uuid4().hex[:6]}"
    command = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-c", "import time; print('up', flush=True); time.sleep(60)"],
        cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with command:
        while "up" not in command.stdout.readline():
            assert command.poll() is None
        assert all(server(folder, name) for name in PIDFILES)
        command.send_signal(signal.SIGTERM)
        assert command.wait(30) == 128 + signal.SIGTERM
    assert not any(server(folder, name) for name in PIDFILES)
