"""People whom nobody has named: faces of captures and batches that resemble no case, grouped by who they show."""

from typing import Any

from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from pgvector.django import HalfVectorField

from cases.models import Case
from matching.models.camera import Camera
from matching.models.face import FaceModel
from matching.models.search import Probe, Search


class UnnamedPerson(models.Model):
    """The faces that are taken for one person's, told by the face alone."""

    class Mark(models.TextChoices):
        NONE = "", "No mark"
        STAFF = "staff", "Staff"
        OF_INTEREST = "interest", "Of interest"

    # First what a scan reads, so that it need not skip over the rest.
    model = models.ForeignKey(FaceModel, on_delete=models.CASCADE)
    poorness = models.FloatField(default=0, help_text="The mean of its faces'.")
    commonness = models.FloatField(default=0, help_text="The mean of its faces': how much each is like everybody.")
    embedding = HalfVectorField(help_text="The mean of its faces', of unit length, the poor direction taken out.")
    weight = models.FloatField(default=1, help_text="The length of their sum: what the mean counts for.")
    mark = models.CharField(max_length=10, choices=Mark.choices, blank=True, default=Mark.NONE)
    note = models.CharField(max_length=300, blank=True)
    case = models.ForeignKey(
        Case, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="That was made of it."
    )
    is_settled = models.BooleanField(
        default=False, help_text="People said who belongs to it, so the nightly grouping leaves its faces together."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "unnamed people"

    def __str__(self) -> str:
        return f"unnamed person {self.pk}"

    @classmethod
    def within(cls, user: Any) -> QuerySet["UnnamedPerson"]:
        """Whoever was seen by a camera, or met in a batch, that they see."""
        by_camera = Q(faces__probe__capture__camera__in=Camera.within(user))
        return cls.objects.filter(by_camera | Q(faces__probe__search__in=Search.within(user))).distinct()

    def get_absolute_url(self) -> str:
        return reverse("unnamed", args=[self.pk])


class UnnamedFace(models.Model):
    """A capture's face, or a person of a batch, in the group of whom it shows."""

    belongs_to = (("probe__search", "probe__capture__camera"),)

    class DatedBy(models.TextChoices):
        CLOCK = "clock", "Seen then, by a camera's clock or as somebody read it off the clip"
        POSTED = "posted", "Posted then, as a feed or an export says"
        FILE = "file", "Taken then, as the picture's file says, which nobody has checked"
        SEARCHED = "searched", "Searched then: nothing says when it was seen"

    probe = models.OneToOneField(Probe, on_delete=models.CASCADE, related_name="unnamed")
    person = models.ForeignKey(UnnamedPerson, on_delete=models.CASCADE, related_name="faces")
    at = models.DateTimeField(db_default=Now(), help_text="When it was seen, by what `dated_by` says.")
    dated_by = models.CharField(
        max_length=10, choices=DatedBy.choices, default=DatedBy.CLOCK, db_default=DatedBy.CLOCK.value
    )
    commonness = models.FloatField(default=0, help_text="How much more than most it is like everybody.")
    begins_visit = models.BooleanField(
        default=True,
        help_text="The same person was not seen by this camera in the minutes before. In a batch each is one.",
    )
    joined_from = models.PositiveBigIntegerField(
        null=True, help_text="The person whose face it was before people said that the two are one."
    )

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.probe} as {self.person}"


class UnnamedLoss(models.Model):
    """An unnamed person one of whose faces went, whichever way; written by a trigger, until they are said anew."""

    # Without a constraint: it may be gone itself.
    person = models.BigIntegerField()

    def __str__(self) -> str:
        return f"face lost by unnamed person {self.person}"
