"""Importing from the registries' stand-ins: what becomes of new, unchanged, changed, withdrawn and refused records."""

import threading
import time

import pytest
from django.db import connection

from cases import importing, sources
from cases.models import Case, ImportProblem, ImportRun, Photo
from cases.sources import http, interpol
from tests import faces
from tests.registries import Person, serving

pytestmark = pytest.mark.django_db(transaction=True)

# Each registry's kind with the options to read it whole, and how it numbers person 1.
REGISTRIES = [
    ("namus-missing", {"ids": "1-5"}, "MP1"),
    ("namus-unidentified", {"ids": "1-5"}, "UP1"),
    ("interpol-yellow", {}, "2019/1"),
    ("interpol-red", {}, "2019/1"),
    ("fbi", {}, "uid1"),
]
every_registry = pytest.mark.parametrize(("kind", "options", "number"), REGISTRIES, ids=[r[0] for r in REGISTRIES])


def picture(number: int, edition: int = 0) -> bytes:
    """A photo of its own for each number; the bytes matter here, not the face."""
    return faces.person(number % 6) + b"%d %d" % (number, edition)


@pytest.fixture
def three(registries):
    """Persons 1, 2 and 4; number 3 is a gap."""
    registries.add(*(Person(n, photos=[picture(n), picture(n, 9)]) for n in (1, 2, 4)))
    return registries


def content(photo: Photo) -> bytes:
    with photo.image.open() as file:
        return file.read()


def counts(run: ImportRun, *names: str) -> list[int]:
    return [run.counts.get(name, 0) for name in names]


