"""What is removed when its days are over, what stays, and a person's data on request."""

import io
import json
import os
import time
import uuid
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from cases import stores
from cases.models import AuditEvent, Case, Photo, replace_photo
from matching import keeping
from matching.models import Alert, Candidate, Capture, Face, Search, StandingSearch
from matching.searching import deciding, pictures, standing
from matching.watching import captures
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def search(any_model, six_cases, collection, user) -> Search:
    """A search of a hundred days ago, in a collection that keeps them ninety."""
    collection.search_days = 90
    collection.save()
    made = pictures.search_image(faces.person(2), "x.jpg", user=user, purpose="tip")
    Search.objects.update(created_at=timezone.now() - timedelta(days=100))
    return made


def files(settings) -> set[str]:
    root = Path(settings.MEDIA_ROOT)
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def age(settings) -> None:
    """Files as if they had lain there for days."""
    for name in files(settings):
        os.utime(Path(settings.MEDIA_ROOT) / name, (time.time() - 200_000,) * 2)


def test_a_search_that_led_to_nothing_goes_after_its_days_with_its_files(search, settings):
    gone = set(keeping.files_of_search(search))
    assert len(gone) == 3
    assert gone <= files(settings)
    run = keeping.keep_to_days()
    assert run.counts == {"searches": 1}
    assert not Search.objects.exists()
    assert not gone & files(settings)


@pytest.mark.parametrize("why", ["younger", "for ever", "decided", "kept open", "held"])
def test_what_stays(search, why, collection, user):
    candidate = search.probes.get().candidates.first()
    if why == "younger":
        Search.objects.update(created_at=timezone.now() - timedelta(days=80))
    elif why == "for ever":
        type(collection).objects.update(search_days=0)
    elif why == "decided":
        deciding.say(candidate, "possible", user)
    elif why == "kept open":
        standing.keep_open(search, user)
    else:
        deciding.say(candidate, "rejected", user)
        candidate.case.hold("subpoena 12")
    assert keeping.keep_to_days().counts == {}
    assert Search.objects.exists()


def test_a_rejected_search_goes_and_a_closed_standing_search_with_it(search, user):
    deciding.say(search.probes.get().candidates.first(), "rejected", user)
    standing.keep_open(search, user)
    standing.close(StandingSearch.objects.get(), "found")
    keeping.keep_to_days()
    assert not Search.objects.exists()


def test_files_without_a_row_go_but_not_those_on_their_way(any_model, six_cases, settings):
    before = files(settings)
    stray = Path(settings.MEDIA_ROOT) / "photos" / "killed.jpg"
    stray.write_bytes(b"x")
    assert keeping.keep_to_days().counts == {}
    age(settings)
    assert keeping.keep_to_days().counts == {"files without a row": 1}
    assert files(settings) == before


def test_a_photo_whose_file_is_gone_says_so_and_one_whose_picture_is_gone_is_made_anew(any_model, six_cases):
    lost, unmade = Photo.objects.order_by("pk")[:2]
    kept = Path(lost.image.path).read_bytes()
    Path(lost.image.path).unlink()
    Path(unmade.display.path).unlink()
    assert keeping.keep_to_days().counts == {"photos whose file is missing": 1, "photos looked at anew": 1}
    lost.refresh_from_db()
    unmade.refresh_from_db()
    assert (lost.status, unmade.status) == (Photo.Status.UNREADABLE, Photo.Status.PENDING)
    assert stores.MISSING in lost.status_note
    # Brought back from a backup, it is looked at again.
    Path(lost.image.path).write_bytes(kept)
    assert keeping.keep_to_days().counts == {"photos looked at anew": 1}
    lost.refresh_from_db()
    assert (lost.status, lost.status_note) == (Photo.Status.PENDING, "")


