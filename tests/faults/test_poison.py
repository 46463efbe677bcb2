"""A hundred poison items among good ones, for each kind of work.

The good ones are done, each poison one is set aside in words, nothing loops, and a person takes it up again."""

import errno
import threading
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from cases import importing, work
from cases.models import Case, FailedWork, ImportProblem, ImportRun, ImportSource, Photo, Training, add_photo
from matching import set_aside, tasks
from matching.evaluating import evaluation
from matching.faces import face_models
from matching.gallery import measuring
from matching.indexing import bulk, single
from matching.models import Batch, Camera, Capture, Delivery, Evaluation, Subscription, Template, Trouble
from matching.searching import batches
from matching.telling import notifying, outward
from matching.watching import captures, fleet, newcomers
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)
POISON = 100


@pytest.fixture(autouse=True)
def _no_time_passes_between_attempts(monkeypatch):
    monkeypatch.setattr(work, "PAUSES", (timedelta(0), timedelta(0)))


def until_quiet(step, rounds: int = 12) -> int:
    """Do a step as the scheduler does, again and again, until nothing is left to be tried. Returns how often."""
    for number in range(rounds):
        if not step():
            return number
    raise AssertionError("it goes on and on")


def poisoned(file, how: int) -> None:
    """Make a kept file such that it can't be read: a folder in its place, or a loop of links."""
    path = Path(file.path)
    path.unlink()
    if how % 2:
        path.mkdir()
    else:
        path.symlink_to(path)


def all_set_aside(kind: str, count: int) -> None:
    rows = FailedWork.objects.filter(kind=kind)
    assert rows.count() == count
    assert not rows.filter(set_aside_at=None).exists()
    assert set(rows.values_list("attempts", flat=True)) == {work.MOST_ATTEMPTS}
    assert all("cannot be read" in error or "broke off" in error for error in rows.values_list("error", flat=True))


@pytest.fixture
def photos(any_model, collection):
    """A hundred that cannot be read, good ones before, among and behind them."""
    made = []
    for number in range(POISON + 6):
        case = Case.objects.create(collection=collection, number=f"P{number}")
        content = faces.person(number % 6) if number % 20 == 0 else f"x{number}".encode()
        made.append(add_photo(case, content, f"{number}.jpg", announce=False))
    bad = [photo for number, photo in enumerate(made) if number % 20]
    for number, photo in enumerate(bad):
        poisoned(photo.image, number)
    return [photo.pk for number, photo in enumerate(made) if number % 20 == 0], [photo.pk for photo in bad]


def test_photos(photos, as_admin):
    good, bad = photos

    def step() -> bool:
        bulk.index_waiting()
        return bulk.waits()

    until_quiet(step)
    assert set(Photo.objects.filter(pk__in=good).values_list("status", flat=True)) <= {"indexed", "duplicate"}
    assert set(Photo.objects.filter(pk__in=bad).values_list("status", flat=True)) == {"unreadable"}
    assert "Set aside after 3 attempts. A file cannot be read" in Photo.objects.get(pk=bad[0]).status_note
    all_set_aside("photo", len(bad))
    page = as_admin.get("/system/").content.decode()
    assert "Indexing a photo" in page
    assert "Is a directory" in page
    # Mended, and taken up again.
    mended = Photo.objects.get(pk=bad[1])
    Path(mended.image.path).rmdir()
    Path(mended.image.path).write_bytes(faces.person(2))
    row = FailedWork.objects.get(kind="photo", key=str(mended.pk))
    as_admin.post(f"/system/work/{row.pk}/again/")
    mended.refresh_from_db()
    assert mended.status in ("indexed", "duplicate")
    assert not FailedWork.objects.filter(pk=row.pk).exists()


def test_one_photo_by_itself(any_model, make_case):
    photo = add_photo(make_case("P1"), faces.person(1), "1.jpg", announce=False)
    poisoned(photo.image, 1)
    for _ in range(work.MOST_ATTEMPTS):
        assert single.index_photo(photo.pk) is None
    photo.refresh_from_db()
    assert photo.status == "unreadable"
    assert single.index_photo(photo.pk) is None


def test_a_photo_whose_rows_cannot_be_written_keeps_no_other_from_being_kept(any_model, make_case, monkeypatch):
    for number in range(4):
        add_photo(make_case(f"P{number}"), faces.person(number), "1.jpg", announce=False)
    bad = Photo.objects.order_by("pk")[1]
    prepare = single.prepare

    def prepared(photo, engine):
        found = prepare(photo, engine)
        if photo.pk == bad.pk:
            found.picture_hash = "longer than its column"
        return found

    monkeypatch.setattr(single, "prepare", prepared)

    def step() -> bool:
        bulk.index_waiting()
        return bulk.waits()

    until_quiet(step)
    assert sorted(Photo.objects.values_list("status", flat=True)) == ["indexed", "indexed", "indexed", "unreadable"]
    all_set_aside("photo", 1)


