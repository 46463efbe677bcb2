"""WHO is looked for: collections, cases, their photos, and the audit trail of everything people did with them."""

import hashlib
import uuid
from pathlib import PurePath

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from cases import signals


class Collection(models.Model):
    """A set of cases that are searched together, with its own rule of when a camera raises an alert."""

    class AlertLevel(models.TextChoices):
        OFF = "off", "No alerts"
        STRICT = "strict", "Strict: fewest false alarms"
        STANDARD = "standard", "Standard"
        SENSITIVE = "sensitive", "Sensitive: fewest missed persons"

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    alert_level = models.CharField(
        max_length=10,
        choices=AlertLevel.choices,
        default=AlertLevel.STANDARD,
        help_text="How alike a camera's face must be before it raises an alert. The System page shows the similarity "
        "that each level means for the active face model.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Case(models.Model):
    """One person who is looked for, or found and unidentified."""

    class Sex(models.TextChoices):
        UNKNOWN = "", "Not stated"
        FEMALE = "female", "Female"
        MALE = "male", "Male"
        OTHER = "other", "Other"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="cases")
    number = models.CharField("case number", max_length=50)
    name = models.CharField(max_length=200, blank=True, help_text="Leave empty for an unidentified person.")
    other_names = models.CharField(max_length=300, blank=True, help_text="Aliases, nicknames, maiden name.")
    sex = models.CharField(max_length=10, choices=Sex.choices, blank=True, default=Sex.UNKNOWN)
    age_from = models.PositiveSmallIntegerField(
        "age when last seen, from", null=True, blank=True, validators=[MaxValueValidator(130)]
    )
    age_to = models.PositiveSmallIntegerField(
        "age when last seen, to", null=True, blank=True, validators=[MaxValueValidator(130)]
    )
    race = models.CharField("race/ethnicity", max_length=200, blank=True, help_text="As the source words it.")
    last_seen_on = models.DateField(null=True, blank=True)
    last_seen_place = models.CharField(max_length=300, blank=True)
    circumstances = models.TextField(blank=True)
    agency = models.CharField(max_length=200, blank=True)
    contact = models.CharField(max_length=300, blank=True, help_text="Whom to call, with the number.")
    source_url = models.URLField("source link", max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_reason = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["status", "collection"])]
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "number"],
                name="case_number_once_a_collection",
                violation_error_message="This collection already has a case with this number.",
            ),
            models.CheckConstraint(
                condition=Q(age_from__isnull=True) | Q(age_to__isnull=True) | Q(age_from__lte=models.F("age_to")),
                name="case_ages_in_order",
                violation_error_message="The lower age must not be above the upper age.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.display_name}"

    def get_absolute_url(self) -> str:
        return reverse("case", args=[self.pk])

    @property
    def display_name(self) -> str:
        return self.name or "Unidentified person"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def age(self) -> str:
        """The age when last seen in words: `34`, `30-40`, or nothing where it is not known."""
        ages = sorted({a for a in (self.age_from, self.age_to) if a is not None})
        return "–".join(str(a) for a in ages)

    def close(self, reason: str) -> bool:
        """Take the case out of the gallery; returns False where it was closed already."""
        return self._move(self.Status.OPEN, self.Status.CLOSED, closed_at=timezone.now(), closed_reason=reason)

    def reopen(self) -> bool:
        """Bring the case back into the gallery; returns False where it was open already."""
        return self._move(self.Status.CLOSED, self.Status.OPEN, closed_at=None, closed_reason="")

    def _move(self, old: str, new: str, **fields: object) -> bool:
        moved = Case.objects.filter(pk=self.pk, status=old).update(status=new, updated_at=timezone.now(), **fields)
        self.refresh_from_db()
        return bool(moved)


def original_path(photo: "Photo", filename: str) -> str:
    return f"photos/{uuid.uuid4()}{PurePath(filename).suffix.lower()[:10]}"


def display_path(photo: "Photo", filename: str) -> str:
    return f"display/{uuid.uuid4()}.jpg"


class Photo(models.Model):
    """A picture of a case's person, and how indexing it ended."""

    class View(models.TextChoices):
        FRONT = "front", "Front"
        SIDE = "side", "Side"
        OTHER = "other", "Other (not searched)"

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting to be indexed"
        INDEXED = "indexed", "Indexed"
        NO_FACE = "no_face", "No face found"
        SEVERAL_FACES = "several_faces", "Several faces: choose the person"
        UNREADABLE = "unreadable", "Unreadable"
        NOT_SEARCHED = "not_searched", "Kept, not searched"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="photos")
    image = models.FileField(upload_to=original_path, max_length=200)
    filename = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64)
    view = models.CharField(max_length=10, choices=View.choices, default=View.FRONT)
    status = models.CharField(max_length=15, choices=Status.choices, default=Status.PENDING, db_index=True)
    status_note = models.CharField(max_length=300, blank=True)
    display = models.FileField(upload_to=display_path, max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["case", "sha256"], name="photo_once_a_case")]

    def __str__(self) -> str:
        return self.filename or f"photo {self.pk}"


class PhotoAlreadyThere(Exception):
    """The case has a photo with the same bytes already; `photo` is that one."""

    def __init__(self, photo: Photo) -> None:
        super().__init__(f"{photo.case.number} has this very photo already.")
        self.photo = photo


def add_photo(
    case: Case, content: bytes, filename: str, *, view: str = Photo.View.FRONT, uploaded_by: User | None = None
) -> Photo:
    """Keep a photo of a case and announce it, so that it is indexed.

    content: the file's bytes as they came. Raises `PhotoAlreadyThere` where the case has the same bytes.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    photo, created = Photo.objects.get_or_create(
        case=case,
        sha256=sha256,
        defaults={
            "image": ContentFile(content, name=filename),
            "filename": filename[-255:],
            "view": view,
            "uploaded_by": uploaded_by,
        },
    )
    if not created:
        raise PhotoAlreadyThere(photo)
    signals.photo_waiting.send(Photo, photo=photo)
    return photo


def change_view(photo: Photo, view: str) -> None:
    """Say that a photo shows its person from elsewhere; what is searched changes with it, so it is indexed anew."""
    photo.view, photo.status, photo.status_note = Photo.View(view), Photo.Status.PENDING, ""
    photo.save(update_fields=["view", "status", "status_note"])
    signals.photo_waiting.send(Photo, photo=photo)


class AuditEvent(models.Model):
    """Who did what to what, when and why. Written by `cases.audit`, changed by nobody."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    username = models.CharField(max_length=150, help_text="Kept when the account is gone.")
    action = models.CharField(max_length=40, db_index=True)
    target_type = models.CharField(max_length=40)
    target_id = models.CharField(max_length=40)
    target_label = models.CharField(max_length=300)
    why = models.TextField(blank=True)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["target_type", "target_id"])]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.username} {self.action} {self.target_label}"
