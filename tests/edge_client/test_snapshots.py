"""Pictures that come over MQTT, as Frigate's snapshots do, with a real mosquitto."""

import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from edge_client import sources
from edge_client.__main__ import main
from tests import faces, needs
from tests.broker import Broker, broker

pytestmark = needs.mosquitto
TOPIC = "frigate/gate/person/snapshot"


@pytest.fixture
def mosquitto(tmp_path) -> Iterator[Broker]:
    with broker(tmp_path) as started:
        yield started


class Read:
    """A source that is read while the broker's side is played: what it gave, and what it said."""

    def __init__(self, url: str, once: bool = False) -> None:
        self.said: list[str] = []
        self.idle_at = 0.0
        self.steps: list = []
        self._frames = sources.frames([url], lambda: 2.0, once=once, idle=self._step, say=self.said.append)

    def _step(self) -> None:
        """Whatever a test wants to happen next while nothing comes."""
        if self.steps:
            self.steps.pop(0)()

    def next(self) -> sources.Frame | None:
        return next(self._frames, None)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    from edge_client import snapshots

    monkeypatch.setattr(snapshots, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(snapshots, "ONCE_SECONDS", 3.0)


def publish_heard(mosquitto: Broker, *payloads: bytes, times: int = 1) -> None:
    mosquitto.wait_for_listener(TOPIC, times)
    mosquitto.publish(TOPIC, *payloads)


def test_each_snapshot_is_a_picture_of_its_own(mosquitto):
    assert not sources.has_moments(f"{mosquitto.url}/{TOPIC}")
    read = Read(f"{mosquitto.url}/{TOPIC}")
    read.steps = [lambda: publish_heard(mosquitto, faces.person(0), faces.person(1), faces.person(0))]
    first, second, third = read.next(), read.next(), read.next()
    assert first.bgr.shape[2] == 3
    assert abs(first.seen_at.timestamp() - time.time()) < 10
    assert first.key == third.key != second.key, "the same picture again makes no second capture"


def test_what_the_broker_kept_may_be_days_old_and_is_left_out(mosquitto):
    mosquitto.publish(TOPIC, faces.person(0), retain=True)
    read = Read(f"{mosquitto.url}/{TOPIC}")
    read.steps = [lambda: publish_heard(mosquitto, faces.person(1))]
    assert read.next().bgr.shape == cv2.imdecode(np.frombuffer(faces.person(1), np.uint8), 1).shape
    # But whoever tries the address sees it.
    assert Read(f"{mosquitto.url}/{TOPIC}", once=True).next() is not None


def test_what_is_no_picture_is_left_out_and_the_next_one_comes(mosquitto, caplog):
    read = Read(f"{mosquitto.url}/{TOPIC}")
    bomb = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff" + b"\0" * 30
    read.steps = [lambda: publish_heard(mosquitto, b"", b"rubbish", bomb, b"{}", faces.person(1))]
    assert read.next().bgr.shape[0] > 50
    assert "is no picture that can be read" in caplog.text
    assert "megapixels" in caplog.text


def test_a_broker_that_goes_away_and_comes_back_is_said(mosquitto):
    read = Read(f"{mosquitto.url}/{TOPIC}")
    read.steps = [
        lambda: mosquitto.wait_for_listener(TOPIC), lambda: None, mosquitto.kill, lambda: time.sleep(0.5),
        mosquitto.start, lambda: publish_heard(mosquitto, faces.person(0), times=2),
    ]  # fmt: skip
    assert read.next() is not None
    assert "broker is away" in read.said[0]
    assert read.said[-1] == ""


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mqtt://127.0.0.1:9/frigate/gate/person/snapshot", "nothing listens at port 9"),
        ("mqtt://127.0.0.1:9/", "names no topic"),
        ("mqtt://me:secret@nowhere.invalid/x", "no machine is called nowhere.invalid"),
    ],
)
@pytest.mark.parametrize("once", [False, True])
def test_what_is_wrong_is_said_without_the_password(url, said, once):
    with pytest.raises(sources.SourceUnavailable, match=said) as refused:
        Read(url, once).next()
    assert "secret" not in str(refused.value)


def test_a_name_that_the_broker_refuses(tmp_path):
    passwords = tmp_path / "passwords"
    passwords.touch()
    with (
        broker(tmp_path, "allow_anonymous false", f"password_file {passwords}") as closed,
        pytest.raises(sources.SourceUnavailable, match="refuses this name and password"),
    ):
        Read(closed.url.replace("//", "//me:secret@") + f"/{TOPIC}").next()


def test_the_commands_end_after_one_picture_or_say_that_none_came(mosquitto, tmp_path, capsys):
    url = f"{mosquitto.url}/{TOPIC}"
    words = ["picture", "--source", url, "--queue", str(tmp_path / "q"), "--to", str(tmp_path / "seen.jpg")]
    assert main(words) == 2
    mosquitto.publish(TOPIC, faces.person(0), retain=True)
    assert main(words) == 0
    assert cv2.imread(str(tmp_path / "seen.jpg")) is not None
    main(["check", "--source", url, "--queue", str(tmp_path / "q")])
    assert "1 faces in 1 frames" in capsys.readouterr().out
