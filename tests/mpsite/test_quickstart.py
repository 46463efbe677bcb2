"""`make run` from outside: it starts, a second start says so, it stops whole, and it keeps the data."""

import http.client
import signal
import subprocess
import sys
import time
from contextlib import closing
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from mpsite import quickstart
from tests.product import ROOT, environment, password_shown, start


@pytest.fixture
def folder(tmp_path):
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    return tmp_path / "data"


def left_over(folder) -> list[str]:
    """Processes that still work on the data folder."""
    return [
        " ".join(p.info["cmdline"])
        for p in psutil.process_iter(["cmdline", "status"])
        if p.info["status"] != psutil.STATUS_ZOMBIE and any(str(folder) in word for word in p.info["cmdline"] or [])
    ]


def test_it_starts_says_so_to_a_second_start_stops_whole_and_keeps_the_data(folder):
    first = start(folder, ADMIN_PASSWORD="")
    first.wait_until_up()
    password = password_shown(first.log.read_text())
    assert password
    assert "demo cases loaded" in first.log.read_text()
    assert requests.get(f"{first.url}healthz/", timeout=60).json()["ok"]
    assert "Sign in" in requests.get(first.url, timeout=60).text

    second = subprocess.run(
        [sys.executable, "manage.py", "quickstart"],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert second.returncode == 1
    assert f"already runs on {folder}, at {first.url}" in second.stderr

    listed = first.manage("models", "list")
    assert "in use" in listed.stdout, listed.stderr

    children = first.children()
    assert first.stop(signal.SIGINT) == 0
    assert not [p for p in children if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert left_over(folder) == []

    again = start(folder)
    again.wait_until_up()
    assert password_shown(again.log.read_text()) is None
    assert "demo cases loaded" not in again.log.read_text()
    form = requests.post(f"{again.url}api/v1/token/", {"username": "admin", "password": password}, timeout=60)
    assert form.status_code == 200
    again.stop(signal.SIGTERM)
    assert left_over(folder) == []


def test_a_form_that_somebody_takes_their_time_over_comes_by_the_same_connection(product):
    with closing(http.client.HTTPConnection(urlsplit(product.url).netloc, timeout=60)) as connection:
        connection.request("GET", "/healthz/")
        assert connection.getresponse().read()
        time.sleep(7)
        connection.request("POST", "/accounts/login/", "login=nobody")
        assert connection.getresponse().status == 403
    # The image's server keeps them for as long.
    assert f'"--timeout-keep-alive", "{quickstart.KEEP_ALIVE}"' in (ROOT / "docker" / "Dockerfile").read_text()


def test_after_a_kill_the_next_start_takes_over_and_stops_whole(folder):
    killed = start(folder, "--no-demo")
    killed.wait_until_up()
    killed.process.kill()
    killed.process.wait()
    again = start(folder, "--no-demo")
    again.wait_until_up()
    again.stop()
    assert left_over(folder) == []


def test_a_port_that_is_taken_is_an_error_in_words_and_stops_the_rest(folder, product):
    port = product.url.rstrip("/").rsplit(":", 1)[1]
    refused = subprocess.run(
        [sys.executable, "manage.py", "quickstart", "--no-input", "--port", port],
        cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert refused.returncode == 1
    assert f"port {port} is taken" in refused.stderr
    assert left_over(folder) == []


def test_servers_named_in_the_environment_are_used_and_none_is_embedded(folder):
    import os

    named = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    started = start(folder, "--no-demo", **named)
    started.wait_until_up()
    assert requests.get(f"{started.url}healthz/", timeout=60).json()["ok"]
    assert not [w for p in started.children() for w in p.cmdline() if "redis-server" in w]
    assert not (folder / "postgres").exists()
    started.stop()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DATABASE_URL", "postgresql://127.0.0.1:9/x", "DATABASE_URL names does not let us in"),
        ("REDIS_URL", "redis://127.0.0.1:9/0", "REDIS_URL names does not answer"),
        ("PORT", "eighty", "invalid int value: 'eighty'"),
    ],
)
def test_a_wrong_setting_is_an_error_in_words(folder, variable, value, words):
    refused = subprocess.run(
        [sys.executable, "manage.py", "quickstart", "--no-input"],
        cwd=ROOT, env={**environment(folder), variable: value}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert refused.returncode != 0
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert left_over(folder) == []


def test_a_face_model_that_is_none_is_an_error_in_words(folder):
    refused = subprocess.run(
        [sys.executable, "manage.py", "quickstart", "--no-input"],
        cwd=ROOT, env={**environment(folder), "FACE_MODEL": "bufalo"}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "FACE_MODEL=bufalo is neither" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert left_over(folder) == []
