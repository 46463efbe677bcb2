"""Indexing many photos at once: the same rows as one by one, in a run that can be paused and reports at its end."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
from django.db import connection

from cases import locks
from cases.models import Case, Photo, add_photo
from matching import tasks
from matching.indexing import bulk, single
from matching.indexing import tasks as indexing_tasks
from matching.models import Face, IndexRun
from tests import faces
from tests.product import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(any_model, collection):
    """Twelve photos that wait, of every kind."""
    case = Case.objects.create(collection=collection, number="MP1")
    for number in range(6):
        add_photo(case, faces.person(number), f"{number}.jpg", announce=False)
    add_photo(case, faces.person(0) + b"again", "same.jpg", announce=False)
    add_photo(case, faces.GROUP.read_bytes(), "group.jpg", announce=False)
    add_photo(case, b"broken", "broken.jpg", announce=False)
    add_photo(case, faces.person(1) + b"s", "side.jpg", view="side", announce=False)
    add_photo(case, blank(), "blank.jpg", announce=False)
    add_photo(case, faces.ASTRONAUT.read_bytes() + b" ", "other.png", view="other", announce=False)
    return any_model


def blank() -> bytes:
    from matching.faces import images

    return images.to_jpeg(np.full((300, 300, 3), 128, dtype=np.uint8))


def rows() -> list[tuple]:
    photos = Photo.objects.order_by("pk").values_list("filename", "status", "status_note")
    found = Face.objects.order_by("photo", "position").values_list("photo__filename", "position", "is_subject", "left")
    return [*photos, *[(name, position, subject, round(left, 3)) for name, position, subject, left in found]]


def test_it_works_and_reports_what_became_of_each(waiting):
    run = bulk.index_waiting()
    assert (run.status, run.done, run.total) == (IndexRun.Status.DONE, 12, 12)
    assert run.counts == {
        "indexed": 7, "duplicate": 1, "unreadable": 1, "not_searched": 2, "no_face": 1
    }  # fmt: skip
    assert run.rate > 0
    assert bulk.index_waiting() is None


def test_many_at_once_give_the_same_rows_as_one_by_one(waiting, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 3)
    bulk.index_waiting()
    together, embeddings = rows(), list(Face.objects.order_by("photo", "position").values_list("embedding", flat=True))
    Photo.objects.update(status=Photo.Status.PENDING, duplicate_of=None)
    Face.objects.all().delete()
    for pk in Photo.objects.order_by("pk").values_list("pk", flat=True):
        indexing_tasks.index_photo(pk)
    assert rows() == together
    alone = list(Face.objects.order_by("photo", "position").values_list("embedding", flat=True))
    assert np.abs(np.array(alone) - np.array(embeddings)).max() < 0.01


def test_a_run_is_paused_and_goes_on_where_it_was(waiting, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 2)
    run = bulk.index_waiting(progress=lambda run: run.done >= 4 and bulk.pause(run))
    assert (run.status, run.done) == (IndexRun.Status.PAUSED, 4)
    assert run.seconds_left > 0
    assert bulk.is_resting()
    assert bulk.index_waiting().done == 4
    again = bulk.resume()
    assert again.pk == run.pk
    assert bulk.index_waiting().counts["indexed"] == 7
    assert IndexRun.objects.get().done == 12


def test_a_stop_leaves_the_run_to_whoever_goes_on(waiting, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 2)
    run = bulk.index_waiting(must_stop=lambda: True)
    assert (run.status, run.done) == (IndexRun.Status.RUNNING, 2)
    indexing_tasks.index_waiting()
    run.refresh_from_db()
    assert (run.status, run.done) == (IndexRun.Status.DONE, 12)


@contextmanager
def elsewhere(*names: str) -> Iterator[threading.Event]:
    """Another process holds these locks, until it is told to give them back."""
    has, give_back = threading.Event(), threading.Event()

    def hold() -> None:
        with ExitStack() as held:
            for name in names:
                assert held.enter_context(locks.held(name))
            has.set()
            give_back.wait(20)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    has.wait(10)
    try:
        yield give_back
    finally:
        give_back.set()
        other.join()


def test_whoever_comes_second_helps_and_leaves_the_end_to_the_first(waiting, monkeypatch):
    monkeypatch.setattr(bulk, "PART", 4)
    run = IndexRun.objects.create(total=12)
    first = Photo.objects.order_by("pk").values_list("pk", flat=True)[0]
    with elsewhere(bulk.LOCK, f"{bulk.LOCK} {first // 4}"):
        helped = bulk.index_waiting()
    left = Photo.objects.filter(status=Photo.Status.PENDING)
    theirs = Photo.objects.filter(pk__lt=(first // 4 + 1) * 4).count()
    assert 0 < theirs < 12
    assert (left.count(), helped.done, helped.total) == (theirs, 12 - theirs, 12)
    run.refresh_from_db()
    assert (run.status, run.active_seconds) == (IndexRun.Status.RUNNING, 0), "the first one's to keep"
    assert bulk.index_waiting().done == 12
    assert not left.exists()


def test_the_first_waits_for_those_who_help_and_takes_up_what_they_give_up(waiting, monkeypatch):
    monkeypatch.setattr(bulk, "PART", 4)
    last = Photo.objects.order_by("-pk").values_list("pk", flat=True)[0]
    seen = []
    with elsewhere(f"{bulk.LOCK} {last // 4}") as give_back:

        def progress(run: IndexRun) -> None:
            seen.append(run.done)
            if len(seen) > 1 and seen[-1] == seen[-2]:
                give_back.set()

        run = bulk.index_waiting(progress=progress)
    assert (run.status, run.done) == (IndexRun.Status.DONE, 12)


def test_a_pause_ends_the_waiting_too(waiting, monkeypatch):
    monkeypatch.setattr(bulk, "PART", 4)
    last = Photo.objects.order_by("-pk").values_list("pk", flat=True)[0]
    with elsewhere(f"{bulk.LOCK} {last // 4}"):
        run = bulk.index_waiting(progress=lambda run: run.done > 7 and bulk.pause(run))
    assert run.status == IndexRun.Status.PAUSED


def test_one_process_indexes_once_at_a_time(waiting):
    def again(run: IndexRun) -> None:
        with pytest.raises(bulk.IndexBusy, match="already"):
            bulk.index_waiting()
        indexing_tasks.index_waiting()

    assert bulk.index_waiting(progress=again).done == 12


HELPER = """
import django; django.setup()
from matching.indexing import bulk
bulk.PART, bulk.BATCH = 4, 2
print("ready", flush=True)
input()
while (run := bulk.index_waiting(progress=lambda run: print(run.done, flush=True))) is None:
    pass
