"""The whole product, started as `make run` starts it, for the tests that look at it from outside."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests import faces

ROOT = Path(__file__).resolve().parents[1]
NAME, PASSWORD = "admin", "a-long-password"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Product:
    process: subprocess.Popen[bytes]
    folder: Path
    url: str
    log: Path
    _token: str = ""

    def environment(self) -> dict[str, str]:
        return environment(self.folder)

    def manage(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
            **options,
        )

    def wait_until_up(self, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while "Sightline runs at" not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Sightline did not start:\n{self.log.read_text()}")
            time.sleep(0.1)

    def children(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found

    def named(self, word: str) -> list[psutil.Process]:
        found = []
        for process in self.children():
            # One may end between being listed and being asked.
            with suppress(psutil.NoSuchProcess):
                if process.status() != psutil.STATUS_ZOMBIE and word in process.cmdline():
                    found.append(process)
        return found

    def child(self, word: str) -> psutil.Process:
        return self.named(word)[0]

    def stop(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(40)

    def token(self) -> str:
        """One for all who ask: so many a minute are given to an address."""
        if not self._token:
            answer = requests.post(
                f"{self.url}api/v1/token/",
                {"username": NAME, "password": PASSWORD, "scopes": ["read", "search", "write"]},
                timeout=240,
            )
            self._token = str(answer.json()["token"])
        return self._token

    def api(self) -> requests.Session:
        session = requests.Session()
        session.headers["Authorization"] = f"Token {self.token()}"
        # Another test may have killed its database a moment ago.
        session.mount(self.url, HTTPAdapter(max_retries=Retry(8, status_forcelist=[503], backoff_factor=0.5)))
        return session

    def browser(self, name: str = NAME, password: str = PASSWORD) -> requests.Session:
        """The session of somebody who signed in on the page."""
        session = requests.Session()
        page = session.get(f"{self.url}accounts/login/", timeout=60).text
        secret = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        said = {"login": name, "password": password, "csrfmiddlewaretoken": secret.group(1) if secret else ""}
        session.post(f"{self.url}accounts/login/", said, timeout=60)
        assert "sessionid" in session.cookies, f"{name} could not sign in"
        return session

    def alerts(self) -> list[dict[str, Any]]:
        """All of its alerts, page by page: other tests' may fill the first."""
        found, address = [], f"{self.url}api/v1/alerts/"
        while address:
            page = self.api().get(address, timeout=60).json()
            found += page["results"]
            address = page["next"]
        return found


def environment(folder: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")}
    model = str(faces.PACK) if faces.PACK.is_dir() else "dlib"
    return {**kept, "SIGHTLINE_DATA": str(folder), "FACE_MODEL": model, "ADMIN_PASSWORD": PASSWORD}


def start(folder: Path, *options: str, root: Path = ROOT, **variables: str) -> Product:
    """root: where the code lies."""
    port = free_port()
    log = folder.with_suffix(f".{port}.log")
    with open(log, "w") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "quickstart", "--no-input", "--port", str(port), *options],
            cwd=root,
            env={**environment(folder), **variables},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    return Product(process, folder, f"http://127.0.0.1:{port}/", log)


def password_shown(log: str) -> str | None:
    found = re.search(r"Sign in as admin / (\S+)", log)
    return found.group(1) if found else None
