"""A case's pictures: kept, replaced, removed, each change announced so that the gallery follows."""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import date
from pathlib import PurePath

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import models, transaction

from cases import signals
from cases.models.case import Case


def original_path(photo: "Photo", filename: str) -> str:
    return f"photos/{uuid.uuid4()}{PurePath(filename).suffix.lower()[:10]}"


def display_path(photo: "Photo", filename: str) -> str:
    return f"display/{uuid.uuid4()}.jpg"


class OwnData(models.Model):
    """What a picture's own data (EXIF) says of when and where it was taken. Nobody has checked it."""

    own_time = models.CharField(
        max_length=40, blank=True, editable=False, help_text="As its camera wrote it, by the camera's clock."
    )
    own_latitude = models.FloatField(null=True, blank=True, editable=False, help_text="Degrees, north.")
    own_longitude = models.FloatField(null=True, blank=True, editable=False, help_text="Degrees, east.")
    file_note = models.CharField(
        max_length=500,
        blank=True,
        editable=False,
        help_text="What is to be known of its file, as that it is cut short.",
    )
    turned = models.PositiveSmallIntegerField(
        default=0,
        editable=False,
        help_text="By how many degrees clockwise the picture was turned to have its faces upright.",
    )

    class Meta:
        abstract = True


class Photo(OwnData):
    """A picture of a case's person, and how indexing it ended."""

    belongs_to = (("case__collection",),)

    class View(models.TextChoices):
        FRONT = "front", "Front"
        SIDE = "side", "Side (not searched)"
        OTHER = "other", "Other (not searched)"
        WITHDRAWN = "withdrawn", "Withdrawn by its source (not searched)"

    class Kind(models.TextChoices):
        PHOTOGRAPH = "photograph", "Photograph"
        PROGRESSION = "progression", "Age progression"
        SKETCH = "sketch", "Sketch or composite"
        APPROXIMATION = "approximation", "Facial approximation"
        DECEASED = "deceased", "Photograph of the dead"
        MARK = "mark", "Scar, mark or tattoo (not searched)"
        OBJECT = "object", "Object (not searched)"

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting to be indexed"
        INDEXED = "indexed", "Indexed"
        NO_FACE = "no_face", "No face found"
        UNREADABLE = "unreadable", "Unreadable"
        NOT_SEARCHED = "not_searched", "Kept, not searched"
        DUPLICATE = "duplicate", "The same picture as another"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="photos")
    image = models.FileField(upload_to=original_path, max_length=200)
    filename = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64)
    view = models.CharField(max_length=10, choices=View.choices, default=View.FRONT)
    kind = models.CharField(
        max_length=15,
        choices=Kind.choices,
        default=Kind.PHOTOGRAPH,
        help_text="Only photographs of one case are searched as one; of the others each is searched by itself.",
    )
    status = models.CharField(max_length=15, choices=Status.choices, default=Status.PENDING, db_index=True)
    status_note = models.CharField(max_length=300, blank=True)
    display = models.FileField(upload_to=display_path, max_length=200, blank=True)
    picture_hash = models.CharField(max_length=16, blank=True, help_text="64 bits in hex; alike for alike pictures.")
    duplicate_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="duplicates"
    )
    taken_on = models.DateField(null=True, blank=True, help_text="When it was taken, where that is known.")
    created_at = models.DateTimeField(auto_now_add=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["case", "sha256"], name="photo_once_a_case")]

    def __str__(self) -> str:
        return self.filename or f"photo {self.pk}"

    @property
    def age(self) -> str:
        """How old the person was on it, as far as dates tell: one number or two; empty where that is unknown."""
        case = self.case
        return "–".join(map(str, ages_on(self.taken_on, *(getattr(case, name) for name in OF_AGE))))

    @property
    def is_searched(self) -> bool:
        """Only front views of faces go into the gallery: a profile or a tattoo is a likeness to everybody."""
        return self.view == self.View.FRONT and self.kind not in (self.Kind.MARK, self.Kind.OBJECT)

    @property
    def shows(self) -> tuple[str, str]:
        """Its view and kind: what is searched changes with either."""
        return self.view, self.kind


# What of a case tells an age, as `ages_on` asks for it.
OF_AGE = ("born_on", "born_from", "born_to", "last_seen_on", "age_from", "age_to")


