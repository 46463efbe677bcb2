"""A client in the field beside the running product: paired, asked to run other settings, looked through."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import requests
import segno
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from edge_client import line, pairing
from edge_client.settings import LiveSettings, Settings
from edge_client.sources import Frame
from tests import faces
from tests.product import NAME, PASSWORD, ROOT, Product
from tests.streams import NetworkCamera, network_camera


def group() -> np.ndarray:
    return cv2.resize(cv2.imread(str(faces.GROUP)), (1280, 720))


@pytest.fixture
def street() -> Iterator[NetworkCamera]:
    with network_camera(group()) as camera:
        yield camera


@pytest.fixture
def camera(product) -> dict:
    """A camera of the product: its id and token, and who may call for it."""
    api = product.api()
    return api.post(f"{product.url}api/v1/cameras/", {"name": f"Street {uuid.uuid4()}"}, timeout=20).json()


def edge(*words: str) -> list[str]:
    return [sys.executable, "-m", "edge_client", *words]


@contextmanager
def client(product: Product, camera: dict, folder: Path, source: str, *words: str) -> Iterator[Path]:
    """The client at work; gives its log."""
    log = folder.with_suffix(".log")
    command = edge("--source", source, "--server", product.url, "--queue", str(folder), "--min-score", "0.5", *words)
    if faces.PACK.is_dir():
        command += ["--model", str(faces.PACK)]
    with open(log, "w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "SIGHTLINE_TOKEN": camera["token"]}, stdout=out, stderr=out
        )
        try:
            yield log
        finally:
            process.terminate()
            process.wait(60)


def wait_until(true, log: Path, seconds: float = 40):
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return value


def signed_in(product: Product, name: str = NAME, password: str = PASSWORD) -> requests.Session:
    session = requests.Session()
    page = session.get(f"{product.url}accounts/login/", timeout=20).text
    secret = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)
    said = {"login": name, "password": password, "csrfmiddlewaretoken": secret}
    door = f"{product.url}accounts/login/"
    assert session.post(door, said, timeout=20).url != door
    return session


def look_through(product: Product, camera: dict, session: requests.Session):
    cookies = "; ".join(f"{one.name}={one.value}" for one in session.cookies)
    where = f"{product.url.replace('http', 'ws', 1)}ws/cameras/{camera['id']}/live/"
    return connect(where, additional_headers={"Cookie": cookies}, origin=product.url.rstrip("/"))


def report_of(product: Product, camera: dict) -> dict:
    return product.api().get(f"{product.url}api/v1/cameras/{camera['id']}/", timeout=20).json()["report"]


def test_settings_are_taken_up_at_once_and_the_client_says_what_it_runs(product, camera, street, tmp_path):
    with client(product, camera, tmp_path / "edge", street.url) as log:
        wait_until(lambda: report_of(product, camera), log)
        assert report_of(product, camera)["runs"]["fps"] == pytest.approx(2.5, abs=1.5), "as many as it has time for"
        time.sleep(1)
        url = f"{product.url}api/v1/cameras/{camera['id']}/settings/"
        assert product.api().put(url, json={"fps": 7, "min_size": 12}, timeout=20).status_code == 200
        wait_until(lambda: "new settings" in log.read_text(), log, seconds=5)
    runs = report_of(product, camera)["runs"]
    assert (runs["fps"], runs["min_size"]) == (7, 12)


def test_people_look_through_a_camera_for_as_long_as_they_look(product, camera, street, tmp_path):
    with client(product, camera, tmp_path / "edge", street.url) as log:
        wait_until(lambda: report_of(product, camera), log)
        with look_through(product, camera, signed_in(product)) as eye:
            frames = [json.loads(eye.recv(timeout=20)) for _ in range(6)]
            assert all(frame["jpeg"] for frame in frames)
            last = frames[-1]
            assert last["width"] == 640
            assert len(last["faces"]) >= 4
            assert all(0 <= side <= 1 for face in last["faces"] for side in face["box"])
            assert len({face["track"] for face in last["faces"]}) == len(last["faces"])
            # Whoever an alert was raised for has a name.
            named = wait_until(
                lambda: [face["name"] for face in json.loads(eye.recv(timeout=20))["faces"] if face["name"]], log
            )
            assert re.search(r"[01]\.\d\d$", named[0])
            eye.send('{"test": true}')
            test = wait_until(lambda: next((f for f in [json.loads(eye.recv(timeout=20))] if f["test"]), None), log)
            assert test["width"] == 1280
        with look_through(product, camera, signed_in(product)) as eye:
            eye.recv(timeout=20)
            product.api().post(f"{product.url}api/v1/cameras/{camera['id']}/revoke/", timeout=20)
            wait_until(lambda: "was revoked" in log.read_text(), log)
            with contextlib.suppress(TimeoutError):
                while eye.recv(timeout=3):
                    pass
            with pytest.raises(TimeoutError):
                eye.recv(timeout=3)
    said = product.manage(
        "shell", "-c",
        "from cases.models import AuditEvent as A\n"
        f"print([one.action for one in A.objects.filter(target_type='camera', target_id='{camera['id']}')])",
    ).stdout  # fmt: skip
    for action in ("looked through", "looked away", "took test picture"):
        assert action in said


def test_who_may_not_look_sees_nothing(product, camera):
    product.manage(
        "shell", "-c",
        "from django.contrib.auth.models import User\n"
        f"User.objects.filter(username='guest').exists() or User.objects.create_user('guest', password='{PASSWORD}')",
    )  # fmt: skip
    for session, code in ((signed_in(product, "guest"), 4403), (requests.Session(), 4401)):
        with look_through(product, camera, session) as eye, pytest.raises(ConnectionClosed) as closed:
            eye.recv(timeout=10)
        assert closed.value.rcvd.code == code


def test_a_camera_is_not_let_on_the_line_without_its_token(product):
    where = f"{product.url.replace('http', 'ws', 1)}ws/camera/"
    with connect(where, additional_headers={"Authorization": "Bearer cam_x"}) as line:
        assert "No camera has this token" in line.recv(timeout=10)
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=10)


@pytest.mark.parametrize("code", ["WD5AQH2K", "ABCD2345"])
def test_a_code_that_one_reader_is_blind_to_is_read_all_the_same(code):
    drawn = io.BytesIO()
    segno.make(f"sightline:http://127.0.0.1:39516#{code}").save(drawn, kind="png", scale=8)
    picture = cv2.imdecode(np.frombuffer(drawn.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    scene = np.full((720, 1280, 3), 120, np.uint8)
    scene[100 : 100 + picture.shape[0], 400 : 400 + picture.shape[1]] = picture
    assert pairing.code_in(scene) == ("http://127.0.0.1:39516", code)
    assert pairing.code_in(np.full((720, 1280, 3), 120, np.uint8)) is None


def test_a_camera_reads_its_code_from_its_own_picture_and_needs_no_token_then(product, camera, tmp_path):
    code = product.api().post(f"{product.url}api/v1/cameras/{camera['id']}/pair/", timeout=20).json()["code"]
    shown = tmp_path / "shown.png"
    segno.make(f"sightline:{product.url.rstrip('/')}#{code}").save(str(shown), scale=8)
    scene = np.full((720, 1280, 3), 120, np.uint8)
    picture = cv2.imread(str(shown))
    scene[100 : 100 + picture.shape[0], 400 : 400 + picture.shape[1]] = picture
    folder = tmp_path / "edge"
    with network_camera(scene) as holding:
        paired = subprocess.run(
            edge("pair", "--source", holding.url, "--queue", str(folder)),
            cwd=ROOT, capture_output=True, text=True, timeout=60, env={**os.environ, "SIGHTLINE_TOKEN": ""},
        )  # fmt: skip
    assert paired.returncode == 0, paired.stderr
    assert f"paired as {camera['name']}" in paired.stderr
    assert oct((folder / "camera.json").stat().st_mode)[-3:] == "600"
    again = subprocess.run(
        edge("pair", "--server", product.url, "--code", code, "--queue", str(folder)),
        cwd=ROOT, capture_output=True, text=True, timeout=60, env={**os.environ, "SIGHTLINE_TOKEN": ""},
    )  # fmt: skip
    assert again.returncode == 2
    assert "A code works once" in again.stderr

    # Its token is old: it gets itself another, and goes on.
    product.manage(
        "shell", "-c",
        "from matching.models import Camera\n"
        f"Camera.objects.filter(pk={camera['id']}).update(token_at='2020-01-01T00:00Z')",
    )  # fmt: skip
    before = json.loads((folder / "camera.json").read_text())["token"]
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "1.jpg"), group())
    words = ["--source", str(pictures), "--once", "--queue", str(folder), "--min-score", "0.5"]
    for _ in range(2):
        ran = subprocess.run(
            edge(*words),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "SIGHTLINE_TOKEN": ""},
        )
        assert ran.returncode == 0, ran.stderr
    assert json.loads((folder / "camera.json").read_text())["token"] != before


def test_a_token_of_another_server_keeps_the_faces_and_says_so(product, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "1.jpg"), group())
    words = ["--source", str(pictures), "--once", "--queue", str(tmp_path / "edge"), "--min-score", "0.5"]
    ran = subprocess.run(
        edge(*words, "--server", product.url), cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={**os.environ, "SIGHTLINE_TOKEN": "cam_of_another"},
    )  # fmt: skip
    assert ran.returncode == 1
    assert "No camera has this token" in ran.stderr
    assert re.search(r"[1-9] wait in", ran.stderr)


def test_two_clients_do_not_share_a_folder(product, camera, street, tmp_path):
    with client(product, camera, tmp_path / "edge", street.url) as log:
        wait_until(lambda: report_of(product, camera), log)
        words = ["--source", street.url, "--server", product.url, "--queue", str(tmp_path / "edge")]
        second = subprocess.run(
            edge(*words), cwd=ROOT, capture_output=True, text=True, timeout=60,
            env={**os.environ, "SIGHTLINE_TOKEN": camera["token"]},
        )  # fmt: skip
        assert second.returncode == 2
        assert "Another client works in" in second.stderr


def test_a_test_picture_that_is_asked_for_while_a_frame_is_made_ready_comes_next(monkeypatch):
    own, sent, made = line.Line("http://127.0.0.1:9", "x", LiveSettings(Settings(preview=True))), [], line.shrunk
    own._socket = SimpleNamespace(send=lambda text: sent.append(json.loads(text)["test"]))
    own._hear({"kind": "look", "seconds": 60, "rate": 1000, "width": 320})
    frame = Frame(group(), datetime.now(UTC))

    def asked_meanwhile(bgr: np.ndarray, longest: int) -> np.ndarray:
        own._hear({"kind": "picture", "width": 640})
        return made(bgr, longest)

    with monkeypatch.context() as patched:
        patched.setattr(line, "shrunk", asked_meanwhile)
        own.show(frame, [], [])
    own.show(frame, [], [])
    assert sent == [False, True]
