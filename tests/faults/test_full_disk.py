"""A disk without room: what is refused is said in words, what was accepted stays, and all goes on with room again."""

import subprocess
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client

from cases import sealed_files
from cases.models import Photo
from matching.models import Capture, Search
from matching.watching import captures
from mpsite.full_disk import is_full
from tests import faces, needs

pytestmark = needs.small_disk


@pytest.fixture
def small_disk(settings, tmp_path):
    """The data folder's pictures on a disk of half a MB; says how to make it larger."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path)], check=True)
    settings.MEDIA_ROOT = tmp_path
    yield lambda: subprocess.run(["mount", "-o", "remount,size=64m", str(tmp_path)], check=True)
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.fixture
def full(small_disk, tmp_path):
    def fill():
        with (tmp_path / "filler").open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    return fill


def send(camera, uid: uuid.UUID, **headers: str):
    image = SimpleUploadedFile("f.jpg", faces.person(1), "image/jpeg")
    said = {"id": uid, "captured_at": datetime.now(UTC).isoformat(), "detection_score": 0.9, "image": image}
    return Client(headers={"Authorization": f"Bearer {camera.token}"}).post("/api/v1/captures/", said)


def test_a_capture_is_refused_in_words_and_taken_when_there_is_room(any_model, camera, full, small_disk):
    full()
    uid = uuid.uuid4()
    refused = send(camera, uid)
    assert refused.status_code == 507
    assert "disk is full" in refused.json()["detail"]
    assert not Capture.objects.exists()
    small_disk()
    assert send(camera, uid).status_code == 202
    assert Capture.objects.get().uid == uid


def test_a_search_and_a_photo_are_refused_in_words_and_nothing_is_kept_by_halves(
    any_model, make_case, as_admin, full, small_disk
):
    case = make_case("MP1")
    full()
    upload = {"image": SimpleUploadedFile("a.jpg", faces.person(1), "image/jpeg"), "purpose": "a tip"}
    page = as_admin.post("/search/", upload, headers={"Accept": "text/html"})
    assert (page.status_code, b"The disk is full" in page.content) == (507, True)
    photo = {"photo": SimpleUploadedFile("a.jpg", faces.person(1), "image/jpeg")}
    answer = as_admin.post(f"/cases/{case.pk}/photos/", photo)
    assert (answer.status_code, "disk is full" in answer.json()["error"]) == (507, True)
    assert not Search.objects.exists()
    assert not Photo.objects.exists()
    assert as_admin.get(f"/cases/{case.pk}/").status_code == 200


def test_a_capture_that_was_accepted_waits_until_its_face_can_be_kept(any_model, six_cases, camera, full, small_disk):
    send(camera, uuid.uuid4())
    capture = Capture.objects.get()
    assert capture.status == Capture.Status.PENDING
    full()
    with pytest.raises(OSError, match="No space left"):
        captures.match_capture(capture.pk)
    capture.refresh_from_db()
    assert capture.status == Capture.Status.PENDING
    small_disk()
    assert [alert.case for alert in captures.match_capture(capture.pk)] == [six_cases[1]]


def test_sealing_on_a_full_disk_says_so_and_leaves_each_file_whole(
    make_case, full, small_disk, settings, tmp_path_factory
):
    photo = make_case("MP1", faces.person(1), index=False).photos.get()
    key = tmp_path_factory.mktemp("key") / "files.key"
    key.write_text(sealed_files.new_key())
    settings.FILES_KEY = str(key)
    full()
    with pytest.raises(CommandError, match="No space left"):
        call_command("files", "seal")
    with photo.image.open() as file:
        assert file.read() == faces.person(1)


def test_a_database_without_room_is_said_so_as_well():
    said = OperationalError("could not extend file")
    said.__cause__ = psycopg.errors.DiskFull("could not extend file")
    assert is_full(said)
    assert not is_full(OperationalError("server closed the connection"))
    assert not is_full(FileNotFoundError(2, str(Path("x"))))