def ages_on(
    day: date | None,
    born_on: date | None,
    born_from: int | None,
    born_to: int | None,
    last_seen_on: date | None,
    age_from: int | None,
    age_to: int | None,
) -> list[int]:
    """How old somebody was on a day, youngest first: by their day or years of birth, else by the age and the day they
    were last seen."""
    if day and born_on:
        return [max(day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day)), 0)]
    if day and born_from and born_to:
        # In the year itself nobody knows whether the birthday has been.
        return sorted({max(day.year - born_to - 1, 0), max(day.year - born_from, 0)})
    if not (day and last_seen_on and age_from is not None):
        return []
    years = round((day - last_seen_on).days / 365.25)
    return sorted({max(age + years, 0) for age in (age_from, age_to) if age is not None})


class PhotoAlreadyThere(Exception):
    """The case has a photo with the same bytes already; `photo` is that one."""

    def __init__(self, photo: Photo) -> None:
        super().__init__(f"{photo.case.number} has this very photo already.")
        self.photo = photo


def add_photo(
    case: Case,
    content: bytes,
    filename: str,
    *,
    view: str = Photo.View.FRONT,
    kind: str = Photo.Kind.PHOTOGRAPH,
    uploaded_by: User | None = None,
    announce: bool = True,
) -> Photo:
    """Keep a photo of a case and announce it, so that it is indexed at once.

    content: the file's bytes as they came. announce: False leaves it to the bulk indexing, which takes what waits.
    Raises `PhotoAlreadyThere` where the case has the same bytes.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    photo, created = Photo.objects.get_or_create(
        case=case,
        sha256=sha256,
        defaults={
            "image": ContentFile(content, name=filename),
            "filename": filename[-255:],
            "view": view,
            "kind": kind,
            "uploaded_by": uploaded_by,
        },
    )
    if not created:
        raise PhotoAlreadyThere(photo)
    if announce:
        signals.photo_waiting.send(Photo, photo=photo)
    return photo


def replace_photo(photo: Photo, content: bytes, filename: str, *, view: str = "", kind: str = "") -> bool:
    """Put other bytes, another view or kind, in a photo's place; it is indexed anew, and searched as it was until then.

    view, kind: "" leaves it as it is.

    Returns False where nothing is different. Raises `PhotoAlreadyThere` where another photo of the case has the bytes.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    view, kind = view or photo.view, kind or photo.kind
    if (sha256, view, kind) == (photo.sha256, *photo.shows):
        return False
    other = Photo.objects.filter(case=photo.case_id, sha256=sha256).exclude(pk=photo.pk).first()
    if other is not None:
        raise PhotoAlreadyThere(other)
    before, gone = photo.sha256, [name for name in (photo.image.name, photo.display.name) if name]
    if sha256 != photo.sha256:
        photo.image = ContentFile(content, name=filename)  # type: ignore[assignment]
        photo.filename, photo.sha256, photo.display, photo.picture_hash = filename[-255:], sha256, "", ""  # type: ignore[assignment]
        photo.turned = 0
    _to_be_indexed(photo, view, kind)
    photo.save()
    for name in gone if sha256 != before else ():
        transaction.on_commit(lambda name=name: photo.image.storage.delete(name))  # type: ignore[misc]
    _let_go_of_duplicates(photo)
    return True


def change_photos(photos: Iterable[Photo], *, view: str = "", kind: str = "") -> list[Photo]:
    """Say what photos are, or from where they show their person; what is searched changes with it, so they are indexed
    anew. view, kind: "" leaves it as it is. Returns those for which it is new.
    """
    changed = []
    for photo in photos:
        shows = (view or photo.view, kind or photo.kind)
        if shows != photo.shows:
            _to_be_indexed(photo, *shows)
            photo.save(update_fields=["view", "kind", "status", "status_note", "duplicate_of"])
            _let_go_of_duplicates(photo)
            signals.photo_waiting.send(Photo, photo=photo)
            changed.append(photo)
    return changed


def remove_photo(photo: Photo) -> None:
    """Delete a photo for good; another one that was left out as the same picture takes its place."""
    _let_go_of_duplicates(photo)
    for name in (photo.image.name, photo.display.name):
        if name:
            transaction.on_commit(lambda name=name: photo.image.storage.delete(name))  # type: ignore[misc]
    photo.delete()


def _to_be_indexed(photo: Photo, view: str, kind: str) -> None:
    photo.view, photo.kind = Photo.View(view), Photo.Kind(kind)
    photo.status, photo.status_note, photo.duplicate_of = Photo.Status.PENDING, "", None


def _let_go_of_duplicates(photo: Photo) -> None:
    for other in photo.duplicates.all():
        other.status, other.status_note, other.duplicate_of = Photo.Status.PENDING, "", None
        other.save(update_fields=["status", "status_note", "duplicate_of"])
        signals.photo_waiting.send(Photo, photo=other)
