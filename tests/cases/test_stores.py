"""Files in a folder or in a bucket: the same promises, whatever the place; on their way from one to the other; away."""

import io
import os
import time
import uuid
from pathlib import Path

import boto3
import pytest
from django.apps import apps
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db.models import FileField
from django.utils import timezone

from cases import sealed_files, stores, work
from cases.models import Case, FailedWork, Photo
from cases.stores import copies
from matching import keeping
from matching.indexing import single
from matching.models import Alert, Capture
from matching.searching import batches
from matching.telling import messages
from matching.watching import captures
from mpsite import backup
from tests import bucket, faces
from tests.cases.test_sealed_files import make_key
from tests.matching.test_batches import clip

PLACES = ["data", "file", "s3"]


@pytest.fixture
def service(settings, tmp_path):
    """A service with an empty bucket; copies of its files lie in a folder of the test's."""
    settings.DATA_DIR = tmp_path / "machine"
    settings.DATA_DIR.mkdir()
    stores.at.cache_clear()
    with bucket.service() as (server, _):
        yield server
    stores.at.cache_clear()


@pytest.fixture
def in_bucket(service, settings) -> None:
    settings.STORAGE_URL = f"s3://{bucket.NAME}/ours"


@pytest.fixture(params=PLACES)
def store(request, settings, tmp_path) -> stores.Store:
    if request.param == "s3":
        request.getfixturevalue("in_bucket")
    elif request.param == "file":
        settings.STORAGE_URL = f"file://{tmp_path}/files%20of%20ours"
    return stores.all_()[0]


def save(content: bytes, name: str = "captures/face.jpg") -> str:
    return default_storage.save(name, ContentFile(content))


def read(name: str) -> bytes:
    with default_storage.open(name) as file:
        return file.read()


def test_a_file_is_kept_read_listed_and_removed(store):
    before = time.time()
    name = save(b"one")
    assert (read(name), default_storage.size(name), default_storage.exists(name)) == (b"one", 3, True)
    ((listed, written_at),) = stores.walk()
    assert listed == name
    assert before - 2 < written_at < time.time() + 2
    is_there = stores.lookup()
    assert (is_there(name), is_there("captures/none.jpg")) == (True, False)
    default_storage.delete(name)
    default_storage.delete(name)
    assert not default_storage.exists(name)
    for gone in (default_storage.open, default_storage.size):
        with pytest.raises(FileNotFoundError):
            gone(name)
    assert list(stores.walk()) == []


@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_file_is_opened_again_after_it_was_closed(store, settings, tmp_path, is_sealed):
    if is_sealed:
        settings.FILES_KEY = str(make_key(tmp_path))
    file = default_storage.open(save(b"one"))
    for _ in range(3):
        with file.open() as again:
            assert again.read() == b"one"
        assert file.closed
    with file.open() as again:
        again.read()
        assert again.open().read() == b"one", "one that is open begins anew"


def test_two_files_of_one_name_are_two(store):
    first, second = save(b"one"), save(b"two")
    assert first != second
    assert (read(first), read(second)) == (b"one", b"two")


def test_a_file_in_the_place_of_another_is_the_one_that_is_read(store):
    name = save(b"one")
    store.put(name, io.BytesIO(b"another"), 1_000_000.0)
    assert read(name) == b"another"


@pytest.mark.parametrize("name", ["../captures/x", "/etc/x", "captures/../../x"])
def test_nothing_is_written_outside(store, name):
    with pytest.raises(SuspiciousFileOperation):
        store.put(name, io.BytesIO(b"x"), 0)


def test_a_long_name_is_cut_and_keeps_its_kind(store):
    name = default_storage.save(f"batches/{'a' * 190}.mp4", ContentFile(b"x"), max_length=200)
    assert len(name) <= 200
    assert name.endswith(".mp4")
    assert name.startswith("batches/aaaa")


def test_a_place_says_whether_it_works(store, capsys):
    call_command("files", "check")
    assert "can be written, read and removed" in capsys.readouterr().out
    assert list(stores.walk()) == []


def test_what_is_somebody_elses_there_is_left_alone(store, db):
    store.put("accounts/2026.pdf", io.BytesIO(b"theirs"), 1_000_000.0)
    mine = save(b"mine")
    assert [name for name, _ in stores.walk()] == [mine]
    assert "accounts/2026.pdf" not in list(keeping.stray_files())


