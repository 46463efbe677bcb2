"""What holds for each gallery engine, and for a search that asks one beside PostgreSQL."""

import threading
import time
from datetime import timedelta

import numpy as np
import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from cases.models import Case, Collection
from matching.gallery import calibration, engines, feeding, signs, templates
from matching.gallery import search as gallery
from matching.gallery import tasks as gallery_tasks
from matching.gallery.engines import memory
from matching.gallery.engines.memory import Memory
from matching.models import FaceModel, GalleryBits, GalleryChange, GalleryEngine, GalleryLog, Template
from tests import milvus
from tests.matching.test_gallery import RANDOM, fill, make_model, unit

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with milvus.service(tmp_path_factory.mktemp("milvus")) as url:
        yield url


@pytest.fixture
def beside(address, settings, monkeypatch) -> engines.FedGallery:
    """Milvus is asked, from the first case on, and told what changed without a pause."""
    settings.GALLERY_URL = address
    cache.delete(feeding.SAID)
    monkeypatch.setattr(gallery, "EXACT_TO", 0)
    monkeypatch.setattr(gallery, "SHORTEST", 40)
    monkeypatch.setattr(feeding, "SETTLED", timedelta(seconds=-60))
    return engines.fed()


# What a transaction did that may be taken back, memory does not take over: these are committed.
@pytest.fixture(params=["postgres", pytest.param("memory", marks=pytest.mark.django_db(transaction=True)), "milvus"])
def engine(request, beside) -> engines.Gallery:
    return {"postgres": engines.POSTGRES, "memory": Memory(), "milvus": beside}[request.param]


@pytest.fixture
def model(db) -> FaceModel:
    return make_model(128)


def nearest(engine, model: FaceModel, probe: np.ndarray, count: int = 5, poor: float = 0.0, **narrowed) -> list[int]:
    """The cases whose templates it finds for one probe."""
    probes, poorness = np.asarray(probe, np.float32)[None], np.array([poor], np.float32)
    (found,) = engine.nearest(engines.Wanted(model, probes, poorness, count, **narrowed))
    by = dict(Template.objects.values_list("pk", "case"))
    return [by[template] for template in found]


def at_a_likeness(probe: np.ndarray, likeness: float) -> np.ndarray:
    other = unit(128)
    other -= probe * (other @ probe)
    return probe * likeness + other / np.linalg.norm(other) * np.sqrt(1 - likeness**2)


def add_poor(model: FaceModel, collection: Collection, embeddings: list[np.ndarray], poorness: float) -> None:
    """Cases with one poor picture each."""
    for number, one in enumerate(embeddings):
        case = Case.objects.create(collection=collection, number=f"POOR{number}")
        bits = signs.text(signs.signs(one[None].astype(np.float32))[0])
        Template.objects.create(model=model, case=case, poorness=poorness, embedding=one, bits=bits, faces=1)


# The contract: each engine, once it has been told what changed.


def test_it_finds_whom_an_exhaustive_scan_finds_first(engine, model, collection):
    embeddings = unit(400, 128)
    cases = fill(model, collection, embeddings)
    feeding.feed()
    for number in range(0, 400, 20):
        probe = unit(128) * 0.8 + embeddings[number] * 0.9
        assert cases[number].pk in nearest(engine, model, probe / np.linalg.norm(probe), 40)


def test_several_probes_are_answered_each_by_itself(engine, model, collection):
    embeddings = unit(30, 128)
    fill(model, collection, embeddings)
    feeding.feed()
    probes, poorness = embeddings[:3].astype(np.float32), np.zeros(3, np.float32)
    found = engine.nearest(engines.Wanted(model, probes, poorness, 1))
    alone = [engine.nearest(engines.Wanted(model, one[None], poorness[:1], 1))[0] for one in probes]
    assert [list(one) for one in found] == [list(one) for one in alone]
    assert len({tuple(one) for one in found}) == 3


def test_it_keeps_to_the_collections_and_leaves_out_what_is_too_poor(engine, model, collection):
    embeddings = unit(6, 128)
    cases = fill(model, collection, embeddings)
    wanted = Collection.objects.create(name="Wanted")
    Case.objects.filter(pk=cases[1].pk).update(collection=wanted)
    feeding.feed()
    assert nearest(engine, model, embeddings[1], collections=[wanted.pk]) == [cases[1].pk]
    assert cases[1].pk not in nearest(engine, model, embeddings[1], collections=[collection.pk])
    assert nearest(engine, model, embeddings[1], collections=[]) == []
    assert nearest(engine, model, embeddings[1], most=-0.5) == []


