"""Records of a source into cases and photos: nothing twice, nothing lost, at whatever point it is killed.

1. Each record is compared with what it was when last read; an unchanged one costs no write.
2. A changed one is written in one transaction, together with how far the run has come and its counts.
3. What is refused becomes an `ImportProblem` and the run goes on; a source that does not answer halts it.
4. At the end, cases that the source no longer has are closed, unless they are suspiciously many.
"""

import contextlib
from collections.abc import Callable

from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from cases import locks, signals, sources
from cases import work as pieces
from cases.import_reader import Reader
from cases.models import Case, ImportDoubt, ImportedCase, ImportProblem, ImportRun, ImportSource, Photo

Status = ImportRun.Status
ALL = ImportProblem.ALL


class ImportBusy(Exception):
    """The source is being imported already; the text says since when."""


class NotImported(Exception):
    """A photo has no source to be fetched from; the text says so."""


class NotAttached(Exception):
    """A photo cannot be said to be of a case; the text says why."""


def start(source: ImportSource, *, check_photos: bool = False, by: User | None = None) -> ImportRun:
    """The source's unfinished run, made to go on, or a new one. Raises `ImportBusy` while one is at work."""
    if not locks.is_free(_lock(source)):
        raise busy(source)
    unfinished = source.runs.filter(status__in=ImportRun.UNFINISHED).first()
    if unfinished is not None:
        if (unfinished.options, unfinished.check_photos) == (source.options, check_photos):
            unfinished.move(ImportRun.UNFINISHED, Status.RUNNING, note="")
            return unfinished
        unfinished.move(ImportRun.UNFINISHED, Status.STOPPED, note="Another run took its place.")
    try:
        with transaction.atomic():
            return ImportRun.objects.create(
                source=source, options=source.options, check_photos=check_photos, started_by=by
            )
    except IntegrityError:
        raise busy(source) from None


def busy(source: ImportSource) -> ImportBusy:
    run = source.runs.filter(status=Status.RUNNING).first()
    since = f" since {run.started_at:%H:%M} UTC" if run else ""
    return ImportBusy(f"{source.name} is being imported already{since}. Wait for it, or pause it on the Imports page.")


def work(
    run: ImportRun,
    *,
    must_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[ImportRun], None] = lambda run: None,
) -> ImportRun:
    """Read on from where the run is, to its end or until it is paused, stopped, or `must_stop` says so.

    progress: called about once a second. Raises `ImportBusy` where another process works on the source.
    """
    with locks.held(_lock(run.source)) as mine:
        if not mine:
            raise busy(run.source)
        run.refresh_from_db()
        if run.status != Status.RUNNING:
            return run
        reader = Reader(run, progress)
        try:
            with contextlib.closing(sources.KINDS[run.source.kind].open(run.options)) as source:
                reader.read(source, must_stop)
        except sources.SourceUnavailable as problem:
            reader.halt(str(problem))
        except Exception as error:
            if pieces.is_the_machines(error):
                raise
            # Tried again where it was; set aside, it rests until a person lets it go on.
            if pieces.failed("import", run.pk, run.source.name, error):
                reader.halt(pieces.words(error))
            else:
                reader.rest(f"{pieces.words(error)} It is tried again by itself.")
        else:
            pieces.done("import", [run.pk])
        signals.photos_imported.send(ImportRun, run=run)
        progress(run)
        return run


def pause(run: ImportRun) -> bool:
    """Have the run rest after the record it is at; returns False where it was not running."""
    return run.move((Status.RUNNING,), Status.PAUSED, note="")


def stop(run: ImportRun) -> bool:
    """End an unfinished run where it is; what it imported stays."""
    return run.move(ImportRun.UNFINISHED, Status.STOPPED, note="Stopped by hand.")


def remove(source: ImportSource) -> None:
    """Forget a source, its runs and refusals; the cases that it brought stay. Raises `ImportBusy`."""
    with locks.held(_lock(source)) as mine:
        if not mine:
            raise busy(source)
        ImportSource.objects.filter(pk=source.pk).delete()


