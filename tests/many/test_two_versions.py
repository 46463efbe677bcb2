"""The last release and this version beside each other, as while an installation is upgraded machine by machine."""

import io
import json
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from websockets.sync.client import connect

from tests import faces
from tests import versions as databases
from tests.many.conftest import copy_keys, send, statuses
from tests.product import ROOT, Product, start

CAPTURES = 20
PAGES = (
    "", "audit/", "batches/", "cameras/", "cases/", "collections/", "handover/", "imports/", "leads/", "map/",
    "reports/", "search/", "search/history/", "standing/", "subscriptions/", "system/", "system/accuracy/",
    "system/keeping/", "system/model/", "tasks/", "unnamed/", "worklists/",
)  # fmt: skip


def git(*arguments: str) -> bytes:
    # Whoever runs the tests need not be who cloned.
    return subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", *arguments], cwd=ROOT, check=True, capture_output=True
    ).stdout


def last_release() -> str:
    """The last commit of the version before this one; empty where the history is not here."""
    try:
        begun = git("log", "-1", "--format=%H", "-G^version = ", "--", "pyproject.toml").decode().strip()
        return git("rev-parse", "--verify", f"{begun}^").decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


LAST = last_release()
pytestmark = pytest.mark.skipif(
    not LAST, reason="the last release is not in this clone's history: git fetch --unshallow"
)


@pytest.fixture
def last(tmp_path_factory) -> Path:
    """The last release's code, out of the history."""
    code: Path = tmp_path_factory.mktemp("last")
    with tarfile.open(fileobj=io.BytesIO(git("archive", LAST))) as archive:
        archive.extractall(code, filter="data")
    for app, newest in databases.LAST_RELEASE:
        assert max(path.stem for path in (code / app / "migrations").glob("[0-9]*.py")) == newest
    return code


@pytest.fixture
def machine(common, tmp_path_factory) -> Iterator[Callable[[str, Path], Product]]:
    """Starts a machine of a name with some code; the second has the first one's keys."""
    folder, running = tmp_path_factory.mktemp("machines"), []

    def run(name: str, code: Path) -> Product:
        if running and not (folder / name).exists():
            copy_keys(running[0].folder, folder / name)
        running.append(start(folder / name, root=code, **common))
        running[-1].wait_until_up()
        return running[-1]

    yield run
    for product in running:
        product.stop()


def test_either_goes_on_with_what_the_other_did_beside_it_and_alone(machine, last, common):
    old, new = machine("old", last), machine("new", ROOT)
    assert f"<dd>{settings.VERSION}</dd>" in new.browser().get(f"{new.url}system/", timeout=60).text
    pages_are_answered(old, new)
    camera = old.api().post(f"{old.url}api/v1/cameras/", {"name": "Gate"}, timeout=60).json()
    an_alert_is_seen_at_both(old, new, camera["token"])
    for number in range(CAPTURES - 1):
        send((old, new)[number % 2], camera["token"], faces.person(1))
    statuses(common, "matching_capture", CAPTURES, "matched")
    assert [alert["capture_count"] for product in (old, new) for alert in product.alerts()] == [CAPTURES, CAPTURES]
    assert found_by(old) == found_by(new) != []
    photos_are_indexed(old, new, common)
    old.stop()
    send(new, camera["token"], faces.person(4))
    statuses(common, "matching_capture", CAPTURES + 1, "matched")
    assert len(new.alerts()) == 2
    back = machine("old", last)
    new.stop()
    send(back, camera["token"], faces.person(5))
    statuses(common, "matching_capture", CAPTURES + 2, "matched")
    assert len(back.alerts()) == 3
    for product in (old, new, back):
        assert "Traceback" not in product.log.read_text()


def pages_are_answered(old: Product, new: Product) -> None:
    """To somebody whom a load balancer sends here and there, with all that a page asks for."""
    person = old.browser()
    for number, page in enumerate(PAGES):
        asked, other = (old, new) if number % 2 else (new, old)
        answer = person.get(f"{asked.url}{page}", timeout=60)
        assert answer.status_code == 200, f"{page} at {asked.url}: {answer.status_code}"
        for part in set(re.findall(r'(?:src|href)="/(static/[^"]+)"', answer.text)):
            assert person.get(f"{other.url}{part}", timeout=60).status_code == 200, part


def an_alert_is_seen_at_both(old: Product, new: Product, token: str) -> None:
    opened = []
    for product in (old, new):
        cookies = "; ".join(f"{one.name}={one.value}" for one in product.browser().cookies)
        headers = {"Cookie": cookies, "Origin": product.url.rstrip("/")}
        opened.append(connect(product.url.replace("http", "ws") + "ws/alerts/", additional_headers=headers))
    send(old, token, faces.person(1))
    for socket in opened:
        with socket:
            while json.loads(socket.recv(timeout=120))["kind"] != "alert":
                pass


def found_by(product: Product) -> list[int]:
    """The cases that a search at that machine finds, best first."""
    answer = product.api().post(
        f"{product.url}api/v1/searches/",
        {"purpose": "a tip"},
        files={"image": ("tip.jpg", faces.person(2))},
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    (probe,) = answer.json()["probes"]
    return [candidate["case"] for candidate in probe["candidates"]]


def photos_are_indexed(old: Product, new: Product, common: dict[str, str]) -> None:
    case = old.api().get(f"{old.url}api/v1/cases/", timeout=60).json()["results"][0]["id"]
    for product, number in ((old, 2), (new, 3)):
        added = product.api().post(
            f"{product.url}api/v1/photos/",
            {"case": case},
            files={"image": ("photo.jpg", faces.person(number) + bytes([number]))},
            timeout=60,
        )
        assert added.status_code == 201, added.text
    statuses(common, "cases_photo", 2, "indexed", "duplicate")
