"""Load for an installation of yours, by Locust: cameras that send faces, people who search and look at alerts.

    locust -f benchmarks/locustfile.py --headless --users 60 --spawn-rate 5 --run-time 10m --host https://sightline.example

It needs a name and password in SIGHTLINE_USER and SIGHTLINE_PASSWORD, of somebody who may search, change cameras and
see alerts, and pictures of faces in the folder that SIGHTLINE_PICTURES names. What it sends is kept as all else is:
point it at an installation made for it. It makes a camera for each of its own, whose name begins with "Load".
"""

import os
import random
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from locust import HttpUser, between, constant_pacing, events, task
from locust.exception import StopUser

NEEDED = ("SIGHTLINE_USER", "SIGHTLINE_PASSWORD", "SIGHTLINE_PICTURES")
KINDS = {".jpg", ".jpeg", ".png", ".webp"}


@events.init.add_listener
def check(environment: Any, **kwargs: Any) -> None:
    """Before anything is sent, what is missing is said."""
    missing = [
        name for name in ("SIGHTLINE_USER", "SIGHTLINE_PASSWORD", "SIGHTLINE_PICTURES") if not os.environ.get(name)
    ]
    if missing:
        raise SystemExit(f"Set {', '.join(missing)}. See the beginning of {__file__}.")
    if not pictures():
        raise SystemExit(
            f"There is no picture in {os.environ['SIGHTLINE_PICTURES']}: put some {', '.join(sorted(KINDS))} there."
        )


def pictures() -> list[Path]:
    folder = Path(os.environ["SIGHTLINE_PICTURES"])
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in KINDS)


def who() -> dict[str, str]:
    return {"username": os.environ["SIGHTLINE_USER"], "password": os.environ["SIGHTLINE_PASSWORD"]}


class Camera(HttpUser):
    """Sends a face each second."""

    weight = 20
    wait_time = constant_pacing(1)
    # So many addresses in a minute may be given tokens: one for all of a process's cameras.
    _token = ""

    def on_start(self) -> None:
        if not Camera._token:
            answer = self.client.post("/api/v1/token/", {**who(), "scopes": ["read", "write"]})
            if answer.status_code != 200:
                raise StopUser
            Camera._token = answer.json()["token"]
        made = self.client.post(
            "/api/v1/cameras/",
            {"name": f"Load {uuid.uuid4().hex[:8]}"},
            headers={"Authorization": f"Token {Camera._token}"},
        )
        if made.status_code != 201:
            raise StopUser
        self.headers = {"Authorization": f"Bearer {made.json()['token']}"}
        self.all = pictures()

    @task
    def capture(self) -> None:
        path = random.choice(self.all)
        self.client.post(
            "/api/v1/captures/",
            data={"id": str(uuid.uuid4()), "captured_at": datetime.now(UTC).isoformat(), "detection_score": 0.9},
            files={"image": (path.name, path.read_bytes())},
            headers=self.headers,
        )


class Person(HttpUser):
    """Looks at the alerts, and searches now and then."""

    weight = 5
    wait_time = between(5, 15)

    def on_start(self) -> None:
        page = self.client.get("/accounts/login/").text
        secret = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        said = {"login": who()["username"], "password": who()["password"]}
        self.client.headers["Referer"] = f"{self.host}/"
        self.client.post("/accounts/login/", {**said, "csrfmiddlewaretoken": secret.group(1) if secret else ""})
        if "sessionid" not in self.client.cookies:
            raise StopUser
        self.all = pictures()

    @task(6)
    def alerts(self) -> None:
        self.client.get("/alerts/")

    @task(2)
    def cases(self) -> None:
        self.client.get("/cases/")

    @task(2)
    def search(self) -> None:
        path = random.choice(self.all)
        said = {"purpose": "Load", "csrfmiddlewaretoken": self.client.cookies.get("csrftoken", "")}
        files = {"image": (path.name, path.read_bytes())}
        with self.client.post("/search/", said, files=files, catch_response=True) as answer:
            if answer.status_code == 200 and not re.search(r"/search/[0-9a-f-]+/", answer.url or ""):
                answer.failure("no page of candidates")
