"""A day's peak for minutes on end: signed-in dashboards, searches and captures at once; pages, errors and memory.

`python -m benchmarks load [--minutes=10] [--share=1]`: of the searches and captures. It loads the same cores as the
product that it measures.
"""

import random
import statistics
import tempfile
import threading
import time
from pathlib import Path

import requests

from benchmarks.common import counted, percentiles, signed_in, table
from benchmarks.field import SENDERS, Load, crops, make_cameras, option
from benchmarks.labelled import lfw
from tests import faces
from tests.people import PASSWORD
from tests.product import Product, start

DASHBOARDS, SEARCHES_A_MINUTE, CAPTURES_A_SECOND = 50, 200, 20
GALLERY, SEARCHERS = 1000, 6
# Each dashboard's person opens the board anew so often, in seconds.
OPENS_EVERY = 30


def share() -> float:
    return float(option("--share", "1"))


class Pages:
    """What people asked for and how long it took, in milliseconds; errors: what was no page."""

    def __init__(self, product: Product) -> None:
        self.product, self.stop = product, threading.Event()
        self.searches: list[float] = []
        self.boards: list[float] = []
        self.errors: list[str] = []
        self._due = threading.Semaphore(0)

    def search(self, cookie: str, pictures: list[bytes], seed: int) -> None:
        """Upload a picture and wait for the page of its candidates, whenever one is due."""
        session, chance = self._session(cookie), random.Random(seed)
        while True:
            self._due.acquire()
            if self.stop.is_set():
                return
            began = time.monotonic()
            files = {"image": ("tip.jpg", chance.choice(pictures), "image/jpeg")}
            said = {"purpose": "load", "csrfmiddlewaretoken": session.cookies["csrftoken"]}
            answer = session.post(f"{self.product.url}search/", said, files=files, timeout=60)
            self.searches.append((time.monotonic() - began) * 1000)
            if answer.status_code != 200 or "/search/" not in answer.url:
                self.errors.append(f"search {answer.status_code}")

    def pace(self) -> None:
        """A search is due so often a minute, whether or not the one before it is done."""
        began, number = time.monotonic(), 0
        while not self.stop.wait(max(0.0, began + number * 60 / (SEARCHES_A_MINUTE * share()) - time.monotonic())):
            self._due.release()
            number += 1
        for _ in range(SEARCHERS):
            self._due.release()

    def open_boards(self, cookies: list[str]) -> None:
        sessions, number = [self._session(cookie) for cookie in cookies], 0
        while not self.stop.wait(OPENS_EVERY / len(sessions)):
            began = time.monotonic()
            answer = sessions[number % len(sessions)].get(f"{self.product.url}alerts/", timeout=60)
            self.boards.append((time.monotonic() - began) * 1000)
            if answer.status_code != 200 or "login" in answer.url:
                self.errors.append(f"board {answer.status_code}")
            number += 1

    def _session(self, cookie: str) -> requests.Session:
        session = requests.Session()
        for pair in cookie.split("; "):
            session.cookies.set(*pair.split("="), domain="127.0.0.1")
        session.headers["Referer"] = self.product.url
        return session


def run() -> None:
    minutes = float(option("--minutes", "10"))
    folder = Path(tempfile.mkdtemp(prefix="sightline-load-"))
    folder.chmod(0o755)
    product = start(folder / "data", IMPORT_DIR=str(folder))
    try:
        product.wait_until_up()
        _enrol(product, folder / "people")
        names = _people(product)
        cookies = [signed_in(product, name, PASSWORD) for name in names]
        _measure(product, cookies, minutes)
    finally:
        product.stop()


def _enrol(product: Product, people: Path) -> None:
    people.mkdir()
    for number, photo in enumerate(lfw("enrol")[:GALLERY]):
        (people / f"L{number}-1.jpg").write_bytes(photo.path.read_bytes())
    done = product.manage("import", "folder", str(people), "--collection", "Registry")
    assert not done.returncode, done.stderr
    while '"pending": 0' not in _photos(product):
        time.sleep(2)


def _photos(product: Product) -> str:
    code = "from cases.models import Photo as P; print('\"pending\":', P.objects.filter(status='pending').count())"
    return product.manage("shell", "-c", code).stdout


def _people(product: Product) -> list[str]:
    names = [f"examiner{number}" for number in range(DASHBOARDS)]
    code = (
        "from django.contrib.auth.models import User, Group\n"
        f"for n in range({DASHBOARDS}):\n"
        f"    u = User.objects.create_user(f'examiner{{n}}', password='{PASSWORD}')\n"
        "    u.groups.set(Group.objects.filter(name__in=['Investigator', 'Reviewer']))\n"
    )
    product.manage("shell", input=code)
    return names


def _measure(product: Product, cookies: list[str], minutes: float) -> None:
    pages, captures = Pages(product), Load(product, make_cameras(product))
    strangers, wanted = crops()
    uploads = [*(photo.path.read_bytes() for photo in lfw("mate")[:100]), faces.GROUP.read_bytes()]
    before, chance = counted(product), random.Random(2)
    threads = [threading.Thread(target=captures.send) for _ in range(SENDERS)]
    watchers = [threading.Thread(target=captures.watch, args=[cookie]) for cookie in cookies]
    others = [threading.Thread(target=pages.search, args=[cookies[n], uploads, n]) for n in range(SEARCHERS)]
    others += [threading.Thread(target=pages.pace), threading.Thread(target=pages.open_boards, args=[cookies])]
    for one in threads + watchers + others:
        one.start()
    began, rate = time.monotonic(), CAPTURES_A_SECOND * share()
    memory: list[float] = []
    for number in range(round(rate * minutes * 60)):
        at = began + number / rate
        time.sleep(max(0.0, at - time.monotonic() - 1))
        token = chance.choice(captures.tokens)
        captures.due.put((at, token, chance.choice(wanted if number % 50 == 0 else strangers)))
        if time.monotonic() - began > len(memory) * 60:
            memory.append(sum(process.memory_full_info().pss for process in product.children()) / 2**20)
    for _ in range(SENDERS):
        captures.due.put((0.0, "", b""))
    for one in threads:
        one.join()
    waiting = counted(product)["waiting"]
    pages.stop.set()
    captures.stop.set()
    for one in watchers + others:
        one.join()
    while counted(product)["waiting"]:
        time.sleep(1)
    lost = len(captures.answers) - (counted(product)["matched"] - before["matched"])
    half = len(memory) // 2
    table(
        ("what", "measured"),
        ("minutes, captures a second, searches a minute, dashboards",
         f"{minutes:g}, {rate:g}, {SEARCHES_A_MINUTE * share():g}, {DASHBOARDS}"),
        ("searches made, from upload to the page of candidates (p50 / p95)",
         f"{len(pages.searches)}: {percentiles(pages.searches)}"),
        ("boards opened (p50 / p95)", f"{len(pages.boards)}: {percentiles(pages.boards)}"),
        ("captures accepted, answered in (p50 / p95)", f"{len(captures.answers)}: {percentiles(captures.answers)}"),
        ("captures that still waited at the end", waiting),
        ("captures lost, requests refused, pages in error", f"{lost}, {captures.refused}, {len(pages.errors)}"),
        ("memory of all processes (PSS), median of the first half and of the second",
         f"{statistics.median(memory[:half] or memory):.0f} / {statistics.median(memory[half:]):.0f} MB"),
    )  # fmt: skip
    for error in sorted(set(pages.errors)):
        print(f"{pages.errors.count(error)} times: {error}")
