"""Cameras and what they sent."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from cases.models import Collection, TeamOwned
from cases.sealed import SealBroken, SealedField, unseal
from edge_client import streams

# A client reports twice a minute.
ONLINE, LATE = timedelta(seconds=90), timedelta(minutes=15)


def hash_token(token: str) -> str:
    # The token has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    return f"cam_{secrets.token_urlsafe(32)}"


def hash_code(code: str) -> str:
    """As people type it: small letters, spaces and dashes don't matter."""
    return hash_token("".join(code.upper().replace("-", "").split()))


class SitePlan(models.Model):
    """A drawing of a place, on which its cameras stand."""

    name = models.CharField(max_length=100)
    image = models.FileField(upload_to="plans", max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def within(cls, user: Any) -> QuerySet["SitePlan"]:
        """A plan shows itself to whoever sees a camera on it; one without cameras to its maker and their team mates."""
        makers = Q(created_by=None) | Q(created_by=user) | Q(created_by__teams__members=user)
        return cls.objects.filter(Q(cameras=None) & makers | Q(cameras__in=Camera.within(user))).distinct()


class Camera(TeamOwned):
    """A camera, or whatever sends faces in its name. Its token is shown once and kept as a hash."""

    name = models.CharField(max_length=100)
    place = models.CharField(max_length=200, blank=True, help_text="Where it looks: shown on each alert.")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    notes = models.TextField(blank=True, help_text="Who has the ladder, what was mended, whom to call.")
    latitude = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)], help_text="Degrees, north."
    )
    longitude = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)], help_text="Degrees, east."
    )
    plan = models.ForeignKey(SitePlan, null=True, blank=True, on_delete=models.SET_NULL, related_name="cameras")
    plan_x = models.FloatField(null=True, editable=False, help_text="Across the plan, 0..1.")
    plan_y = models.FloatField(null=True, editable=False, help_text="Down the plan, 0..1.")
    thing = models.CharField(
        "MQTT name",
        max_length=100,
        unique=True,
        # Not whose it is: that may be another team's.
        error_messages={"unique": "Choose another MQTT name: on a broker each is used once."},
        null=True,
        blank=True,
        validators=[RegexValidator(r"^[^+#/$][^+#/]*$", "One level of a topic: without +, # and /.")],
        help_text="Where it speaks MQTT: the part of its topics after sightline/, or a DeepLens's thing.",
    )
    asked_settings = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="What its client is asked to run; what is missing it decides.",
    )
    preview = models.BooleanField(
        default=True, help_text="People who may look through cameras see its picture, for as long as they look."
    )
    pairing_hash = models.CharField(max_length=64, blank=True, editable=False, db_index=True)
    pairing_until = models.DateTimeField(null=True, editable=False)
    source = SealedField(
        blank=True, default="", editable=False, help_text="The address of its stream, where this machine watches it."
    )
    next_token_hash = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Of a token that was given and not used yet."
    )
    token_at = models.DateTimeField(null=True, editable=False, help_text="When its token was made.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL
    )
    officer = models.OneToOneField(
        django_settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="walking_camera",
        help_text="Whose phone it is.",
    )
    walk_until = models.DateTimeField(null=True, editable=False)
    strangers = models.BooleanField(
        "tell of strangers", default=False, help_text="An alert for a face that is none of the known people here."
    )
    visits_from = models.PositiveSmallIntegerField(
        "only from visit number",
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="1: each stranger. Else only one who was seen so often, by the face, as far back as faces are kept.",
    )
    greets = models.ManyToManyField(
        Collection,
        blank=True,
        related_name="greeted_at",
        limit_choices_to={"kind": Collection.Kind.KNOWN},
        help_text="Of which known people it tells that they came.",
    )
    quiet_until = models.DateTimeField(
        null=True, editable=False, help_text="Until then its alerts stand on the board, and nobody is told of them."
    )
    quiet_reason = models.CharField(max_length=300, blank=True, editable=False)
    quiet_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    limited_at = models.DateTimeField(null=True, editable=False, help_text="When it last sent more than it may.")
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="Sent a face.")
    heartbeat_at = models.DateTimeField(null=True, blank=True, editable=False)
    report = models.JSONField(
        default=dict, blank=True, editable=False, help_text="What its client last said of itself."
    )
    clock_offset = models.FloatField(
        default=0, editable=False, help_text="Seconds that its clock is behind ours, where it is wrong."
    )

    class Meta:
        ordering = ["name"]
        permissions = [
            ("look_through_camera", "Can look through cameras, live"),
            ("walk_with_camera", "Can walk with a phone as a camera"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_quiet(self) -> bool:
        return self.quiet_until is not None and self.quiet_until > timezone.now()

    @property
    def state(self) -> str:
        """online, late, offline, never or revoked, by when it was last heard of."""
        if self.revoked_at is not None:
            return "revoked"
        heard = max(filter(None, [self.heartbeat_at, self.last_seen_at]), default=None)
        if heard is None:
            return "never"
        if self.report.get("offline_at", "") > heard.isoformat():
            return "offline"
        silent = timezone.now() - heard
        return "online" if silent < ONLINE else "late" if silent < LATE else "offline"

    def compares_with(self) -> QuerySet[Collection]:
        """The collections whose cases its captures may raise alerts of: those that share a team with it, or have none;
        of a camera without a team all."""
        own = [team.pk for team in self.teams.all()]
        return (
            Collection.objects.filter(Q(teams=None) | Q(teams__in=own)).distinct() if own else Collection.objects.all()
        )

    def counts_with(self) -> QuerySet["Camera"]:
        """The cameras among whose captures visits are counted: those that everybody sees who sees this one."""
        wider = Camera.objects.all()
        for team in self.teams.all():
            wider = wider.filter(teams=team)
        alike = wider if self.teams.exists() else Camera.objects.none()
        return Camera.objects.filter(Q(teams=None) | Q(pk__in=alike.values("pk")))

    # What Django REST framework asks of whoever is signed in.
    is_authenticated = True
    is_anonymous = False

    def issue_token(self, *, watched_here: bool = False) -> str:
        """Give the camera a new token, which ends the old one. Returns it; it cannot be read again.

        watched_here: it is for this machine's own client; else another client has it, and this machine watches no more.
        """
        token = new_token()
        self.token_hash, self.next_token_hash, self.token_at = hash_token(token), "", timezone.now()
        self.revoked_at = None
        changed = ["token_hash", "next_token_hash", "token_at", "revoked_at"]
        if not watched_here:
            self.source = ""
            changed.append("source")
        # Of one that is there, nothing else: somebody may be changing it.
        self.save(update_fields=changed if self.pk else None)
        return token

    @property
    def point(self) -> tuple[float, float] | None:
        """Where it stands, latitude and longitude in degrees, if that is known."""
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)

    @property
    def source_words(self) -> str:
        """The address of its stream without name and password, where this machine watches it; else nothing."""
        if not self.source:
            return ""
        try:
            return streams.shown(unseal(self.source))
        except SealBroken as broken:
            return str(broken)

    def revoke(self) -> None:
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])


