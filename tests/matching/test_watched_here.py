"""A camera by its address: tried before it is saved, watched by this machine, kept up, and ended."""

import os
import time
from collections.abc import Iterator

import cv2
import numpy as np
import psutil
import pytest

from cases.models import AuditEvent
from cases.sealed import unseal
from edge_client import finding
from matching.models import Camera
from matching.watching import here, tokens
from tests import faces
from tests.onvif import MATCH, answering, onvif_camera
from tests.product import Product
from tests.streams import NetworkCamera, network_camera

WRONG = [
    ("10.0.0.7/stream1", "begins with rtsp://"),
    ("file:///etc/passwd", "begins with rtsp://"),
    ("rtsp://", "names the camera"),
    ("rtsp://10.0.0.7:port/x", "begins with rtsp://"),
    ("rtsp://10.0.0.7/my stream", "%20"),
    ("rtsp://10.0.0.7/" + "x" * 600, "at most 500 characters"),
]


@pytest.fixture
def street() -> Iterator[NetworkCamera]:
    bgr = cv2.resize(cv2.imread(str(faces.GROUP)), (1280, 720))
    with network_camera(np.asarray(bgr, np.uint8)) as camera:
        camera.rate = 10
        yield camera


@pytest.fixture(autouse=True)
def _nobody_watches() -> Iterator[None]:
    yield
    here.asked_for().unlink(missing_ok=True)


def test_what_a_stream_shows_is_seen_before_anything_is_saved(as_admin, street):
    answer = as_admin.post("/cameras/try/", {"source": street.url})
    assert 'src="data:image/jpeg;base64,' in answer.content.decode()
    assert not Camera.objects.exists()
    assert AuditEvent.objects.filter(action="looked at source", target_label=street.url).exists()


def test_a_stream_that_shows_nothing_says_why_and_no_password(as_admin, street):
    street.is_away = True
    said = as_admin.post("/cameras/try/", {"source": street.url.replace("//", "//me:secret@")}).content.decode()
    assert "cannot be opened" in said
    assert "secret" not in said
    street.is_away = False
    nobody = as_admin.post("/cameras/try/", {"source": "rtsp://127.0.0.1:9/stream"}).content.decode()
    assert "nothing listens at port 9" in nobody


def test_a_cameras_streams_are_found_by_its_address(as_admin):
    with onvif_camera(main=("rtsp://10.0.0.7/main", 1920, 1080), sub=("rtsp://10.0.0.7/sub", 640, 360)) as found:
        host = found.url.removeprefix("http://")
        said = {"device": host, "user": "viewer", "password": "pass/word"}
        page = as_admin.post("/cameras/find/", said).content.decode()
        assert page.index("rtsp://10.0.0.7/main") < page.index("rtsp://10.0.0.7/sub")
        assert "1920 × 1080 H264, 15 a second" in page
        wrong = as_admin.post("/cameras/find/", {**said, "password": "guess"}).content.decode()
        assert "refuses this name and password" in wrong
        assert "guess" not in wrong
        assert "asks for a name and password" in as_admin.post("/cameras/find/", {"device": host}).content.decode()
    assert "nothing listens" in as_admin.post("/cameras/find/", said).content.decode()
    row = AuditEvent.objects.filter(action="looked for cameras").first()
    assert row.target_label == f"http://{host}", "with no password"
    assert not Camera.objects.exists()


def test_who_is_there_is_asked_of_the_network(as_admin):
    answer = MATCH.format(name="Front%20<b>door", model="M3046", address="http://127.0.0.1:8000/onvif/device_service")
    with answering(finding.GROUP, finding.PORT, answer.replace("<b>", "%3Cb%3E").encode()):
        page = as_admin.post("/cameras/find/").content.decode()
    assert "Front &lt;b&gt;door" in page
    assert "M3046" in page
    assert "No camera answered" in as_admin.post("/cameras/find/").content.decode()


@pytest.mark.parametrize("device", ["ftp://10.0.0.7", "10.0.0.7:port", "http://", "10.0.0.7/my path", "x" * 400])
def test_a_device_that_is_none_is_refused_in_words(as_admin, device):
    said = as_admin.post("/cameras/find/", {"device": device}).content.decode()
    assert "is no address of a camera" in said or "at most 300" in said


@pytest.mark.parametrize(("address", "said"), WRONG)
def test_an_address_that_is_none_is_refused_in_words_everywhere(as_admin, camera, address, said):
    assert said in as_admin.post("/cameras/try/", {"source": address}).content.decode()
    assert said in as_admin.post("/cameras/new/", {"name": "Gate", "source": address}).content.decode()
    assert said in as_admin.post(f"/cameras/{camera.pk}/source/", {"source": address}, follow=True).content.decode()
    answer = as_admin.patch(f"/api/v1/cameras/{camera.pk}/", {"stream": address}, content_type="application/json")
    assert said in answer.json()["stream"][0]
    assert list(Camera.objects.values_list("name", "source")) == [(camera.name, "")]


