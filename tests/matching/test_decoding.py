"""What strangers send is decoded in a process that may die: it takes nobody with it, and knows no secret."""

import io
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matching.faces import children, images
from matching.models import Search
from matching.searching import evidence, pictures
from tests import faces
from tests.matching.test_batches import clip


def processes() -> list[int]:
    """Those that this process has for decoding."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = (folder / "stat").read_text().rpartition(") ")[2].split()[1]
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if int(parent) == os.getpid() and b"matching.faces.decode" in words:
                found.append(int(folder.name))
    return found


@pytest.fixture(autouse=True)
def _fresh():
    """No process that an earlier test had left."""
    children._end_all()
    yield
    children._end_all()


@pytest.fixture(scope="module")
def large() -> bytes:
    """A picture that takes more than a second to read."""
    rng = np.random.default_rng(1)
    out = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (7000, 7000, 3), np.uint8)).save(out, "WEBP", quality=10, method=0)
    return out.getvalue()


def while_reading(content: bytes, act) -> threading.Thread:
    """Do something to the process that reads a picture, as soon as there is one."""

    def wait() -> None:
        while not (found := processes()):
            time.sleep(0.01)
        time.sleep(0.3)
        act(found[0])

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_it_reads_what_this_process_would_read():
    there, here = images.open_image(faces.astronaut()), images.decode(faces.astronaut())
    assert (there.rgb == here.rgb).all()
    assert there.scale == here.scale
    assert len(processes()) == 1


def test_one_that_dies_is_a_refusal_and_the_next_picture_is_read(large):
    killing = while_reading(large, lambda pid: os.kill(pid, signal.SIGSEGV))
    with pytest.raises(images.ImageUnreadable, match="breaks off"):
        images.open_image(large)
    killing.join()
    assert images.open_image(faces.astronaut()).rgb.size


def test_one_that_died_while_nobody_asked_is_not_noticed():
    images.open_image(faces.astronaut())
    os.kill(processes()[0], signal.SIGKILL)
    assert images.open_image(faces.astronaut()).rgb.size


def test_one_that_takes_too_long_is_ended(large, monkeypatch):
    stopping = while_reading(large, lambda pid: os.kill(pid, signal.SIGSTOP))
    monkeypatch.setattr(children, "SECONDS", 2.0)
    with pytest.raises(images.ImageUnreadable, match="takes too long"):
        images.open_image(large)
    stopping.join()
    assert not processes()


def test_a_picture_that_takes_too_much_memory_is_refused(large, monkeypatch):
    monkeypatch.setattr(children, "MEMORY", 300 * 2**20)
    with pytest.raises(images.ImageRefused):
        images.open_image(large)
    assert images.open_image(faces.astronaut()).rgb.size


def test_it_knows_no_secret_of_ours(settings):
    images.open_image(faces.astronaut())
    environment = Path(f"/proc/{processes()[0]}/environ").read_bytes()
    assert b"PYTHONPATH" in environment
    for name in (b"SECRET_KEY", b"DATABASE", b"REDIS", b"SIGHTLINE"):
        assert name not in environment


def test_many_at_once_take_no_more_processes_than_there_are_cores():
    threads = [threading.Thread(target=images.open_image, args=[faces.person(n % 6)]) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(processes()) <= (os.cpu_count() or 1)


def test_a_clip_whose_reading_dies_is_refused_in_words(tmp_path):
    path = tmp_path / "street.mp4"
    path.write_bytes(clip(tmp_path))
    frames = evidence.frames(path)
    next(frames)
    for pid in processes():
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(evidence.EvidenceRefused, match="Convert it"):
        list(frames)
    assert len(list(evidence.frames(path))) > 10


def with_origin() -> bytes:
    exif = Image.Exif()
    own = exif.get_ifd(0x8769)
    own[0x9003], own[0x9011] = "2019:05:12 14:03:22", "+02:00"
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (40.0, 42.0, 46.0), "W", (74.0, 0.0, 21.5)
    out = io.BytesIO()
    Image.open(io.BytesIO(faces.person(1))).save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_when_and_where_a_picture_was_taken_is_kept_and_not_sent_on(any_model, six_cases, user, signed_in, make_case):
    search = pictures.search_image(with_origin(), "tip.jpg", user=user, purpose="test")
    assert search.own_time == "2019-05-12 14:03:22 +02:00"
    assert (search.own_latitude, search.own_longitude) == (pytest.approx(40.712778), pytest.approx(-74.005972))
    with search.display.open() as file:
        assert not Image.open(file).getexif()
    page = signed_in.get(search.get_absolute_url()).content.decode()
    assert "2019-05-12 14:03:22 +02:00" in page
    assert "geo:40.712778,-74.005972" in page
    photo = make_case("GP1", with_origin()).photos.get()
    assert (photo.own_time, photo.own_latitude) == (search.own_time, search.own_latitude)
    said = signed_in.get(f"/api/v1/photos/{photo.pk}/").json()
    assert said["own_longitude"] == pytest.approx(-74.005972)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: faces.person(1), id="none"),
        pytest.param(lambda: with_origin()[:40] + b"\xff" * 30 + with_origin()[70:], id="damaged"),
    ],
)
def test_a_picture_that_says_nothing_of_itself_is_searched_as_well(any_model, six_cases, user, content):
    search = pictures.search_image(content(), "tip.jpg", user=user, purpose="test")
    assert Search.objects.get(pk=search.pk).own_latitude is None


def test_a_place_that_cannot_be_is_no_place():
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (400.0, 0.0, 0.0), 3: "E", 4: (10.0, 0.0, 0.0)})
    out = io.BytesIO()
    Image.new("RGB", (60, 60)).save(out, "JPEG", exif=exif)
    assert images.open_image(out.getvalue()).origin == images.Origin()
