"""Both engines, on real faces: what is found, and whether the same person is known again."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from matching.faces import engines, images
from tests import faces, needs

pytestmark = pytest.mark.parametrize("source", needs.ENGINES)


def test_it_works(source):
    found = engines.load(source).faces(images.open_image(faces.astronaut()).rgb)
    best = found[0]
    assert best.embedding.shape == (engines.load(source).dimensions,)
    assert best.embedding.dtype == np.float32
    assert np.linalg.norm(best.embedding) == pytest.approx(1, abs=1e-5)
    assert 0.5 < best.detection_score <= 1
    assert best.landmarks.shape == (5, 2)


def test_every_face_of_a_group_is_found_where_it_is(source):
    rgb = faces.group()
    middles = sorted((box[0] + box[2]) / 2 for box in (f.relative_box(rgb) for f in engines.load(source).faces(rgb)))
    assert middles == pytest.approx(faces.GROUP_MIDDLES, abs=0.03)


def test_landmarks_are_eyes_nose_and_mouth_in_their_places(source):
    left_eye, right_eye, nose, left_mouth, right_mouth = (
        engines.load(source).faces(images.open_image(faces.astronaut()).rgb)[0].landmarks
    )
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert left_mouth[0] < right_mouth[0]


def test_a_tight_crop_as_a_camera_sends_it_is_found(source):
    assert engines.load(source).faces(images.open_image(faces.PORTRAIT.read_bytes()).rgb)


def test_the_same_person_is_more_alike_than_any_other(source):
    engine = engines.load(source)
    rgb = faces.group()
    people = sorted(engine.faces(rgb), key=lambda face: face.box[0])
    for number, person in enumerate(people):
        crop = images.open_image(faces.person(number)).rgb
        again = max(engine.faces(crop), key=lambda face: face.quality.size)
        similarities = [float(other.embedding @ again.embedding) for other in people]
        assert similarities.index(max(similarities)) == number, person.box


def test_a_picture_without_a_face_has_none(source):
    assert engines.load(source).faces(np.full((200, 300, 3), 128, dtype=np.uint8)) == []


def test_quality_tells_a_blurred_face_from_a_sharp_one(source):
    import cv2

    rgb = images.open_image(faces.astronaut()).rgb
    engine = engines.load(source)
    sharp, blurred = engine.faces(rgb)[0], engine.faces(cv2.GaussianBlur(rgb, (0, 0), 3))[0]
    assert blurred.quality.sharpness < sharp.quality.sharpness / 3
    assert abs(sharp.quality.yaw) < 40


@needs.eval_
def test_a_face_seen_from_the_side_is_measured_as_turned(source):
    found = engines.load(source).faces(images.open_image((faces.EVAL / "pose" / "left_face.jpg").read_bytes()).rgb)
    assert abs(found[0].quality.yaw) > 45


def test_loading_does_not_run_the_weights_packages_old_code(source):
    import sys

    engines.forget()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="`estimate` is deprecated")
        engines.load(source)
    assert "face_recognition_models" not in sys.modules


def test_it_is_loaded_once_however_many_ask_at_once(source, monkeypatch):
    engines.forget()
    made, make = [], engines.make
    monkeypatch.setattr(engines, "make", lambda *asked: made.append(asked) or make(*asked))
    rgb = images.open_image(faces.astronaut()).rgb
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: engines.load(source).faces(rgb), range(8)))
    assert len(made) == 1
    assert {len(one) for one in found} == {len(found[0])}
