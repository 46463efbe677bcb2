"""What a run writes down as it goes: how far it has come, how many of what, and what was refused."""

import time
from collections.abc import Iterable

from django.utils import timezone

from cases.models import ImportProblem, ImportRun, ImportSeen


class Ledger:
    """The books of one stretch of work on a run. A run without a primary key (one record tried again) is not saved."""

    def __init__(self, run: ImportRun) -> None:
        self.run = run
        self._seen: list[str] = []
        self._saved_at = time.monotonic()

    @property
    def is_retry(self) -> bool:
        return self.run.pk is None

    @property
    def age(self) -> float:
        """Seconds since the last `save`."""
        return time.monotonic() - self._saved_at

    def count(self, what: str) -> None:
        self.run.counts[what] = self.run.counts.get(what, 0) + 1

    def saw(self, key: str) -> None:
        self.count("read")
        self._seen.append(key)

    def save_seen(self) -> None:
        """Write down which keys were met. Those that a killed process loses are asked for once more, harmlessly."""
        ImportSeen.objects.create(run=self.run, keys=self._seen)
        self._seen = []

    def save(self) -> None:
        """Write down how far the run has come; inside a record's transaction, together with the record."""
        run = self.run
        if run.pk is None:
            return
        run.active_seconds += self.age
        self._saved_at = time.monotonic()
        run.save(update_fields=["cursor", "total", "counts", "active_seconds"])

    def refuse(self, key: str, reason: str, photo_key: str = "") -> bool:
        """Keep a refusal, once; returns whether it is news."""
        problem, created = ImportProblem.objects.get_or_create(
            source=self.run.source,
            key=key[:200],
            photo_key=photo_key[:500],
            ended_at=None,
            defaults={"run": self.run if self.run.pk else None, "reason": reason},
        )
        if created or (problem.reason, problem.status) == (reason, ImportProblem.Status.OPEN):
            return created
        problem.reason, problem.status = reason, ImportProblem.Status.OPEN
        problem.save(update_fields=["reason", "status"])
        return True

    def resolve(self, key: str, keep: Iterable[str] = ()) -> bool:
        """End the open problems of a record that was read well, but for the photos in `keep` and kept edits."""
        problems = ImportProblem.objects.filter(source=self.run.source, key=key[:200], ended_at=None)
        problems = problems.exclude(photo_key__in=[k[:500] for k in keep]).exclude(photo_key__startswith=EDITED)
        return bool(problems.update(status=ImportProblem.Status.RESOLVED, ended_at=timezone.now()))


# Stands where a photo's key would: the problem is a field that people changed here and the source changed too.
EDITED = "field "