def test_of_a_folder_that_is_not_whole_nothing_is_said(any_model, six_cases, monkeypatch, settings):
    monkeypatch.setattr(keeping, "FEW_GONE", 3)
    for photo in Photo.objects.order_by("pk")[:4]:
        Path(photo.image.path).unlink()
    assert keeping.keep_to_days().counts == {keeping.TOO_MANY_GONE: 4}
    assert not Photo.objects.filter(status=Photo.Status.UNREADABLE).exists()
    # A disk that is not mounted leaves an empty folder.
    settings.MEDIA_ROOT = Path(settings.MEDIA_ROOT) / "empty"
    settings.MEDIA_ROOT.mkdir()
    assert keeping.keep_to_days().counts == {keeping.TOO_MANY_GONE: 6}


def test_a_replaced_or_removed_photo_leaves_no_file(any_model, make_case, settings, as_admin):
    photo = make_case("A1", faces.person(1)).photos.get()
    before = files(settings)
    replace_photo(photo, faces.person(2), "new.jpg", view="front")
    assert not {name for name in before if name.startswith(("photos/", "display/"))} & files(settings)
    as_admin.post(f"/photos/{photo.pk}/delete/")
    assert not {name for name in files(settings) if name.startswith(("photos/", "display/"))}


def test_a_person_is_taken_along_whole(any_model, six_cases, camera, as_admin, search):
    case = Case.objects.get(number="MP2")
    answer = as_admin.get(f"/cases/{case.pk}/export.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as folder:
        said = json.loads(folder.read("person.json"))
        assert said["case"][0]["fields"]["number"] == "MP2"
        assert len(said["candidates"]) == 1
        (name,) = [one for one in folder.namelist() if one.startswith("photos/")]
        assert folder.read(name) == faces.person(2)
    assert AuditEvent.objects.filter(action="exported", target_id=str(case.pk)).exists()


def test_a_person_is_erased_on_request_with_every_file_and_what_remains_is_said(
    any_model, six_cases, camera, as_admin, search, settings
):
    case = Case.objects.get(number="MP2")
    captures.match_capture(
        captures.receive_capture(camera, faces.person(2), uid=uuid.uuid4(), captured_at=timezone.now()).pk
    )
    gone = set(keeping.files_of_case(case))
    assert gone <= files(settings)
    url = f"/cases/{case.pk}/erase/"
    assert "Type MP2 to say" in as_admin.post(url, {"number": "MP3", "why": "asked"}).content.decode()
    assert "Say who asked" in as_admin.post(url, {"number": "MP2"}).content.decode()
    page = as_admin.post(url, {"number": "MP2", "why": "the person asked, letter of 3 May"}).content.decode()
    for words in ("audit trail", "1 captures", "1 searches", "Backups"):
        assert words in page
    assert not Case.objects.filter(number="MP2").exists()
    assert not Face.objects.filter(case_id=case.pk).exists()
    assert not Alert.objects.exists()
    assert not Candidate.objects.filter(case_id=case.pk).exists()
    assert not gone & files(settings)
    assert Search.objects.exists()
    assert Capture.objects.exists()
    assert AuditEvent.objects.filter(action="erased", why="the person asked, letter of 3 May").exists()


def test_a_legal_hold_keeps_a_case_and_its_photos(any_model, six_cases, as_admin, signed_in):
    case = Case.objects.get(number="MP2")
    as_admin.post(f"/cases/{case.pk}/hold/", {"reason": "subpoena 12"})
    assert "Legal hold since" in as_admin.get(f"/cases/{case.pk}/").content.decode()
    refused = as_admin.post(f"/cases/{case.pk}/erase/", {"number": "MP2", "why": "asked"})
    assert "under a legal hold: subpoena 12" in refused.content.decode()
    photo = case.photos.get()
    assert as_admin.post(f"/photos/{photo.pk}/delete/").status_code == 409
    assert as_admin.delete(f"/api/v1/photos/{photo.pk}/").status_code == 409
    assert Photo.objects.filter(pk=photo.pk).exists()
    as_admin.post(f"/cases/{case.pk}/hold/", {"reason": ""})
    assert as_admin.post(f"/photos/{photo.pk}/delete/").status_code == 204
    for path in ("hold/", "erase/"):
        assert signed_in.post(f"/cases/{case.pk}/{path}").status_code == 403
