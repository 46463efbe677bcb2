"""What is wrong with a stream is said in words, and none of them is a password."""

import gc
import hashlib
import json
import re
import socket
import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from edge_client import __main__ as client
from edge_client import sources, streams
from edge_client.over_mqtt import Mqtt
from tests import faces
from tests.edge_client.test_client import run
from tests.listener import listening, serving

SDP = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {}/90000\r\n"


class RtspCamera(socketserver.ThreadingTCPServer):
    """Answers DESCRIBE. password: what it asks for, by `way`; empty: nothing. status: of whoever is let in."""

    daemon_threads = True
    password = ""
    way = "Digest"
    status = 200
    codec = "H264"
    noise = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[str] = []

    def url(self, user: str = "") -> str:
        return f"rtsp://{user}127.0.0.1:{self.server_address[1]}/stream1?channel=2"


class _Answer(socketserver.StreamRequestHandler):
    server: RtspCamera

    def handle(self) -> None:
        lines = []
        while line := self.rfile.readline().decode().strip():
            lines.append(line)
        self.server.asked.append("\n".join(lines))
        if self.server.noise:
            self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            return
        said = next((line for line in lines if line.startswith("Authorization")), "")
        if self.server.password and not self._is_right(said):
            extra = ', nonce="n0", qop="auth"' if self.server.way == "Digest" else ""
            self._say(401, f'WWW-Authenticate: {self.server.way} realm="cam"{extra}\r\n')
            return
        self._say(self.server.status, body=SDP.format(self.server.codec) if self.server.status == 200 else "")

    def _is_right(self, said: str) -> bool:
        if self.server.way == "Basic":
            return said.endswith("YWRtaW46cEBzcw==")
        found = dict(re.findall(r'(\w+)="?([^",]+)', said))
        if found.get("username") != "admin":
            return False
        one, two = (
            hashlib.md5(text.encode()).hexdigest()
            for text in (f"admin:cam:{self.server.password}", f"DESCRIBE:{found['uri']}")
        )
        right = hashlib.md5(f"{one}:n0:{found['nc']}:{found['cnonce']}:auth:{two}".encode()).hexdigest()
        return found["response"] == right

    def _say(self, status: int, headers: str = "", body: str = "") -> None:
        self.wfile.write(
            f"RTSP/1.0 {status} Said\r\nCSeq: 1\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )


@contextmanager
def rtsp_camera(**said: object) -> Iterator[RtspCamera]:
    with serving(RtspCamera()) as camera:
        for name, value in said.items():
            setattr(camera, name, value)
        yield camera


@pytest.mark.parametrize(
    ("said", "user", "words"),
    [
        ({"password": "p@ss"}, "admin:wrong@", "refuses this name and password"),
        ({"password": "p@ss"}, "", "asks for a name and password"),
        ({"password": "p@ss", "way": "Basic"}, "admin:wrong@", "refuses this name and password"),
        ({"password": "p@ss", "status": 404}, "admin:p%40ss@", "no stream at this path"),
        ({"password": "p@ss", "way": "Basic", "status": 404}, "admin:p%40ss@", "no stream at this path"),
        ({"status": 404}, "", "no stream at this path"),
        ({"status": 453}, "", "to as many as it can"),
        ({"status": 500}, "", "answers 500"),
        ({"codec": "X-ODD"}, "", "X-ODD, which is not read here"),
        ({"noise": True}, "", "no camera's stream"),
        ({}, "", ""),
    ],
)
def test_what_a_camera_answers_is_said_in_words(said, user, words):
    with rtsp_camera(**said) as camera:
        found = streams.why(camera.url(user))
    assert (words in found) if words else found == ""
    assert "p@ss" not in found
    assert "wrong" not in found.replace("wrong path", "")


def free_port() -> int:
    with socket.socket() as bare:
        bare.bind(("127.0.0.1", 0))
        return int(bare.getsockname()[1])


def test_a_camera_that_is_not_there_is_told_from_a_name_that_is_none():
    assert "nothing listens at port" in streams.why(f"rtsp://127.0.0.1:{free_port()}/a")
    assert "nothing listens at port" in streams.why(f"http://127.0.0.1:{free_port()}/a")
    assert "no machine is called" in streams.why("rtsp://no-such-camera.invalid/a")
    assert "no machine is called" in streams.why("http://no-such-camera.invalid/a")
    assert "not understood" in streams.why("rtsp://127.0.0.1:99999/a")


@pytest.mark.parametrize(
    ("status", "words"), [(401, "asks for a name"), (404, "no stream at this path"), (503, "busy")]
)
def test_what_a_web_camera_answers_is_said_in_words(status, words):
    with listening() as camera:
        camera.status = status
        assert words in streams.why(f"http://127.0.0.1:{camera.server_port}/video")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("rtsp://admin:s3cret@10.0.0.5:554/ch1", "rtsp://10.0.0.5:554/ch1"),
        ("rtsp://admin:p@s3cret@10.0.0.5/ch1", "rtsp://10.0.0.5/ch1"),
        (
            "http://10.0.0.5/video?user=admin&password=s3cret&channel=1",
            "http://10.0.0.5/video?user=…&password=…&channel=1",
        ),
        (
            "http://10.0.0.5/cgi?loginuse=a&loginpas=s3cret&stream=0",
            "http://10.0.0.5/cgi?loginuse=…&loginpas=…&stream=0",
        ),
        ("rtsp://10.0.0.5:554/user=admin_password=s3cret_channel=1.sdp", "rtsp://10.0.0.5:554/…"),
        ("rtsp://[s3cret", "rtsp://…"),
        ("0", "0"),
        ("/clips/gate.mp4", "/clips/gate.mp4"),
    ],
)
def test_a_source_is_shown_without_its_secrets(source, shown):
    assert streams.shown(source) == shown


