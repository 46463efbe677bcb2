"""The Imports pages and the command: adding a source, mapping columns, starting, pausing, what was refused."""

import gzip

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from cases import importing
from cases.models import AuditEvent, Case, ImportProblem, ImportRun, ImportSource, Photo, add_photo
from tests import faces
from tests.registries import Person

pytestmark = pytest.mark.django_db(transaction=True)

NAMUS = {"name": "NamUs", "collection": "Missing persons", "schedule": "", "ids": "1-5"}


@pytest.fixture(autouse=True)
def import_dir(settings, tmp_path):
    settings.IMPORT_DIR = tmp_path / "imports"
    settings.IMPORT_DIR.mkdir()
    return settings.IMPORT_DIR


def page(answer) -> str:
    return answer.content.decode()


def test_a_registry_is_added_imported_and_reported(registries, as_admin):
    registries.add(*(Person(n, photos=[faces.person(n)]) for n in (1, 2)))
    assert "No source yet" in page(as_admin.get("/imports/"))
    added = page(as_admin.post("/imports/new/?kind=namus-missing", NAMUS, follow=True))
    assert "Not run yet" in added
    source = ImportSource.objects.get()
    assert (source.collection.name, source.options["ids"]) == ("Missing persons", "1-5")
    done = page(as_admin.post(f"/imports/{source.pk}/start/", follow=True))
    assert "Done" in done
    assert "Nothing was refused" in done
    assert Case.objects.count() == 2
    assert "Waiting to be indexed" not in page(as_admin.get("/imports/indexing/"))
    assert "2 photos wait" in page(as_admin.get("/imports/indexing/"))
    assert {"created", "started import"} <= set(AuditEvent.objects.values_list("action", flat=True))


def test_waiting_photos_are_indexed_by_a_button_and_the_report_shown(any_model, registries, as_admin, make_source, run):
    registries.add(Person(1, photos=[faces.person(1), b"broken"]))
    run(make_source("namus-missing", ids="1"))
    as_admin.post("/imports/indexing/resume/")
    report = page(as_admin.get("/imports/indexing/"))
    assert "Indexed" in report
    assert "Unreadable" in report
    assert Photo.objects.filter(status="indexed").count() == 1


@pytest.mark.parametrize("kind", ["interpol-yellow", "interpol-red", "fbi", "namus-unidentified"])
def test_the_other_registries_need_only_a_name(registries, as_admin, kind):
    as_admin.post(f"/imports/new/?kind={kind}", {"name": kind, "collection": "C", "schedule": "daily", "ids": "1-2"})
    assert ImportSource.objects.get().schedule == "daily"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ids": "9-1"}, "is no range of case numbers"),
        ({"ids": ""}, "Give a range of case numbers"),
        ({"name": ""}, "This field is required"),
        ({"csv": SimpleUploadedFile("a.csv", b"Name\n1\n")}, "has no column Case Number"),
        ({"schedule": "watched"}, "Select a valid choice"),
    ],
)
def test_a_mistake_in_the_form_is_named(as_admin, change, words):
    assert words in page(as_admin.post("/imports/new/?kind=namus-missing", {**NAMUS, **change}))
    assert not ImportSource.objects.exists()


def test_two_sources_of_one_name_are_told_apart(as_admin):
    as_admin.post("/imports/new/?kind=namus-missing", NAMUS)
    assert "of this name already" in page(as_admin.post("/imports/new/?kind=namus-missing", NAMUS))


def test_a_kind_that_is_none_is_not_found(as_admin):
    assert as_admin.get("/imports/new/?kind=x").status_code == 404


def test_a_spreadsheet_is_uploaded_mapped_previewed_and_imported(as_admin, import_dir):
    (import_dir / "mugs").mkdir()
    (import_dir / "mugs" / "7-1.jpg").write_bytes(faces.person(1))
    table = SimpleUploadedFile("jail.csv", b"Ref,Who,Born,File\n7,Ana Ruiz,x,7-1.jpg\n8,Bo,x,8.jpg\n")
    form = {"name": "Jail", "collection": "Jail", "schedule": "", "table": table, "photos": "mugs"}
    mapped = page(as_admin.post("/imports/new/?kind=spreadsheet", form, follow=True))
    assert "Say which column is the case number" in mapped
    source = ImportSource.objects.get()
    columns = {"number": "Ref", "name": "Who", "photo": "File"}
    preview = page(as_admin.post(f"/imports/{source.pk}/columns/", columns, headers={"HX-Request": "true"}))
    assert "Ana Ruiz" in preview
    assert preview.count("not found") == 1
    saved = as_admin.post(f"/imports/{source.pk}/columns/", columns, follow=True)
    assert "The columns are saved" in page(saved)
    as_admin.post(f"/imports/{source.pk}/start/")
    assert Case.objects.get(number="7").photos.count() == 1
    assert "8.jpg is not among the photos" in page(as_admin.get(f"/imports/{source.pk}/"))


