"""The load script that anybody can point at an installation of theirs."""

import csv
import os
import subprocess
import sys

from tests import faces
from tests.product import NAME, PASSWORD, ROOT


def run(folder, host, **said) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        "benchmarks/locustfile.py",
        "--headless",
        "--host",
        host.rstrip("/"),
    ]
    command += ["--users", "5", "--spawn-rate", "5", "--run-time", "8s", "--csv", str(folder / "said")]
    named = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}
    return subprocess.run(command, cwd=ROOT, env={**named, **said}, capture_output=True, text=True, timeout=120)


def test_cameras_send_and_people_look_and_none_is_refused(product, tmp_path):
    (tmp_path / "one.jpg").write_bytes(faces.person(1))
    who = {"SIGHTLINE_USER": NAME, "SIGHTLINE_PASSWORD": PASSWORD, "SIGHTLINE_PICTURES": str(tmp_path)}
    done = run(tmp_path, product.url, **who)
    assert done.returncode == 0, done.stdout + done.stderr
    with open(tmp_path / "said_stats.csv", newline="") as file:
        asked = {(row["Type"], row["Name"]): row for row in csv.DictReader(file)}
    assert int(asked["POST", "/api/v1/captures/"]["Request Count"]) > 5
    assert ("POST", "/accounts/login/") in asked
    assert asked["", "Aggregated"]["Failure Count"] == "0"


def test_what_it_lacks_is_said_before_anything_is_sent(tmp_path):
    lacking = run(tmp_path, "http://127.0.0.1:9", SIGHTLINE_USER="kim", SIGHTLINE_PICTURES=str(tmp_path))
    assert lacking.returncode != 0
    assert "Set SIGHTLINE_PASSWORD." in lacking.stderr
    without = run(
        tmp_path, "http://127.0.0.1:9", SIGHTLINE_USER="kim", SIGHTLINE_PASSWORD="x", SIGHTLINE_PICTURES=str(tmp_path)
    )
    assert "There is no picture" in without.stderr
