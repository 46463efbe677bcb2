"""Importing spreadsheets with photos in a folder, a zip or S3, and folders that photos are dropped into."""

import tarfile
import zipfile
from functools import partial
from pathlib import Path

import boto3
import openpyxl
import pytest

from cases import importing
from cases.models import Case, ImportProblem, ImportRun, ImportSource, Photo
from cases.sources import SourceUnavailable, headings, places, spreadsheet, tables
from tests import bucket, faces

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = [
    ["Booking No", "Last Name", "First Name", "Sex", "Age", "Photo", "Image Type", "Status"],
    ["2019-01", "Ruiz", "Ana", "F", "31", "mug\\2019-01_F.jpg", "FRONT", "active"],
    ["2019-01", "", "", "", "", "2019-01_S.JPG", "Side", ""],
    ["2019-02", "Lund", "Bo", "M", "40.0", "2019-02_F.jpg", "front", "active"],
    ["2019-01", "", "", "", "", "2019-01_T.jpg", "Tattoo", ""],
]
NAMES = ("2019-01_F.jpg", "2019-01_S.jpg", "2019-01_T.jpg", "2019-02_F.jpg")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos" / "mug"
    folder.mkdir(parents=True)
    for position, name in enumerate(NAMES):
        (folder / name).write_bytes(faces.person(position))
    return folder.parent


@pytest.fixture
def table(tmp_path):
    def write(rows=ROWS, name="jms.csv", encoding="utf-8"):
        path = tmp_path / name
        if path.suffix == ".xlsx":
            book = openpyxl.Workbook()
            for row in rows:
                book.active.append(row)
            book.save(path)
        else:
            path.write_text("\n".join(";".join(row) for row in rows), encoding=encoding)
        return str(path)

    return write


def zipped(folder):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.jpg")):
            archive.write(file, file.relative_to(folder))
        archive.writestr("__MACOSX/._1.jpg", b"x")
    return str(path)


def tarred(folder, how=""):
    path = folder.with_suffix(".bin")
    with tarfile.open(path, f"w:{how}") as archive:
        archive.add(folder, ".")
    return str(path)


@pytest.fixture
def in_s3():
    with bucket.service():

        def put(folder):
            for file in folder.rglob("*.jpg"):
                boto3.client("s3").upload_file(str(file), bucket.NAME, f"jail/{file.relative_to(folder)}")
            return f"s3://{bucket.NAME}/jail/"

        yield put


@pytest.mark.parametrize("name", ["jms.csv", "jms.xlsx"])
@pytest.mark.parametrize("place", ["folder", "zip", "tar", "gz", "s3"])
def test_it_works(table, photos, in_s3, make_source, run, name, place):
    packed = {"folder": str, "zip": zipped, "tar": tarred, "gz": partial(tarred, how="gz"), "s3": in_s3}
    where = packed[place](photos)
    source = make_source("spreadsheet", file=table(name=name), photos=where)
    done = run(source)
    assert (done.status, done.total, ImportProblem.objects.count()) == (ImportRun.Status.DONE, 2, 0), done.note
    ana = Case.objects.get(number="2019-01")
    assert (ana.name, ana.sex, ana.age) == ("Ana Ruiz", "female", "31")
    assert list(ana.photos.values_list("view", flat=True)) == ["front", "side", "other"]
    assert Case.objects.get(number="2019-02").age == "40"
    again = run(source)
    assert (again.counts["unchanged"], again.counts.get("new", 0)) == (2, 0)


def test_a_packed_tar_of_too_much_is_refused_and_nothing_is_left_of_it(photos, monkeypatch):
    monkeypatch.setattr(places, "MOST_UNPACKED", 1000)
    with pytest.raises(SourceUnavailable, match="unpacked it has over"):
        places.open_place(tarred(photos, "gz"))


def test_photos_named_after_the_number_need_no_column(table, photos, make_source, run):
    rows = [["Number", "Name"], ["2019-01", "Ana"], ["2019-02", "Bo"], ["2019", "Nobody's pictures are mine"]]
    (photos / "2019-02.jpg").write_bytes(faces.person(5))
    run(make_source("spreadsheet", file=table(rows), photos=str(photos)))
    found = {case.number: sorted(p.filename for p in case.photos.all()) for case in Case.objects.all()}
    assert found == {
        "2019-01": ["2019-01_F.jpg", "2019-01_S.jpg", "2019-01_T.jpg"],
        "2019-02": ["2019-02.jpg", "2019-02_F.jpg"],
        "2019": [],
    }