@pytest.mark.parametrize("where", ["../../etc", "/etc/passwd", "nothing-here"])
def test_a_page_reads_no_other_files_of_the_server(as_admin, where):
    form = {"name": "F", "collection": "C", "schedule": "", "path": where}
    answer = page(as_admin.post("/imports/new/?kind=folder", form))
    assert "the import folder" in answer
    assert not ImportSource.objects.exists()


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"%PDF-1.7", "is a PDF")])
def test_a_table_that_is_none_is_refused_at_once(as_admin, content, words):
    form = {"name": "J", "collection": "C", "schedule": "", "table": SimpleUploadedFile("j.csv", content)}
    assert words in page(as_admin.post("/imports/new/?kind=spreadsheet", form))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("p.7z", b"7z\xbc\xaf\x27\x1c", "is neither a zip nor a tar"),
        ("p.zip", b"PK\x03\x04 cut", "is no zip that can be read"),
        ("p.tgz", gzip.compress(b"none", mtime=0), "is neither a zip nor a tar"),
    ],
)
def test_photos_in_no_archive_are_refused_at_once(as_admin, name, content, words):
    table, archive = SimpleUploadedFile("j.csv", b"number\n1\n"), SimpleUploadedFile(name, content)
    form = {"name": "J", "collection": "C", "schedule": "", "table": table, "archive": archive}
    assert words in page(as_admin.post("/imports/new/?kind=spreadsheet", form))
    assert not ImportSource.objects.exists()


def test_what_was_refused_is_listed_tried_again_and_dismissed(registries, as_admin, make_source, run):
    registries.add(*(Person(n) for n in range(1, 4)))
    registries.faults = {f"/api/CaseSets/NamUs/MissingPersons/Cases/{n}?": [500] for n in (1, 2)}
    source = make_source("namus-missing", ids="1-3")
    run(source)
    assert "Refused: 2" in page(as_admin.get(f"/imports/{source.pk}/"))
    first, second = ImportProblem.objects.order_by("key")
    registries.faults.pop("/api/CaseSets/NamUs/MissingPersons/Cases/1?")
    as_admin.post(f"/imports/problems/{first.pk}/retry/")
    assert Case.objects.count() == 2
    as_admin.post(f"/imports/problems/{second.pk}/dismiss/")
    assert "Nothing was refused" in page(as_admin.get(f"/imports/{source.pk}/"))
    assert ImportProblem.objects.get(pk=second.pk).status == "dismissed"
    run(source)
    registries.faults.clear()
    as_admin.post(f"/imports/{source.pk}/retry/")
    assert Case.objects.count() == 3


def test_a_run_is_paused_gone_on_with_and_stopped(registries, as_admin, make_source):
    registries.add(*(Person(n) for n in range(1, 4)))
    source = make_source("namus-missing", ids="1-3")
    run = importing.start(source)
    as_admin.post(f"/imports/runs/{run.pk}/pause/")
    assert "Go on" in page(as_admin.get(f"/imports/{source.pk}/"))
    as_admin.post(f"/imports/{source.pk}/start/")
    run.refresh_from_db()
    assert (run.status, Case.objects.count()) == (ImportRun.Status.DONE, 3)
    other = importing.start(source)
    as_admin.post(f"/imports/runs/{other.pk}/stop/")
    assert "Stopped" in page(as_admin.get(f"/imports/{source.pk}/"))


def test_an_unreadable_photo_is_fetched_again_from_its_work_list(any_model, registries, as_admin, make_source, run):
    registries.add(Person(1, photos=[faces.person(1)[:600]]))
    run(make_source("namus-missing", ids="1"))
    as_admin.post("/imports/indexing/resume/")
    photo = Photo.objects.get()
    assert photo.status == Photo.Status.UNREADABLE
    same = as_admin.post(f"/photos/{photo.pk}/fetch/")
    assert (same.status_code, "still has the same file" in page(same)) == (409, True)
    registries.people[1].photos = [faces.person(1)]
    assert as_admin.post(f"/photos/{photo.pk}/fetch/").status_code == 204


def test_who_may_not_import_sees_no_buttons_and_is_refused(registries, signed_in, make_source):
    source = make_source("namus-missing", ids="1")
    assert "Import now" not in page(signed_in.get(f"/imports/{source.pk}/"))
    assert "Add a source" not in page(signed_in.get("/imports/"))
    for path in (f"/imports/{source.pk}/start/", "/imports/new/?kind=fbi", "/imports/indexing/resume/"):
        assert signed_in.post(path).status_code == 403


def test_a_source_is_removed_and_its_cases_stay(registries, as_admin, make_source, run):
    registries.add(Person(1))
    source = make_source("namus-missing", ids="1")
    run(source)
    assert "its cases stay" in page(as_admin.post(f"/imports/{source.pk}/remove/", follow=True))
    assert (ImportSource.objects.count(), Case.objects.count()) == (0, 1)


