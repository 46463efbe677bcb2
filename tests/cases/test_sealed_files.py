"""Photos, captures and uploads at rest: unreadable without the key, and read as before with it."""

import io
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path

import pyrage
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from cases import sealed_files, work
from cases.models import Photo
from matching.indexing import single
from matching.models import Alert
from matching.searching import batches
from matching.telling import messages
from matching.watching import captures
from tests import faces
from tests.matching.test_batches import clip


def make_key(folder: Path, name: str = "files.key") -> Path:
    path = folder / name
    path.write_text(f"# made today\n{sealed_files.new_key()}\n")
    return path


@pytest.fixture
def key(settings, tmp_path) -> Path:
    path = make_key(tmp_path)
    settings.FILES_KEY = str(path)
    return path


def kept(settings) -> list[bytes]:
    return [path.read_bytes() for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def pictures_in(contents: list[bytes]) -> int:
    return sum(content[:3] == b"\xff\xd8\xff" for content in contents)


def test_nothing_on_disk_is_a_picture_and_all_of_the_product_reads_them(
    key, any_model, six_cases, camera, signed_in, settings
):
    capture = captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4())
    captures.match_capture(capture.pk)
    upload = SimpleUploadedFile("tip.jpg", faces.person(2), "image/jpeg")
    found = signed_in.post("/search/", {"image": upload, "purpose": "a tip"}, follow=True).content.decode()
    assert "Person MP2" in found
    contents = kept(settings)
    assert len(contents) > 20
    assert all(content.startswith(sealed_files.MAGIC) for content in contents)
    photo = Photo.objects.first()
    assert signed_in.get(f"/photos/{photo.pk}/").content[:3] == b"\xff\xd8\xff"
    original = b"".join(signed_in.get(f"/photos/{photo.pk}/original/").streaming_content)
    assert original == faces.person(0)
    with messages.pictures(Alert.objects.get()) as paths:
        assert [path.read_bytes()[:3] for path in paths] == [b"\xff\xd8\xff"] * 2
    assert not any(path.exists() for path in paths)


def test_a_clip_and_a_zip_are_searched_sealed(key, any_model, six_cases, user, tmp_path, settings):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.jpg", faces.person(2))
    batch = batches.begin(user=user, purpose="a tip", one_person=False)
    for name, content in (("street.mp4", clip(tmp_path, 1)), ("all.zip", packed.getvalue())):
        batches.add(batch, ContentFile(content), name, user)
    batches.start(batch)
    batches.run(batch)
    assert not batch.problems
    first = {probe.candidates.get(rank=1).case.number for probe in batch.search.probes.all()}
    assert {"MP2", "MP3"} <= first
    assert pictures_in(kept(settings)) == 0


def test_any_age_tool_opens_a_file_with_the_key(key, make_case, settings):
    photo = make_case("MP1", faces.person(1), index=False).photos.get()
    identity = pyrage.x25519.Identity.from_str(key.read_text().splitlines()[1])
    assert pyrage.decrypt(Path(photo.image.path).read_bytes(), [identity]) == faces.person(1)


def test_files_from_before_are_read_and_sealed_and_opened_again(any_model, make_case, signed_in, settings, tmp_path):
    photo = make_case("MP1", faces.person(1)).photos.get()
    open_ones = pictures_in(kept(settings))
    settings.FILES_KEY = str(make_key(tmp_path))
    assert signed_in.get(f"/photos/{photo.pk}/").status_code == 200
    changed = Path(photo.image.path).stat().st_mtime
    call_command("files", "seal")
    assert pictures_in(kept(settings)) == 0
    assert Path(photo.image.path).stat().st_mtime == changed
    assert signed_in.get(f"/photos/{photo.pk}/").content[:3] == b"\xff\xd8\xff"
    call_command("files", "open")
    assert pictures_in(kept(settings)) == open_ones


def test_with_another_key_files_are_missing_in_words_and_nothing_is_changed(
    key, any_model, make_case, tmp_path, settings
):
    photo = make_case("MP1", faces.person(1)).photos.get()
    before = kept(settings)
    settings.FILES_KEY = str(make_key(tmp_path, "another.key"))
    with pytest.raises(CommandError, match="another key"):
        call_command("files", "open")
    settings.FILES_KEY = ""
    with pytest.raises(CommandError, match="FILES_KEY is not set"):
        call_command("files", "seal")
    with pytest.raises(CommandError, match="Give FILES_KEY the key's file"):
        call_command("prepare", "--no-input", "--no-demo")
    assert kept(settings) == before
    Photo.objects.update(status="pending")
    photo.refresh_from_db()
    for _ in range(work.MOST_ATTEMPTS):
        single.index_photo(photo.pk)
    photo.refresh_from_db()
    assert photo.status == Photo.Status.UNREADABLE


@pytest.mark.parametrize("content", [None, "", "AGE-SECRET-KEY-1NOSUCHKEY", "\x00\xff"])
def test_a_key_that_is_none_is_said_before_anything_starts(content, settings, tmp_path):
    path = tmp_path / "files.key"
    if content is not None:
        path.write_text(content)
    settings.FILES_KEY = str(path)
    (problem,) = sealed_files.check_key()
    assert "manage.py files key" in str(problem)


def test_the_command_makes_a_key():
    made = subprocess.run([sys.executable, "manage.py", "files", "key"], capture_output=True, text=True, check=True)
    assert pyrage.x25519.Identity.from_str(made.stdout.strip())


@pytest.mark.parametrize("cut", [60, 3000])
def test_a_damaged_file_is_that_photos_trouble_and_no_one_elses(key, any_model, make_case, cut):
    photo = make_case("MP1", faces.person(1), index=False).photos.get()
    path = Path(photo.image.path)
    path.write_bytes(path.read_bytes()[:cut])
    for _ in range(work.MOST_ATTEMPTS):
        single.index_photo(photo.pk)
    photo.refresh_from_db()
    assert photo.status == Photo.Status.UNREADABLE