"""


@pytest.mark.parametrize("is_killed", [False, True])
def test_two_processes_share_a_run_and_one_may_be_killed(any_model, collection, settings, monkeypatch, is_killed):
    for number in range(60):
        case = Case.objects.create(collection=collection, number=f"MP{number}")
        add_photo(case, faces.person(number % 6), f"{number}.jpg", announce=False)
    monkeypatch.setattr(bulk, "PART", 4)
    monkeypatch.setattr(bulk, "BATCH", 2)
    connection.ensure_connection()
    own = connection.connection.info
    url = f"postgresql://{own.user}@/{own.dbname}?host={own.host}"
    env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "mpsite.settings"}
    other = subprocess.Popen(
        [sys.executable, "-c", HELPER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**env, "STORAGE_URL": f"file://{settings.MEDIA_ROOT}"},
    )  # fmt: skip
    with other:
        assert other.stdout.readline() == "ready\n"
        began = []

        def progress(run: IndexRun) -> None:
            if not began:
                # The other begins once this one leads, and this one goes on once the other is at it.
                print(file=other.stdin, flush=True)
                began.append(other.stdout.readline())
                if is_killed:
                    other.kill()

        run = bulk.index_waiting(progress=progress)
        helped = len(other.stdout.read().split())
    assert helped > 3 or is_killed
    assert (run.status, run.done, run.total) == (IndexRun.Status.DONE, 60, 60)
    assert not Photo.objects.filter(status=Photo.Status.PENDING).exists()
    assert Face.objects.values("photo").distinct().count() == Face.objects.count() == 60, "each once"


def test_a_photo_that_goes_while_it_is_looked_at_is_no_error(waiting, monkeypatch):
    keep = single.keep

    def remove_and_keep(batch, model):
        Photo.objects.all().delete()
        return keep(batch, model)

    monkeypatch.setattr(single, "keep", remove_and_keep)
    assert bulk.index_waiting().done == 0


def test_the_sweep_has_what_waits_indexed_unless_somebody_paused_it(waiting, settings):
    from datetime import timedelta

    from django.utils import timezone

    tasks.sweep()
    assert not IndexRun.objects.exists()
    Photo.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    run = IndexRun.objects.create(status=IndexRun.Status.PAUSED)
    tasks.sweep()
    assert Photo.objects.filter(status=Photo.Status.PENDING).count() == 12
    bulk.resume()
    tasks.sweep()
    run.refresh_from_db()
    assert (run.status, run.done) == (IndexRun.Status.DONE, 12)
