"""What similarities were measured to be worth here."""

from django.db import models

from matching.models.face import FaceModel


class Measurement(models.Model):
    """An installation's own error rates under one face model, counted among its own cases. The latest is in force."""

    model = models.ForeignKey(FaceModel, on_delete=models.CASCADE, related_name="measurements")
    measured_at = models.DateTimeField(auto_now_add=True)
    cases = models.PositiveIntegerField(help_text="In the gallery when it was measured.")
    probes = models.PositiveIntegerField(help_text="Faces that were each compared with every other case.")
    left_out = models.PositiveIntegerField(help_text="Pairs of cases that are, or may be, one person.")
    non_mates = models.JSONField(help_text="A curve: the share of pairs of different cases that reach a similarity.")
    mates = models.JSONField(null=True, help_text="The same of photos of one case; None where too few have several.")
    mates_by = models.JSONField(
        default=dict,
        help_text="Curves of mates by the age on the other photos and by the years between, where enough are dated.",
    )
    check_of = models.JSONField(
        help_text="For 'once in n searches': n, and how often it happened to those faces, searched as strangers."
    )

    class Meta:
        ordering = ["-measured_at"]
        indexes = [models.Index(fields=["model", "-measured_at"])]

    def __str__(self) -> str:
        return f"{self.model}, {self.measured_at:%d %b %Y}"