def test_a_full_disk_is_no_photos_fault(any_model, make_case, monkeypatch):
    add_photo(make_case("P1"), faces.person(1), "1.jpg", announce=False)

    def full(photo, engine):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(single, "prepare", full)
    for _ in range(work.MOST_ATTEMPTS + 1):
        with pytest.raises(OSError, match="No space"):
            bulk.index_waiting()
    assert Photo.objects.get().status == "pending"
    assert not FailedWork.objects.exists()


def test_captures(any_model, six_cases, camera, monkeypatch, as_admin):
    monkeypatch.setattr("matching.watching.captures.capture_waiting.send", lambda *a, **k: None)
    good, bad = [], []
    for number in range(POISON + 6):
        capture = captures.receive_capture(camera, faces.person(number % 6), uid=uuid.uuid4())
        (bad if number % 20 else good).append(capture.pk)
        if number % 20:
            poisoned(capture.image, number)
    Capture.objects.update(received_at=timezone.now() - timedelta(minutes=1))

    def step() -> bool:
        for pk in Capture.objects.filter(status="pending").exclude(pk__in=work.not_now("capture")):
            captures.match_capture(pk.pk)
        return Capture.objects.filter(status="pending").exists()

    until_quiet(step)
    assert set(Capture.objects.filter(pk__in=good).values_list("status", flat=True)) == {"matched"}
    assert set(Capture.objects.filter(pk__in=bad).values_list("status", flat=True)) == {"set_aside"}
    all_set_aside("capture", len(bad))
    tasks.sweep()
    assert set(Capture.objects.filter(pk__in=bad).values_list("status", flat=True)) == {"set_aside"}
    assert "Matching a capture" in as_admin.get("/system/").content.decode()


def batch_of(user, *contents: bytes) -> Batch:
    made = batches.begin(user=user, purpose="the bus")
    for number, content in enumerate(contents):
        batches.add(made, SimpleUploadedFile(f"{number}.jpg", content), f"{number}.jpg", user)
    batches.start(made)
    return made


def test_files_of_a_batch(any_model, six_cases, user):
    made = batch_of(user, *(faces.person(number % 6) for number in range(POISON + 6)))
    rows = list(made.files.order_by("pk"))
    for number, row in enumerate(rows):
        if number % 20:
            poisoned(row.file, number)
    batches.run(made)
    made.refresh_from_db()
    assert made.status == Batch.Status.DONE
    again = [name for name, why in made.problems if why.startswith("The same file as ")]
    assert again == ["60.jpg", "80.jpg", "100.jpg"]
    assert len(made.problems) == POISON + len(again)
    assert all(why.endswith(".") for _, why in made.problems), made.problems[:2]
    assert made.search.probes.count() == 3, "each good one, of three persons"


def test_a_batch_that_breaks_off(any_model, six_cases, user, monkeypatch, as_admin):
    made, fine = batch_of(user, faces.person(1)), batch_of(user, faces.person(2))
    conclude = batches.Walk.go

    def breaks(walk):
        if walk.batch.pk == made.pk:
            raise RuntimeError("secret name")
        return conclude(walk)

    monkeypatch.setattr(batches.Walk, "go", breaks)

    def step() -> bool:
        for one in batches.abandoned():
            batches.run(one)
        return bool(batches.abandoned())

    until_quiet(step)
    made.refresh_from_db()
    fine.refresh_from_db()
    assert (made.status, fine.status) == ("failed", "done")
    assert made.error == "It broke off (RuntimeError); the server's log says where."
    all_set_aside("batch", 1)
    monkeypatch.setattr(batches.Walk, "go", conclude)
    as_admin.post("/system/work/0/again/")
    for one in batches.abandoned():
        batches.run(one)
    made.refresh_from_db()
    assert made.status == "done"
    assert not FailedWork.objects.exists()


def test_a_batch_of_somebody_who_may_search_no_more_is_not_taken_up(any_model, user, as_admin):
    made = batch_of(user, faces.person(1))
    Batch.objects.update(status="failed")
    FailedWork.objects.create(kind="batch", key=str(made.pk), label="x", error="x", set_aside_at=timezone.now())
    Training.objects.create(user=user, good_until=timezone.localdate() - timedelta(days=1))
    page = as_admin.post("/system/work/0/again/", follow=True).content.decode()
    assert "training counted until" in page
    assert FailedWork.objects.exists()


def table(folder: Path, name: str, content: bytes, collection) -> ImportSource:
    path = folder / name
    path.write_bytes(content)
    return ImportSource.objects.create(
        name=name, kind="spreadsheet", collection=collection, options={"file": str(path), "columns": {"number": "n"}}
    )


