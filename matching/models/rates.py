"""What work costs on an installation's own machine, as it was measured there."""

from django.db import models


class Rates(models.Model):
    """Seconds are of one core, waiting included; bytes are on disk. The latest are in force."""

    measured_at = models.DateTimeField(auto_now_add=True)
    cores = models.PositiveSmallIntegerField(help_text="Of the machine that was measured.")
    cases = models.PositiveIntegerField(help_text="In the gallery when it was measured.")
    capture_seconds = models.FloatField(help_text="A capture received and matched.")
    search_seconds = models.FloatField(help_text="A photo searched.")
    photo_seconds = models.FloatField(help_text="A case photo indexed.")
    capture_bytes = models.FloatField(help_text="A capture's files and rows.")
    case_bytes = models.FloatField(help_text="A case's files and rows.")
    assumed = models.JSONField(default=list, help_text="Which of these are another machine's.")

    class Meta:
        ordering = ["-measured_at"]
        verbose_name_plural = "rates"

    def __str__(self) -> str:
        return f"rates of {self.measured_at:%Y-%m-%d %H:%M}"
