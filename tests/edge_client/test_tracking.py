"""Somebody who is followed is one track: at any pace, past others, through looks that miss them; never two people."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from edge_client.boxes import grown, of_smaller, of_union
from edge_client.describing import Colours
from edge_client.detectors import FoundFace
from edge_client.shots import BestShots
from edge_client.sources import Frame
from edge_client.tracking import NOBODY, Likeness, Tracker
from tests import needs

LIKENESS = Likeness(same=0.33, other=0.12)
# A face of one width, as far as its middle is along a line.
Box = tuple[float, float, float, float]


def at(x: float, y: float = 0.0, side: float = 100.0) -> Box:
    return x, y, x + side, y + side


def face(number: int) -> np.ndarray:
    """What describes the face of one of many people: at right angles to everybody else's."""
    return np.eye(64, dtype=np.float32)[number]


def followed(tracker: Tracker, second: float, *seen: tuple[Box, int]) -> list[int]:
    return tracker.follow([box for box, _ in seen], second, lambda place: face(seen[place][1]))


def test_where_looks_come_quickly_their_place_alone_tells_people():
    tracker = Tracker(patience=1.0)
    walker = [tracker.follow([at(x)], second)[0] for x, second in ((0, 0.0), (120, 0.2), (240, 0.4), (360, 0.6))]
    assert set(walker) == {0}
    assert tracker.follow([at(1000), at(480)], 0.8) == [1, 0]


@pytest.mark.parametrize("pace", [0.5, 1.0, 2.0, 4.0, 12.5])
def test_who_walks_by_is_one_at_any_pace(pace):
    """Three and a half face widths a second, as across 1080p in five seconds."""
    tracker = Tracker(likeness=LIKENESS)
    numbers = {followed(tracker, n / pace, (at(350 * n / pace), 7))[0] for n in range(max(2, int(5 * pace)))}
    assert numbers == {0}


@pytest.mark.parametrize("pace", [0.5, 1.0, 2.0])
def test_two_who_pass_each_other_stay_themselves(pace):
    tracker = Tracker(likeness=LIKENESS)
    for n in range(int(6 * pace)):
        x = 350 * n / pace
        assert followed(tracker, n / pace, (at(x), 1), (at(2000 - x, 30), 2)) == [0, 1]


def test_another_who_comes_where_one_left_is_another():
    tracker = Tracker(likeness=LIKENESS)
    assert followed(tracker, 0.0, (at(1800), 1)) == [0]
    assert followed(tracker, 1.0, (at(1750), 2)) == [1]


def test_whoever_is_hidden_for_some_seconds_is_known_again_by_the_face_and_nobody_by_place_alone():
    by_face, by_place = Tracker(likeness=LIKENESS), Tracker()
    for tracker, says in ((by_face, 0), (by_place, 1)):
        for n in range(5):
            followed(tracker, n / 5, (at(70 * n), 3))
            followed(tracker, n / 5 + 0.1)
        for n in range(20):
            followed(tracker, 1.0 + n / 5)
        assert followed(tracker, 4.9, (at(900), 3)) == [says]
    for n in range(40):
        followed(by_face, 5.1 + n / 5)
    assert followed(by_face, 13.2, (at(900), 3)) == [1], "after so long it is a visit of its own"


def test_who_stands_and_is_not_seen_for_a_while_is_the_same_where_they_stood():
    tracker = Tracker()
    for n in range(5):
        tracker.follow([at(0, 0)], n / 2)
    assert tracker.follow([], 3.0) == []
    assert tracker.follow([], 4.0) == []
    assert tracker.follow([at(10, 5)], 5.5) == [0]


def test_a_face_that_is_less_sure_for_a_moment_goes_on_and_begins_nobody():
    tracker = Tracker()
    assert tracker.follow([at(0), at(900)], 0.0, weak=1) == [0, NOBODY]
    assert tracker.follow([at(5)], 0.5, weak=1) == [0]
    assert tracker.follow([at(8)], 1.0) == [0]


def test_no_two_faces_of_one_look_are_one_person():
    tracker = Tracker(likeness=LIKENESS)
    followed(tracker, 0.0, (at(0), 1))
    assert followed(tracker, 1.0, (at(100), 1), (at(300), 1)) == [0, 1]


def test_only_those_are_described_whom_their_place_does_not_tell():
    """A description costs as much as a look: a crowd that stands is described once, not at each look."""
    tracker, asked = Tracker(likeness=LIKENESS), []
    crowd = [at(200 * n) for n in range(20)]
    for look in range(10):
        tracker.follow(crowd, look / 5, lambda place: (asked.append(place), face(place))[1])
    assert len(asked) <= 2 * len(crowd)


def test_somebody_in_view_is_sent_once_though_seen_at_one_look_in_two_seconds():
    shots, sent = BestShots(), []
    bgr = np.random.default_rng(0).integers(0, 255, (300, 1200, 3), dtype=np.uint8)
    for n in range(5):
        frame = Frame(bgr, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=2 * n))
        sent += shots.see(frame, [FoundFace(at(20 * n, 100), 0.9)])
    assert len({shot.track for shot in [*sent, *shots.finish()]}) == 1
    assert sent


def test_colours_tell_two_pictures_apart_in_other_light():
    """The same picture darker is the same, another is not."""
    random = np.random.default_rng(5)
    one, other = (np.kron(random.integers(40, 215, (6, 6, 3)), np.ones((30, 30, 1))).astype(np.uint8) for _ in range(2))
    seen = FoundFace(at(40, 40), 0.9)
    described = [Colours().describe(bgr, seen) for bgr in (one, (one * 0.7).astype(np.uint8), other)]
    assert float(described[0] @ described[1]) > Colours.likeness.same
    assert float(described[0] @ described[2]) < Colours.likeness.same
    assert Colours().describe(np.full_like(one, 90), seen) is None


def test_boxes():
    assert of_union(at(0), at(50)) == pytest.approx(1 / 3)
    assert of_smaller(at(0), at(25, 25, 50)) == 1
    assert of_union(at(0), at(500)) == of_smaller(at(0), at(500)) == 0
    assert grown(at(0), 2) == (-50, -50, 150, 150)


@needs.eval_
@needs.pack
@pytest.mark.parametrize(("pace", "change"), [(1.0, False), (2.0, True)])
def test_real_faces_that_cross_are_counted_once_each(pace, change, tmp_path):
    """Twelve persons across 1080p in five seconds each; where it changes, in another photo each second."""
    from benchmarks import passing, walking

    frames = walking.played(walking.crossing(12, seed=3), pace, change=change)
    _, counted, sent = passing.watched(tmp_path, frames, pace)
    assert 11 <= counted <= 13
    assert sent <= counted + 3
