"""An import killed at random points and started again: the same rows as one that nobody disturbed."""

import random
import subprocess
import sys
import time

import pytest

from benchmarks.killing import rows
from cases.models import Case, ImportRun
from tests import faces
from tests.product import ROOT
from tests.registries import Person, serving

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = 6


def start(url: str, rate: int) -> subprocess.Popen[bytes]:
    """`manage.py import` on the tests' database. It ends by itself, or is killed."""
    import os

    from django.db import connection

    database = os.environ["DATABASE_URL"].replace("/postgres?", f"/{connection.settings_dict['NAME']}?")
    assert connection.settings_dict["NAME"] in database
    return subprocess.Popen(
        [sys.executable, "manage.py", "import", "namus", "--ids", "1-60"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database, "NAMUS_URL": url, "IMPORT_RATE": str(rate)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def url():
    with serving() as server:
        for number in range(1, 61):
            if number % 10:
                photos = [faces.person(number % 6) + b"%d %d" % (number, n) for n in range(2)]
                server.add(Person(number, photos=photos))
        yield server.url


def test_killed_again_and_again_it_leaves_the_same_rows(url):
    assert start(url, 1000).wait(60) == 0
    undisturbed = rows()
    assert ImportRun.objects.get().counts == {"read": 60, "new": 54, "photos new": 108, "gaps": 6}
    Case.objects.all().delete()
    ImportRun.objects.get().source.delete()
    chance, killed = random.Random(5), 0
    for _ in range(KILLS):
        process = start(url, 60)
        before = Case.objects.count()
        while Case.objects.count() == before and process.poll() is None:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.4))
        killed += process.poll() is None
        process.kill()
        process.wait()
    assert killed == KILLS
    assert 0 < Case.objects.count() < 54
    assert start(url, 1000).wait(60) == 0
    assert rows() == undisturbed