def test_a_poor_probe_still_finds_pictures_that_are_not_poor(engine, model, collection):
    poor = calibration.POOR_FROM + 0.6
    good, probe = unit(2, 128)
    probe = (good + probe * 2) / np.linalg.norm(good + probe * 2)
    (case,) = fill(model, collection, good[None])
    # More alike than the good one by less than poor pictures of anybody are.
    add_poor(model, collection, [at_a_likeness(probe, float(good @ probe) + 0.12) for _ in range(20)], poor)
    feeding.feed()
    assert case.pk in nearest(engine, model, probe, 10, poor=poor)
    assert case.pk not in nearest(engine, model, probe, 10, poor=0.0)


def test_it_knows_how_many_it_holds(engine, model, collection):
    cases = fill(model, collection, unit(7, 128))
    feeding.feed()
    assert engine.count(model) == 7
    cases[0].close("found")
    feeding.feed()
    assert engine.count(model) == 6
    assert engine.count(make_model(64)) == 0


# A search that asks one beside PostgreSQL.


def test_it_says_what_it_holds(beside, model, collection):
    fill(model, collection, unit(7, 128))
    feeding.feed()
    assert dict(beside.fingerprints(model)) == dict(engines.POSTGRES.fingerprints(model))
    assert list(beside.fingerprints(make_model(64))) == []


def found(model: FaceModel, probe: np.ndarray, **narrowed) -> list[int]:
    return [hit.case_id for hit in gallery.search(model, probe, limit=5, **narrowed)]


@pytest.fixture
def only_milvus(monkeypatch):
    """A search that PostgreSQL alone looks through the gallery for is told."""
    asked = []
    monkeypatch.setattr(gallery.POSTGRES.__class__, "nearest", lambda *a, **k: asked.append(a) or [[]])
    return asked


def test_a_search_finds_what_changed_before_the_engine_is_told(beside, model, collection, only_milvus, monkeypatch):
    embeddings = unit(60, 128)
    cases = fill(model, collection, embeddings)
    feeding.feed()
    monkeypatch.setattr(feeding, "SETTLED", timedelta(hours=1))
    new = unit(128)
    (added,) = fill(model, collection, new[None])
    assert feeding.feed() == 0
    assert found(model, new)[0] == added.pk
    cases[3].close("found")
    assert cases[3].pk not in found(model, embeddings[3])
    cases[3].reopen()
    assert found(model, embeddings[3])[0] == cases[3].pk
    wanted = Collection.objects.create(name="Wanted")
    cases[4].collection = wanted
    cases[4].save()
    assert found(model, embeddings[4], collections=[wanted.pk]) == [cases[4].pk]
    assert cases[4].pk not in found(model, embeddings[4], collections=[collection.pk])
    templates.rebuild_all(model)
    assert found(model, embeddings[5])[0] == cases[5].pk
    cases[5].photos.all().delete()
    assert cases[5].pk not in found(model, embeddings[5])
    assert only_milvus == []


def test_nothing_is_written_down_where_no_engine_is_fed(model, collection):
    fill(model, collection, unit(3, 128))
    assert not GalleryChange.objects.exists()


def test_what_is_searched_as_postgresql_does_it_is_found_the_same(beside, model, collection):
    embeddings = unit(200, 128)
    fill(model, collection, embeddings)
    feeding.feed()
    probes = [one + 0.06 * RANDOM.normal(size=128) for one in embeddings[:40]]
    with_it = [found(model, probe)[0] for probe in probes]
    feeding.stop()
    assert [found(model, probe)[0] for probe in probes] == with_it


def test_an_engine_that_is_away_makes_searches_slower_and_no_worse(beside, model, collection, settings, signed_in):
    embeddings = unit(20, 128)
    cases = fill(model, collection, embeddings)
    feeding.feed()
    settings.GALLERY_URL = "milvus://127.0.0.1:1/sightline"
    GalleryEngine.objects.update(address="127.0.0.1:1/sightline")
    assert found(model, embeddings[3])[0] == cases[3].pk
    assert feeding.were_away()
    assert "searches take longer just now" in signed_in.get("/cases/").content.decode()
    assert not feeding.waits()
    fill(model, collection, unit(1, 128))
    with pytest.raises(engines.GalleryAway):
        feeding.feed()
    gallery_tasks.feed()
    cache.delete(feeding.SAID)
    assert "searches take longer" not in signed_in.get("/cases/").content.decode()


