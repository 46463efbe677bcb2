"""The client on a device of its own: installed alone, checked before it is relied on, watched by systemd."""

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from tests import faces, listener, needs
from tests.broker import broker
from tests.edge_client.test_line import camera, edge, street  # noqa: F401  (fixtures)
from tests.product import ROOT, free_port


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder into which the client alone was installed."""
    folder = tmp_path_factory.mktemp("device")
    # A copy, for building leaves files beside the source.
    source = shutil.copytree(ROOT / "edge_client", folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run(
        [sys.executable, *command, "--disable-pip-version-check", "--target", str(folder / "site"), str(source)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return folder / "site"


def run(*words: str, cwd: Path, path: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"SIGHTLINE_TOKEN": "cam_x", **os.environ, **variables, **({"PYTHONPATH": str(path)} if path else {})}
    return subprocess.run(edge(*words), cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


def test_it_is_installed_alone_and_runs_without_the_server(installed, tmp_path):
    (tmp_path / "frame.jpg").write_bytes(faces.GROUP.read_bytes())
    code = "import edge_client.__main__ as main, sys; print(main.__file__); print('django' in sys.modules)"
    where = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert str(installed) in where.stdout, where.stderr
    assert "False" in where.stdout
    ended = run(
        "--source", str(tmp_path), "--once", "--server", "http://127.0.0.1:9", "--queue", str(tmp_path / "q"),
        "--min-score", "0.5", cwd=tmp_path, path=installed,
    )  # fmt: skip
    assert "6 faces kept" in ended.stderr, ended.stderr
    assert (installed / "bin" / "sightline-edge").exists()


def test_it_needs_only_what_it_says(installed):
    metadata = next(installed.glob("sightline_edge-*.dist-info/METADATA")).read_text()
    required = {line.split()[1] for line in metadata.splitlines() if line.startswith("Requires-Dist")}
    always = {
        line.split()[1] for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra" not in line
    }
    assert always == {"numpy", "opencv-python-headless", "requests", "websockets"}
    assert {"dlib-bin;", "paho-mqtt>=2.1;", "boto3;"} <= required


def test_the_check_says_that_all_is_well(product, camera, street, tmp_path):  # noqa: F811
    words = [
        "check",
        "--source",
        street.url,
        "--server",
        product.url,
        "--queue",
        str(tmp_path / "edge"),
        "--fps",
        "0.2",
    ]
    checked = run(*words, cwd=ROOT, SIGHTLINE_TOKEN=camera["token"])
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "WRONG" not in checked.stdout
    for said in ("1280 x 720", "faces in 5 frames", "beside the server's", "the server knows it", "loaded in"):
        assert said in checked.stdout


def test_the_check_says_what_is_wrong_each_by_itself(product, tmp_path):
    words = ["check", "--source", "rtsp://127.0.0.1:9/x", "--server", product.url, "--queue", str(tmp_path / "edge")]
    checked = run(*words, "--model", "/nowhere", cwd=ROOT)
    assert checked.returncode == 1
    for said in ("neither dlib nor the folder", "cannot be opened", "No camera has this token"):
        assert said in checked.stdout
    assert checked.stdout.count("WRONG") == 3
    away = run(
        "check",
        "--source",
        str(tmp_path),
        "--server",
        "http://127.0.0.1:9",
        "--queue",
        str(tmp_path / "edge"),
        cwd=ROOT,
    )
    assert "cannot be reached" in away.stdout
    assert "Traceback" not in checked.stderr + away.stderr


def test_the_check_leaves_a_recorders_pictures_to_be_read(tmp_path):
    (tmp_path / "frame.jpg").write_bytes(faces.GROUP.read_bytes())
    words = ["--source", str(tmp_path), "--server", "http://127.0.0.1:9", "--queue", str(tmp_path / "edge")]
    for _ in range(2):
        assert "faces in 1 frames" in run("check", *words, cwd=ROOT).stdout
    assert "6 faces kept" in run(*words, "--once", "--min-score", "0.5", cwd=ROOT).stderr


@needs.mosquitto
def test_the_check_of_a_broker(tmp_path):
    with broker(tmp_path) as mosquitto:
        words = ["check", "--source", str(tmp_path), "--queue", str(tmp_path / "edge")]
        well = run(*words, "--server", f"{mosquitto.url}/gate-3", cwd=ROOT)
        assert "lets the camera in" in well.stdout
    gone = run(*words, "--server", f"mqtt://127.0.0.1:{free_port()}/gate-3", cwd=ROOT)
    assert "the broker is away" in gone.stdout
    assert gone.returncode == 1


def test_systemd_hears_that_it_is_ready_and_that_it_looks(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "frame.jpg").write_bytes(faces.GROUP.read_bytes())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        words = ["--source", str(pictures), "--once", "--server", "http://127.0.0.1:9", "--queue", str(tmp_path / "q")]
        run(*words, cwd=ROOT, NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"WATCHDOG=1"


def test_a_server_with_a_certificate_that_nobody_signed_is_refused_unless_its_ca_is_given(tmp_path):
    import http.server
    import ssl

    from edge_client.over_http import Http, Unreachable
    from tests.matching.test_mqtt import certificates

    certificates(tmp_path)
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = f"https://127.0.0.1:{server.server_port}"
    with listener.serving(server):
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            Http(url, "cam_x").report({})
        # It is let in, and then answers as no Sightline does.
        with pytest.raises(Unreachable, match="answered with 501"):
            Http(url, "cam_x", str(tmp_path / "ca.crt")).report({})


def waiting(queue: Path) -> int:
    """Faces in a client's queue."""
    with contextlib.suppress(sqlite3.Error):
        kept = sqlite3.connect(f"file:{queue}?mode=ro", uri=True)
        with contextlib.closing(kept):
            return int(kept.execute("SELECT count(*) FROM waiting").fetchone()[0])
    return 0


def test_a_second_signal_ends_it_at_once_and_in_words(tmp_path):
    """The server takes connections and answers nothing, so the first one waits for what is unsent."""
    frames = tmp_path / "frames"
    frames.mkdir()
    cv2.imwrite(str(frames / "frame.jpg"), cv2.imread(str(faces.GROUP)))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"http://127.0.0.1:{silent.getsockname()[1]}"
        words = edge("--source", str(frames), "--server", server, "--queue", str(tmp_path / "q"))
        client = subprocess.Popen(
            [*words, "--min-score", "0.5"], cwd=ROOT, env={**os.environ, "SIGHTLINE_TOKEN": "cam_x"},
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not waiting(tmp_path / "q" / "queue.sqlite3"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        client.terminate()
        time.sleep(1)
        assert client.poll() is None, "it waits for what is unsent"
        client.terminate()
        said = client.communicate(timeout=10)[1]
    assert client.returncode == 1
    assert "ended at once" in said
    assert "Traceback" not in said
