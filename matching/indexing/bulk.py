"""Many photos at once: decoded, searched for faces and embedded on every core, written together.

A picture is in memory only while a thread looks at it, so it does not matter how many there are. Any number of
processes, on any machines, share a run: each takes parts of it, and one that is killed gives its part back.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import islice

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from cases import locks, work
from cases.models import Photo
from matching.faces import face_models
from matching.faces.engines import Engine
from matching.gallery import comparing
from matching.indexing import poor_pictures, single
from matching.models import FaceModel, IndexRun

LOCK = "index"
# Photos whose ids lie together, of which one process at a time takes those that wait.
PART = 512
# Seconds between two looks at a part that another process is at.
PAUSE = 0.5
# Photos whose rows are written together.
BATCH = 64
AHEAD = 2 * BATCH  # looked at before their turn, so that no thread waits for the database; only their faces are kept

Status = IndexRun.Status

_here = threading.Lock()


class IndexBusy(Exception):
    """This process indexes already, on all its cores."""

    def __init__(self) -> None:
        super().__init__("This process is indexing already; the Imports page shows how far it is.")


def index_waiting(
    *, must_stop: Callable[[], bool] = lambda: False, progress: Callable[[IndexRun], None] = lambda run: None
) -> IndexRun | None:
    """Index every waiting photo, in one run that goes on after a pause or a crash; then compare what is new.

    The first process to come leads the run and ends it; others help for as long as there is a part that nobody is at.
    progress: called after each batch. Returns None where nothing waits. Raises `IndexBusy`, `NoFaceModel`,
    `EngineUnavailable`.
    """
    if not _here.acquire(blocking=False):
        raise IndexBusy
    try:
        with locks.held(LOCK) as leads:
            return (_lead if leads else _help)(face_models.active(), must_stop, progress)
    finally:
        _here.release()


def waits(stale: timedelta = timedelta(0)) -> bool:
    """Whether a photo that came so long ago can be indexed now, a run is unfinished, or the gallery asks to be looked
    over."""
    if (
        _waiting(0).filter(created_at__lt=timezone.now() - stale).exists()
        or IndexRun.objects.filter(finished_at=None).exists()
    ):
        return True
    model = FaceModel.objects.filter(is_active=True).first()
    return model is not None and poor_pictures.is_due(model) and work.may_try("comparing", model.pk)


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


def prepared(photo_ids: Sequence[int], model: FaceModel) -> Generator[list[single.Prepared]]:
    """Photos looked at and embedded, `BATCH` at a time in the order of their ids; those that are gone are left out."""
    return _batches(photo_ids, face_models.engine(model, threads=1))


def _lead(model: FaceModel, must_stop: Callable[[], bool], progress: Callable[[IndexRun], None]) -> IndexRun | None:
    run = IndexRun.objects.filter(finished_at=None).first()
    if run is None:
        if not _waiting(0).exists():
            _look_over(model, must_stop)
            return None
        run = IndexRun.objects.create()
    if run.status == Status.RUNNING and _index(run, model, must_stop, progress, leads=True):
        _look_over(model, must_stop)
        run.move(Status.RUNNING, Status.DONE, finished_at=timezone.now())
    progress(run)
    return run


def _help(model: FaceModel, must_stop: Callable[[], bool], progress: Callable[[IndexRun], None]) -> IndexRun | None:
    run = IndexRun.objects.filter(finished_at=None).first()
    if run is not None and run.status == Status.RUNNING:
        _index(run, model, must_stop, progress, leads=False)
    return run


def _index(
    run: IndexRun,
    model: FaceModel,
    must_stop: Callable[[], bool],
    progress: Callable[[IndexRun], None],
    *,
    leads: bool,
) -> bool:
    """Returns whether all that waited was done. leads: it keeps the run's time, and waits for those who help."""
    clock = time.monotonic()

    def goes_on() -> bool:
        nonlocal clock
        now = time.monotonic()
        if leads:
            IndexRun.objects.filter(pk=run.pk).update(active_seconds=F("active_seconds") + now - clock)
        clock = now
        run.refresh_from_db()
        progress(run)
        return run.status == Status.RUNNING and not must_stop()

    with closing(_parts(waits=leads)) as parts:
        for ids in parts:
            if leads:
                run.refresh_from_db()
                run.total = run.done + _waiting(0).count()
                run.save(update_fields=["total"])
            with closing(prepared(ids, model)) as batches:
                for batch in batches:
                    _keep(run, batch, model)
                    if not goes_on():
                        return False
            if not ids and not goes_on():
                return False
    return True