def test_a_changed_file_is_indexed_anew_in_its_place(table, photos, make_source, run):
    source = make_source("spreadsheet", file=table(), photos=str(photos))
    run(source)
    before = Photo.objects.get(filename="2019-02_F.jpg")
    Photo.objects.update(status=Photo.Status.INDEXED)
    (photos / "mug" / "2019-02_F.jpg").write_bytes(faces.person(5))
    assert run(source).counts["photos changed"] == 1
    after = Photo.objects.get(pk=before.pk)
    assert (after.status, after.sha256 == before.sha256) == (Photo.Status.PENDING, False)


def test_a_view_that_was_corrected_is_taken_over(table, photos, make_source, run):
    source = make_source("spreadsheet", file=table(), photos=str(photos))
    run(source)
    table([[cell.replace("Side", "front") for cell in row] for row in ROWS])
    run(source)
    assert Photo.objects.get(filename="2019-01_S.jpg").view == Photo.View.FRONT


def test_a_state_column_closes_and_reopens(table, photos, make_source, run):
    columns = {"number": "Booking No", "closed": "Status"}
    source = make_source("spreadsheet", file=table(), photos=str(photos), columns=columns)
    run(source)
    table([[cell.replace("active", "Located") for cell in row] for row in ROWS])
    run(source)
    assert set(Case.objects.values_list("status", "closed_reason")) == {("closed", "jms.csv says: Located")}
    table()
    run(source)
    assert set(Case.objects.values_list("status", flat=True)) == {"open"}


def test_cases_missing_from_a_complete_file_are_closed_and_from_another_kept(table, photos, make_source, run):
    source = make_source("spreadsheet", file=table(), photos=str(photos))
    run(source)
    table([row for row in ROWS if row[0] != "2019-02"])
    run(source)
    assert Case.objects.filter(status="open").count() == 2
    run(source, complete=True)
    assert Case.objects.get(status="closed").closed_reason == "jms.csv no longer has this case"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (["", "Ruiz", "Ana", "F", "31", "", "", ""], "Line 2: There is no case number."),
        (["1" * 60, "Ruiz", "Ana", "F", "31", "", "", ""], "is longer than 50 signs"),
    ],
)
def test_a_row_that_cannot_be_taken_is_said_with_its_line_and_loses_no_other(
    table, photos, make_source, run, row, words
):
    done = run(make_source("spreadsheet", file=table([ROWS[0], row, ROWS[3]]), photos=str(photos)))
    assert words in ImportProblem.objects.get().reason
    assert (Case.objects.get().number, done.counts["refused"]) == ("2019-02", 1)


