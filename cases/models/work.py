"""Pieces of work that failed. One that goes well has no row."""

from django.db import models
from django.utils import timezone


class FailedWork(models.Model):
    """How often a piece of work failed, with what, and whether it is set aside until a person takes it up again."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=40, help_text="The id of what it is about.")
    label = models.CharField(max_length=300)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, help_text="The last one, in words.")
    failed_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    set_aside_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-failed_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="work_failed_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.error}"