class CameraMinute(models.Model):
    """What a camera counted in one minute; no face is kept for it."""

    belongs_to = (("camera",),)

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="minutes")
    minute = models.DateTimeField()
    frames = models.PositiveIntegerField(help_text="Frames that were looked at.")
    faces = models.PositiveIntegerField(help_text="In all of them together.")
    most = models.PositiveIntegerField(help_text="In one frame.")
    tracks = models.PositiveIntegerField(help_text="Persons who came into view.")
    score = models.FloatField(null=True, help_text="Mean detection score.")

    class Meta:
        ordering = ["minute"]
        constraints = [models.UniqueConstraint(fields=["camera", "minute"], name="minute_once_a_camera")]

    def __str__(self) -> str:
        return f"{self.camera} at {self.minute:%Y-%m-%d %H:%M}"


class Trouble(models.Model):
    """Something that is wrong with a camera: told once, and again when it is over."""

    belongs_to = (("camera",),)

    class Kind(models.TextChoices):
        SILENT = "silent", "Falls silent"
        DROPPING = "dropping", "Drops faces"
        BLIND = "blind", "Sees nobody where it used to"
        SHARED = "shared", "Two clients use its token"
        LIMITED = "limited", "Sends more than it may in an hour"

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="troubles")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["camera", "kind"], condition=models.Q(ended_at=None), name="trouble_once_a_camera"
            )
        ]

    def __str__(self) -> str:
        return f"{self.camera}: {self.get_kind_display().lower()}"


class Capture(models.Model):
    """One face crop that a camera sent. Stored before the camera is answered; matched by a worker."""

    belongs_to = (("camera",),)

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        MATCHED = "matched", "Raised an alert"
        NO_CANDIDATE = "no_candidate", "Nobody it resembles"
        KNOWN = "known", "Somebody known"
        NO_FACE = "no_face", "No face found"
        TOO_POOR = "too_poor", "Too poor to compare"
        SET_ASIDE = "set_aside", "Set aside: it could not be looked at"

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="captures")
    uid = models.UUIDField(help_text="The camera's own id of the capture: the same id is the same capture.")
    image = models.FileField(upload_to="captures", max_length=200)
    captured_at = models.DateTimeField()
    camera_time = models.DateTimeField(
        null=True, blank=True, help_text="By the camera's own clock, where that is wrong and was corrected."
    )
    received_at = models.DateTimeField(default=timezone.now)
    track = models.UUIDField(
        null=True, blank=True, help_text="Somebody whom the camera followed: captures of a track show the same person."
    )
    detection_score = models.FloatField(null=True, blank=True)
    box = models.JSONField(
        null=True, blank=True, help_text="The face in the image sent: left, top, right, bottom, pixels."
    )
    status = models.CharField(max_length=15, choices=Status.choices, default=Status.PENDING)

    class Meta:
        ordering = ["-received_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["camera", "uid"], name="capture_once_a_camera")]
        indexes = [
            models.Index(fields=["received_at"], condition=models.Q(status="pending"), name="captures_waiting"),
            models.Index(
                fields=["received_at"],
                condition=models.Q(status__in=["matched", "no_candidate", "known"]),
                name="captures_compared",
            ),
            models.Index(fields=["camera", "-received_at"]),
            models.Index(fields=["camera", "captured_at"], name="captures_by_time"),
            models.Index(fields=["track"], condition=models.Q(track__isnull=False), name="captures_of_a_track"),
        ]

    def __str__(self) -> str:
        return f"capture of {self.camera} at {self.captured_at:%Y-%m-%d %H:%M:%S}"
