"""Faces that do not move, cameras that see nothing, and cameras that hang the wrong way up."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from edge_client.detectors import FoundFace
from edge_client.sight import SAID_AFTER, Sight, Turning, turned
from edge_client.still import STILL_SECONDS, StillFaces
from matching.faces import images
from tests import faces, needs
from tests.edge_client.test_watch import queue, watching  # noqa: F401 (fixtures)

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
BOX = (200.0, 120.0, 320.0, 240.0)


def wall(person: int, second: float = 0.0, light: float = 1.0, shift: int = 0) -> np.ndarray:
    """A photo on a wall, with a camera's noise."""
    bgr = np.full((480, 640, 3), 130, np.float32)
    portrait = cv2.resize(images.open_image(faces.person(person)).rgb[:, :, ::-1], (120, 120))
    bgr[120:240, 200 + shift : 320 + shift] = portrait
    noise = np.random.default_rng(int(second * 10)).normal(0, 4, (480, 640, 1))
    return np.clip(bgr * light + noise, 0, 255).astype(np.uint8)


def seen(still: StillFaces, bgr: np.ndarray, second: float, box=BOX) -> bool:
    return still.see(bgr, [FoundFace(box, 0.9)], second)[0]


def test_a_poster_is_still_after_a_while_in_any_light_and_through_looks_that_miss_it():
    still = StillFaces()
    for second in range(0, int(STILL_SECONDS), 2):
        if second % 10 != 4:
            light = 0.8 + 0.2 * np.sin(second / 20)
            assert not seen(still, wall(3, second, light), second), "until then it may be somebody"
    assert seen(still, wall(3, 200, 0.6), STILL_SECONDS + 2)
    assert still.boxes() == [BOX]


def test_who_only_sits_there_is_no_poster():
    """A head moves by a twentieth of itself now and then."""
    still = StillFaces()
    for second in range(0, 600, 2):
        shift = [0, 3, 6, 2, 8, 5][second // 2 % 6]
        box = (BOX[0] + shift, BOX[1], BOX[2] + shift, BOX[3])
        assert not seen(still, wall(3, second, shift=shift), second, box)


def test_it_wakes_when_it_changes_and_whoever_stands_before_it_is_somebody():
    still = StillFaces()
    for second in range(0, 200, 2):
        seen(still, wall(3, second), second)
    assert seen(still, wall(3, 200), 200)
    assert not seen(still, wall(4, 202), 202), "another face in its place"
    assert seen(still, wall(3, 204), 204), "and the poster behind is known at once when that is gone"


def test_a_place_is_forgotten_when_nothing_is_there_for_long():
    still = StillFaces()
    for second in range(0, 200, 2):
        seen(still, wall(3, second), second)
    assert still.boxes()
    assert not seen(still, wall(3, 0), 200 + 3601)


def test_a_poster_is_neither_sent_nor_counted_again_and_is_told(watching, queue):  # noqa: F811
    one = watching(fps=1)
    bgr = cv2.resize(cv2.imread(str(faces.GROUP)), (1280, 720))
    random = np.random.default_rng(1)
    from edge_client.sources import Frame

    for second in range(0, int(STILL_SECONDS) + 12, 4):
        noisy = np.clip(bgr + random.normal(0, 3, (720, 1280, 1)), 0, 255).astype(np.uint8)
        one.look(Frame(noisy, BEGAN + timedelta(seconds=second)))
    said, sent = one.about()["sees"], len(queue)
    assert len(said["still"]) >= 3
    assert all(0 <= side <= 1 for box in said["still"] for side in box)
    for second in range(200, 400, 8):
        one.look(Frame(bgr, BEGAN + timedelta(seconds=second)))
    assert len(queue) == sent


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (lambda: np.random.default_rng(1).normal(6, 3, (90, 160)).clip(0), "too dark"),
        (lambda: np.full((90, 160), 120.0), "covered"),
    ],
)
def test_darkness_and_a_covered_lens_are_said_after_a_while_and_no_more_when_they_end(picture, why):
    sight = Sight()
    day = np.linspace(20, 230, 90 * 160).reshape(90, 160)
    for second in (0, 30, SAID_AFTER - 1):
        sight.see(picture().astype(np.float32), 0, BEGAN + timedelta(seconds=second))
        assert sight.said() == ("", 0.0)
    sight.see(picture().astype(np.float32), 0, BEGAN + timedelta(seconds=3600))
    said, seconds = sight.said()
    assert why in said
    assert seconds == 3600
    sight.see(day.astype(np.float32), 0, BEGAN + timedelta(seconds=3601))
    assert sight.said() == ("", 0.0)


def test_a_street_at_night_with_a_lamp_is_not_too_dark():
    sight = Sight()
    night = np.full((90, 160), 8.0, np.float32)
    night[10:20, 10:40] = 200
    for second in (0, 100):
        sight.see(night, 0, BEGAN + timedelta(seconds=second))
    assert sight.said() == ("", 0.0)


@needs.pack
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_camera_that_hangs_the_wrong_way_up_is_found_out_by_trying(watching, queue, turn):  # noqa: F811
    from edge_client.sources import Frame

    one = watching(min_score=0.8)
    hung = turned(cv2.resize(cv2.imread(str(faces.GROUP)), (1280, 720)), 360 - turn)
    for second in range(40):
        one.look(Frame(hung, BEGAN + timedelta(seconds=second / 2)))
    assert one.about()["runs"]["turn"] == turn
    one.finish()
    assert len(queue) >= 3
    upright = cv2.imdecode(np.frombuffer(queue.first(1)[0].jpeg, np.uint8), 1)
    assert len(one._looking.detector.find(cv2.copyMakeBorder(upright, *[80] * 4, cv2.BORDER_REPLICATE))) == 1


@needs.pack
def test_what_is_asked_goes_before_what_is_found(watching):  # noqa: F811
    from edge_client.sources import Frame

    one = watching(min_score=0.8, turn=90)
    upright = cv2.resize(cv2.imread(str(faces.GROUP)), (1280, 720))
    for second in range(40):
        one.look(Frame(upright, BEGAN + timedelta(seconds=second / 2)))
    assert one.about()["runs"]["turn"] == 90
    one._settings.take_up({"turn": 0})
    one.look(Frame(upright, BEGAN + timedelta(seconds=60)))
    assert one.about()["runs"]["turn"] == 0
    assert one._reporter._minutes[-1]["faces"] >= 3


def test_faces_found_any_way_up_or_only_now_and_then_turn_nothing():
    any_way: Callable[[np.ndarray], list[FoundFace]] = lambda bgr: [FoundFace(BOX, 0.9)]  # noqa: E731
    bgr = np.zeros((48, 64, 3), np.uint8)
    turning = Turning()
    assert not any(turning.learn(bgr, [], any_way, second) for second in range(100))

    def rarely() -> Iterator[list[FoundFace]]:
        while True:
            yield [FoundFace(BOX, 0.9)]
            yield from [[]] * 8

    found = rarely()
    turning = Turning()
    assert not any(turning.learn(bgr, [], lambda bgr: next(found), 150.0 * look) for look in range(200))
    assert turning.found == 0
