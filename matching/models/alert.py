"""Alerts, what reviewers said of them, and who is told."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, Collection
from matching.models.camera import Camera, Capture, Trouble
from matching.models.face import Face, FaceModel
from matching.models.measurement import Measurement
from matching.models.search import Candidate


class Alert(models.Model):
    """Captures of one camera that resemble one case, within one episode."""

    belongs_to = (("case__collection",),)

    class Status(models.TextChoices):
        NEW = "new", "New"
        PROPOSED = "proposed", "Second reviewer"
        DISPUTED = "disputed", "Disagreement"
        CONFIRMED = "confirmed", "Confirmed sighting"
        DISMISSED = "dismissed", "Dismissed"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="alerts")
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="alerts")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.NEW, db_index=True)
    first_captured_at = models.DateTimeField()
    last_captured_at = models.DateTimeField()
    capture_count = models.PositiveIntegerField(default=0)
    folded_count = models.PositiveIntegerField(
        default=0, help_text="Captures of the same look-alike that came after the dismissal."
    )
    best_capture = models.ForeignKey(Capture, on_delete=models.RESTRICT, related_name="+")
    best_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    model = models.ForeignKey(FaceModel, on_delete=models.PROTECT, related_name="+")
    similarity = models.FloatField(help_text="Of the best capture.")
    allowance = models.FloatField(
        default=0, help_text="Taken off before the similarity is judged, because both pictures are poor."
    )
    measurement = models.ForeignKey(Measurement, null=True, on_delete=models.SET_NULL, related_name="+")
    gallery_size = models.PositiveIntegerField(
        help_text="Cases the best capture was compared with; seen before: captures that the case was compared with."
    )
    seen_before = models.BooleanField(
        default=False, help_text="The captures are older than the case or the photo that they resemble."
    )
    captures = models.ManyToManyField(Capture, through="AlertCapture", related_name="alerts")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-last_captured_at", "-pk"]
        indexes = [models.Index(fields=["case", "camera", "-last_captured_at"])]

    def __str__(self) -> str:
        return f"{self.case} at {self.camera}"

    def get_absolute_url(self) -> str:
        return reverse("alert", args=[self.pk])


class AlertCapture(models.Model):
    """A capture's place in an alert; the constraint lets a task run twice without counting twice."""

    belongs_to = (("case__collection",),)

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="entries")
    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="entries")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    similarity = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["capture", "case"], name="capture_once_a_case")]

    def __str__(self) -> str:
        return f"{self.capture} in {self.alert}"


class Review(models.Model):
    """What one person said of an alert, and why; `new` takes it back. The last word of each makes its status."""

    belongs_to = (("alert__case__collection",),)

    class Word(models.TextChoices):
        NEW = "new", "Taken back"
        CONFIRMED = "confirmed", "Confirmed sighting"
        DISMISSED = "dismissed", "Dismissed"

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="reviews")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    status = models.CharField(max_length=10, choices=Word.choices)
    note = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.get_status_display()} by {self.user}"


class Subscription(models.Model):
    """Somebody who is told of new alerts by SMS, mail or webhook."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions")
    address = models.CharField(
        max_length=500,
        help_text="An Apprise address: mailto://user:password@host, twilio://…, json://host/path and a hundred more.",
    )
    collection = models.ForeignKey(
        Collection, null=True, blank=True, on_delete=models.CASCADE, help_text="Left empty: alerts of all collections."
    )
    operations = models.BooleanField(default=False, help_text="Tell of cameras in trouble as well.")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.user}: {self.address.split(':', 1)[0]}"


class Delivery(models.Model):
    """One message to one subscriber: about an alert, what their standing search found, or a camera in trouble."""

    belongs_to = (("alert__case__collection", "candidate__case__collection", "trouble__camera"),)

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"

    alert = models.ForeignKey(Alert, null=True, on_delete=models.CASCADE, related_name="deliveries")
    candidate = models.ForeignKey(Candidate, null=True, on_delete=models.CASCADE, related_name="deliveries")
    trouble = models.ForeignKey(Trouble, null=True, on_delete=models.CASCADE, related_name="deliveries")
    is_over = models.BooleanField(default=False, help_text="The trouble has ended.")
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="deliveries")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["alert", "subscription"], name="one_delivery_a_subscriber"),
            models.UniqueConstraint(fields=["candidate", "subscription"], name="one_delivery_a_candidate"),
            models.UniqueConstraint(
                fields=["trouble", "is_over", "subscription"], name="two_deliveries_a_trouble_at_most"
            ),
            models.CheckConstraint(
                condition=models.Q(alert__isnull=False, candidate=None, trouble=None)
                | models.Q(alert=None, candidate__isnull=False, trouble=None)
                | models.Q(alert=None, candidate=None, trouble__isnull=False),
                name="delivery_of_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(status="waiting"), name="deliveries_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.alert or self.candidate or self.trouble} to {self.subscription}"
