"""The ten seconds around an alert."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

from matching.models.alert import Alert
from matching.models.camera import Capture

# What has not come so long after it was asked for does not come: clients hold their last minute.
LOST = timedelta(minutes=3)


class AlertClip(models.Model):
    """Asked of the camera's client when the alert was raised; a file once it has come."""

    belongs_to = (("alert",),)

    alert = models.OneToOneField(Alert, on_delete=models.CASCADE, related_name="clip")
    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="+", help_text="The face around which.")
    asked_at = models.DateTimeField(default=timezone.now)
    kept_at = models.DateTimeField(null=True)
    file = models.FileField(upload_to="alert_clips", max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    begins_at = models.DateTimeField(null=True, help_text="When its first frame was taken.")
    seconds = models.FloatField(default=0)
    frames = models.PositiveSmallIntegerField(default=0, help_text="That the client sent.")
    is_gone = models.BooleanField(default=False, help_text="The client no longer had these seconds.")

    class Meta:
        indexes = [
            models.Index(fields=["asked_at"], condition=models.Q(file="", is_gone=False), name="clips_asked_for")
        ]

    def __str__(self) -> str:
        return f"clip around {self.alert}"

    @property
    def is_awaited(self) -> bool:
        return not self.file and not self.is_gone and timezone.now() - self.asked_at < LOST

    @property
    def seen_after(self) -> float:
        """At which of its seconds the face was seen."""
        return max(0.0, (self.capture.captured_at - self.begins_at).total_seconds()) if self.begins_at else 0.0
