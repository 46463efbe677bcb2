"""Batches: begun, filled with files, started, paused, gone on with, cancelled, removed."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from uuid import UUID

from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone

from cases import locks, work
from cases.fair_use import may_search
from cases.filters import SearchedCases
from cases.models import Collection
from matching.faces import face_models
from matching.faces.engines import EngineUnavailable
from matching.models import Batch, BatchFile, Candidate, Search, Shot
from matching.searching import evidence, fetching
from matching.searching.batch_walk import ModelChanged, Walk
from matching.searching.pages import Link
from matching.searching.web import AddressRefused

Status = Batch.Status
MOST_FILES = evidence.MOST_PICTURES
MOST_OF_ONE_PERSON = 20


class BatchBusy(Exception):
    """Another process is at this batch."""


class BatchRefused(Exception):
    """What was asked of a batch cannot be done; the text says why."""


def begin(
    *,
    user: User | None,
    purpose: str,
    reference: str = "",
    collections: Sequence[Collection] = (),
    narrowed: SearchedCases | None = None,
    one_person: bool = False,
) -> Batch:
    """A batch that takes files. Raises `NoFaceModel`, `SearchRefused`."""
    collections = may_search(user, collections, purpose=purpose, reference=reference)
    with transaction.atomic():
        search = Search.objects.create(
            user=user,
            purpose=purpose,
            reference=reference,
            filters=narrowed.asked() if narrowed else {},
            model=face_models.active(),
            gallery_size=0,
            milliseconds=0,
        )
        search.collections.set(collections)
        return Batch.objects.create(search=search, one_person=one_person)


def add(batch: Batch, content: File, name: str, user: User | None) -> BatchFile:  # type: ignore[type-arg]
    """Keep a file of a batch that has not begun. Raises `BatchRefused`."""
    most = MOST_OF_ONE_PERSON if batch.one_person else MOST_FILES
    if batch.status != Status.COLLECTING:
        raise BatchRefused("This batch has begun; send further files in another one.")
    if batch.files.count() >= most:
        raise BatchRefused(f"{name}: a batch takes {most:,} files. Send the rest in another one.")
    if not content.size:
        raise BatchRefused(f"{name}: the file is empty. Send it again.")
    if content.size > evidence.MOST_BYTES:
        raise BatchRefused(
            f"{name} has {content.size / 2**30:.1f} GB; the limit is {evidence.MOST_BYTES // 2**30} GB. "
            "Cut it into parts."
        )
    row = BatchFile(batch=batch, name=name[-255:], sent_by=user)
    row.file.save(Path(name).name[-80:] or "file", content, save=False)
    row.save()
    return row


def add_addresses(batch: Batch, lines: Iterable[str], user: User | None) -> list[str]:
    """Keep addresses on the web, which are fetched when it runs. Returns why some are not taken.

    Raises `BatchRefused` for a batch that has begun, or where they are too many.
    """
    if batch.status != Status.COLLECTING:
        raise BatchRefused("This batch has begun; send further addresses in another one.")
    rows: dict[str, BatchFile] = {}
    refusals = []
    # Of one person each address is to be one picture.
    follow = 0 if batch.one_person else 2
    for line in filter(None, map(str.strip, lines)):
        try:
            made = fetching.row(batch, user, Link(line, follow))
        except AddressRefused as refusal:
            refusals.append(str(refusal))
            continue
        rows.setdefault(made.address, made)
    room = (MOST_OF_ONE_PERSON if batch.one_person else fetching.MOST_ADDRESSES) - batch.files.count()
    if len(rows) > room:
        raise BatchRefused(f"{len(rows):,} addresses are too many; this batch takes {max(room, 0):,} more.")
    BatchFile.objects.bulk_create(rows.values())
    return refusals


def start(batch: Batch) -> None:
    """No more files come. Raises `BatchRefused` for a batch without any, `SearchRefused`."""
    _may_go_on(batch)
    if not batch.files.exists():
        raise BatchRefused("Add at least one picture, zip, clip or address.")
    batch.move([Status.COLLECTING], Status.RUNNING)


def pause(batch: Batch) -> bool:
    return batch.move([Status.RUNNING], Status.PAUSED)


def resume(batch: Batch) -> bool:
    """Raises `SearchRefused`."""
    _may_go_on(batch)
    return batch.move([Status.PAUSED], Status.RUNNING)


def cancel(batch: Batch) -> bool:
    """End it without searching. What was looked at goes when it is removed."""
    open_ = [Status.COLLECTING, Status.RUNNING, Status.PAUSED]
    return batch.move(open_, Status.CANCELLED, finished_at=timezone.now())


def abandoned() -> list[Batch]:
    """Those that should be running and that nobody is at."""
    running = Batch.objects.filter(status=Status.RUNNING).exclude(pk__in=[UUID(key) for key in work.not_now("batch")])
    return [one for one in running if locks.is_free(_lock(one))]


def again(batch: Batch) -> bool:
    """Go on, from where it came to, with one that could not be done. Raises `SearchRefused`."""
    _may_go_on(batch)
    return batch.move([Status.FAILED], Status.RUNNING, error="", finished_at=None)


def remove(batch: Batch) -> None:
    """Forget a batch, its files and faces. Raises `BatchRefused` while it runs, or where somebody has decided."""
    if batch.status == Status.RUNNING:
        raise BatchRefused("It is running; cancel it first.")
    if Candidate.objects.filter(probe__search=batch.search).exclude(decision="").exists():
        raise BatchRefused("Somebody has decided on one of its candidates, so it is kept.")
    files = [one.file for one in batch.files.all()]
    files += [shot.crop for shot in Shot.objects.filter(file__batch=batch).only("crop")]
    batch.search.delete()
    for file in files:
        file.delete(save=False)


def run(
    batch: Batch,
    *,
    must_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Batch], None] = lambda batch: None,
) -> None:
    """Look at what is left, then tell persons apart and search them. must_stop: leave it to be gone on with.

    Raises `BatchBusy`.
    """
    with locks.held(_lock(batch)) as mine:
        if not mine:
            raise BatchBusy
        batch.refresh_from_db()
        if batch.status != Status.RUNNING:
            return
        problem = ""
        with work.attempt("batch", batch.pk, str(batch.search)) as tried:
            try:
                Walk(batch, must_stop, progress).go()
            except (face_models.NoFaceModel, EngineUnavailable, ModelChanged) as cannot:
                problem = str(cannot)
        if problem or tried.is_set_aside:
            batch.move([Status.RUNNING], Status.FAILED, error=problem or tried.error, finished_at=timezone.now())
        batch.refresh_from_db()


def _may_go_on(batch: Batch) -> None:
    """Whether whoever began it may still search."""
    search = batch.search
    may_search(search.user, search.collections.all(), purpose=search.purpose, reference=search.reference)


def _lock(batch: Batch) -> str:
    return f"batch {batch.pk}"
