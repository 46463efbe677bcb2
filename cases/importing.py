"""Records of a source into cases and photos: nothing twice, nothing lost, at whatever point it is killed.

1. Each record is compared with what it was when last read; an unchanged one costs no write.
2. A changed one is written in one transaction, together with how far the run has come and its counts.
3. What is refused becomes an `ImportProblem` and the run goes on; a source that does not answer halts it.
4. At the end, cases that the source no longer has are closed, unless they are suspiciously many.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases import locks, sources
from cases.import_ledger import Ledger
from cases.models import Case, ImportedCase, ImportProblem, ImportRun, ImportSource, Photo
from cases.record_writer import RecordWriter
from cases.sources import Gone, Item, Refused, Unchanged

SAVE_EVERY = 1.0  # seconds between two notes of how far a run has come, while nothing changes
# More cases than these leave at once only if a person says so: an export cut short must not close a registry.
FEW, SHARE = 10, 0.2

Status = ImportRun.Status
ALL = ImportProblem.ALL


class ImportBusy(Exception):
    """The source is being imported already; the text says since when."""


class NotImported(Exception):
    """A photo has no source to be fetched from; the text says so."""


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
        reader = _Reader(run, progress)
        try:
            with contextlib.closing(sources.KINDS[run.source.kind].open(run.options)) as source:
                reader.read(source, must_stop)
        except sources.SourceUnavailable as problem:
            reader.halt(problem)
        progress(run)
        return run


def pause(run: ImportRun) -> bool:
    """Have the run rest after the record it is at; returns False where it was not running."""
    return run.move((Status.RUNNING,), Status.PAUSED, note="")


def stop(run: ImportRun) -> bool:
    """End an unfinished run where it is; what it imported stays."""
    return run.move(ImportRun.UNFINISHED, Status.STOPPED, note="Stopped by hand.")


def retry(problem: ImportProblem) -> ImportProblem:
    """Read one refused record, with its photos, again; or close at last what a run did not dare to.

    Raises `ImportBusy` while the source is being imported.
    """
    _read_again(problem.source, problem.key)
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
        reader = _Reader(ImportRun(source=source, options=last.options if last else source.options), lambda run: None)
        if key == ALL:
            reader.close_withdrawn(sure=True)
            return
        try:
            with contextlib.closing(sources.KINDS[source.kind].open(reader.run.options)) as opened:
                reader.take(opened, opened.item(key), again=True)
        except sources.SourceUnavailable as problem:
            reader.ledger.refuse(key, str(problem))


def dismiss(problem: ImportProblem) -> None:
    """Wave a problem off; it comes again if a later run meets it again."""
    problem.status, problem.ended_at = ImportProblem.Status.DISMISSED, timezone.now()
    problem.save(update_fields=["status", "ended_at"])


def abandoned() -> list[ImportRun]:
    """Runs that should be at work though no process holds their source: killed, or only just started from a page."""
    running = ImportRun.objects.filter(status=Status.RUNNING).select_related("source")
    return [run for run in running if locks.is_free(_lock(run.source))]


def start_what_is_due() -> list[ImportRun]:
    """Begin a run of each source whose schedule or changed files ask for one."""
    started = []
    for source in ImportSource.objects.exclude(schedule=ImportSource.Schedule.BY_HAND):
        if source.schedule == ImportSource.Schedule.WATCHED:
            state = sources.file_state(sources.KINDS[source.kind], source.options)
            due = state != source.watched_state and not source.runs.filter(status=Status.RUNNING).exists()
        else:
            state, due = source.watched_state, source.is_due()
        if due:
            with contextlib.suppress(ImportBusy):  # a terminal is at it; the next look finds it still due
                started.append(start(source))
                ImportSource.objects.filter(pk=source.pk).update(watched_state=state)
    return started


class _Reader:
    """One stretch of work on a run, or on one record of it."""

    def __init__(self, run: ImportRun, progress: Callable[[ImportRun], None]) -> None:
        self.run = run
        self._progress = progress
        self.ledger = Ledger(run)
        self._writer = RecordWriter(self.ledger)
        self._good = run.cursor, dict(run.counts)
        self._looked_at = 0.0

    def read(self, source: sources.Source, must_stop: Callable[[], bool]) -> None:
        run, ledger = self.run, self.ledger
        if run.total is None:
            run.total = source.size()
            ledger.save()
        validators = (lambda key: {}) if run.check_photos else self._validators
        for step in source.steps(run.cursor, validators):
            run.cursor = step.cursor
            ledger.saw(step.item.key)
            self.take(source, step.item)
            if not isinstance(step.item, Refused):
                self._good = step.cursor, dict(run.counts)
            if self._is_time_to_look():
                self._note(source)
                if must_stop() or not self._is_running():
                    return
        self._note(source)
        if source.is_complete:
            for key in self._unseen():
                self.take(source, source.item(key))
        self.close_withdrawn()
        ledger.save()
        if run.move((Status.RUNNING,), Status.DONE, note=""):
            run.seen.all().delete()

    def _note(self, source: sources.Source) -> None:
        self.ledger.save()
        if source.is_complete:
            self.ledger.save_seen()
        self._progress(self.run)

    def halt(self, problem: sources.SourceUnavailable) -> None:
        """Rest before the records that failed together, so that going on reads them anew."""
        self.run.cursor, self.run.counts = self._good
        self.ledger.save()
        self.run.move((Status.RUNNING,), Status.HALTED, note=str(problem)[:500])

    def take(self, source: sources.Source, item: Item, again: bool = False) -> bool:
        """Deal with one record; returns whether anything was written. again: also where it is as it was."""
        ledger = self.ledger
        known = ImportedCase.objects.filter(source=self.run.source, key=item.key).select_related("case").first()
        if isinstance(item, Unchanged):
            ledger.count("unchanged")
            return False
        if isinstance(item, Refused):
            ledger.count("refused")
            return ledger.refuse(item.key, item.reason)
        if isinstance(item, Gone):
            return self._gone(item, known)
        if known is not None and known.fingerprint == item.fingerprint and not known.withdrawn:
            whole = all(photo.key in known.photos for photo in item.photos)
            if whole and not again and not self.run.check_photos:
                ledger.count("unchanged")
                return False
        try:
            self._writer.write(source, item, known)
        except ValidationError as error:
            ledger.count("refused")
            return ledger.refuse(item.key, _in_words(error))
        return True

    def close_withdrawn(self, sure: bool = False) -> None:
        """Close what the source no longer has. Where that is much of what is open, only if a person is sure."""
        imported = ImportedCase.objects.filter(source=self.run.source, case__status=Case.Status.OPEN)
        # One that was closed for this before and is open was reopened by people, and stays open.
        withdrawn = imported.filter(closed_here=False).exclude(withdrawn="").select_related("case")
        count, whole = withdrawn.count(), imported.count()
        if count > max(FEW, whole * SHARE) and not sure:
            reason = f"{count} of {whole} open cases are no longer there. Nothing was closed: an export cut short or a "
            self.ledger.refuse(ALL, reason + "site that has moved looks the same. Trying again closes them.")
            return
        for record in withdrawn:
            with transaction.atomic():
                record.closed_here = record.case.close(record.withdrawn)
                record.save(update_fields=["closed_here"])
                self.ledger.count("closed")
        self.ledger.resolve(ALL)

    def _gone(self, item: Gone, known: ImportedCase | None) -> bool:
        if known is None:
            self.ledger.count("gaps")
            return self.ledger.resolve(item.key)
        self.ledger.count("gone")
        with transaction.atomic():
            news = not known.withdrawn
            if news:
                known.withdrawn, known.validators = item.reason[:300], {}
                known.save(update_fields=["withdrawn", "validators"])
            return self.ledger.resolve(item.key) or news

    def _is_time_to_look(self) -> bool:
        now = time.monotonic()
        if now - self._looked_at < SAVE_EVERY:
            return False
        self._looked_at = now
        return True

    def _is_running(self) -> bool:
        self.run.status = ImportRun.objects.values_list("status", flat=True).get(pk=self.run.pk)
        return self.run.status == Status.RUNNING

    def _validators(self, key: str) -> dict[str, str]:
        found = ImportedCase.objects.filter(source=self.run.source, key=key, withdrawn="")
        return found.values_list("validators", flat=True).first() or {}

    def _unseen(self) -> Iterator[str]:
        """Keys that earlier runs brought and this one did not meet."""
        seen = {key for portion in self.run.seen.values_list("keys", flat=True) for key in portion}
        for key in list(ImportedCase.objects.filter(source=self.run.source).values_list("key", flat=True)):
            if key not in seen:
                yield key


def _lock(source: ImportSource) -> str:
    return f"import {source.pk}"


def _in_words(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        f"{name.replace('_', ' ')}: {' '.join(texts)}" if name != "__all__" else " ".join(texts)
        for name, texts in error.message_dict.items()
    )