def test_the_address_is_sealed_and_shown_without_its_password(as_admin):
    as_admin.post("/cameras/new/", {"name": "Gate", "source": "rtsp://me:secret@10.0.0.7/stream1"})
    gate = Camera.objects.get()
    assert "secret" not in gate.source
    assert unseal(gate.source) == "rtsp://me:secret@10.0.0.7/stream1"
    assert here.asked_for().exists(), "the supervisor is told to start what watches"
    for path in ("/cameras/", f"/cameras/{gate.pk}/", f"/api/v1/cameras/{gate.pk}/"):
        said = as_admin.get(path).content.decode()
        assert "secret" not in said
    assert "rtsp://10.0.0.7/stream1" in as_admin.get(f"/cameras/{gate.pk}/").content.decode()
    assert "secret" not in " ".join(AuditEvent.objects.values_list("why", flat=True))
    as_admin.post(f"/cameras/{gate.pk}/source/", {"end": "1"})
    gate.refresh_from_db()
    assert gate.source == ""


def test_one_whose_key_is_gone_says_so(as_admin, camera, settings):
    here.watch(camera, "rtsp://10.0.0.7/stream1")
    settings.SECRET_KEY = "another"
    assert "Enter it again" in Camera.objects.get(pk=camera.pk).source_words
    watchers = here.Watchers("http://127.0.0.1:9/")
    assert watchers.look_after() == 1
    watchers.stop()


def test_whoever_pairs_a_client_of_its_own_ends_the_watching_here(camera):
    for ends in (lambda: tokens.pair(tokens.begin_pairing(camera)), lambda: Camera.objects.get().issue_token()):
        here.watch(Camera.objects.get(), "rtsp://10.0.0.7/stream1")
        Camera.objects.get().issue_token(watched_here=True)
        assert Camera.objects.get().source, "its own client's token ends nothing"
        ends()
        assert Camera.objects.get().source == ""


@pytest.fixture
def watchers(db, any_model) -> Iterator[here.Watchers]:
    made = here.Watchers("http://127.0.0.1:9/")
    yield made
    made.stop()


def client_of(watchers: here.Watchers, camera: Camera) -> psutil.Process:
    return psutil.Process(watchers._watched[camera.pk].process.pid)


def test_its_client_is_nice_has_one_core_and_nothing_of_the_servers(watchers, camera, street, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@db/x")
    here.watch(camera, street.url.replace("//", "//me:secret@"))
    assert watchers.look_after() == 1
    client = client_of(watchers, camera)
    assert client.nice() >= here.NICE
    assert len(client.cpu_affinity()) == 1
    assert "secret" not in " ".join(client.cmdline())
    assert "DATABASE_URL" not in client.environ()
    assert client.environ()["SIGHTLINE_SOURCE"].startswith("http://me:secret@")


def test_one_that_dies_is_started_again_after_a_pause_and_one_that_is_not_wanted_ends(watchers, camera, monkeypatch):
    monkeypatch.setattr(here, "FIRST_PAUSE", 0.0)
    here.watch(camera, "http://127.0.0.1:9/stream")
    watchers.look_after()
    first = client_of(watchers, camera)
    first.kill()
    first.wait(10)
    watchers.look_after()
    watchers._watched[camera.pk].next_at = 0
    watchers.look_after()
    second = client_of(watchers, camera)
    assert second.pid != first.pid
    here.watch(Camera.objects.get(pk=camera.pk), "http://127.0.0.1:9/other")
    watchers.look_after()
    assert not second.is_running(), "another address is another client"
    third = client_of(watchers, camera)
    Camera.objects.get(pk=camera.pk).revoke()
    assert watchers.look_after() == 0
    assert not third.is_running()


def test_one_that_takes_too_much_memory_is_started_again(watchers, camera, street, monkeypatch, caplog):
    here.watch(camera, street.url)
    watchers.look_after()
    first = client_of(watchers, camera)
    monkeypatch.setattr(here, "MOST_BYTES", 1)
    watchers.look_after()
    assert not first.is_running()
    assert "and is started again" in caplog.text


def test_it_ends_by_itself_when_no_camera_is_left(db):
    here.asked_for().touch()
    here.Watchers("http://127.0.0.1:9/").run(lambda: False)
    assert not here.asked_for().exists()


def test_by_its_address_alone_a_camera_raises_an_alert(product: Product, street):
    """The whole way: the supervisor starts what watches, it starts a client, whose faces are matched."""
    before = {alert["id"] for alert in product.alerts()}
    made = product.api().post(
        f"{product.url}api/v1/cameras/", json={"name": f"Gate {os.getpid()}", "stream": street.url}, timeout=60
    )
    camera = made.json()
    assert camera["watched_here"] == street.url
    url = f"{product.url}api/v1/cameras/{camera['id']}/"
    try:
        until(lambda: [a for a in product.alerts() if a["id"] not in before], product)
        until(lambda: product.api().get(url, timeout=60).json()["state"] == "online", product)
        assert product.api().get(url, timeout=60).json()["report"]["looks_at"] == street.url
        # Killed, it comes back; ended, nothing is left that watches.
        for client in clients(product):
            client.kill()
        until(lambda: clients(product), product)
    finally:
        product.api().patch(url, json={"stream": ""}, timeout=60)
    until(lambda: not clients(product) and not product.named("watch"), product)


def clients(product: Product) -> list[psutil.Process]:
    children = psutil.Process(product.process.pid).children(recursive=True)
    return [one for one in children if "edge_client" in " ".join(_words(one))]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def until(true, product: Product, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, product.log.read_text()[-3000:]
        time.sleep(0.5)
