"""Behind a pooler that gives a session to others after each transaction: locks hold, none is left, all of it runs."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from cases import locks
from tests import needs
from tests.pooler import pooler
from tests.product import ROOT

pytestmark = [needs.pgbouncer, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pooled(tmp_path) -> Iterator[None]:
    """This process reaches its database through the pooler."""
    tmp_path.chmod(0o755)
    own = connection.settings_dict
    before = {name: own[name] for name in ("HOST", "PORT")}
    with pooler(tmp_path, connection.get_connection_params()) as port:
        connection.close()
        connection.close_pool()
        own.update(HOST="127.0.0.1", PORT=str(port))
        yield
        connection.close()
        connection.close_pool()
        own.update(before)


def test_forty_at_once_hold_a_lock_one_after_another_and_leave_none(pooled):
    inside, most, held, guard = [0], [0], [0], threading.Lock()

    def work(number: int) -> None:
        chance = random.Random(number)
        for _ in range(5):
            with locks.held("one") as mine:
                if mine:
                    with guard:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                        held[0] += 1
                    # What is done meanwhile has sessions of its own, which others have in between.
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_sleep(0.005)")
                    assert not locks.is_free("one")
                    # The process's own pool is smaller than forty.
                    connection.close()
                    with guard:
                        inside[0] -= 1
            time.sleep(chance.random() / 100)

    with ThreadPoolExecutor(40) as workers:
        list(workers.map(work, range(40)))
    assert (most[0], held[0] > 0) == (1, True)
    assert locks.is_free("one")
    with connection.cursor() as cursor:
        here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
        cursor.execute(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = {here}")
        assert cursor.fetchone() == (0,)


def test_who_holds_a_lock_and_is_killed_gives_it_back(pooled):
    code = (
        "import django; django.setup()\n"
        "from cases import locks\n"
        "with locks.held('one') as mine:\n    print(bool(mine), flush=True)\n    input()"
    )
    own = connection.settings_dict
    url = f"postgresql://{own['USER'] or 'postgres'}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
    other = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "mpsite.settings"},
    )  # fmt: skip
    with other:
        assert other.stdout.readline() == "True\n"
        assert not locks.is_free("one")
        with locks.held("one") as mine:
            assert not mine
        other.kill()
    deadline = time.monotonic() + 10
    while not locks.is_free("one"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with locks.held("one") as mine:
        assert mine
