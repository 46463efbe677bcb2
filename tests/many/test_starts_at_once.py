"""Machines of a new installation that start at the same moment."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.product import ROOT, environment


def test_they_prepare_one_database_in_turn(common, tmp_path_factory):
    folder = tmp_path_factory.mktemp("machines")
    env = {**environment(folder / "data"), **common}

    def prepare(number: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", "prepare", "--no-input"]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)

    (folder / "data").mkdir()
    with ThreadPoolExecutor(3) as machines:
        ended = list(machines.map(prepare, range(3)))
    assert [one.returncode for one in ended] == [0, 0, 0], [one.stderr for one in ended]
    said = "".join(one.stdout for one in ended)
    assert said.count("demo cases loaded") == 1
    assert "Another machine prepares this database; waiting for it." in said
    with psycopg.connect(common["DATABASE_URL"], prepare_threshold=None) as direct:
        assert direct.execute("SELECT count(*) FROM auth_user").fetchone() == (1,)