def test_the_command_imports_reports_and_goes_on(registries, capsys, settings):
    registries.add(*(Person(n) for n in range(1, 4)))
    call_command("import", "namus", "--ids", "1-3")
    assert "NamUs missing persons: done. 3 read, 3 new" in capsys.readouterr().out
    assert set(Case.objects.values_list("collection__name", flat=True)) == {"Missing persons"}
    call_command("import", "namus", "--ids", "1-4", "--schedule", "daily")
    assert "3 unchanged" in capsys.readouterr().out
    assert ImportSource.objects.get().schedule == "daily"
    registries.faults["/"] = [500]
    with pytest.raises(CommandError, match="go on later"):
        call_command("import", "namus", "--ids", "1-50")
    registries.faults.clear()
    call_command("import", "namus", "--ids", "1-50")
    assert "Going on with the run" not in capsys.readouterr().err


def test_the_command_reads_files_anywhere(tmp_path, capsys):
    (tmp_path / "9-1.jpg").write_bytes(faces.person(1))
    call_command("import", "folder", str(tmp_path), "--name", "Drop", "--collection", "Lab")
    assert Case.objects.get().collection.name == "Lab"
    (tmp_path / "t.csv").write_text("Ref,Who\n9,Ana\n")
    call_command("import", "spreadsheet", str(tmp_path / "t.csv"), "--column", "number=Ref", "--column", "name=Who")
    assert Case.objects.get(name="Ana").number == "9"
    with pytest.raises(CommandError, match="Write --column as"):
        call_command("import", "spreadsheet", str(tmp_path / "t.csv"), "--column", "number")
    with pytest.raises(CommandError, match="cannot be watched"):
        call_command("import", "fbi", "--schedule", "watched")
    with pytest.raises(CommandError, match="source of another kind"):
        call_command("import", "fbi", "--name", "Drop")


def test_photos_are_indexed_as_soon_as_their_import_ends(any_model, registries, make_source, run):
    registries.add(Person(1, photos=[faces.person(1)]))
    run(make_source("namus-missing", ids="1"))
    assert list(Photo.objects.values_list("status", flat=True)) == ["indexed"]


def test_the_index_command_indexes_what_waits_and_reports(any_model, make_case, capsys):
    add_photo(make_case(), faces.person(1), "x.jpg", announce=False)
    call_command("index")
    assert "Indexed: 1" in capsys.readouterr().out
    call_command("index")
    assert "No photo waits" in capsys.readouterr().out


def test_the_columns_page_shows_first_what_was_found_and_says_what_nothing_reads(make_source, as_admin, tmp_path):
    table = tmp_path / "jail.csv"
    table.write_text(
        "Booking No,Name,Hair,Cell Block,Officer,Empty\n"
        "7,Ana Ruiz,BRO,B,Doe,\n8,Bo Lind,BLK,C,Doe,\n9,Cy Ode,BLK,B,Roe,\n"
    )
    source = make_source("spreadsheet", file=str(table))
    shown = page(as_admin.get(f"/imports/{source.pk}/columns/"))
    found, _, others = shown.partition("more things that a column can be")
    assert 'name="hair"' in found
    assert 'name="vehicle"' not in found
    assert 'name="vehicle"' in others
    assert "Hair: Brown" in shown
    assert "Nothing reads 3 columns" in shown
    unread = shown.partition("Nothing reads 3 columns")[2]
    assert [unread.index(f"<dt>{name}</dt>") for name in ("Cell Block", "Officer", "Empty")]
    assert "<dd>B " in unread
    assert "empty" in unread
    # What is chosen is read at once, and no longer said to be left out.
    columns = {"number": "Booking No", "name": "Name", "hair": "Hair", "clothing": "Cell Block"}
    preview = page(as_admin.post(f"/imports/{source.pk}/columns/", columns, headers={"HX-Request": "true"}))
    assert "Clothing: B" in preview
    assert "Nothing reads 2 columns" in preview


def test_the_preview_shows_a_record_as_it_would_be_kept(make_source, as_admin, tmp_path):
    """What cannot be a case's is said before the import as after it."""
    table = tmp_path / "t.csv"
    table.write_text(f"number,name,lowest age,highest age\n1,Ana,40,20\n2,Bo,30,31\n{'9' * 60},Cy,,\n")
    source = make_source("spreadsheet", file=str(table))
    columns = {"number": "number", "name": "name", "age_from": "lowest age", "age_to": "highest age"}
    preview = page(as_admin.post(f"/imports/{source.pk}/columns/", columns, headers={"HX-Request": "true"}))
    assert "The lower age must not be above it." in preview
    assert "30–31" in preview
    assert "is longer than 50 signs" in preview