def test_every_file_of_ours_is_among_those_that_are_listed():
    fields = [
        field for model in apps.get_models() for field in model._meta.get_fields() if isinstance(field, FileField)
    ]
    assert len(fields) > 8
    for field in fields:
        assert field.generate_filename(None, "face.jpg").split("/")[0] in stores.OURS, field


@pytest.mark.parametrize(
    "address", ["s3://", "ftp://host/x", "/mnt/files", "file://host/x", "file:///", "s3://b/p?x=1"]
)
def test_an_address_that_names_no_place_is_said_before_anything_starts(settings, address):
    settings.STORAGE_URL = address
    (problem,) = stores.check_addresses()
    assert problem.msg == f"{address} names no place for files. {stores.FORMS}"


def test_all_of_the_product_keeps_its_files_in_a_bucket(
    in_bucket, any_model, six_cases, camera, signed_in, user, tmp_path, settings
):
    capture = captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4())
    captures.match_capture(capture.pk)
    upload = SimpleUploadedFile("tip.jpg", faces.person(2), "image/jpeg")
    found = signed_in.post("/search/", {"image": upload, "purpose": "a tip"}, follow=True).content.decode()
    assert "Person MP2" in found
    photo = Photo.objects.first()
    assert signed_in.get(f"/photos/{photo.pk}/").content[:3] == b"\xff\xd8\xff"
    assert b"".join(signed_in.get(f"/photos/{photo.pk}/original/").streaming_content) == faces.person(0)
    with messages.pictures(Alert.objects.get()) as paths:
        assert [path.read_bytes()[:3] for path in paths] == [b"\xff\xd8\xff"] * 2
    batch = batches.begin(user=user, purpose="a tip", one_person=False)
    batches.add(batch, ContentFile(clip(tmp_path, 1)), "street.mp4", user)
    batches.start(batch)
    batches.run(batch)
    assert not batch.problems
    assert batch.search.probes.exists()
    assert len(bucket.names()) > 20
    assert not any(Path(settings.MEDIA_ROOT).iterdir()), "nothing lies in the data folder"


def test_a_bucket_holds_sealed_files_and_all_of_them_are_sealed_and_opened(
    in_bucket, any_model, make_case, settings, tmp_path
):
    photo = make_case("MP1", faces.person(1)).photos.get()
    settings.FILES_KEY = str(make_key(tmp_path))
    call_command("files", "seal")
    assert all(content.startswith(sealed_files.MAGIC) for content in bucket.contents())
    sealed = save(b"written sealed")
    assert boto3.client("s3").get_object(Bucket=bucket.NAME, Key=f"ours/{sealed}")["Body"].read(5) == b"age-e"
    assert read(sealed) == b"written sealed"
    assert read(photo.image.name) == faces.person(1)
    call_command("files", "open")
    copies.forget(f"ours/{photo.image.name}")
    assert read(photo.image.name) == faces.person(1)
    assert not any(content.startswith(sealed_files.MAGIC) for content in bucket.contents())


def test_files_that_no_row_names_go_from_a_bucket_and_photos_say_that_theirs_is_gone(
    in_bucket, any_model, make_case, monkeypatch
):
    photo = make_case("MP1", faces.person(1)).photos.get()
    stray = save(b"killed")
    assert list(keeping.stray_files()) == [], "it may be on its way to its row"
    monkeypatch.setattr(keeping, "SETTLED", -keeping.SETTLED)
    assert list(keeping.stray_files()) == [stray]
    default_storage.delete(photo.image.name)
    assert keeping.mend_rows()["photos whose file is missing"] == 1
    photo.refresh_from_db()
    assert photo.status_note == stores.MISSING
    stores.all_()[0].put(photo.image.name, io.BytesIO(faces.person(1)), 0)
    assert keeping.mend_rows()["photos looked at anew"] == 1