def test_imports(collection, tmp_path, monkeypatch, caplog, as_admin):
    """One whose reading breaks off, one that is not in the encoding that somebody chose, and one that is well."""
    fine = table(tmp_path, "fine.csv", b"n,name\n1,Ann\n", collection)
    undecodable = table(tmp_path, "old.csv", "n,name\n2,Jos\x81\n".encode("latin-1"), collection)
    undecodable.options["encoding"] = "utf_8_sig"
    undecodable.save()
    broken = table(tmp_path, "broken.csv", b"n,name\n3,Cid\n", collection)
    real = importing.Reader.read

    def read(reader, source, must_stop):
        if reader.run.source_id == broken.pk:
            raise KeyError("Cid")
        return real(reader, source, must_stop)

    monkeypatch.setattr(importing.Reader, "read", read)
    for source in (broken, undecodable, fine):
        importing.start(source)

    def step() -> bool:
        for run in importing.abandoned():
            importing.work(run)
        return bool(importing.abandoned())

    until_quiet(step)
    said = {run.source_id: (run.status, run.note) for run in ImportRun.objects.all()}
    assert said[fine.pk][0] == "done"
    assert said[undecodable.pk][0] == "halted"
    assert "Save it as CSV UTF-8" in said[undecodable.pk][1]
    assert said[broken.pk] == ("halted", "It broke off (KeyError); the server's log says where.")
    all_set_aside("import", 1)
    assert "Cid" not in caplog.text
    assert "Importing" in as_admin.get("/system/").content.decode()
    monkeypatch.setattr(importing.Reader, "read", real)
    as_admin.post("/system/work/0/again/")
    until_quiet(step)
    assert Case.objects.filter(number="3").exists()


def test_records_of_an_import(collection, tmp_path, monkeypatch):
    lines = "".join(f"{number},P{number}\n" for number in range(POISON + 6))
    source = table(tmp_path, "many.csv", f"n,name\n{lines}".encode(), collection)
    real = importing.Reader.__init__

    def made(reader, *said):
        real(reader, *said)
        write = reader._writer.write

        def breaks(source, record, known):
            if int(record.fields["number"]) % 20:
                raise IndexError("secret")
            write(source, record, known)

        reader._writer.write = breaks

    monkeypatch.setattr(importing.Reader, "__init__", made)
    run = importing.work(importing.start(source))
    assert run.status == "done"
    assert Case.objects.count() == 6
    assert ImportProblem.objects.filter(reason__startswith="It broke off (IndexError)").count() == POISON
    importing.retry(ImportProblem.objects.first())
    assert ImportProblem.objects.filter(status="open").count() == POISON


def test_messages(any_model, make_case, camera, user, monkeypatch):
    """A service whose answer breaks the library is given up after its attempts; the other is told."""
    make_case("P1", faces.person(1))
    bad = Subscription.objects.create(user=user, name="bad", address="json://127.0.0.1:9/")
    good = Subscription.objects.create(user=user, name="good", address="json://127.0.0.1:9/")

    def send(subscription, *said):
        if subscription.pk == bad.pk:
            raise RuntimeError("secret")

    monkeypatch.setattr(outward, "send", send)
    capture = captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4())
    captures.match_capture(capture.pk)
    for _ in range(10):
        Delivery.objects.update(next_attempt_at=timezone.now())
        for delivery in Delivery.objects.filter(status="waiting"):
            notifying.deliver(delivery.pk)
    assert Delivery.objects.get(subscription=good).status == "sent"
    given_up = Delivery.objects.get(subscription=bad)
    assert (given_up.status, given_up.attempts) == ("failed", 6)
    assert given_up.error.startswith("It broke off (RuntimeError)")


def test_evaluations(any_model, monkeypatch, tmp_path, as_admin):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"{number}.jpg").write_bytes(faces.person(ord(name) % 6))
    made = evaluation.begin(tmp_path, any_model)

    def breaks(*said):
        raise ZeroDivisionError

    monkeypatch.setattr(evaluation.comparing, "search_all", breaks)

    def step() -> bool:
        for one in evaluation.abandoned():
            evaluation.run(one)
        return bool(evaluation.abandoned())

    until_quiet(step)
    made.refresh_from_db()
    assert made.status == Evaluation.Status.FAILED
    all_set_aside("evaluation", 1)
    monkeypatch.undo()
    monkeypatch.setattr(work, "PAUSES", (timedelta(0), timedelta(0)))
    as_admin.post("/system/work/0/again/")
    until_quiet(step)
    made.refresh_from_db()
    assert made.status == Evaluation.Status.DONE


