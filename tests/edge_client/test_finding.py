"""Cameras that speak ONVIF are found in the network, and say their streams; what is wrong is said in words."""

import json
import os
import socket
import subprocess
import sys

import pytest

from edge_client import finding
from tests.onvif import MATCH, answering, onvif_camera
from tests.product import ROOT, free_port

GROUP = "239.255.255.251"


@pytest.fixture
def camera():
    with onvif_camera(
        sub=("rtsp://someone:secret@10.0.0.7:554/sub?a=1", 640, 360), main=("rtsp://10.0.0.7:554/main", 1920, 1080)
    ) as made:
        yield made


def known(camera) -> str:
    return camera.url.replace("http://", "http://viewer:pass%2Fword@")


def match(name: str, address: str, model: str = "M3046") -> bytes:
    return MATCH.format(name=name, model=model, address=address).encode()


def test_it_works(camera):
    main, sub = finding.streams_of(known(camera))
    assert (main.name, main.address, main.codec) == ("main stream", "rtsp://10.0.0.7:554/main", "H264")
    assert (main.width, main.height, main.fps) == (1920, 1080, 15)
    assert sub.address == "rtsp://10.0.0.7:554/sub?a=1", "another's password is nobody's to see"
    assert camera.asked[-3:] == ["GetProfiles", "GetStreamUri", "GetStreamUri"]


def test_who_is_there_says_name_model_and_where():
    port = free_port()
    answers = [
        match("Front%20door", "http://127.0.0.1:8000/onvif/device_service"),
        match("Front%20door", "http://127.0.0.1:8000/onvif/device_service"),
        match("", "http://127.0.0.1/onvif/device_service"),
        b"\xff\x00 nonsense",
        b"<XAddrs>ftp://x http://[::1 javascript:1</XAddrs>",
    ]
    with answering(GROUP, port, *answers):
        found = finding.devices(1.0, GROUP, port)
    # Without a name it is called by its address, of several the one from which it answered.
    named = next(one for one in found if one.name == "Front door")
    assert named.model == "M3046"
    assert named.address in ("http://127.0.0.1:8000/onvif/device_service", "http://10.9.8.7/onvif/device_service")
    assert len(found) == len({one.address for one in found}) <= 2


def test_nobody_there_is_an_empty_list():
    assert finding.devices(0.3, GROUP, free_port()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("viewer", "stranger"), "refuses this name and password"),
        (("word", "guess"), "refuses this name and password"),
        (("viewer:pass%2Fword@", ""), "asks for a name and password"),
        (("http://", "ftp://"), "begins with http://"),
        (("127.0.0.1", "no.such.machine.invalid"), "no machine is called"),
    ],
)
def test_what_is_wrong_is_said(camera, change, words):
    with pytest.raises(finding.NotFound, match=words) as said:
        finding.streams_of(known(camera).replace(*change))
    assert "word" not in str(said.value).replace("password", "")


@pytest.mark.parametrize("address", ["", "http://", "http://127.0.0.1:99999", "http://[::1"])
def test_addresses_that_are_none(address):
    with pytest.raises(finding.NotFound):
        finding.streams_of(address)


@pytest.mark.parametrize(
    "nonsense", ["<html>hello</html>", "", "{", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"]
)
def test_what_is_no_onvif_camera_is_said_to_be_none(camera, nonsense):
    camera.nonsense = nonsense
    if not nonsense:
        camera.nonsense = " "
    with pytest.raises(finding.NotFound, match=r"no ONVIF camera|does not say"):
        finding.streams_of(known(camera))


def test_nothing_listens_and_nothing_answers(monkeypatch):
    with pytest.raises(finding.NotFound, match="nothing listens"):
        finding.streams_of(f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(finding, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(finding.NotFound, match="within"):
        finding.streams_of(f"http://127.0.0.1:{silent.getsockname()[1]}")


def find(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge_client", "find", *words], cwd=ROOT, env={**os.environ, **environment},
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_at_the_command_line(camera):
    source = camera.url.replace("http://", "http://viewer@")
    said = find("--source", source, SIGHTLINE_SOURCE_PASSWORD="pass/word")
    assert "rtsp://10.0.0.7:554/main  main stream, H264 1920x1080, 15 frames a second" in said.stdout, said.stderr
    rows = json.loads(find("--json", "--source", source, SIGHTLINE_SOURCE_PASSWORD="pass/word").stdout)
    assert [one["width"] for one in rows] == [1920, 640]
    wrong = find("--source", source, SIGHTLINE_SOURCE_PASSWORD="guess")
    assert wrong.returncode == 2
    assert "refuses this name and password" in wrong.stderr
    assert "Traceback" not in wrong.stderr
