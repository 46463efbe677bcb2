"""What a source yields, step by step: told apart, written or refused, and at the end what it no longer has."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from cases import audit, erased, sources, work
from cases.import_ledger import Ledger
from cases.models import Case, ImportDoubt, ImportedCase, ImportProblem, ImportRun
from cases.record_writer import RecordWriter, blank_what_cannot_be
from cases.sources import CaseRecord, Doubt, Gone, Item, Refused, Stray, Unchanged

logger = logging.getLogger(__name__)

SAVE_EVERY = 1.0  # seconds between two notes of how far a run has come, while nothing changes
# More cases than these leave at once only if a person says so: an export cut short must not close a registry.
FEW, SHARE = 10, 0.2
READ_AHEAD = 500

Status = ImportRun.Status
ALL = ImportProblem.ALL


class Reader:
    """One stretch of work on a run, or on one record of it."""

    def __init__(self, run: ImportRun, progress: Callable[[ImportRun], None]) -> None:
        self.run = run
        self._progress = progress
        self.ledger = Ledger(run)
        self._writer = RecordWriter(self.ledger)
        self._good = run.cursor, dict(run.counts)
        self._looked_at = 0.0
        self._ahead: dict[str, dict[str, str]] = {}

    def read(self, source: sources.Source, must_stop: Callable[[], bool]) -> None:
        run, ledger = self.run, self.ledger
        if run.total is None:
            run.total = source.size()
            ledger.save()
        if run.cursor is None:
            beside = (ImportDoubt.STRAY, ImportDoubt.BESIDE)
            ImportDoubt.objects.filter(source=run.source, column__in=beside).delete()
        validators = (lambda key: {}) if run.check_photos else self._validators
        for step in source.steps(run.cursor, validators):
            run.cursor = step.cursor
            if not isinstance(step.item, Stray):
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

    def halt(self, why: str) -> None:
        """Rest before the records that failed together, so that going on reads them anew."""
        self.rest(why)
        self.run.move((Status.RUNNING,), Status.HALTED, note=why[:500])

    def rest(self, why: str) -> None:
        """Write down up to where all is well, and why it went no further."""
        self.run.cursor, self.run.counts = self._good
        self.ledger.save()
        ImportRun.objects.filter(pk=self.run.pk).update(note=why[:500])

    def take(self, source: sources.Source, item: Item, again: bool = False) -> bool:
        """Read one record into its case; returns whether anything was written. again: even if it has not changed."""
        ledger = self.ledger
        if isinstance(item, Unchanged):
            ledger.count("unchanged")
            return False
        if isinstance(item, Stray):
            return self._stray(item)
        known = ImportedCase.objects.filter(source=self.run.source, key=item.key).select_related("case").first()
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
        source_, number = self.run.source, str(item.fields.get("number", item.key))
        if known is None and erased.is_erased(source_.kind, source_.collection_id, item.key, number):
            # Counted, but named nowhere.
            ledger.count("erased here before")
            return False
        try:
            self._writer.write(source, item, known)
        except ValidationError as error:
            ledger.count("refused")
            return ledger.refuse(item.key, _in_words(error))
        except Exception as error:
            # One record that breaks must not keep the others from being read.
            if work.is_the_machines(error) or isinstance(error, sources.SourceUnavailable):
                raise
            logger.warning("a record of source %s broke off: %s", self.run.source_id, type(error).__name__)
            ledger.count("refused")
            return ledger.refuse(item.key, work.words(error))
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
                why = f"by the import of {self.run.source}: {record.withdrawn}"
                audit.record_as(None, "closed", record.case, why)
        self.ledger.resolve(ALL)

    def _stray(self, item: Stray) -> bool:
        self.ledger.count(item.column.lower())
        stray = {"source": self.run.source, "key": item.key[:200], "column": item.column}
        said = {"text": (item.text or item.key)[:300], "why": item.why}
        return ImportDoubt.objects.get_or_create(**stray, defaults=said)[1]

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
        """What a record's last answer carried. They mostly come in the order of the last time."""
        if key not in self._ahead:
            imported = ImportedCase.objects.filter(source=self.run.source, withdrawn="").order_by("pk")
            first = imported.filter(key=key).values_list("pk", flat=True).first()
            if first is None:
                return {}
            self._ahead = dict(imported.filter(pk__gte=first).values_list("key", "validators")[:READ_AHEAD])
        return self._ahead.pop(key)

    def _unseen(self) -> Iterator[str]:
        """Keys that earlier runs brought and this one did not meet."""
        seen = {key for portion in self.run.seen.values_list("keys", flat=True) for key in portion}
        for key in list(ImportedCase.objects.filter(source=self.run.source).values_list("key", flat=True)):
            if key not in seen:
                yield key


@dataclass(frozen=True)
class WouldBe:
    """What a record would become, for people to see before it is written. refused: why it would not."""

    item: Item
    case: Case | None = None
    doubts: Sequence[Doubt] = ()
    refused: str = ""


def would_be(item: Item) -> WouldBe:
    """An item of a source as the case that it would become; nothing is written."""
    if not isinstance(item, CaseRecord):
        return WouldBe(item, refused=getattr(item, "reason", ""))
    case = Case(**item.fields)
    try:
        doubts = blank_what_cannot_be(case)
    except ValidationError as error:
        return WouldBe(item, refused=_in_words(error))
    return WouldBe(item, case, [*item.doubts, *doubts])


def _in_words(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        f"{name.replace('_', ' ')}: {' '.join(texts)}" if name != "__all__" else " ".join(texts)
        for name, texts in error.message_dict.items()
    )