def test_photos_of_an_evaluation(any_model, monkeypatch, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.jpg").write_bytes(faces.person(ord(name) % 6))
    made = evaluation.begin(tmp_path, any_model)
    real, calls = face_models.find_faces, iter(range(100))

    def found(engine, rgb, **said):
        if next(calls) == 1:
            raise ZeroDivisionError
        return real(engine, rgb, **said)

    monkeypatch.setattr(evaluation.face_models, "find_faces", found)
    evaluation.run(made)
    made.refresh_from_db()
    assert made.status == Evaluation.Status.DONE
    assert "broke off" in str(made.problems)


def test_new_cases_that_are_compared_with_what_was_seen(any_model, make_case, camera, monkeypatch):
    captures.receive_capture(camera, faces.person(3), uid=uuid.uuid4())
    bad = [make_case(f"B{number}", faces.person(number)) for number in range(3)]
    good = make_case("GOOD", faces.person(3))
    real = newcomers._compare

    def compare(template, *said):
        if template.case_id != good.pk:
            raise ValueError("secret")
        real(template, *said)

    monkeypatch.setattr(newcomers, "_compare", compare)

    def step() -> bool:
        newcomers.look_back()
        return newcomers.waits()

    until_quiet(step)
    assert not Template.objects.filter(looked_back=False).exists()
    assert good.alerts.exists()
    all_set_aside("look back", len(bad))


def test_cameras_that_are_looked_after(db, monkeypatch):
    for name in ("bad", "good"):
        camera = Camera(name=name, heartbeat_at=timezone.now() - timedelta(hours=1))
        camera.issue_token()
    real = fleet._troubles

    def troubles(camera):
        if camera.name == "bad":
            raise KeyError
        return real(camera)

    monkeypatch.setattr(fleet, "_troubles", troubles)
    for _ in range(work.MOST_ATTEMPTS):
        fleet.look_after()
    assert Trouble.objects.get().camera.name == "good"
    all_set_aside("camera", 1)
    monkeypatch.setattr(fleet, "_troubles", real)
    fleet.look_after()
    assert not FailedWork.objects.exists(), "it went well, so it is forgotten"


@pytest.mark.parametrize("kind", ["measuring", "comparing"])
def test_what_the_gallery_as_a_whole_asks_for(any_model, make_case, monkeypatch, kind):
    def breaks(*said, **more):
        raise ArithmeticError

    make_case("P1", faces.person(1))
    monkeypatch.setattr(measuring, "is_due", lambda model: kind == "measuring")
    monkeypatch.setattr(measuring, "measure_alone", breaks)
    monkeypatch.setattr(bulk.comparing, "compare_new", breaks)
    monkeypatch.setattr(bulk.poor_pictures, "is_due", lambda model: kind == "comparing")
    monkeypatch.setattr(bulk.poor_pictures, "find_direction", breaks)
    for _ in range(work.MOST_ATTEMPTS + 2):
        tasks.sweep()
    all_set_aside(kind, 1)


def test_what_failed_is_shown_to_whoever_sees_it_and_forgotten_with_what_it_was_about(any_model, make_case, user):
    photo = make_case("P1", faces.person(1), index=False).photos.get()
    for _ in range(3):
        work.failed("photo", photo.pk, "a photo", OSError(errno.EIO, "Input/output error"))
    assert [row.error for row in set_aside.shown(user)] == ["A file cannot be read or written: Input/output error."]
    work.failed("measuring", any_model.pk, "model", ValueError())
    assert len(set_aside.shown(user)) == 1, "the gallery as a whole is for those who see all"
    Photo.objects.all().delete()
    assert set_aside.shown(user) == []
    set_aside.tidy()
    assert set(FailedWork.objects.values_list("kind", flat=True)) == {"measuring"}


def test_two_that_fail_at_once_are_two_attempts(any_model):
    threads = [
        threading.Thread(target=lambda: (work.failed("camera", 1, "x", ValueError()), connection_closed()))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert FailedWork.objects.get().attempts == 2


def connection_closed() -> None:
    from django.db import connection

    connection.close()


def test_what_is_of_no_one_thing_is_shown_to_those_who_see_all(user, as_admin):
    work.failed("missing and found", 0, "People who are missing and found", ValueError())
    assert set_aside.shown(user) == []
    assert "Comparing the missing with the found" in as_admin.get("/system/").content.decode()
    set_aside.tidy()
    row = FailedWork.objects.get()
    as_admin.post(f"/system/work/{row.pk}/again/")
    assert not FailedWork.objects.exists()


def test_each_kind_that_is_attempted_can_be_shown_and_taken_up():
    """A kind that is forgotten in `set_aside` fails here."""
    import re

    root = Path(__file__).resolve().parents[2]
    files = [*root.glob("cases/**/*.py"), *root.glob("matching/**/*.py")]
    named = {kind for file in files for kind in re.findall(r'\.(?:attempt|failed)\(\s*"([a-z ]+)"', file.read_text())}
    assert named == set(set_aside.KINDS)
