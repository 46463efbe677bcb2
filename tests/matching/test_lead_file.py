"""A lead that leaves: one file that anybody can check, with tools of their own too; and candidates as tables."""

import csv
import io
import json
import shutil
import subprocess
import zipfile

import pytest
from django.core.management import CommandError, call_command

from cases import signing
from matching.models import Candidate
from matching.searching import deciding, pictures
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lead(any_model, make_case, user) -> Candidate:
    make_case("MP1", faces.person(1))
    search = pictures.search_image(faces.person(1), "tip.jpg", purpose="tip 7", user=user)
    candidate = Candidate.objects.get(probe__search=search)
    deciding.say(candidate, "possible", user, "same scar")
    return Candidate.objects.get()


@pytest.fixture
def packed(lead, signed_in, tmp_path):
    answer = signed_in.get(f"/leads/{lead.pk}/lead.zip")
    assert answer.status_code == 200
    path = tmp_path / "lead.zip"
    path.write_bytes(answer.content)
    return path


def test_it_holds_the_sheet_the_pictures_what_was_said_and_who_did_what(packed, lead):
    with zipfile.ZipFile(packed) as folder:
        names = folder.namelist()
        said = json.loads(folder.read("lead.json"))
        trail = folder.read("audit.csv").decode()
        assert folder.read("lead.pdf").startswith(b"%PDF")
        assert folder.read(next(one for one in names if one.startswith("searched-picture"))) == faces.person(1)
    assert any(one.startswith("case-photos/") for one in names)
    assert said["candidate"]["case"] == "MP1"
    assert said["said"][0]["note"] == "same scar"
    assert "took along lead" in trail


def test_this_installation_tells_that_nobody_changed_it(packed, capsys):
    call_command("verify_file", str(packed))
    assert "is as this installation signed it" in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl here")
def test_others_tell_it_with_tools_of_their_own(packed, tmp_path, signed_in):
    with zipfile.ZipFile(packed) as folder:
        folder.extractall(tmp_path)
        assert folder.read("public-key.pem") == signed_in.get("/system/signing-key.pem").content
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True)
    asked = "openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig"
    done = subprocess.run(asked.split(), cwd=tmp_path, check=True, capture_output=True)
    assert b"Verified" in done.stdout


def rewritten(path, change) -> None:
    with zipfile.ZipFile(path) as folder:
        files = {name: folder.read(name) for name in folder.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as folder:
        for name, content in files.items():
            folder.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda files: files.update({"lead.json": b"{}"}), "lead.json in lead.zip was changed"),
        (lambda files: files.pop("audit.csv"), "audit.csv was taken out"),
        (lambda files: files.update({"more.txt": b"x"}), "more.txt was put into"),
        (lambda files: files.update({"SHA256SUMS": files["SHA256SUMS"] + b"\n"}), "list of sums was changed"),
        (lambda files: files.pop("SHA256SUMS.sig"), "carries no signature"),
    ],
)
def test_whatever_was_changed_is_told(packed, change, words):
    rewritten(packed, change)
    with pytest.raises(CommandError, match=words):
        call_command("verify_file", str(packed))


def test_what_is_no_zip_and_what_another_installation_signed_is_told(packed, tmp_path, settings):
    (tmp_path / "x.zip").write_bytes(b"no zip")
    with pytest.raises(CommandError, match="cannot be read as a zip"):
        call_command("verify_file", str(tmp_path / "x.zip"))
    settings.DATA_DIR = tmp_path
    with pytest.raises(signing.NotAsSigned, match="another installation"):
        signing.check(packed)


def test_only_a_confirmed_lead_leaves(lead, user, signed_in):
    assert signed_in.get(f"/api/v1/leads/{lead.pk}/file/").status_code == 200
    deciding.say(lead, "", user)
    assert signed_in.get(f"/leads/{lead.pk}/lead.zip").status_code == 404
    assert signed_in.get(f"/api/v1/leads/{lead.pk}/file/").status_code == 409


def test_candidates_and_leads_are_taken_along_as_tables(lead, signed_in):
    search = lead.probe.search
    for address in (f"/search/{search.pk}/candidates", "/leads/export"):
        answer = signed_in.get(f"{address}.csv?list=confirmed")
        (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
        assert (row["case"], row["purpose"], row["decision"]) == ("MP1", "tip 7", "Confirmed lead")
        (same,) = json.loads(b"".join(signed_in.get(f"{address}.json?list=confirmed").streaming_content))
        assert same["similarity"] > 0.9
        assert "same scar" not in str(same)
    assert signed_in.get("/leads/export.csv?list=x").status_code == 404
    assert signed_in.get("/leads/export.pdf").status_code == 404
