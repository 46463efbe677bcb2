"""Alerts, and what reviewers said of them."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, Collection, Photo, TeamOwned
from matching.models.camera import Camera, Capture
from matching.models.face import Face, FaceModel
from matching.models.measurement import Measurement

# What was seen longer ago when it comes is old news.
LATE = timedelta(minutes=10)


class _Standing(models.Manager["Alert"]):
    """Alerts that have not become part of another."""

    def get_queryset(self) -> QuerySet["Alert"]:
        return super().get_queryset().filter(joined_to=None)


class Alert(models.Model):
    """Captures of one camera that resemble one case, within one episode; or that show one stranger.

    One that turned out to be part of another is `joined_to` it, without captures of its own, and in `everything` only.
    """

    class Kind(models.TextChoices):
        SOUGHT = "sought", "Looked for"
        STRANGER = "stranger", "Stranger"
        GREETING = "greeting", "Greeting"

    class Status(models.TextChoices):
        NEW = "new", "New"
        PROPOSED = "proposed", "Second reviewer"
        DISPUTED = "disputed", "Disagreement"
        CONFIRMED = "confirmed", "Confirmed sighting"
        DISMISSED = "dismissed", "Dismissed"
        CLOSED = "closed", "Case closed"
        GREETED = "greeted", "Expected visitor"

    # Somebody still has to see to it.
    OPEN = (Status.NEW, Status.PROPOSED, Status.DISPUTED)

    # What people's words come to where nobody is looked for.
    OF_STRANGERS = {
        Status.CONFIRMED: "Not known here",
        Status.DISMISSED: "Known here",
        Status.CLOSED: "Known after all",
    }

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SOUGHT, db_index=True)
    case = models.ForeignKey(
        Case, null=True, on_delete=models.CASCADE, related_name="alerts", help_text="Nobody, of a stranger."
    )
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
    commonness = models.FloatField(
        default=0,
        help_text="Taken off before the similarity is judged, because the face is like everybody searched.",
    )
    measurement = models.ForeignKey(Measurement, null=True, on_delete=models.SET_NULL, related_name="+")
    visits = models.PositiveIntegerField(
        default=0, help_text="How often the face was seen, this visit with it; 0: not counted."
    )
    last_visit_at = models.DateTimeField(null=True, help_text="When the visit before this one ended.")
    gallery_size = models.PositiveIntegerField(
        help_text="Cases the best capture was compared with; seen before: captures that the case was compared with."
    )
    found_by = models.CharField(
        max_length=15,
        choices=Photo.Kind.choices,
        default=Photo.Kind.PHOTOGRAPH,
        help_text="The kind of picture that it was found by.",
    )
    strength = models.CharField(
        max_length=10, blank=True, db_index=True, help_text="strong, fair, weak or unmeasured, as of the best capture."
    )
    strength_why = models.CharField(max_length=400, blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Who sees to it."
    )
    assigned_at = models.DateTimeField(null=True)
    seen_before = models.BooleanField(
        default=False, help_text="The captures are older than the case or the photo that they resemble."
    )
    captures = models.ManyToManyField(Capture, through="AlertCapture", related_name="alerts")
    joined_to = models.ForeignKey("self", null=True, editable=False, on_delete=models.CASCADE, related_name="joined")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = _Standing()
    everything = models.Manager["Alert"]()

    class Meta:
        ordering = ["-last_captured_at", "-pk"]
        indexes = [models.Index(fields=["case", "camera", "-last_captured_at"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="stranger", case=None)
                | ~models.Q(kind="stranger") & models.Q(case__isnull=False),
                name="alert_of_a_case_or_a_stranger",
            )
        ]

    def __str__(self) -> str:
        return f"{self.case or 'a stranger'} at {self.camera}"

    @property
    def worth(self) -> float:
        """The similarity less all that is taken off before it is judged."""
        return self.similarity - self.allowance - self.commonness

    @property
    def is_late(self) -> bool:
        """Whether it came long after it was seen: it waited on its way, while the server or the network was away."""
        return self.best_capture.received_at - self.last_captured_at > LATE

    def count(self, capture: Capture, *, is_folded: bool = False) -> None:
        """Count a capture in it. is_folded: one that wakes nobody, for it was settled before. Not saved."""
        if is_folded:
            self.folded_count += 1
        else:
            self.first_captured_at = min(self.first_captured_at, capture.captured_at)
        self.last_captured_at = max(self.last_captured_at, capture.captured_at)
        self.capture_count += 1
        self.updated_at = timezone.now()

    @property
    def title(self) -> str:
        """Whom it is about."""
        return self.case.display_name if self.case else "A stranger"

    @property
    def first_today(self) -> bool:
        """Whether the face was not seen before on the day on which it came."""
        day = timezone.localtime(self.first_captured_at).date()
        return self.last_visit_at is None or timezone.localtime(self.last_visit_at).date() < day

    def get_status_display(self) -> str:  # type: ignore[no-redef]
        return self.worded(self.status)

    def worded(self, status: str) -> str:
        """A status, or somebody's word, as it is said of such an alert."""
        known = Alert.OF_STRANGERS.get(Alert.Status(status)) if self.kind == Alert.Kind.STRANGER else None
        return known or Alert.Status(status).label

    @property
    def owners(self) -> list[TeamOwned]:
        """The things that somebody must see to see the alert, as `within` asks for them."""
        return [self.camera, *([self.case.collection] if self.case else [])]

    @classmethod
    def within(cls, user: Any) -> QuerySet["Alert"]:
        """Those at cameras that a person sees, of cases that they see or of strangers."""
        seen = models.Q(case=None) | models.Q(case__collection__in=Collection.within(user).values("pk"))
        return cls.objects.filter(seen, camera__in=Camera.within(user).values("pk"))

    def get_absolute_url(self) -> str:
        return reverse("alert", args=[self.pk])