def test_a_photo_that_is_not_there_is_said_and_comes_when_it_is(table, photos, make_source, run):
    (photos / "mug" / "2019-02_F.jpg").unlink()
    source = make_source("spreadsheet", file=table(), photos=str(photos))
    run(source)
    problem = ImportProblem.objects.get()
    assert (problem.key, problem.reason) == ("2019-02", "2019-02_F.jpg is not among the photos.")
    (photos / "mug" / "2019-02_F.jpg").write_bytes(faces.person(3))
    importing.retry(problem)
    assert Case.objects.get(number="2019-02").photos.count() == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"Name;Sex\nAna;F\n", "which column of a.csv is the case number"),
        ("a.xlsx", b"PK\x03\x04no zip", "no XLSX file that can be read"),
        ("a.xlsx", bytes(range(256)) * 9, "neither text nor a workbook"),
        ("a.pdf", b"%PDF", "is a PDF"),
    ],
)
def test_a_file_that_is_no_table_is_said(make_source, run, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    halted = run(make_source("spreadsheet", file=str(tmp_path / name)))
    assert (halted.status, words in halted.note) == (ImportRun.Status.HALTED, True), halted.note


def test_a_photo_that_is_damaged_in_the_zip_is_said_and_the_others_come(table, photos, make_source, run):
    path = Path(zipped(photos))
    whole = path.read_bytes()
    start = whole.index(faces.person(3)[:200])
    path.write_bytes(whole[: start + 300] + b"damage" + whole[start + 306 :])
    run(make_source("spreadsheet", file=table(), photos=str(path)))
    assert "cannot be read from the zip" in ImportProblem.objects.get().reason
    assert Photo.objects.count() == 3


@pytest.mark.parametrize("where", ["/nowhere", "broken.zip", "s3://nowhere/x"])
def test_photos_that_cannot_be_reached_halt_the_run(table, make_source, run, tmp_path, in_s3, where):
    (tmp_path / "broken.zip").write_bytes(b"PK broken")
    if where.startswith("broken"):
        where = str(tmp_path / where)
    assert run(make_source("spreadsheet", file=table(), photos=where)).status == ImportRun.Status.HALTED


def test_a_windows_export_is_read_with_its_signs(table, make_source, run):
    run(make_source("spreadsheet", file=table([["number", "name"], ["1", "José Müller"]], encoding="cp1252")))
    assert Case.objects.get().name == "José Müller"


def test_columns_are_guessed_and_a_saved_mapping_wins(table, make_source, run):
    path = table([["ID", "Who", "Name"], ["1", "Ana", "wrong"]])
    assert headings.guess(["Booking No", "Last, First"]) == {"number": "Booking No", "name": "Last, First"}
    assert headings.guess(["ID", "Who", "Name"]) == {"number": "ID", "name": "Name"}
    run(make_source("spreadsheet", file=path, columns={"number": "ID", "name": "Who"}))
    assert Case.objects.get().name == "Ana"
    with pytest.raises(SourceUnavailable, match="has no column Gone"):
        spreadsheet.Spreadsheet({"file": path, "columns": {"number": "Gone"}})


def test_an_empty_row_is_no_case(table):
    path = Path(table([["number"], ["1"], [""], ["2"]]))
    assert [line for line, _ in tables.rows(path)] == [2, 4]


def test_a_dropped_folder_is_read_by_its_names(make_source, run, tmp_path):
    drop = tmp_path / "index"
    drop.mkdir()
    for name in ("MP-7-1.jpg", "MP-7-2.jpg", "MP8-1.jpg", "holiday.jpg", "notes.txt", ".DS_Store"):
        (drop / name).write_bytes(faces.person(len(name) % 6) + name.encode())
    source = make_source("folder", path=str(drop))
    run(source)
    assert {case.number: case.photos.count() for case in Case.objects.all()} == {"MP-7": 2, "MP8": 1}
    assert set(ImportProblem.objects.values_list("key", flat=True)) == {"holiday.jpg", "notes.txt"}
    (drop / "MP8-1.jpg").unlink()
    run(source)
    assert Case.objects.filter(status="open").count() == 2
    run(source, complete=True)
    assert Case.objects.get(status="closed").number == "MP8"


def test_a_watched_folder_is_read_when_it_changes_and_only_then(make_source, tmp_path):
    (tmp_path / "MP1-1.jpg").write_bytes(faces.person(0))
    source = make_source("folder", path=str(tmp_path))
    ImportSource.objects.update(schedule="watched")
    (run,) = importing.start_what_is_due()
    importing.work(run)
    assert importing.start_what_is_due() == []
    (tmp_path / "MP2-1.jpg").write_bytes(faces.person(1))
    (run,) = importing.start_what_is_due()
    importing.work(run)
    assert Case.objects.count() == 2
    assert source.runs.count() == 2


def test_a_schedule_asks_for_a_run_when_its_time_has_come(make_source, registries):
    from datetime import timedelta

    from django.utils import timezone

    source = make_source("namus-missing", ids="1")
    assert importing.start_what_is_due() == []
    ImportSource.objects.update(schedule="daily")
    (run,) = importing.start_what_is_due()
    importing.work(run)
    assert importing.start_what_is_due() == []
    source.runs.update(started_at=timezone.now() - timedelta(hours=25))
    assert len(importing.start_what_is_due()) == 1