def retry(problem: ImportProblem) -> ImportProblem:
    """Read one refused record, with its photos, again; or close at last what a run did not dare to.

    Raises `ImportBusy` while the source is being imported.
    """
    try:
        _read_again(problem.source, problem.key)
    except (ImportBusy, OperationalError):
        raise
    except Exception as error:
        # It stays as it was, with what broke instead of what it was refused for.
        ImportProblem.objects.filter(pk=problem.pk).update(reason=pieces.words(error))
    ImportProblem.objects.filter(pk=problem.pk, status=ImportProblem.Status.RETRYING).update(
        status=ImportProblem.Status.OPEN
    )
    problem.refresh_from_db()
    return problem


def fetch_again(photo: Photo) -> None:
    """Get a photo that cannot be read here from its sources once more. Raises `ImportBusy`, `NotImported`."""
    imported = photo.case.imported_from.select_related("source")
    records = [r for r in imported if photo.pk in [known["photo"] for known in r.photos.values()]]
    if not records:
        raise NotImported(f"{photo} was not imported; send it again from its original.")
    for record in records:
        _read_again(record.source, record.key)


def _read_again(source: ImportSource, key: str) -> None:
    with locks.held(_lock(source)) as mine:
        if not mine:
            raise busy(source)
        last = source.runs.first()
        reader = Reader(ImportRun(source=source, options=last.options if last else source.options), lambda run: None)
        if key == ALL:
            reader.close_withdrawn(sure=True)
            return
        try:
            with contextlib.closing(sources.KINDS[source.kind].open(reader.run.options)) as opened:
                reader.take(opened, opened.item(key), again=True)
        except sources.SourceUnavailable as problem:
            reader.ledger.refuse(key, str(problem))


def attach(doubt: ImportDoubt, number: str) -> Case:
    """Say of which case a photo is that belongs to no row; the next run brings it. Raises `NotAttached`."""
    source = doubt.source
    case = Case.objects.filter(collection=source.collection_id, number__iexact=number.strip()).first()
    if doubt.column != ImportDoubt.STRAY or source.kind != "spreadsheet":
        raise NotAttached(f"{doubt.key} is no photo that waits for its case.")
    if case is None:
        raise NotAttached(f"{source.collection} has no case {number}.")
    if not ImportedCase.objects.filter(source=source, case=case).exists():
        raise NotAttached(f"Case {case.number} is not from this table. Add the photo on the case's own page.")
    with transaction.atomic():
        held = ImportSource.objects.select_for_update().get(pk=source.pk)
        held.options["attached"] = {**held.options.get("attached", {}), doubt.text: case.number}
        held.save(update_fields=["options"])
        doubt.delete()
    return case


def dismiss(problem: ImportProblem) -> None:
    """Wave a problem off; it comes again if a later run meets it again."""
    problem.status, problem.ended_at = ImportProblem.Status.DISMISSED, timezone.now()
    problem.save(update_fields=["status", "ended_at"])


def abandoned() -> list[ImportRun]:
    """Runs that should be at work though no process holds their source: killed, or only just started from a page."""
    running = ImportRun.objects.filter(status=Status.RUNNING).exclude(pk__in=pieces.not_now("import"))
    running = running.select_related("source")
    return [run for run in running if locks.is_free(_lock(run.source))]


def start_what_is_due() -> list[ImportRun]:
    """Begin a run of each source whose schedule or changed files ask for one."""
    started: list[ImportRun] = []
    waiting = ImportSource.objects.exclude(schedule=ImportSource.Schedule.BY_HAND)
    for source in waiting.exclude(pk__in=pieces.not_now("source")):
        with pieces.attempt("source", source.pk, source.name):
            started += _start_if_due(source)
    return started


def _start_if_due(source: ImportSource) -> list[ImportRun]:
    if source.schedule == ImportSource.Schedule.WATCHED:
        state = sources.file_state(sources.KINDS[source.kind], source.options)
        due = state != source.watched_state and not source.runs.filter(status=Status.RUNNING).exists()
    else:
        state, due = source.watched_state, source.is_due()
    if due:
        with contextlib.suppress(ImportBusy):  # a terminal is at it; the next look finds it still due
            run = start(source)
            ImportSource.objects.filter(pk=source.pk).update(watched_state=state)
            return [run]
    return []


def _lock(source: ImportSource) -> str:
    return f"import {source.pk}"
