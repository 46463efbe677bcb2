"""One stretch of bulk indexing, from the first waiting photo to the last."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone


class IndexRun(models.Model):
    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    total = models.PositiveIntegerField(default=0, help_text="Photos done and waiting.")
    counts = models.JSONField(default=dict, help_text="Photos by how they ended.")
    active_seconds = models.FloatField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                models.F("finished_at"),
                condition=Q(finished_at__isnull=True),
                nulls_distinct=False,
                name="one_unfinished_index_run",
            )
        ]

    def __str__(self) -> str:
        return f"indexing of {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def done(self) -> int:
        return sum(self.counts.values())

    @property
    def rate(self) -> float:
        """Photos a second."""
        return self.done / self.active_seconds if self.active_seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the rate so far; None while it is not known."""
        if not self.rate or self.status == self.Status.DONE:
            return None
        return max(self.total - self.done, 0) / self.rate

    @property
    def ends_at(self) -> datetime | None:
        """When it will be done at the rate so far."""
        return None if self.seconds_left is None else timezone.now() + timedelta(seconds=self.seconds_left)

    def move(self, old: str, new: str, **fields: Any) -> bool:
        """Change the status where it still is `old`; returns whether it was."""
        moved = IndexRun.objects.filter(pk=self.pk, status=old).update(status=new, **fields)
        self.refresh_from_db()
        return bool(moved)
