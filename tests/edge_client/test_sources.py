"""Where frames come from: streams that break off, recorders that are still writing, pictures that are none."""

import re
import sys
import threading
import time

import boto3
import cv2
import numpy as np
import pytest

from edge_client import recordings, sources
from tests import bucket, faces
from tests.streams import network_camera

GREY = np.full((240, 320, 3), 90, np.uint8)


def brightness(frame: sources.Frame) -> int:
    return round(float(frame.bgr.mean()))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(sources, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(recordings, "POLL_SECONDS", 0.05)


def test_a_stream_gives_its_newest_frame_however_slow_the_reader_is():
    with network_camera(GREY) as camera:
        frames = sources.frames([camera.url], lambda: 50.0)
        next(frames)
        camera.show(GREY + 100)
        time.sleep(1.5)
        assert brightness(next(frames)) == pytest.approx(190, abs=3)
        frames.close()


def test_a_stream_that_breaks_off_is_opened_again(caplog):
    with network_camera(GREY) as camera:
        frames = sources.frames([camera.url], lambda: 50.0)
        next(frames)
        camera.is_away = True
        threading.Timer(1.0, lambda: setattr(camera, "is_away", False)).start()
        seen = [next(frames) for _ in range(20)]
        assert len(seen) == 20
        assert camera.opened >= 2
        assert re.search("broke off.*; trying again in", caplog.text)
        frames.close()


def test_while_a_stream_is_away_its_substream_is_watched():
    with network_camera(GREY) as main, network_camera(GREY + 100) as sub:
        frames = sources.frames([main.url, sub.url], lambda: 50.0)
        assert brightness(next(frames)) == pytest.approx(90, abs=3)
        main.is_away = True
        assert any(brightness(next(frames)) > 150 for _ in range(100))
        frames.close()


def test_from_the_substream_it_goes_back_to_the_first(monkeypatch):
    monkeypatch.setattr(sources, "BACK_SECONDS", 0.5)
    with network_camera(GREY) as main, network_camera(GREY + 100) as sub:
        main.is_away = True
        frames = sources.frames([main.url, sub.url], lambda: 50.0)
        assert brightness(next(frames)) == pytest.approx(190, abs=3)
        main.is_away = False
        assert any(brightness(next(frames)) < 100 for _ in range(200))
        frames.close()


def test_whoever_begins_to_look_need_not_wait_for_a_slow_pace():
    paces = [0.02]
    with network_camera(GREY) as camera:
        frames = sources.frames([camera.url], lambda: paces[-1])
        next(frames)
        threading.Timer(0.5, lambda: paces.append(20.0)).start()
        began = time.monotonic()
        next(frames)
        assert time.monotonic() - began < 10
        frames.close()


@pytest.mark.parametrize(
    ("how", "words"), [("rubbish", "cannot be opened, or gives no picture"), ("is_away", "cannot be opened: .* busy")]
)
def test_a_stream_that_sends_rubbish_or_nothing_is_said_in_words(how, words):
    with network_camera(GREY) as camera:
        setattr(camera, how, True)
        with pytest.raises(sources.SourceUnavailable, match=words):
            next(sources.frames([camera.url], lambda: 5.0))


def test_a_frame_larger_than_any_face_needs_is_made_smaller_at_once(tmp_path):
    cv2.imwrite(str(tmp_path / "huge.jpg"), np.zeros((5000, 8000, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((1, 1, 3), np.uint8))
    sizes = [frame.bgr.shape[:2] for frame in sources.frames([str(tmp_path)], lambda: 1.0, once=True)]
    assert sizes == [(2400, 3840), (1, 1)]


def test_a_picture_too_large_for_a_small_device_is_not_unpacked(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(recordings, "MOST_PIXELS", 10_000_000)
    for name in ("huge.jpg", "huge.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((4000, 5000, 3), np.uint8))
    assert not list(sources.frames([str(tmp_path)], lambda: 1.0, once=True))
    assert caplog.text.count("has 20 megapixels, above 10; left out") == 2


def test_a_picture_that_is_still_being_written_is_waited_for(tmp_path):
    whole = cv2.imencode(".jpg", GREY)[1].tobytes()
    picture = tmp_path / "2026" / "11" / "gate.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(whole[:300])
    frames, found = sources.frames([str(tmp_path)], lambda: 1.0), []
    reader = threading.Thread(target=lambda: found.append(next(frames)), daemon=True)
    reader.start()
    time.sleep(0.6)
    assert not found, "it has stopped growing, but a JPEG has an end"
    with open(picture, "ab") as file:
        file.write(whole[300:])
    reader.join(5)
    assert brightness(found[0]) == pytest.approx(90, abs=3)
    assert found[0].key.startswith("2026/11/gate.jpg:")


def test_a_picture_that_grew_since_it_was_listed_is_the_one_that_was_read(tmp_path, monkeypatch):
    whole = cv2.imencode(".jpg", GREY)[1].tobytes()
    picture, done = tmp_path / "gate.jpg", tmp_path / ".sightline-done"
    picture.write_bytes(whole[:300])
    listed = recordings._listed

    def written_on(path):
        found = list(listed(path))
        picture.write_bytes(whole)
        return found

    monkeypatch.setattr(recordings, "_listed", written_on)
    (frame,) = sources.frames([str(tmp_path)], lambda: 1.0, once=True)
    read = done.read_text()
    done.unlink()
    monkeypatch.undo()
    (again,) = sources.frames([str(tmp_path)], lambda: 1.0, once=True)
    assert frame.key == again.key, "a client that is killed before it says what it read sends the same again"
    assert done.read_text() == read


def test_one_that_was_broken_off_is_left_out_after_a_while(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(recordings, "PATIENCE", 0.3)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 broken off")
    time.sleep(0.4)
    cv2.imwrite(str(tmp_path / "whole.jpg"), GREY)
    assert brightness(next(sources.frames([str(tmp_path)], lambda: 1.0))) == pytest.approx(90, abs=3)
    assert "broken.jpg is no picture" in caplog.text


def test_what_was_read_is_forgotten_with_its_pictures(tmp_path):
    done = recordings._Done(tmp_path / "done")
    for number in range(3000):
        done.add(f"{number}.jpg", "1:1")
    done.forget_but({"2999.jpg"})
    assert (tmp_path / "done").read_text() == "2999.jpg\t1:1\t\n"


def test_pictures_of_an_s3_prefix_are_read_once_each(tmp_path):
    with bucket.service():
        store = boto3.client("s3")
        for name, content in (("gate/1.jpg", cv2.imencode(".jpg", GREY)[1].tobytes()), ("gate/notes.txt", b"none")):
            store.put_object(Bucket=bucket.NAME, Key=name, Body=content)
        where = [f"s3://{bucket.NAME}/gate/"]
        (frame,) = sources.frames(where, lambda: 1.0, once=True, home=tmp_path)
        kept = store.head_object(Bucket=bucket.NAME, Key="gate/1.jpg")
        assert (frame.seen_at, frame.key) == (kept["LastModified"], f"gate/1.jpg:{kept['ETag']}")
        assert not list(sources.frames(where, lambda: 1.0, once=True, home=tmp_path))
        with pytest.raises(sources.SourceUnavailable, match="cannot be listed"):
            list(sources.frames(["s3://nowhere/x"], lambda: 1.0, once=True, home=tmp_path))


def test_a_deeplens_gives_frames_by_its_own_module(tmp_path, monkeypatch):
    (tmp_path / "awscam.py").write_text(
        "import cv2\n"
        f"picture = cv2.imread({str(faces.GROUP)!r})\n"
        "answers = iter([(False, None)] + [(True, picture)] * 9)\n"
        "def getLastFrame():\n    return next(answers)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    frame = next(sources.frames(["awscam"], lambda: 20.0))
    assert frame.bgr.ndim == 3
    sys.modules.pop("awscam")


def test_elsewhere_that_module_is_missing_and_it_says_so():
    with pytest.raises(sources.SourceUnavailable, match="DeepLens's own module"):
        next(sources.frames(["awscam"], lambda: 1.0))


def test_a_clip_of_no_frames_is_said_in_words(tmp_path):
    empty = tmp_path / "empty.mp4"
    cv2.VideoWriter(str(empty), cv2.VideoWriter.fourcc(*"mp4v"), 10, (320, 240)).release()
    with pytest.raises(sources.SourceUnavailable, match="no video that can be read"):
        list(sources.frames([str(empty)], lambda: 1.0))