def test_a_photo_that_an_older_version_missed_is_looked_at_when_it_is_back(in_bucket, any_model, make_case):
    make_case("MP1", faces.person(1))
    Photo.objects.update(status=Photo.Status.UNREADABLE, status_note="The file is missing from the data folder.")
    assert keeping.mend_rows()["photos looked at anew"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_backup_of_a_bucket_holds_its_files_and_can_be_restored_into_a_folder(
    in_bucket, any_model, make_case, settings, tmp_path
):
    photo = make_case("MP1", faces.person(1)).photos.get()
    manifest = backup.write(tmp_path / "backup.tar")
    assert photo.image.name in manifest["files"]
    Case.objects.all().delete()
    settings.STORAGE_URL = "data"
    backup.restore(tmp_path / "backup.tar")
    assert read(photo.image.name) == faces.person(1)
    assert set(manifest["files"]) == {name for name, _ in stores.walk()}


def test_files_move_while_all_of_them_are_read_and_written(service, settings, any_model, make_case, tmp_path, capsys):
    """From the data folder to a bucket and on to another folder; what came in the last minute stays for another run."""
    photo = make_case("MP1", faces.person(1)).photos.get()
    elsewhere = f"file://{tmp_path}/elsewhere"
    for to, source in ((f"s3://{bucket.NAME}/ours", "data"), (elsewhere, f"s3://{bucket.NAME}/ours")):
        settings.STORAGE_URL, settings.STORAGE_BESIDE = to, source
        here, beside = stores.all_()
        assert read(photo.image.name) == faces.person(1), "it is read where it was"
        assert list(stores.move()) == [False] * len(list(beside.walk()))
        late, removed = save(b"written meanwhile"), photo.display.name
        assert here.exists(late)
        assert read(late) == b"written meanwhile"
        assert all(stores.move(seconds=-5))
        assert list(beside.walk()) == []
        assert here.exists(removed)
        assert read(photo.image.name) == faces.person(1)
    settings.STORAGE_BESIDE = ""
    assert read(photo.image.name) == faces.person(1)
    with pytest.raises(CommandError, match="STORAGE_BESIDE does not say where files come from"):
        call_command("files", "move")
    settings.STORAGE_BESIDE = elsewhere
    for same in (elsewhere, f"file://{settings.MEDIA_ROOT}"):
        settings.STORAGE_URL, settings.STORAGE_BESIDE = elsewhere if same == elsewhere else "data", same
        with pytest.raises(CommandError, match="the same place"):
            call_command("files", "move")


def test_one_that_is_removed_while_it_moves_is_not_brought_back(settings, tmp_path, monkeypatch):
    name = save(b"one")
    settings.STORAGE_URL, settings.STORAGE_BESIDE = f"file://{tmp_path}/new", "data"
    here = stores.all_()[0]
    put = here.put

    def put_late(*args) -> None:
        default_storage.delete(name)
        put(*args)

    monkeypatch.setattr(here, "put", put_late)
    assert list(stores.move(seconds=-5)) == []
    assert not default_storage.exists(name)


def test_one_that_moves_between_two_looks_is_found(settings, tmp_path, monkeypatch):
    name = save(b"one")
    settings.STORAGE_URL, settings.STORAGE_BESIDE = f"file://{tmp_path}/new", "data"
    beside = stores.all_()[1]
    open_, moved = beside.open, []

    def moved_by_then(name: str):
        if not moved:
            moved.append(name)
            assert list(stores.move(seconds=-5)) == [True]
        return open_(name)

    monkeypatch.setattr(beside, "open", moved_by_then)
    assert read(name) == b"one"


def test_a_new_file_takes_no_name_of_one_that_has_yet_to_move(settings, tmp_path):
    old = save(b"old")
    settings.STORAGE_URL, settings.STORAGE_BESIDE = f"file://{tmp_path}/new", "data"
    new = save(b"new")
    assert new != old
    list(stores.move(seconds=-5))
    assert (read(old), read(new)) == (b"old", b"new")


class TestAway:
    """The service does not answer, or does not let us in."""

    @pytest.fixture
    def away(self, in_bucket, service, any_model, make_case, monkeypatch) -> Photo:
        """A photo that was kept while the service answered."""
        photo = make_case("MP1", faces.person(1), index=False).photos.get()
        service.stop()
        copies.forget(f"ours/{photo.image.name}")
        return photo

    def test_it_is_no_photos_and_no_captures_fault(self, away):
        for _ in range(2 * work.MOST_ATTEMPTS):
            with pytest.raises(stores.Away, match="cannot be reached"):
                single.index_photo(away.pk)
        away.refresh_from_db()
        assert away.status == Photo.Status.PENDING
        assert not FailedWork.objects.exists()
        with pytest.raises(stores.Away):
            keeping.mend_rows()

    def test_who_sends_comes_again_and_who_looks_after_it_is_told(self, away, camera, client, as_admin, db):
        client.raise_request_exception = as_admin.raise_request_exception = False
        token = camera.issue_token()
        sent = client.post(
            "/api/v1/captures/",
            {"id": str(uuid.uuid4()), "captured_at": timezone.now().isoformat(), "detection_score": 0.9,
             "image": SimpleUploadedFile("face.jpg", faces.person(1), "image/jpeg")},
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert (sent.status_code, sent["Retry-After"]) == (503, "5")
        assert "out of reach" in sent.json()["detail"]
        assert not Capture.objects.exists()
        page = as_admin.get(f"/photos/{away.pk}/original/", headers={"Accept": "text/html"})
        assert (page.status_code, b"out of reach" in page.content) == (503, True)
        assert "files" in client.get("/readyz/").json()["problems"]
        status = as_admin.get("/system/").content.decode()
        assert "out of reach" in status
        assert f"s3://{bucket.NAME}/ours/ cannot be reached" in status
        assert "pictures are out of reach just now" in as_admin.get("/cases/").content.decode()

    def test_nothing_starts_and_the_command_says_why(self, away):
        with pytest.raises(CommandError, match=r"Files cannot be kept\. .* cannot be reached"):
            call_command("files", "check")
        with pytest.raises(CommandError, match="Files cannot be kept"):
            call_command("prepare", "--no-input", "--no-demo")

    def test_a_bucket_that_is_not_there_is_said(self, service, settings, db):
        settings.STORAGE_URL = "s3://no-such-bucket/"
        with pytest.raises(CommandError, match=r"refuses \(NoSuchBucket\): look at its name"):
            call_command("files", "check")
        assert "NoSuchBucket" in stores.problem()
        settings.STORAGE_URL = "data"
        assert not stores.were_away(), "a folder is not asked for"
        assert work.is_the_machines(FileNotFoundError())


class TestCopies:
    """What is read again comes from this machine's disk, of a set size, and for an hour at most."""

    def copied(self) -> list[Path]:
        return sorted(copies.folder().glob("*"))

    def test_what_was_read_or_written_is_read_without_the_service(self, in_bucket, service):
        written = save(b"one")
        stores.all_()[0].put("captures/other", io.BytesIO(b"two"), 0)
        copies.forget("ours/captures/other")
        assert read("captures/other") == b"two"
        service.stop()
        assert (read(written), read("captures/other")) == (b"one", b"two")

    def test_what_is_removed_has_no_copy(self, in_bucket):
        name = save(b"one")
        assert self.copied()
        default_storage.delete(name)
        assert not self.copied()

    def test_after_an_hour_none_is_left_and_the_service_is_asked(self, in_bucket):
        name = save(b"one")
        (copy,) = self.copied()
        copy.write_bytes(b"old")
        long_ago = time.time() - copies.KEPT - 1
        os.utime(copy, (time.time(), long_ago))
        assert read(name) == b"one", "one that is too old is not read"
        os.utime(copy, (time.time(), long_ago))
        copies.sweep()
        assert not self.copied()

    def test_those_used_last_stay_within_the_size(self, in_bucket, settings):
        settings.FILES_CACHE_MB = 1
        names = [save(bytes(300_000)) for _ in range(4)]
        for age, name in enumerate([names[0], *names[:0:-1]]):
            os.utime(copies._path(f"ours/{name}"), (time.time() - 10 * age, time.time()))
        copies.sweep()
        kept = [copies._path(f"ours/{name}").exists() for name in names]
        assert kept == [True, False, True, True]
        save(bytes(2_000_000))
        copies.sweep()
        assert len(self.copied()) == 3, "a large one drives out no others"

    def test_without_a_size_there_are_none(self, in_bucket, settings):
        settings.FILES_CACHE_MB = 0
        assert read(save(b"one")) == b"one"
        assert not self.copied()

    def test_the_folder_is_its_owners(self, in_bucket):
        save(b"one")
        assert copies.folder().stat().st_mode & 0o777 == 0o700
        assert [path.stat().st_mode & 0o777 for path in self.copied()] == [0o600]
