"""Alerts, what reviewers said of them, and who is told."""

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, Collection, Photo, TeamOwned
from cases.sealed import SealedField
from matching.models.camera import Camera, Capture, Trouble
from matching.models.face import Face, FaceModel
from matching.models.measurement import Measurement
from matching.models.search import Candidate, StandingSearch


class Alert(models.Model):
    """Captures of one camera that resemble one case, within one episode; or that show one stranger."""

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
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(default=timezone.now, db_index=True)

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


class Subscription(models.Model):
    """Who is told of what, by which way: a message service by its Apprise address, or a browser's push service."""

    class Way(models.TextChoices):
        SERVICE = "service", "Message"
        BROWSER = "browser", "This browser"

    class Strength(models.TextChoices):
        WEAK = "weak", "Every alert"
        FAIR = "fair", "Fair and strong ones"
        STRONG = "strong", "Only strong ones"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions")
    name = models.CharField(max_length=100, default="", help_text="As you know it: my phone, the night desk.")
    way = models.CharField(max_length=10, choices=Way.choices, default=Way.SERVICE, editable=False)
    address = SealedField(
        help_text="An Apprise address: mailtos://user:password@host?to=…, twilio://…, slack://…, msteams://…, "
        "jsons://host/path and a hundred more. Kept sealed and not shown again."
    )
    signing_key = SealedField(
        blank=True, default="", editable=False, help_text="By which a webhook's receiver checks that a message is ours."
    )
    collection = models.ForeignKey(
        Collection, null=True, blank=True, on_delete=models.CASCADE, help_text="None chosen: alerts of all collections."
    )
    case = models.ForeignKey(Case, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    camera = models.ForeignKey(Camera, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    place = models.CharField(max_length=200, blank=True, help_text="A word of the camera's place.")
    strength = models.CharField(
        "at least", max_length=10, choices=Strength.choices, default=Strength.WEAK, help_text="How strong a likeness."
    )
    hours_from = models.TimeField("from", null=True, blank=True, help_text="Told of alerts from this time of day")
    hours_until = models.TimeField(
        "until", null=True, blank=True, help_text="until this one; both empty: day and night."
    )
    wait_minutes = models.PositiveSmallIntegerField(
        "only after minutes",
        default=0,
        validators=[MaxValueValidator(1440)],
        help_text="0: at once. Else only where nobody has taken the alert by then: the next person to be told.",
    )
    digest_minutes = models.PositiveSmallIntegerField(
        "weak ones together every (minutes)",
        default=0,
        validators=[MaxValueValidator(1440)],
        help_text="0: each by itself. Else weak alerts are collected and told in one message.",
    )
    with_pictures = models.BooleanField(
        "send the pictures along", default=False, help_text="The two faces leave Sightline with each message."
    )
    visitors = models.BooleanField(
        "strangers and greetings", default=False, help_text="Tell of strangers, and of known people who are greeted."
    )
    operations = models.BooleanField(default=False, help_text="Tell of cameras in trouble as well.")
    is_active = models.BooleanField("switched on", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["user", "pk"]

    def __str__(self) -> str:
        return f"{self.user}: {self.name or self.get_way_display()}"

    def get_absolute_url(self) -> str:
        return reverse("subscription", args=[self.pk])

    @classmethod
    def within(cls, user: Any) -> QuerySet["Subscription"]:
        return cls.objects.filter(user=user)


class Delivery(models.Model):
    """One message to one subscriber: about an alert, their standing search, or a camera in trouble."""

    belongs_to = (("alert", "candidate__case__collection", "trouble__camera", "standing"),)

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"
        NOT_NEEDED = "not_needed", "Not needed any more"

    alert = models.ForeignKey(Alert, null=True, on_delete=models.CASCADE, related_name="deliveries")
    candidate = models.ForeignKey(Candidate, null=True, on_delete=models.CASCADE, related_name="deliveries")
    trouble = models.ForeignKey(Trouble, null=True, on_delete=models.CASCADE, related_name="deliveries")
    standing = models.ForeignKey(
        StandingSearch, null=True, on_delete=models.CASCADE, related_name="deliveries", help_text="That was closed."
    )
    is_over = models.BooleanField(default=False, help_text="The trouble has ended.")
    strength = models.CharField(
        max_length=10, blank=True, help_text="Of the alert when it was told: told again where it rises."
    )
    in_digest = models.BooleanField(default=False, help_text="Told together with others.")
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="deliveries")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["alert", "strength", "subscription"], name="one_delivery_a_strength"),
            models.UniqueConstraint(fields=["candidate", "subscription"], name="one_delivery_a_candidate"),
            models.UniqueConstraint(fields=["standing", "subscription"], name="one_delivery_a_standing_search"),
            models.UniqueConstraint(
                fields=["trouble", "is_over", "subscription"], name="two_deliveries_a_trouble_at_most"
            ),
            models.CheckConstraint(
                condition=models.Q(alert__isnull=False, candidate=None, trouble=None, standing=None)
                | models.Q(alert=None, candidate__isnull=False, trouble=None, standing=None)
                | models.Q(alert=None, candidate=None, trouble__isnull=False, standing=None)
                | models.Q(alert=None, candidate=None, trouble=None, standing__isnull=False),
                name="delivery_of_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(status="waiting"), name="deliveries_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.alert or self.candidate or self.trouble or self.standing} to {self.subscription}"
