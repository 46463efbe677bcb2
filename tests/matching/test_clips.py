"""Clips by their own clock: what is said of a second is what a player shows then, in whatever container."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.core.files.base import ContentFile
from PIL import Image

from matching.faces import clips, images, interlaced
from matching.models import Batch, Shot
from matching.searching import batches, evidence, pictures
from tests import faces
from tests.matching.test_batches import clip

CASES = Path(os.environ.get("SIGHTLINE_CASES", Path(__file__).parents[3] / "shared" / "cases"))
given = pytest.mark.skipif(not CASES.is_dir(), reason="needs the folder of files as users report them")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def searched(any_model, six_cases, user):
    def search(path: Path) -> Batch:
        made = batches.begin(user=user, purpose="the street")
        batches.add(made, ContentFile(path.read_bytes()), path.name, user)
        batches.start(made)
        batches.run(made)
        made.refresh_from_db()
        return made

    return search


def seconds_of(made: Batch) -> list[float]:
    return sorted(Shot.objects.filter(file__batch=made).values_list("second", flat=True))


@given
@pytest.mark.parametrize(
    ("name", "stretches"),
    [("vfr.mp4", [(20.0, 24.2)]), ("vfr_faces_first.mp4", [(0.0, 4.2)])],
)
def test_times_are_the_clips_own_where_its_rate_varies(searched, signed_in, name, stretches):
    made = searched(CASES / "clip-variable-rate" / name)
    found = seconds_of(made)
    assert found
    assert all(any(begin - 0.5 <= at <= end + 0.5 for begin, end in stretches) for at in found)
    assert made.problems == []
    # The picture that is shown for a shot is the one in which it was found.
    for shot in Shot.objects.all():
        shown = images.decode(signed_in.get(f"/shots/{shot.pk}/picture/").content).rgb
        with shot.crop.open() as file:
            cut = np.asarray(Image.open(file).convert("RGB"))
        there = images.crop(shown, (shot.left, shot.top, shot.right, shot.bottom))
        assert np.abs(cv2.resize(there, cut.shape[1::-1]).astype(float) - cut).mean() < 12


@given
@pytest.mark.parametrize("name", ["cctv.wmv", "dvr.ts", "dvr.h264"])
def test_recorders_containers_are_clips(searched, name):
    path = CASES / "clip-dvr-containers" / name
    assert evidence.is_clip(path)
    found = seconds_of(searched(path))
    assert found
    assert 7.5 <= min(found) <= max(found) <= 12.7


@given
def test_pixels_that_are_not_square_are_stretched():
    frames = clips.Frames(str(CASES / "clip-anamorphic-d1" / "half_d1_anamorphic.mp4"), -1.0)
    _, rgb = next(iter(frames))
    assert rgb.shape == (576, 704, 3)


@given
def test_a_codec_that_cannot_be_read_is_said_and_never_taken_for_searched(searched):
    made = searched(CASES / "clip-av1" / "av1.mp4")
    ((_, why),) = made.problems
    assert "in the codec AV1, cannot be decoded here" in why
    assert "cut short" not in why


def test_a_place_far_into_a_clip_is_reached_and_is_the_one_asked_for(tmp_path):
    path = tmp_path / "long.mp4"
    path.write_bytes(clip(tmp_path, 12))
    whole = list(evidence.frames(path))
    for after in (0.3, 3.0, 7.45, 11.0):
        there = next(evidence.frames(path, after))
        same = min(whole, key=lambda frame: abs(frame.second - there.second))
        assert 0 < there.second - after <= 0.5
        assert np.abs(there.rgb.astype(float) - same.rgb).mean() < 3


def test_a_clip_that_goes_on_to_its_end_is_whole_and_one_that_is_cut_is_not(tmp_path):
    whole = clip(tmp_path, 8, "avi", "MJPG")
    told: list[bool] = []
    path = tmp_path / "whole.avi"
    path.write_bytes(whole)
    list(evidence.frames(path, ended=told.append))
    path.write_bytes(whole[: len(whole) // 2])
    list(evidence.frames(path, ended=told.append))
    assert told == [True, False]


def test_what_begins_as_no_clip_is_none(tmp_path):
    for name, content in (("a.jpg", faces.person(1)), ("a.pdf", b"%PDF-1.7"), ("g.bin", b"G" + bytes(500))):
        (tmp_path / name).write_bytes(content)
        assert not evidence.is_clip(tmp_path / name)


# Interlaced: two moments woven line by line.


def picture(number: int, side: int = 300) -> np.ndarray:
    return cv2.resize(images.open_image(faces.person(number)).rgb, (side, side), interpolation=cv2.INTER_AREA)


def test_what_moved_in_an_interlaced_frame_is_as_it_was_at_one_moment():
    frame = faces.woven(picture(1), 12)
    still = faces.woven(picture(1), 0)
    mended = interlaced.one_moment(frame)
    assert np.abs(frame.astype(int) - still).mean() > 3 * np.abs(mended.astype(int) - still).mean()
    # The even lines, and what did not move, stay as they are.
    assert (mended[::2] == frame[::2]).all()
    assert (mended[:100] == frame[:100]).all()


@pytest.mark.parametrize("number", range(6))
def test_a_frame_that_is_not_interlaced_stays_as_it_is(number):
    for frame in (picture(number), picture(number, 64), picture(number)[:10]):
        assert interlaced.one_moment(frame) is frame


def test_the_frames_of_an_interlaced_clip_have_no_combs(tmp_path):
    path = tmp_path / "dvr.avi"
    frame = faces.woven(picture(1), 12)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, frame.shape[1::-1])
    for _ in range(10):
        video.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    video.release()
    seen = [rgb for _, rgb in clips.Frames(str(path), -1.0)]
    assert seen
    assert all(interlaced.one_moment(rgb) is rgb for rgb in seen)


def test_a_frame_that_somebody_saved_is_searched_as_of_one_moment_and_that_is_said(
    any_model, six_cases, user, signed_in
):
    content = images.to_jpeg(faces.woven(picture(1), 10), quality=90)
    search = pictures.search_image(content, "still.jpg", user=user, purpose="the yard")
    assert interlaced.NOTE in signed_in.get(search.get_absolute_url()).content.decode()
    best = search.probes.get().candidates.first()
    assert (best.case.number, best.similarity > 0.6) == ("MP1", True)
    plain = images.to_jpeg(picture(1), quality=90)
    assert images.open_image(plain).note == ""