@pytest.mark.parametrize("url", ["http://host/x", "milvus:///x", "milvus://host", "milvus://host/a-b", "milvus"])
def test_an_address_that_names_nothing_is_refused_in_words(db, settings, url):
    settings.GALLERY_URL = url
    with pytest.raises(CommandError, match="GALLERY_URL must be milvus://"):
        call_command("gallery", "feed")
    cache.delete(feeding.SAID)


def test_it_is_filled_again_where_it_was_stopped(beside, model, collection, monkeypatch):
    monkeypatch.setattr(feeding, "TOGETHER", 4)
    fill(model, collection, unit(10, 128))
    rests = iter([False, True])
    feeding.feed(lambda: next(rests, True))
    assert (beside.count(model), GalleryEngine.objects.get().is_whole) == (4, False)
    assert feeding.waits()
    # Nobody asks an engine that has a part.
    assert feeding.shortlists(engines.Wanted(model, unit(1, 128), np.zeros(1), 5)) is None
    feeding.feed()
    assert (beside.count(model), GalleryEngine.objects.get().is_whole) == (10, True)
    assert not feeding.waits()


@pytest.mark.django_db(transaction=True)
def test_what_is_being_written_as_it_begins_is_told_as_well(beside, collection):
    model = make_model(128)
    written, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            fill(model, collection, unit(3, 128))
            written.set()
            may_end.wait(20)
        connection.close()

    def feed() -> None:
        feeding.feed()
        connection.close()

    writer, feeder = threading.Thread(target=write), threading.Thread(target=feed)
    writer.start()
    assert written.wait(20)
    feeder.start()
    feeder.join(1)
    assert feeder.is_alive(), "it waits for whoever is writing"
    may_end.set()
    writer.join()
    feeder.join()
    assert (beside.count(model), GalleryEngine.objects.get().is_whole) == (3, True)


def test_each_difference_is_named_and_mended(beside, model, collection, capsys):
    cases = fill(model, collection, unit(5, 128))
    feeding.feed()
    call_command("gallery", "check")
    assert "holds what PostgreSQL does" in capsys.readouterr().out
    mine = dict(Template.objects.values_list("case", "pk"))
    of = [mine[case.pk] for case in cases]
    beside.remove(model, [of[0]])
    (entry,) = engines.postgres.entries(GalleryBits.objects.filter(template=of[1]))
    beside.add(model, [engines.Entry(of[1], 0, entry.poorness, entry.embedding)])
    beside.add(model, [engines.Entry(10**9, collection.pk, 0.0, entry.embedding)])
    with pytest.raises(CommandError, match="3 templates differ"):
        call_command("gallery", "check")
    said = capsys.readouterr().out
    assert f"Template {of[0]} ({cases[0].number}) under {model}: missing there" in said
    assert f"Template {of[1]} ({cases[1].number}) under {model}: another embedding, collection or" in said

    assert f"Template 1000000000 (removed) under {model}: still there" in said
    call_command("gallery", "check", "--mend")
    call_command("gallery", "feed")
    call_command("gallery", "check")
    assert "holds what PostgreSQL does" in capsys.readouterr().out


def test_another_engine_is_filled_anew_and_one_that_is_stopped_is_forgotten(beside, model, collection, settings):
    fill(model, collection, unit(3, 128))
    feeding.feed()
    settings.GALLERY_URL = settings.GALLERY_URL + "_2"
    assert feeding.waits()
    feeding.feed()
    assert engines.fed().count(model) == 3
    assert GalleryEngine.objects.get().address.endswith("/sightline_2")
    call_command("gallery", "stop")
    fill(model, collection, unit(1, 128))
    assert not GalleryChange.objects.exists()
    engines.fed().clear()
    assert engines.fed().count(model) == 0
    # It took nothing of another installation's, nor does that of this one, whose prefix begins with its own.
    assert beside.count(model) == 3
    feeding.feed()
    beside.clear()
    assert (beside.count(model), engines.fed().count(model)) == (0, 4)


# The gallery in memory, which several threads of several processes change and search.


@pytest.fixture
def held(monkeypatch) -> Memory:
    """Small blocks, so that few templates fill several."""
    monkeypatch.setattr(memory, "BLOCK", 16)
    return Memory()


def of_cases(engine: Memory, model: FaceModel, probe: np.ndarray, count: int = 3) -> list[int]:
    return nearest(engine, model, probe, count)