def test_no_password_stands_in_a_log_a_report_or_an_error(caplog, tmp_path):
    with rtsp_camera(password="other") as camera:
        source = camera.url("admin:s3cret@")
        with pytest.raises(sources.SourceUnavailable) as refusal:
            next(sources.frames([source], lambda: 5.0))
        assert "refuses this name and password" in str(refusal.value)
        ran = run("--source", source, "--server", "http://127.0.0.1:9", "--queue", str(tmp_path))
    assert ran.returncode == 2
    assert "refuses this name and password" in ran.stderr
    assert "s3cret" not in caplog.text + str(refusal.value) + ran.stdout + ran.stderr
    assert not any(b"s3cret" in one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())


def test_the_last_report_says_what_was_wrong(tmp_path):
    """Also where an answer to the first report came before."""
    with rtsp_camera(status=404) as camera, listening() as server:
        server.status = 200
        run("--source", camera.url(), "--server", f"http://127.0.0.1:{server.server_port}", "--queue", str(tmp_path))
        reports = [json.loads(body) for _, body in server.got]
    assert len(reports) >= 2
    assert "no stream at this path" in reports[-1]["problem"]


def test_a_password_is_taken_from_the_environment_or_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("SIGHTLINE_SOURCE", "rtsp://admin@10.0.0.5/a rtsp://10.0.0.5/b")
    monkeypatch.setenv("SIGHTLINE_SOURCE_PASSWORD", "p@ss/word")
    assert client.arguments(["check"]).source == ["rtsp://admin:p%40ss%2Fword@10.0.0.5/a", "rtsp://10.0.0.5/b"]
    assert client.arguments(["--source", "0"]).source == ["0"]
    monkeypatch.delenv("SIGHTLINE_SOURCE_PASSWORD")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda words: "typed" if "10.0.0.5" in words else "")
    assert client.arguments(["check"]).source[0] == "rtsp://admin:typed@10.0.0.5/a"


def test_a_clip_too_heavy_for_the_machine_is_played_more_slowly_and_said(monkeypatch, tmp_path):
    import time

    import cv2
    import numpy as np

    clip = tmp_path / "heavy.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 20, (320, 240))
    for _ in range(60):
        writer.write(np.zeros((240, 320, 3), np.uint8))
    writer.release()
    heavy = cv2.VideoCapture

    class Slow:
        """A machine that takes a fifth of a second for a frame of a twentieth."""

        def __init__(self, path: str) -> None:
            self._video = heavy(path)

        def grab(self) -> bool:
            time.sleep(0.2)
            return bool(self._video.grab())

        def __getattr__(self, name: str) -> object:
            return getattr(self._video, name)

    monkeypatch.setattr(cv2, "VideoCapture", Slow)
    monkeypatch.setattr(sources, "CATCH_UP_SECONDS", 0.5)
    said: list[str] = []
    frames = list(sources.frames([str(clip)], lambda: 5.0, say=said.append))
    assert len(frames) >= 4
    assert "too heavy for this machine" in said[0]


def test_a_recorder_that_writes_one_name_again_is_read_each_time(tmp_path, monkeypatch):
    import os

    from edge_client import recordings

    monkeypatch.setattr(recordings, "POLL_SECONDS", 0.02)
    snapshot = tmp_path / "snapshot.jpg"
    pictures = [faces.person(1), faces.person(2), faces.person(2), faces.person(3)]
    frames = sources.frames([str(tmp_path)], lambda: 1.0)
    keys = []
    for number, picture in enumerate(pictures):
        snapshot.write_bytes(picture)
        os.utime(snapshot, (1_700_000_000 + number, 1_700_000_000 + number))
        if number == 2:
            # The same picture written once more is nothing new.
            continue
        keys.append(next(frames).key)
    assert len(set(keys)) == 3
    frames.close()
    # A restart reads nothing twice, and what comes after it.
    again = sources.frames([str(tmp_path)], lambda: 1.0)
    os.utime(snapshot, (1_700_000_100, 1_700_000_100))
    snapshot.write_bytes(faces.person(4))
    assert next(again).key not in keys
    again.close()


def test_what_an_older_client_read_is_not_read_again(tmp_path):
    (tmp_path / "old.jpg").write_bytes(faces.person(1))
    (tmp_path / "new.jpg").write_bytes(faces.person(2))
    (tmp_path / ".sightline-done").write_text("old.jpg\n")
    found = [frame.key.split(":")[0] for frame in sources.frames([str(tmp_path)], lambda: 1.0, once=True)]
    assert found == ["new.jpg"]
    assert not list(sources.frames([str(tmp_path)], lambda: 1.0, once=True))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_is_away_is_told_from_a_certificate_that_is_refused(tmp_path):
    mqtt = Mqtt(f"mqtt://127.0.0.1:{free_port()}/gate", "t", None, json.loads)
    try:
        assert "nothing listens" in mqtt.wait(2)
    finally:
        mqtt.close()
    with tls_server(tmp_path) as port:
        mqtt = Mqtt(f"mqtts://localhost:{port}/gate", "t", None, json.loads)
        try:
            assert "certificate of localhost is not trusted" in mqtt.wait(3)
        finally:
            mqtt.close()
    # The library leaves open what was refused.
    gc.collect()


@contextmanager
def tls_server(folder) -> Iterator[int]:
    """Somebody with a certificate that nobody vouches for."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, datetime.now(UTC), datetime.now(UTC) + timedelta(1))
    signed = made.sign(key, hashes.SHA256())
    pem = folder / "server.pem"
    no = serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    class Greeting(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                context.wrap_socket(self.request, server_side=True).close()

    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeting)) as server:
        yield int(server.server_address[1])
