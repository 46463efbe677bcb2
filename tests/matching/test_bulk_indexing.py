"""Indexing many photos at once: the same rows as one by one, in a run that can be paused and reports at its end."""

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


def test_only_one_indexes_at_a_time(waiting):
    import threading

    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with locks.held(bulk.LOCK):
            inside.set()
            go_on.wait(10)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    inside.wait(10)
    try:
        with pytest.raises(bulk.IndexBusy, match="already"):
            bulk.index_waiting()
        indexing_tasks.index_waiting()
    finally:
        go_on.set()
        other.join()
    assert not IndexRun.objects.exists()


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