class AlertCapture(models.Model):
    """A capture's place in an alert; the constraint lets a task run twice without counting twice."""

    belongs_to = (("alert",),)

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="entries")
    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="entries")
    case = models.ForeignKey(Case, null=True, on_delete=models.CASCADE, related_name="+")
    similarity = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["capture", "case"], name="capture_once_a_case"),
            models.UniqueConstraint(fields=["capture"], condition=models.Q(case=None), name="capture_of_one_stranger"),
        ]

    def __str__(self) -> str:
        return f"{self.capture} in {self.alert}"


class Review(models.Model):
    """What one person said of an alert, and why; `new` takes it back. The last word of each makes its status."""

    belongs_to = (("alert",),)

    class Word(models.TextChoices):
        NEW = "new", "Taken back"
        CONFIRMED = "confirmed", "Confirmed sighting"
        DISMISSED = "dismissed", "Dismissed"

    class Reason(models.TextChoices):
        NOT_SAID = "", "Reason"
        FEATURES = "features", "Features agree"
        SPOKEN_TO = "spoken_to", "Spoken to on the spot"
        OTHER_PERSON = "other_person", "Another person"
        POOR = "poor", "Picture too poor to tell"
        KNOWN_HERE = "known_here", "Known here: works or lives there"
        OTHER = "other", "Other, see the note"

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="reviews")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    status = models.CharField(max_length=10, choices=Word.choices)
    reason = models.CharField(max_length=15, choices=Reason.choices, blank=True, default=Reason.NOT_SAID)
    note = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.get_status_display()} by {self.user}"

    def get_status_display(self) -> str:  # type: ignore[no-redef]
        return "Taken back" if self.status == Review.Word.NEW else self.alert.worded(self.status)


class AlertComment(models.Model):
    """What somebody has to say of an alert without deciding."""

    belongs_to = (("alert",),)

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="comments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    text = models.CharField(max_length=2000)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.user}: {self.text}"


class AlertRead(models.Model):
    """Somebody has looked at an alert."""

    belongs_to = (("alert",),)

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="reads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "user"], name="alert_read_once_a_person")]

    def __str__(self) -> str:
        return f"{self.user} read {self.alert}"


class Quiet(models.Model):
    """A case raises no alert at a camera for a while; what is seen meanwhile joins its last one."""

    belongs_to = (("case__collection",), ("camera",))

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="quiets")
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="quiets")
    until = models.DateTimeField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-until"]

    def __str__(self) -> str:
        return f"{self.case} at {self.camera} quiet until {self.until:%Y-%m-%d %H:%M}"