def writes() -> int:
    """Rows that were inserted, updated or deleted in the tables that hold cases."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables "
            "WHERE relname IN ('cases_case', 'cases_photo', 'cases_importedcase', 'cases_importproblem')"
        )
        return int(cursor.fetchone()[0])


@every_registry
def test_it_works(three, make_source, run, kind, options, number):
    done = run(make_source(kind, **options))
    assert (done.status, done.seconds_left) == (ImportRun.Status.DONE, None)
    assert counts(done, "new", "photos new", "refused") == [3, 6, 0]
    case = Case.objects.get(number=number)
    assert (case.sex, case.photos.count(), case.is_open) == ("female", 2, True)
    assert case.name.lower() == ("" if "unidentified" in kind else "ana maria ruiz")
    assert Photo.objects.filter(status=Photo.Status.PENDING).count() == 6


def test_a_namus_case_has_all_that_the_registry_tells(three, make_source, run):
    run(make_source("namus-missing", ids="1"))
    case = Case.objects.get()
    assert (case.age, str(case.last_seen_on), case.race) == ("31", "2009-11-10", "Hispanic / Latino")
    assert case.last_seen_place == "Fresno, Fresno, California"
    assert (case.agency, case.contact, case.other_names) == ("Fresno Police", "(559) 555-0100", "Annie")
    assert case.circumstances == "Left home on foot."
    assert case.source_url == "https://www.namus.gov/MissingPersons/Case#/1"


@every_registry
def test_an_unchanged_registry_costs_no_write_and_fetches_no_photo(three, make_source, run, kind, options, number):
    source = make_source(kind, **options)
    run(source)
    before, three.asked = writes(), []
    again = run(source)
    assert counts(again, "new", "changed", "unchanged", "photos new") == [0, 0, 3, 0]
    assert writes() == before
    assert not [path for path in three.paths() if "mages/" in path]


def test_an_unchanged_case_is_asked_for_by_its_tag(three, make_source, run):
    source = make_source("namus-missing", ids="1")
    run(source)
    three.asked = []
    run(source)
    assert [headers["If-None-Match"] for _, headers in three.asked]


@every_registry
def test_a_changed_case_and_photo_are_taken_over(three, make_source, run, kind, options, number):
    source = make_source(kind, **options)
    run(source)
    first = Case.objects.get(number=number).photos.first()
    Photo.objects.update(status=Photo.Status.INDEXED)
    three.people[1].sex, three.people[1].photos[0], three.people[1].editions = "Male", picture(1, 1), [1]
    again = run(source)
    case = Case.objects.get(number=number)
    assert (counts(again, "changed", "unchanged"), case.sex) == ([1, 2], "male")
    assert picture(1, 1) in [content(photo) for photo in case.photos.exclude(pk=first.pk)]
    assert case.photos.get(pk=first.pk).view == Photo.View.WITHDRAWN


def test_a_photo_that_changed_behind_its_address_is_found_when_asked_for(three, make_source, run):
    source = make_source("namus-missing", ids="1")
    run(source)
    three.people[1].photos[0] = picture(1, 5)
    assert counts(run(source), "photos changed") == [0]
    three.asked = []
    checked = run(source, check_photos=True)
    assert counts(checked, "photos changed", "photos new") == [1, 0]
    # The photo that is as it was answers so, without being sent again.
    assert len([h for path, h in three.asked if "Images" in path and "If-None-Match" in h]) == 2
    assert Photo.objects.filter(status=Photo.Status.PENDING).count() == 2


@every_registry
def test_what_the_source_ends_or_withdraws_is_closed_with_the_reason_and_reopened(
    three, make_source, run, kind, options, number
):
    source = make_source(kind, **options)
    run(source)
    three.people[1].gone = True
    assert counts(run(source), "closed") == [1]
    case = Case.objects.get(number=number)
    assert (case.is_open, "no longer" in case.closed_reason) == (False, True)
    three.people[1].gone = False
    assert counts(run(source), "reopened") == [1]
    case.refresh_from_db()
    assert case.is_open


@pytest.mark.parametrize(("kind", "words"), [("namus-missing", "resolved"), ("fbi", "captured")])
def test_what_the_source_marks_as_ended_is_closed_and_stays_as_people_set_it(three, make_source, run, kind, words):
    source = make_source(kind, ids="1-5")
    run(source)
    three.people[1].ended = True
    run(source)
    case = Case.objects.order_by("pk").first()
    assert words in case.closed_reason
    case.reopen()
    three.people[1].sex = "Male"
    run(source)
    case.refresh_from_db()
    assert (case.is_open, case.sex) == (True, "male")


def test_a_case_that_people_closed_stays_closed(three, make_source, run):
    source = make_source("namus-missing", ids="1-5")
    run(source)
    Case.objects.get(number="MP1").close("found safe")
    three.people[1].sex = "Male"
    run(source)
    assert Case.objects.get(number="MP1").closed_reason == "found safe"


def test_a_registry_that_seems_to_lose_most_cases_closes_none_until_somebody_is_sure(registries, make_source, run):
    registries.add(*(Person(n) for n in range(1, 21)))
    source = make_source("namus-missing", ids="1-20")
    run(source)
    for person in registries.people.values():
        person.gone = person.id > 5
    done = run(source)
    assert (done.status, Case.objects.filter(status="open").count()) == (ImportRun.Status.DONE, 20)
    problem = ImportProblem.objects.get(key=ImportProblem.ALL)
    assert "15 of 20 open cases are no longer there" in problem.reason
    importing.retry(problem)
    problem.refresh_from_db()
    assert (problem.status, Case.objects.filter(status="open").count()) == ("resolved", 5)


def test_what_people_changed_here_stays_and_a_conflict_is_said(three, make_source, run):
    source = make_source("namus-missing", ids="1")
    run(source)
    Case.objects.update(agency="Kept by hand", sex="other")
    three.people[1].sex, three.people[1].age = "Male", 32
    run(source)
    case = Case.objects.get()
    assert (case.agency, case.sex, case.age) == ("Kept by hand", "other", "32")
    assert "sex: the source now says 'male'; here it was changed to 'other'" in ImportProblem.objects.get().reason
    assert counts(run(source), "unchanged") == [1]


def test_a_case_entered_by_hand_is_taken_up_not_doubled(three, make_source, run):
    source = make_source("namus-missing", ids="1")
    Case.objects.create(collection=source.collection, number="MP1", name="By hand")
    run(source)
    case = Case.objects.get()
    assert (case.name, case.agency, case.photos.count()) == ("By hand", "Fresno Police", 2)


def test_a_photo_that_people_removed_does_not_come_back(three, make_source, run):
    source = make_source("namus-missing", ids="1")
    run(source)
    Photo.objects.first().delete()
    three.people[1].sex = "Male"
    run(source)
    assert Photo.objects.count() == 1


def test_a_photo_that_the_source_took_back_and_gives_again_is_searched_again(three, make_source, run):
    source = make_source("namus-missing", ids="1")
    run(source)
    taken = three.people[1].photos.pop()
    assert counts(run(source), "photos withdrawn") == [1]
    three.people[1].photos.append(taken)
    run(source)
    assert list(Photo.objects.values_list("view", "status")) == [("front", "pending")] * 2


FAULTS = ["slow", "short", "json", 500, 503, "Retry-After"]


@pytest.fixture
def impatient(monkeypatch):
    """Waits of a test's length."""
    monkeypatch.setattr(http, "TIMEOUT", (1, 0.5))
    monkeypatch.setattr(http, "WHOLE_ANSWER", 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_is_outlived(three, make_source, run, impatient, fault):
    three.faults["/api/CaseSets/NamUs/MissingPersons/Cases/2?"] = [fault, None]
    three.faults["/api/CaseSets/NamUs/MissingPersons/Cases/4/"] = [fault if fault != "json" else 500, None]
    done = run(make_source("namus-missing", ids="1-5"))
    assert counts(done, "new", "photos new", "refused") == [3, 6, 0]
    assert not ImportProblem.objects.exists()


@pytest.mark.parametrize("fault", ["slow", "short", "json", "drip", 500, 403])
def test_a_record_that_stays_broken_is_a_row_with_the_reason_and_can_be_tried_alone(
    three, make_source, run, impatient, fault
):
    path = "/api/CaseSets/NamUs/MissingPersons/Cases/2?"
    three.faults[path] = [fault]
    source = make_source("namus-missing", ids="1-5")
    assert counts(run(source), "new", "refused", "gaps") == [2, 1, 2]
    problem = ImportProblem.objects.get()
    assert (problem.key, str(three.server_port) in problem.reason) == ("MP2", True)
    importing.retry(problem)
    problem.refresh_from_db()
    assert problem.status == "open"
    del three.faults[path]
    importing.retry(problem)
    problem.refresh_from_db()
    assert (problem.status, Case.objects.count()) == ("resolved", 3)


@pytest.mark.parametrize("fault", ["slow", "short", "drip", "empty", 404, 500])
def test_a_photo_that_stays_broken_is_a_row_and_comes_with_the_next_run(three, make_source, run, impatient, fault):
    path = f"/api/CaseSets/NamUs/MissingPersons/Cases/2/Images/{three.people[2].photo_ids()[1]}/"
    three.faults[path] = [fault]
    source = make_source("namus-missing", ids="1-5")
    assert counts(run(source), "new", "photos new", "photos refused") == [3, 5, 1]
    assert ImportProblem.objects.get().photo_key.startswith("/api/CaseSets")
    del three.faults[path]
    assert counts(run(source), "photos new", "unchanged") == [1, 3]
    assert ImportProblem.objects.get().status == "resolved"


def test_a_photo_that_cannot_be_read_here_can_be_fetched_again_alone(three, make_source, run):
    source = make_source("namus-missing", ids="1")
    whole, three.people[1].photos[0] = three.people[1].photos[0], three.people[1].photos[0][:500]
    run(source)
    photo = Photo.objects.first()
    Photo.objects.filter(pk=photo.pk).update(status=Photo.Status.UNREADABLE)
    three.people[1].photos[0] = whole
    importing.fetch_again(photo)
    photo.refresh_from_db()
    assert (photo.status, photo.image.size) == (Photo.Status.PENDING, len(whole))


@every_registry
def test_a_registry_that_is_away_halts_the_run_which_goes_on_later(three, make_source, run, kind, options, number):
    three.faults["/"] = [500]
    source = make_source(kind, **({"ids": "1-50"} if options else {}))
    halted = run(source)
    assert (halted.status, "500" in halted.note) == (ImportRun.Status.HALTED, True)
    three.faults.clear()
    done = run(source)
    assert (done.pk, done.status, Case.objects.count()) == (halted.pk, ImportRun.Status.DONE, 3)


def test_a_registry_that_is_not_there_is_told_at_once(settings, make_source, run, monkeypatch):
    settings.NAMUS_URL = "http://127.0.0.1:1/"
    monkeypatch.setattr(http.time, "sleep", lambda seconds: pytest.fail("waited"))
    settings.IMPORT_RATE = 1e9
    halted = run(make_source("namus-missing", ids="1-50"))
    assert halted.status == ImportRun.Status.HALTED
    assert "Nobody answers at 127.0.0.1:1" in halted.note
    assert not ImportProblem.objects.exists()


def test_a_registry_that_goes_away_while_it_is_read_is_given_a_few_moments(settings):
    with serving() as server:
        registry = http.Registry(server.url)
        server.add(Person(1, photos=[]))
        assert registry.json("api/CaseSets/NamUs/MissingPersons/Cases/1")
        registry.close()  # else the open connection would outlive the listener
    began = time.monotonic()
    with pytest.raises(sources.SourceUnavailable, match="Nobody answers"):
        registry.json("api/CaseSets/NamUs/MissingPersons/Cases/1")
    assert time.monotonic() - began > settings.IMPORT_BACKOFF * 7


def test_a_redirect_leads_nowhere_else(three, make_source, run):
    for target in ("http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "https://example.org/x.jpg"):
        three.faults["/api/CaseSets/NamUs/MissingPersons/Cases/2?"] = [target]
        run(make_source("namus-missing", ids="2"))
        assert "not on the source's own hosts, so it was not asked" in ImportProblem.objects.get().reason
        ImportRun.objects.all().delete()
        ImportProblem.objects.get().source.delete()


def test_a_photo_host_that_turns_private_is_not_asked(registries, settings):
    registry = http.Registry(registries.url, frozenset({"localhost"}))
    with pytest.raises(http.RecordRefused, match="leads to a private address"):
        registry.get("https://localhost/picture.jpg", {})
    registry.close()


def test_requests_are_slow_enough_and_say_who_asks(three, make_source, run, settings):
    settings.IMPORT_RATE, settings.IMPORT_USER_AGENT = 20, "Sightline test"
    done = run(make_source("namus-missing", ids="3-12"))
    assert done.active_seconds > 9 / 20
    assert {headers["User-Agent"] for _, headers in three.asked} == {"Sightline test"}


def test_interpols_limit_is_divided_around_and_what_stays_hidden_is_said(registries, make_source, run, monkeypatch):
    monkeypatch.setattr(interpol, "MOST", 16)
    registries.interpol_most = 16
    people = [Person(n, age=20 + n % 3, sex="Female" if n % 2 else "Male") for n in range(40)]
    people += [Person(n, age=50, sex="Female") for n in range(40, 58)] + [Person(60, age=None)]
    registries.add(*people)
    done = run(make_source("interpol-yellow"))
    assert (counts(done, "new"), done.total) == ([56], 59)
    reasons = " ".join(ImportProblem.objects.values_list("reason", flat=True))
    assert "2 of this age are hidden" in reasons
    assert "1 notices carry no age" in reasons


def test_the_second_of_two_runs_at_once_is_told(three, make_source, run):
    source = make_source("namus-missing", ids="1-5")
    reached, go_on = threading.Event(), threading.Event()

    def hold(run: ImportRun) -> None:
        reached.set()
        go_on.wait(10)

    first = threading.Thread(target=_work_and_close, args=(importing.start(source), hold))
    first.start()
    assert reached.wait(10)
    try:
        with pytest.raises(importing.ImportBusy, match="is being imported already since"):
            importing.start(source)
    finally:
        go_on.set()
        first.join()
    assert ImportRun.objects.get().status == ImportRun.Status.DONE


def _work_and_close(run: ImportRun, progress) -> None:
    try:
        importing.work(run, progress=progress)
    finally:
        connection.close()


def test_a_paused_run_goes_on_where_it_was(registries, make_source):
    registries.add(*(Person(n) for n in range(1, 31)))
    source = make_source("namus-missing", ids="1-30")
    run = importing.work(importing.start(source), must_stop=lambda: True)
    assert 0 < run.read < 30
    assert importing.pause(run)
    assert importing.work(run).read == run.read
    registries.asked = []
    again = importing.work(importing.start(source))
    assert (again.pk, again.status, Case.objects.count()) == (run.pk, ImportRun.Status.DONE, 30)
    assert len(registries.asked) == 30 - run.read


def test_a_run_that_was_stopped_stays_so(registries, make_source):
    registries.add(Person(1))
    source = make_source("namus-missing", ids="1")
    run = importing.start(source)
    assert importing.stop(run)
    assert importing.work(run).status == ImportRun.Status.STOPPED
    assert importing.start(source).pk != run.pk


@pytest.mark.parametrize(("ids", "words"), [("abc", "no range of case numbers"), ("9-1", "no range"), ("", "no range")])
def test_a_range_that_is_none_is_said(registries, make_source, run, ids, words):
    done = run(make_source("namus-missing", ids=ids))
    assert (done.status, words in done.note) == (ImportRun.Status.HALTED, True)


def test_the_list_that_namus_exports_names_the_cases(three, make_source, run, tmp_path):
    export = tmp_path / "export.csv"
    export.write_text('"Case Number","DLC"\n"MP1","x"\n"MP4","y"\n')
    source = make_source("namus-missing", csv=str(export))
    assert counts(run(source), "new") == [2]
    # What is no longer exported is asked for alone, and closed only if NamUs says so.
    export.write_text('"Case Number"\n"MP4"\n')
    run(source)
    assert Case.objects.filter(status="open").count() == 2
    three.people[1].gone = True
    run(source)
    assert Case.objects.get(status="closed").number == "MP1"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Name\nAna\n", "no column Case Number"),
        (b"Case Number\nMP1\nUP7\n", "line 3: 'UP7' is no case number"),
        (b"\x00\xff\xfe", "cannot be read as CSV"),
    ],
)
def test_a_list_that_is_none_is_said_with_its_line(registries, make_source, run, tmp_path, content, words):
    export = tmp_path / "export.csv"
    export.write_bytes(content)
    assert words in run(make_source("namus-missing", csv=str(export))).note
