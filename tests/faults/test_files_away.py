"""A file that is not here is no verdict: what needs it waits, is tried again, and is then set aside for a person."""

import shutil
import uuid
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from cases import stores, work
from cases.models import FailedWork, Photo
from matching.indexing import bulk, single
from matching.models import Capture
from matching.watching import captures
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(settings) -> Path:
    """The data folder holds something else too."""
    other = Path(settings.MEDIA_ROOT) / "plans" / "floor.jpg"
    other.parent.mkdir(parents=True)
    other.write_bytes(faces.person(1))
    return Path(settings.MEDIA_ROOT)


def away(path: str) -> Path:
    """Takes a file away. Returns where it is."""
    return Path(shutil.move(path, f"{path}.away"))


def back(path: Path) -> None:
    path.rename(path.with_suffix(""))


def due() -> None:
    FailedWork.objects.update(next_attempt_at=timezone.now())


def waiting(camera) -> Capture:
    """A capture that nobody has looked at."""
    now, image = timezone.now(), ContentFile(faces.person(1), "face.jpg")
    return Capture.objects.create(
        camera=camera, uid=uuid.uuid4(), image=image, captured_at=now, received_at=now, detection_score=1
    )


def test_a_capture_whose_file_comes_later_raises_its_alert(any_model, make_case, camera, folder):
    make_case("MP1", faces.person(1))
    capture = waiting(camera)
    file = away(capture.image.path)
    assert captures.match_capture(capture.pk) == []
    capture.refresh_from_db()
    assert capture.status == Capture.Status.PENDING, "it is not said to have no face"
    back(file)
    assert captures.match_capture(capture.pk)
    assert not FailedWork.objects.exists()


def test_one_whose_file_stays_away_is_set_aside_in_words_and_taken_up_again(
    any_model, make_case, camera, folder, as_admin
):
    make_case("MP1", faces.person(1))
    capture = waiting(camera)
    file = away(capture.image.path)
    for _ in range(work.MOST_ATTEMPTS):
        due()
        captures.match_capture(capture.pk)
    capture.refresh_from_db()
    assert capture.status == Capture.Status.SET_ASIDE
    assert stores.MISSING in as_admin.get("/system/").content.decode()
    back(file)
    as_admin.post("/system/work/0/again/")
    capture.refresh_from_db()
    assert capture.status == Capture.Status.MATCHED


def test_a_photo_whose_file_is_away_waits_and_is_looked_at_when_it_is_back(any_model, make_case, folder, as_admin):
    photo = make_case("MP1", faces.person(1)).photos.get()
    Photo.objects.update(status=Photo.Status.PENDING)
    file = away(photo.image.path)
    single.index_photo(photo.pk)
    photo.refresh_from_db()
    assert photo.status == Photo.Status.PENDING
    for _ in range(work.MOST_ATTEMPTS):
        due()
        single.index_photo(photo.pk)
    photo.refresh_from_db()
    assert photo.status == Photo.Status.UNREADABLE
    assert stores.MISSING in photo.status_note
    back(file)
    as_admin.post("/system/work/0/again/")
    photo.refresh_from_db()
    assert photo.status == Photo.Status.INDEXED


def test_where_the_whole_folder_is_away_nothing_is_counted_against_anything(any_model, make_case, camera, settings):
    capture = waiting(camera)
    photo = make_case("MP1", faces.person(1)).photos.get()
    Photo.objects.update(status=Photo.Status.PENDING)
    settings.MEDIA_ROOT = Path(settings.MEDIA_ROOT).with_name("not-mounted")
    for _ in range(2 * work.MOST_ATTEMPTS):
        with pytest.raises(FileNotFoundError):
            captures.match_capture(capture.pk)
        with pytest.raises(FileNotFoundError):
            single.index_photo(photo.pk)
        with pytest.raises(FileNotFoundError):
            bulk.index_waiting()
    capture.refresh_from_db()
    photo.refresh_from_db()
    assert (capture.status, photo.status) == (Capture.Status.PENDING, Photo.Status.PENDING)
    assert not FailedWork.objects.exists()
