"""What was removed because its days were over."""

from django.db import models


class KeepingRun(models.Model):
    """One look through what is kept. counts: how many of what were removed or mended."""

    at = models.DateTimeField(auto_now_add=True)
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {self.counts}"