def _parts(*, waits: bool) -> Generator[list[int]]:
    """The ids of photos that wait, a part at a time, which nobody else is at meanwhile.

    waits: for the parts that others are at, too, until these are done or have given up; nothing comes meanwhile but
    empty lists.
    """
    last, others = -1, list[int]()
    while (first := _waiting(last).values_list("pk", flat=True).first()) is not None:
        part = first // PART
        with _taken(part) as ids:
            if ids is None:
                others.append(part)
            else:
                yield ids
        last = (part + 1) * PART - 1
    while waits and others:
        part = others.pop(0)
        with _taken(part) as ids:
            if ids is None:
                others.append(part)
                time.sleep(PAUSE)
            yield ids or []


@contextmanager
def _taken(part: int) -> Iterator[list[int] | None]:
    """What waits of a part, for as long as it is this process's; None: another one is at it."""
    with locks.held(f"{LOCK} {part}") as mine:
        waiting = _waiting(part * PART - 1).filter(pk__lt=(part + 1) * PART)
        yield list(waiting.values_list("pk", flat=True)) if mine else None


def _keep(run: IndexRun, batch: Sequence[single.Prepared], model: FaceModel) -> None:
    """Write a batch together; where one of it cannot be written, each by itself."""
    try:
        _write(run, batch, model)
    except Exception as error:
        if work.is_the_machines(error):
            raise
        for prepared in batch:
            if prepared.error is None:
                try:
                    _write(run, [prepared], model)
                except Exception as own:
                    if work.is_the_machines(own):
                        raise
                    prepared.error = own
    for prepared in batch:
        if prepared.error is not None:
            photo = prepared.photo
            if work.failed("photo", photo.pk, f"{photo} of {photo.case}", prepared.error):
                single.set_aside(photo, work.words(prepared.error))
    work.done("photo", [prepared.photo.pk for prepared in batch if prepared.error is None])


def _write(run: IndexRun, batch: Sequence[single.Prepared], model: FaceModel) -> None:
    with transaction.atomic():
        kept = single.keep(batch, model)
        ended = Photo.objects.filter(pk__in=[photo.pk for photo in kept]).values_list("status", flat=True)
        # Others who help add to them, too.
        counts = IndexRun.objects.select_for_update().values_list("counts", flat=True).get(pk=run.pk)
        IndexRun.objects.filter(pk=run.pk).update(counts=dict(Counter(counts) + Counter(ended)))


def _look_over(model: FaceModel, must_stop: Callable[[], bool]) -> None:
    """What a gallery with new faces asks for."""
    if not work.may_try("comparing", model.pk):
        return
    with work.attempt("comparing", model.pk, str(model), single.WAITS):
        if poor_pictures.is_due(model):
            poor_pictures.find_direction(model)
        comparing.compare_new(model, must_stop)


def _waiting(after: int) -> QuerySet[Photo]:
    """What can be indexed now; what failed a moment ago waits for its next attempt."""
    waiting = Photo.objects.filter(status=Photo.Status.PENDING, pk__gt=after).order_by("pk")
    return waiting.exclude(pk__in=work.not_now("photo"))


def _batches(photo_ids: Sequence[int], engine: Engine) -> Generator[list[single.Prepared]]:
    """Photos looked at, `BATCH` at a time. The next ones are being looked at meanwhile."""
    with ThreadPoolExecutor(settings.CORES, thread_name_prefix="prepare") as pool:
        waiting: deque[Future[single.Prepared]] = deque()
        photos = _photos(photo_ids)
        batch: list[single.Prepared] = []
        try:
            waiting.extend(pool.submit(single.prepare_or_fail, photo, engine) for photo in islice(photos, AHEAD))
            while waiting:
                batch.append(waiting.popleft().result())
                waiting.extend(pool.submit(single.prepare_or_fail, photo, engine) for photo in islice(photos, 1))
                if len(batch) == BATCH or not waiting:
                    yield batch
                    batch = []
        finally:
            # Somebody wants to stop: what has not begun is not begun.
            for future in waiting:
                future.cancel()


def _photos(photo_ids: Sequence[int]) -> Iterator[Photo]:
    for start in range(0, len(photo_ids), 200):
        found = Photo.objects.filter(pk__in=photo_ids[start : start + 200])
        yield from found.select_related("case").order_by("pk")
