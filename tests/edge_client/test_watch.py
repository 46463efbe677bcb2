"""The client's walk over frames: what is sent, how it adapts to a slow machine, and what it says of itself."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_client import detectors, watch
from edge_client.boxes import of_smaller
from edge_client.looking import LOOKED_AT
from edge_client.over_http import Http
from edge_client.queue import DiskQueue
from edge_client.reporting import Reporter
from edge_client.settings import LiveSettings, Settings
from edge_client.sources import Frame
from edge_client.watch import Watch
from tests import faces, needs

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
MODEL = str(faces.PACK) if faces.PACK.is_dir() else "dlib"


@pytest.fixture
def queue(tmp_path) -> Iterator[DiskQueue]:
    made = DiskQueue(tmp_path / "queue")
    yield made
    made.close()


@pytest.fixture
def watching(queue) -> Callable[..., Watch]:
    def make(model: str = MODEL, models: dict[str, str] | None = None, has_moments: bool = True, **said) -> Watch:
        settings = LiveSettings(Settings(**{"min_score": 0.5, "detector": Path(model).name, **said}))
        reporter = Reporter(queue, Http("http://127.0.0.1:9", "x"), "street")
        named = {Path(model).name: model, **(models or {})}
        return Watch(settings, named, queue, reporter, None, has_moments=has_moments)

    return make


def group(second: float = 0.0, key: str = "") -> Frame:
    bgr = cv2.resize(cv2.imread(str(faces.GROUP)), (1280, 720))
    return Frame(np.asarray(bgr, np.uint8), BEGAN + timedelta(seconds=second), key)


@pytest.fixture(scope="module")
def in_view() -> int:
    """How many the detector that is here finds in the group photo: dlib's fewer than a pack's."""
    found = detectors.load(MODEL).find(group().bgr)
    number = sum(face.detection_score >= 0.5 for face in found)
    assert number >= 3
    return number


def test_it_works(watching, queue, in_view):
    one = watching()
    one.run(group(number / 5) for number in range(20))
    one.finish()
    waiting = queue.first(100)
    tracks = {entry.details["track"] for entry in waiting}
    assert len(tracks) == in_view
    assert len(waiting) <= 3 * len(tracks)


@needs.pack
def test_between_two_looks_at_the_whole_only_those_in_view_are_looked_for(watching):
    detector = detectors.load(MODEL)
    whole = detector.find(group().bgr)
    around = detector.find(group().bgr, [face.box for face in whole])
    assert len(around) == len(whole), "each once, though they stand in each other's surroundings"
    for face in whole:
        assert any(of_smaller(face.box, other.box) > 0.8 for other in around)


def test_a_recorders_picture_read_again_is_the_same_capture(watching, queue, in_view):
    one = watching(has_moments=False)
    for _ in range(2):
        one.look(group(key="gate.jpg:1:2"))
    assert len(queue) == in_view


def test_a_machine_that_is_too_slow_looks_at_smaller_frames_and_at_large_ones_again(watching, monkeypatch, caplog):
    one = watching(fps=10)
    for _ in range(40):
        one._looking._adapt(2.0, 0.4)
    assert one._looking.longest == 640
    assert "frames are looked at" in caplog.text
    assert one.about()["runs"]["looked_at"] == 640
    for _ in range(100):
        one._looking._adapt(0.01, 0.4)
    assert one._looking.longest == LOOKED_AT[0]


def test_faces_found_in_a_smaller_frame_are_cut_out_of_the_whole_one(watching, queue):
    large = cv2.resize(cv2.imread(str(faces.GROUP)), (2560, 1440))
    frames = [
        Frame(np.asarray(bgr, np.uint8), BEGAN, str(n)) for n, bgr in enumerate([large, cv2.resize(large, (1280, 720))])
    ]
    one = watching(has_moments=False)
    one._looking._side = 1
    for frame in frames:
        one.look(frame)
    widths = [cv2.imdecode(np.frombuffer(e.jpeg, np.uint8), 1).shape[1] for e in queue.first(100)]
    half = len(widths) // 2
    assert len(widths) == 2 * half > 4
    assert sum(widths[:half]) == pytest.approx(2 * sum(widths[half:]), rel=0.1)


def test_asleep_it_looks_at_nothing(watching, queue, caplog):
    now = datetime.now(UTC)
    begin, end = (f"{(now + timedelta(minutes=minutes)):%H:%M}" for minutes in (-5, 5))
    one = watching(sleep=(begin, end), time_zone="UTC")
    one.run(group(number) for number in range(3))
    one.finish()
    assert len(queue) == 0
    assert one.about()["runs"]["asleep"]


def test_another_detector_is_taken_up_while_it_runs(watching, caplog):
    one = watching("dlib", {"dlib": "dlib", "second": MODEL})
    one._settings.take_up({"detector": "second"})
    one.look(group())
    assert one.about()["runs"]["detector"] == "second"


def test_a_detector_that_is_not_here_is_said_and_the_old_one_goes_on(watching, queue):
    one = watching()
    one._settings.take_up({"detector": "eagle"})
    one.run(group(number) for number in range(3))
    said = one.about()
    assert said["runs"]["detector"] == Path(MODEL).name
    assert "there is no eagle here" in said["problem"]
    assert json.dumps(said)


def test_a_source_that_gives_nothing_is_said(watching, monkeypatch):
    one = watching()
    assert one.about()["source_away"] is None
    one._frame_at -= 60
    assert one.about()["source_away"] == pytest.approx(60, abs=1)


def test_while_somebody_looks_more_frames_are_looked_at(watching):
    class Watched:
        def is_watched(self) -> bool:
            return True

    one = watching(fps=0.5)
    assert one.pace() == 0.5
    one._line = Watched()
    assert one.pace() == watch.RATE_WHILE_WATCHED


def test_a_clock_that_jumps_back_stops_nothing(watching, queue, in_view):
    one = watching()
    for second in (100, 100.4, 0, 0.5, 1.0):
        one.look(group(second))
    one.finish()
    assert len(queue) >= in_view
