"""Where cases come from: sources, their runs, what each record was when last read, and what was refused."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from cases.models.case import Case
from cases.models.collection import Collection


class ImportSource(models.Model):
    """A registry, or a folder or file of one's own, that cases are imported from again and again."""

    belongs_to = (("collection",),)

    class Schedule(models.TextChoices):
        BY_HAND = "", "By hand"
        DAILY = "daily", "Every day"
        WEEKLY = "weekly", "Every week"
        WATCHED = "watched", "Within a minute of a change (files and folders)"

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=30, help_text="A name in `cases.sources.KINDS`.")
    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="import_sources")
    options = models.JSONField(default=dict, help_text="What to read and how; each kind has its own.")
    schedule = models.CharField(max_length=10, choices=Schedule.choices, blank=True, default=Schedule.BY_HAND)
    watched_state = models.CharField(max_length=64, blank=True, help_text="What the files looked like when last read.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("import-source", args=[self.pk])

    def is_due(self) -> bool:
        """Whether the schedule asks for a run now; a watched source is asked for its files instead."""
        if self.schedule not in (self.Schedule.DAILY, self.Schedule.WEEKLY):
            return False
        every = timedelta(days=1 if self.schedule == self.Schedule.DAILY else 7)
        last, now = self.runs.first(), timezone.now()
        if last is not None and last.status == ImportRun.Status.HALTED:
            return last.finished_at is not None and last.finished_at < now - timedelta(hours=1)
        return last is None or (not last.is_unfinished and last.started_at < now - every)


class ImportRun(models.Model):
    """One reading of a source, from its beginning to its end, over any number of pauses and crashes."""

    belongs_to = (("source__collection",),)

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        HALTED = "halted", "Halted"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"

    UNFINISHED = (Status.RUNNING, Status.PAUSED, Status.HALTED)

    COUNTED = (
        "read", "new", "changed", "unchanged", "closed", "reopened", "gone", "gaps", "refused", "erased here before",
        "photos new",
        "photos changed", "photos doubled", "photos withdrawn", "photos refused", "photos without a case",
        "not understood",
    )  # fmt: skip

    source = models.ForeignKey(ImportSource, on_delete=models.CASCADE, related_name="runs")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    note = models.CharField(max_length=500, blank=True)
    options = models.JSONField(default=dict, help_text="The source's options when the run began.")
    check_photos = models.BooleanField(default=False, help_text="Ask again for photos of unchanged cases too.")
    cursor = models.JSONField(null=True, help_text="What has been read so far, in the source's own terms.")
    total = models.PositiveIntegerField(null=True, help_text="Records to read, where the source knows.")
    counts = models.JSONField(default=dict)
    active_seconds = models.FloatField(default=0)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, help_text="When it ended, or last halted.")

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"],
                condition=Q(status__in=["running", "paused", "halted"]),
                name="one_unfinished_import_a_source",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source}, {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def is_unfinished(self) -> bool:
        return self.status in self.UNFINISHED

    @property
    def read(self) -> int:
        """Records read so far, gaps in the numbering included."""
        return int(self.counts.get("read", 0))

    @property
    def seconds_left(self) -> float | None:
        """At the rate so far; None while it is not known."""
        if not self.total or not self.read or not self.is_unfinished:
            return None
        return self.active_seconds / self.read * max(self.total - self.read, 0)

    @property
    def tally(self) -> list[tuple[str, int]]:
        """What it did, in the order of the walk; only what happened."""
        return [(what, self.counts[what]) for what in self.COUNTED if what in self.counts]

    @property
    def ends_at(self) -> datetime | None:
        """When it will be done at the rate so far."""
        return None if self.seconds_left is None else timezone.now() + timedelta(seconds=self.seconds_left)

    def move(self, old: tuple[str, ...], new: str, **fields: Any) -> bool:
        """Change the status where it still is one of `old`; returns whether it was."""
        if new in (self.Status.DONE, self.Status.STOPPED, self.Status.HALTED):
            fields["finished_at"] = timezone.now()
        moved = ImportRun.objects.filter(pk=self.pk, status__in=old).update(status=new, **fields)
        self.refresh_from_db()
        return bool(moved)


class ImportSeen(models.Model):
    """Keys that an unfinished run has read, in portions, so that a resumed run still knows what was missing."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="seen")
    keys = models.JSONField()

    def __str__(self) -> str:
        return f"{len(self.keys)} keys of {self.run}"


class ImportedCase(models.Model):
    """A source's record of a case as it was when last read: what an unchanged one is told by."""

    source = models.ForeignKey(ImportSource, on_delete=models.CASCADE, related_name="imported")
    key = models.CharField(max_length=200, help_text="The source's own name for the record.")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="imported_from")
    fingerprint = models.CharField(max_length=64)
    fields = models.JSONField(help_text="The values it gave, to tell them from what people changed here.")
    photos = models.JSONField(default=dict, help_text="Its photos by key: their signature, and which photo here it is.")
    validators = models.JSONField(default=dict, help_text="ETag and Last-Modified of the record.")
    withdrawn = models.CharField(max_length=300, blank=True, help_text="Why the source no longer has it.")
    closed_here = models.BooleanField(default=False, help_text="An import closed the case, so an import may reopen it.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="record_once_a_source")]

    def __str__(self) -> str:
        return f"{self.source}: {self.key}"


class ImportDoubt(models.Model):
    """What could not be read of a record, which went in without it; or a file that belongs to no record."""

    belongs_to = (("source__collection",),)

    # The column of files that belong to no record.
    STRAY = "Photos without a case"
    BESIDE = "Lines that are no case"

    source = models.ForeignKey(ImportSource, on_delete=models.CASCADE, related_name="doubts")
    key = models.CharField(max_length=200, help_text="The record's; or the file's name.")
    column = models.CharField(max_length=100)
    text = models.CharField(max_length=300, blank=True, help_text="As the source wrote it.")
    why = models.CharField(max_length=400)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["source", "column"]), models.Index(fields=["source", "key"])]

    def __str__(self) -> str:
        return f"{self.key}, {self.column}: {self.text}"


class ImportProblem(models.Model):
    """A record or a photo that was refused, and why. It stays until it was read well or a person waves it off."""

    belongs_to = (("source__collection",),)

    # The key of what concerns the source as a whole.
    ALL = "*"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        RETRYING = "retrying", "Trying again"
        RESOLVED = "resolved", "Resolved"
        DISMISSED = "dismissed", "Dismissed"

    source = models.ForeignKey(ImportSource, on_delete=models.CASCADE, related_name="problems")
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="problems")
    key = models.CharField(max_length=200)
    photo_key = models.CharField(max_length=500, blank=True)
    reason = models.TextField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    found_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "key", "photo_key"],
                condition=Q(ended_at__isnull=True),
                name="problem_once_a_record",
            )
        ]
        indexes = [models.Index(F("source"), F("status"), name="problem_by_source_and_status")]

    def __str__(self) -> str:
        return f"{self.key} {self.photo_key}".strip()
