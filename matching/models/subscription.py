"""Who is told of what, and each message to them."""

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import QuerySet
from django.db.models.lookups import Exact
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, Collection
from cases.sealed import SealedField
from matching.models.alert import Alert
from matching.models.camera import Camera, Trouble
from matching.models.report import DueReport
from matching.models.search import Candidate, StandingSearch


class Subscription(models.Model):
    """Who is told of what, by which way: mail and text messages by the servers that an administrator has set, a message
    service by its Apprise address, or a browser's push service."""

    class Way(models.TextChoices):
        MAIL = "mail", "Mail"
        SMS = "sms", "Text message"
        SERVICE = "service", "Chat or webhook"
        BROWSER = "browser", "This browser"

    class Strength(models.TextChoices):
        WEAK = "weak", "Every alert"
        FAIR = "fair", "Fair and strong ones"
        STRONG = "strong", "Only strong ones"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions")
    name = models.CharField(
        max_length=100,
        default="",
        blank=True,
        help_text="As you know it: my phone. Empty: its address.",
    )
    way = models.CharField(max_length=10, choices=Way.choices, default=Way.SERVICE, editable=False)
    address = SealedField(
        help_text="A mail address, a mobile number as +44 7700 900123, or a chat room or webhook by its Apprise "
        "address: slack://…, msteams://…, jsons://host/path. Kept sealed and not shown again."
    )
    signing_key = SealedField(
        blank=True, default="", editable=False, help_text="By which a webhook's receiver checks that a message is ours."
    )
    collection = models.ForeignKey(
        Collection, null=True, blank=True, on_delete=models.CASCADE, help_text="None chosen: alerts of all collections."
    )
    only_mine = models.BooleanField("only cases that I see to", default=False)
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
    handover_times = models.CharField(
        "handover at",
        max_length=100,
        blank=True,
        help_text="When shifts end, as 06:00 14:00 22:00: then comes what waits, and what happened since the time "
        "before. Empty: none.",
    )
    handover_set_at = models.DateTimeField(null=True, editable=False, help_text="Since when these times are set.")
    is_active = models.BooleanField("switched on", default=True)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who set it for somebody else.",
    )
    confirmed_at = models.DateTimeField(
        default=timezone.now,
        null=True,
        editable=False,
        help_text="When its owner showed that it is theirs; until then nothing goes there.",
    )
    code = SealedField(blank=True, default="", editable=False, help_text="By which they show it.")
    code_until = models.DateTimeField(null=True, editable=False)
    code_tries = models.PositiveSmallIntegerField(default=0, editable=False)
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

    @property
    def needs_code(self) -> bool:
        """Whether anybody could have typed its address, so that a code goes there first."""
        return self.way in (self.Way.MAIL, self.Way.SMS)


class Shift(models.Model):
    """Hours that ended where a subscriber wants the handover."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="shifts")
    since = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        ordering = ["-until"]
        constraints = [models.UniqueConstraint(fields=["subscription", "until"], name="shift_once_a_subscription")]

    def __str__(self) -> str:
        return f"the handover of {timezone.localtime(self.until):%Y-%m-%d %H:%M}"

    @classmethod
    def within(cls, user: Any) -> QuerySet["Shift"]:
        return cls.objects.filter(subscription__user=user)


# Of which one thing a delivery tells.
OF = ("alert", "candidate", "trouble", "standing", "shift", "due_report")


class Delivery(models.Model):
    """One message to one subscriber: about an alert, their standing search, a camera, a shift, or a report."""

    belongs_to = (("alert", "candidate__case__collection", "trouble__camera", "standing", "shift", "due_report"),)

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
    shift = models.ForeignKey(Shift, null=True, on_delete=models.CASCADE, related_name="deliveries")
    due_report = models.ForeignKey(DueReport, null=True, on_delete=models.CASCADE, related_name="deliveries")
    is_over = models.BooleanField(default=False, help_text="The trouble has ended.")
    strength = models.CharField(
        max_length=10, blank=True, help_text="Of the alert when it was told: told again where it rises."
    )
    in_digest = models.BooleanField(default=False, help_text="Told together with others.")
    is_late = models.BooleanField(default=False, help_text="Of what came long after it was seen.")
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
            models.UniqueConstraint(fields=["shift", "subscription"], name="one_delivery_a_shift"),
            models.UniqueConstraint(fields=["due_report", "subscription"], name="one_delivery_a_due_report"),
            models.CheckConstraint(
                condition=Exact(
                    models.Func(*map(models.F, OF), function="num_nonnulls", output_field=models.IntegerField()), 1
                ),
                name="delivery_of_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(status="waiting"), name="deliveries_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.alert or self.candidate or self.trouble or self.standing or self.shift} to {self.subscription}"