@pytest.mark.django_db(transaction=True)
def test_memory_holds_what_was_committed_and_nothing_that_was_taken_back(held, collection):
    model, embeddings = make_model(128), unit(40, 128)
    cases = fill(model, collection, embeddings)
    assert held.count(model) == 40
    with transaction.atomic():
        cases[3].close("found")
        # It is not there for whoever closed it,
        assert cases[3].pk not in of_cases(held, model, embeddings[3])
        (added,) = fill(model, collection, embeddings[5:6])
        assert added.pk in of_cases(held, model, embeddings[5])
        assert held.count(model) == 40
        transaction.set_rollback(True)
    # and there again when that was taken back.
    assert of_cases(held, model, embeddings[3], 1) == [cases[3].pk]
    assert of_cases(held, model, embeddings[5], 1) == [cases[5].pk]
    assert held.count(model) == 40


@pytest.mark.django_db(transaction=True)
def test_memory_that_was_first_read_within_a_change_forgets_it_when_it_is_taken_back(held, collection):
    model, embeddings = make_model(128), unit(20, 128)
    cases = fill(model, collection, embeddings)
    with transaction.atomic():
        cases[3].close("found")
        fill(model, collection, unit(2, 128))
        assert cases[3].pk not in of_cases(held, model, embeddings[3])
        transaction.set_rollback(True)
    assert of_cases(held, model, embeddings[3], 1) == [cases[3].pk]
    assert held.count(model) == 20


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", ["MOST_CHANGED", "ANEW_SECONDS", "LOGGED"])
def test_memory_that_is_far_behind_is_read_anew(held, collection, monkeypatch, change):
    model, embeddings = make_model(128), unit(30, 128)
    fill(model, collection, embeddings[:10])
    assert held.count(model) == 10
    if change == "LOGGED":
        # A night has gone by, of which the log knows nothing any more.
        fill(model, collection, embeddings[10:])
        GalleryLog.objects.update(at=timezone.now() - timedelta(hours=3))
        memory.tidy_log()
        monkeypatch.setattr(memory, "ANEW_SECONDS", 0)
    else:
        monkeypatch.setattr(memory, change, 0)
        fill(model, collection, embeddings[10:])
    assert held.count(model) == 30


@pytest.mark.django_db(transaction=True)
def test_memory_forgets_a_model_that_nobody_asks_for(held, collection, monkeypatch):
    former, model = make_model(128), make_model(128)
    for one in (former, model):
        fill(one, collection, unit(3, 128))
        assert held.count(one) == 3
    held._of[former.pk].read_at -= 2 * memory.ANEW_SECONDS
    monkeypatch.setattr(memory, "MOST_CHANGED", 0)
    fill(model, collection, unit(1, 128))
    assert held.count(model) == 4
    assert set(held._of) == {model.pk}


@pytest.mark.django_db(transaction=True)
def test_where_transactions_are_counted_anew_memory_is_read_anew(held, collection):
    model = make_model(128)
    fill(model, collection, unit(10, 128))
    held.count(model)
    held._of[model.pk].before += 10**9
    GalleryLog.objects.all().delete()
    fill(model, collection, unit(3, 128))
    assert held.count(model) == 13


@pytest.mark.django_db(transaction=True)
def test_whatever_changes_meanwhile_memory_finds_who_is_there_and_in_the_end_holds_what_the_database_does(
    held, collection
):
    model, embeddings = make_model(128), unit(120, 128)
    cases = fill(model, collection, embeddings)
    staying, until, wrong = list(range(40)), time.monotonic() + 4, []

    def change(seed: int) -> None:
        random = np.random.default_rng(seed)
        mine = [number for number in range(40, 120) if number % 3 == seed]
        try:
            while time.monotonic() < until:
                case = cases[random.choice(mine)]
                with transaction.atomic():
                    case.refresh_from_db()
                    if case.is_open:
                        case.close("found")
                    else:
                        case.reopen()
                    transaction.set_rollback(random.random() < 0.4)
        finally:
            connection.close()

    def search() -> None:
        try:
            while time.monotonic() < until:
                number = int(np.random.default_rng().choice(staying))
                if cases[number].pk not in of_cases(held, model, embeddings[number], 1):
                    wrong.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(seed,)) for seed in range(3)]
    threads += [threading.Thread(target=search) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
    with held._lock:
        blocks, unsettled = held._now(model)
    mine = {(t, c) for b in blocks for t, c in zip(b.template.tolist(), b.collection.tolist(), strict=True) if t}
    assert unsettled == set()
    assert mine == set(GalleryBits.objects.filter(model=model).values_list("template", "collection"))
    assert sum(np.count_nonzero(block.template) for block in blocks) == len(mine)
