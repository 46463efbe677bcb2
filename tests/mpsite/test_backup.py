"""A backup of a system at work is brought into an empty one, which then finds the same candidates."""

import hashlib
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from cases.models import ApiToken, AuditEvent, Case, Collection
from cases.sealed import unseal
from matching.models import Search, Subscription
from matching.searching import pictures
from mpsite import backup
from tests import faces
from tests.people import api_token

pytestmark = pytest.mark.django_db(transaction=True)


def found(user) -> list[tuple[str, float]]:
    search = pictures.search_image(faces.person(2), "x.jpg", user=user, purpose="tip")
    return [(one.case.number, one.similarity) for one in search.probes.get().candidates.order_by("rank")]


def empty(settings, tmp_path) -> None:
    """Another machine: nothing in the database, nothing in the folders."""
    MigrationRecorder(connection).record_unapplied("authtoken", "0001_initial")
    call_command("flush", interactive=False, verbosity=0)
    settings.MEDIA_ROOT = tmp_path / "other media"
    settings.DATA_DIR = tmp_path / "other data"
    settings.DATA_DIR.mkdir()


@pytest.fixture
def taken(any_model, six_cases, user, settings, tmp_path) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    (settings.DATA_DIR / "secret_key").write_text("the key")
    Subscription.objects.create(user=user, name="desk", address="mailtos://kim:s3cret@example.com")
    Case.objects.filter(number="MP4").update(circumstances="line\nbreak\tand \\ more", name="Ana Größe")
    api_token(user)
    # What an app of an older version left behind.
    MigrationRecorder(connection).record_applied("authtoken", "0001_initial")
    target = tmp_path / "backup.tar"
    call_command("backup", str(target))
    return target


def test_a_restored_system_finds_the_same_candidates(taken, user, settings, tmp_path, capsys, use_model):
    before = found(user)
    empty(settings, tmp_path)
    assert not Case.objects.exists()
    call_command("restore", str(taken))
    assert "each as it was written" in capsys.readouterr().out
    assert found(User.objects.get(username="kim")) == before
    assert Case.objects.get(number="MP4").circumstances == "line\nbreak\tand \\ more"
    assert unseal(Subscription.objects.get().address) == "mailtos://kim:s3cret@example.com"
    assert (settings.DATA_DIR / "secret_key").read_text() == "the key"
    assert ApiToken.objects.count() == 1
    photo = Case.objects.get(number="MP2").photos.get()
    with photo.image.open() as file:
        assert file.read() == faces.person(2)
    # What comes after takes numbers that are free, and goes on with the chain.
    Collection.objects.create(name="After")
    AuditEvent.objects.create(username="x", action="x", target_type="x", target_id="x", target_label="x")
    call_command("verify_audit")


def test_its_file_is_its_owners_only(taken):
    assert taken.stat().st_mode & 0o777 == 0o600
    assert not list(taken.parent.glob(".*.part"))


def test_a_backup_is_not_brought_into_a_system_that_has_cases(taken):
    with pytest.raises(CommandError, match="Restore into an empty one"):
        call_command("restore", str(taken))
    assert Case.objects.count() == 6


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda raw: raw[: len(raw) // 2], "no whole backup|cut off"),
        (lambda raw: raw.replace(b"Person MP3", b"Person MP9"), "damaged or changed"),
        (lambda raw: b"no tar at all", "no whole backup"),
    ],
)
def test_a_damaged_backup_is_refused_and_nothing_changed(taken, settings, tmp_path, harm, words):
    taken.write_bytes(harm(taken.read_bytes()))
    empty(settings, tmp_path)
    with pytest.raises(CommandError, match=words):
        call_command("restore", str(taken))
    with pytest.raises(CommandError, match=words):
        call_command("backup", str(taken), check=True)
    assert not Case.objects.exists()
    assert not Search.objects.exists()


def test_a_backup_of_another_version_is_refused(taken, settings, tmp_path, monkeypatch):
    empty(settings, tmp_path)
    monkeypatch.setattr(backup, "_migrations", lambda: [["cases", "0001_initial"]])
    with pytest.raises(CommandError, match="of another version"):
        call_command("restore", str(taken))


def test_a_backup_that_names_a_path_outside_writes_nothing_there(taken, settings, tmp_path):
    unpacked = tmp_path / "unpacked"
    with tarfile.open(taken) as tar:
        tar.extractall(unpacked, filter="data")
    manifest = unpacked / "manifest.json"
    (unpacked / "media" / "x").write_text("x")
    said = json.loads(manifest.read_text())
    said["files"]["../../evil"] = hashlib.sha256(b"x").hexdigest()
    manifest.write_text(json.dumps(said))
    with tarfile.open(taken, "w") as tar:
        for path in unpacked.rglob("*"):
            if path.is_file():
                tar.add(path, path.relative_to(unpacked).as_posix())
        tar.add(unpacked / "media" / "x", "media/../../evil")
    empty(settings, tmp_path)
    with pytest.raises(CommandError, match="outside where files are kept"):
        call_command("restore", str(taken))
    assert not (tmp_path / "evil").exists()
    assert not Case.objects.exists()
    shutil.rmtree(unpacked)
