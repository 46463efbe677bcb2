"""The ten seconds around a face: held for a minute where the server asks for it, sent once, never more."""

import base64
import time
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from edge_client import moments
from edge_client.moments import Moments
from edge_client.over_http import Unreachable
from edge_client.settings import LiveSettings, Settings
from edge_client.sources import Frame

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)


def frame(second: float) -> Frame:
    return Frame(np.full((90, 160, 3), int(second * 4) % 256, np.uint8), NOON + timedelta(seconds=second))


@pytest.fixture
def came() -> list[dict]:
    return []


@pytest.fixture
def held(came):
    made = Moments(came.append, LiveSettings(Settings(clips=True)))
    made.start()
    yield made
    made.finish(5)


def wait_until(true):
    until = time.monotonic() + 5
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def watch(held: Moments, begin: float, end: float, apart: float = 0.5) -> None:
    for second in np.arange(begin, end, apart):
        held.see(frame(float(second)))


def seconds(said: dict) -> list[float]:
    return [(datetime.fromisoformat(one["at"]) - NOON).total_seconds() for one in said["frames"]]


def test_it_works(held, came):
    watch(held, 0, 20)
    held.sent("a", NOON + timedelta(seconds=20))
    held.want("a")
    watch(held, 20, 24)
    assert not came, "the seconds after the face have not passed"
    watch(held, 24, 30)
    wait_until(lambda: came)
    assert came[0]["id"] == "a"
    assert seconds(came[0]) == [15 + 0.5 * n for n in range(21)]
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(came[0]["frames"][0]["jpeg"]), np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (90, 160, 3)


def test_asked_twice_it_is_sent_once(held, came):
    watch(held, 0, 10)
    held.sent("a", NOON + timedelta(seconds=3))
    held.want("a")
    wait_until(lambda: came)
    held.want("a")
    held.want("a")
    held.finish(5)
    assert len(came) == 1


@pytest.mark.parametrize("known", [True, False])
def test_what_is_no_longer_held_is_said_to_be_gone(held, came, known):
    if known:
        held.sent("a", NOON)
    watch(held, 90, 95)
    held.want("a")
    wait_until(lambda: came)
    assert came == [{"id": "a", "frames": []}]


def test_no_more_than_a_minute_is_held_and_no_more_frames_than_five_a_second(held):
    watch(held, 0, 200, apart=0.05)
    assert len(held._frames) <= 60 * 5 + 2
    assert held._frames[-1].at - held._frames[0].at <= moments.KEPT


def test_a_clock_that_jumps_back_holds_nothing_for_ever(held):
    watch(held, 5000, 5010)
    watch(held, 0, 10)
    assert all(one.at < NOON + timedelta(seconds=10) for one in held._frames)


def test_nothing_is_held_unless_the_server_asks(came):
    settings = LiveSettings(Settings())
    held = Moments(came.append, settings)
    watch(held, 0, 10)
    assert not held._frames
    settings.take_up({"clips": True})
    watch(held, 10, 20)
    assert held._frames
    settings.take_up({})
    held.see(frame(20))
    assert not held._frames
    refusing = LiveSettings(Settings(), may_preview=False)
    refusing.take_up({"clips": True})
    assert not refusing.now.clips, "who shows nobody its picture sends no clip either"


def test_a_source_that_ends_gives_what_there_is(held, came):
    watch(held, 0, 10)
    held.sent("a", NOON + timedelta(seconds=9))
    held.want("a")
    held.finish(5)
    assert seconds(came[0])[-1] == 9.5


def test_a_server_that_is_away_gets_it_later(monkeypatch, came):
    monkeypatch.setattr(moments, "PAUSE", 0.05)
    tries = []

    def send(said: dict) -> None:
        tries.append(said)
        if len(tries) < 3:
            raise Unreachable("the server is away")
        came.append(said)

    held = Moments(send, LiveSettings(Settings(clips=True)))
    held.start()
    watch(held, 0, 10)
    held.sent("a", NOON + timedelta(seconds=3))
    held.want("a")
    wait_until(lambda: came)
    assert len(tries) == 3
    held.finish(5)


def test_large_frames_are_sent_fewer(held, came, monkeypatch):
    monkeypatch.setattr(moments, "MOST_BYTES", 6000)
    watch(held, 0, 20)
    held.sent("a", NOON + timedelta(seconds=10))
    held.want("a")
    wait_until(lambda: came)
    sizes = [len(base64.b64decode(one["jpeg"])) for one in came[0]["frames"]]
    assert 2 <= len(sizes) < 20
    assert sum(sizes) <= 6000
    assert seconds(came[0])[0] == 5.0
