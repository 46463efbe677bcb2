"""Best shots, not bursts: who is followed is sent once soon, and again only when a picture is clearly better."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_client import detectors
from edge_client.detectors import FoundFace
from edge_client.shots import MOST, BestShots, Shot
from edge_client.sources import Frame
from matching.faces import images
from tests import faces, needs

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def frame(second: float, *boxes: tuple[float, float, float, float]) -> tuple[Frame, list[FoundFace]]:
    """A grey frame with the same portrait in each box."""
    bgr = np.full((600, 900, 3), 120, np.uint8)
    portrait = images.open_image(faces.person(3)).rgb[:, :, ::-1]
    for left, top, right, bottom in (map(int, box) for box in boxes):
        bgr[top:bottom, left:right] = cv2.resize(portrait, (right - left, bottom - top))
    return Frame(bgr, BEGAN + timedelta(seconds=second)), [FoundFace(box, 0.9) for box in boxes]


def square(x: float, side: float) -> tuple[float, float, float, float]:
    return x, 100.0, x + side, 100.0 + side


def played(*seen: tuple[Frame, list[FoundFace]]) -> tuple[list[tuple[float, Shot]], BestShots]:
    shots, sent = BestShots(), []
    for one, found in seen:
        sent += [((one.seen_at - BEGAN).total_seconds(), shot) for shot in shots.see(one, found)]
    return sent, shots


def test_a_first_picture_goes_out_soon_and_standing_still_sends_no_other():
    sent, shots = played(*(frame(n / 5, square(200, 80)) for n in range(50)))
    assert [at for at, _ in sent] == [0.4]
    assert shots.finish() == []


def test_who_comes_nearer_is_sent_again_better_under_one_track_and_three_times_at_most():
    sent, _ = played(*(frame(n / 5, square(200, 24 + n * 2)) for n in range(60)))
    assert 2 <= len(sent) <= MOST
    assert len({shot.track for _, shot in sent}) == 1
    good = [shot.goodness for _, shot in sent]
    assert good == sorted(good)
    assert all(b - a > 0.99 for (a, _), (b, _) in pairwise(sent))


def test_who_was_there_for_a_moment_only_is_sent_as_well():
    sent, _ = played(frame(0, square(200, 80)), *(frame(n / 5) for n in range(1, 10)))
    assert len(sent) == 1
    assert sent[0][1].seen_at == BEGAN


def test_what_is_left_goes_out_at_the_end():
    _, shots = played(frame(0, square(200, 80), square(600, 80)))
    left = shots.finish()
    assert len({shot.track for shot in left}) == 2
    assert shots.finish() == []


@needs.eval_
@needs.pack
def test_of_a_real_clip_a_few_pictures_are_sent_whatever_the_rate():
    """Hundreds of faces are seen in it: each was an upload."""
    detector, shots, sent, seen = detectors.load(str(faces.PACK)), BestShots(), 0, 0
    video = cv2.VideoCapture(str(Path(faces.EVAL) / "video" / "clip.mp4"))
    number = 0
    while True:
        taken, bgr = video.read()
        if not taken:
            break
        if number % 2 == 0:
            found = [face for face in detector.find(bgr) if face.detection_score >= 0.8]
            seen += len(found)
            sent += len(shots.see(Frame(bgr, BEGAN + timedelta(seconds=number / 25)), found))
        number += 1
    sent += len(shots.finish())
    assert seen > 150
    assert sent == pytest.approx(15, abs=6)
