"""Many photos at once: decoded, searched for faces and aligned on every core, embedded together.

A picture is in memory only while a thread looks at it, so it does not matter how many there are.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from cases import locks
from cases.models import Photo
from matching.faces import engines, face_models
from matching.faces.engines import Embeddings, Engine
from matching.gallery import comparing
from matching.indexing import single
from matching.models import FaceModel, IndexRun

LOCK = "index"
# Photos whose faces are embedded and whose rows are written together.
BATCH = 32
AHEAD = 2 * BATCH  # looked at before their turn, so that no thread waits for the database; only their faces are kept

Status = IndexRun.Status


class IndexBusy(Exception):
    """Another process indexes already."""

    def __init__(self) -> None:
        super().__init__("Another process is indexing already; the Imports page shows how far it is.")


def index_waiting(
    *, must_stop: Callable[[], bool] = lambda: False, progress: Callable[[IndexRun], None] = lambda run: None
) -> IndexRun | None:
    """Index every waiting photo, in one run that goes on after a pause or a crash; then compare what is new.

    progress: called after each batch. Returns None where nothing waits. Raises `IndexBusy`, `NoFaceModel`,
    `EngineUnavailable`.
    """
    with locks.held(LOCK) as mine:
        if not mine:
            raise IndexBusy
        model = face_models.active()
        run = IndexRun.objects.filter(finished_at=None).first()
        if run is None:
            if not _waiting(0).exists():
                comparing.compare_new(model, must_stop)
                return None
            run = IndexRun.objects.create()
        if run.status == Status.RUNNING and _index(run, model, must_stop, progress):
            comparing.compare_new(model, must_stop)
            run.move(Status.RUNNING, Status.DONE, finished_at=timezone.now())
        progress(run)
        return run


def pause(run: IndexRun) -> bool:
    """Have the run rest after the batch it is at; returns False where it was not running."""
    return run.move(Status.RUNNING, Status.PAUSED)


def resume() -> IndexRun:
    """The unfinished run, made to go on, or a new one."""
    try:
        with transaction.atomic():
            return IndexRun.objects.create()
    except IntegrityError:
        run = IndexRun.objects.get(finished_at=None)
        run.move(Status.PAUSED, Status.RUNNING)
        return run


def is_resting() -> bool:
    """Whether somebody paused the indexing."""
    return IndexRun.objects.filter(status=Status.PAUSED).exists()


def prepared(photo_ids: Sequence[int], model: FaceModel) -> Iterator[tuple[single.Prepared, Embeddings]]:
    """Photos looked at and embedded, in the order of their ids; those that are gone are left out."""
    engine = engines.load(model.source, 1)
    for batch in _batches(photo_ids, engine):
        yield from zip(batch, _embed(batch, engine), strict=True)


def _index(
    run: IndexRun, model: FaceModel, must_stop: Callable[[], bool], progress: Callable[[IndexRun], None]
) -> bool:
    """Returns whether all that waited was done."""
    engine = engines.load(model.source, 1)
    clock = time.monotonic()
    last = 0
    while ids := list(_waiting(last).values_list("pk", flat=True)[:5000]):
        last = ids[-1]
        run.total = run.done + _waiting(0).count()
        for batch in _batches(ids, engine):
            embeddings = _embed(batch, engine)
            with transaction.atomic():
                for looked_at, rows in zip(batch, embeddings, strict=True):
                    # A page or another worker may have been faster.
                    if Photo.objects.filter(pk=looked_at.photo.pk, status=Photo.Status.PENDING).exists():
                        kept = single.keep(looked_at, rows, model)
                        if kept is not None:
                            run.counts[kept.status] = run.counts.get(kept.status, 0) + 1
                now = time.monotonic()
                run.active_seconds, clock = run.active_seconds + now - clock, now
                run.save(update_fields=["total", "counts", "active_seconds"])
            progress(run)
            if must_stop() or IndexRun.objects.values_list("status", flat=True).get(pk=run.pk) != Status.RUNNING:
                run.refresh_from_db()
                return False
    return True


def _waiting(after: int) -> QuerySet[Photo]:
    return Photo.objects.filter(status=Photo.Status.PENDING, pk__gt=after).order_by("pk")


def _batches(photo_ids: Sequence[int], engine: Engine) -> Iterator[list[single.Prepared]]:
    """Photos looked at, `BATCH` at a time. The next ones are being looked at meanwhile."""
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="prepare") as pool:
        waiting: deque[Future[single.Prepared]] = deque()
        photos = _photos(photo_ids)
        batch: list[single.Prepared] = []
        try:
            waiting.extend(pool.submit(single.prepare, photo, engine) for photo in islice(photos, AHEAD))
            while waiting:
                batch.append(waiting.popleft().result())
                waiting.extend(pool.submit(single.prepare, photo, engine) for photo in islice(photos, 1))
                if len(batch) == BATCH or not waiting:
                    yield batch
                    batch = []
        finally:
            # Somebody wants to stop: what has not begun is not begun.
            for future in waiting:
                future.cancel()


def _photos(photo_ids: Sequence[int]) -> Iterator[Photo]:
    for start in range(0, len(photo_ids), 200):
        yield from Photo.objects.filter(pk__in=photo_ids[start : start + 200]).order_by("pk")


def _embed(batch: Iterable[single.Prepared], engine: Engine) -> list[Embeddings]:
    """The embeddings of each photo's faces: (n, d) float32, n may be 0."""
    batch = list(batch)
    chips = [chip for looked_at in batch for chip in looked_at.chips]
    rows = engine.embed(chips) if chips else np.empty((0, 0), np.float32)
    ends = np.cumsum([len(looked_at.chips) for looked_at in batch])
    return np.split(rows, ends[:-1])
