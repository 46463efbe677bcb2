"""Searches, the probes in them, and the candidates they returned. Kept as they were shown."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, Collection, OwnData, Photo
from cases.visibility import visible
from matching.models.camera import Capture
from matching.models.face import Face, FaceFields, FaceModel
from matching.models.measurement import Measurement
from matching.models.template import AnyBitField


class Search(OwnData):
    """One uploaded picture, searched once: by whom, why, among which collections, under which model."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    purpose = models.CharField(max_length=300)
    reference = models.CharField("case or tip number", max_length=100, blank=True)
    filename = models.CharField(max_length=255, blank=True)
    image = models.FileField(upload_to="searches", max_length=200, blank=True, help_text="None: a batch of many.")
    display = models.FileField(upload_to="display", max_length=200, blank=True)
    adjusted_from = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.SET_NULL,
        related_name="adjusted",
        help_text="The search whose picture was adjusted for this one.",
    )
    adjustment = models.JSONField(default=dict, blank=True, help_text="How: turned, cut, lightened.")
    collections = models.ManyToManyField(Collection, blank=True, help_text="None named: all were searched.")
    filters = models.JSONField(default=dict, blank=True, help_text="What else narrowed the cases, as it was asked for.")
    model = models.ForeignKey(FaceModel, on_delete=models.PROTECT)
    measurement = models.ForeignKey(
        Measurement,
        null=True,
        on_delete=models.SET_NULL,
        help_text="The error rates that its likenesses are judged by.",
    )
    second = models.ForeignKey(
        FaceModel,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The face model that was asked for a second opinion.",
    )
    second_measurement = models.ForeignKey(Measurement, null=True, on_delete=models.SET_NULL, related_name="+")
    second_size = models.PositiveIntegerField(default=0, help_text="Cases that it compared with.")
    gallery_size = models.PositiveIntegerField(help_text="Cases that were searched.")
    milliseconds = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.filename or 'search'}: {self.purpose}"

    @classmethod
    def within(cls, user: Any) -> QuerySet["Search"]:
        """Their own and their mates'; somebody in no team sees those of others in none."""
        mates = Q(user__teams__members=user) if user.teams.exists() else Q(user__teams=None)
        return cls.objects.filter(Q(user=user) | mates).distinct()

    @classmethod
    def listed(cls, user: Any) -> QuerySet["Search"]:
        """Those that somebody may list: their own, and their teams' by permission."""
        seen = visible(cls, user)
        return seen if user.has_perm("matching.view_search") else seen.filter(user=user.pk)

    def get_absolute_url(self) -> str:
        return reverse("search", args=[self.pk])


class Probe(FaceFields):
    """A face that was searched for: from an upload or from a camera's capture."""

    belongs_to = (("search", "capture__camera"),)

    search = models.ForeignKey(Search, null=True, on_delete=models.CASCADE, related_name="probes")
    capture = models.OneToOneField(Capture, null=True, on_delete=models.CASCADE, related_name="probe")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(search__isnull=False) ^ models.Q(capture__isnull=False), name="probe_of_one_source"
            )
        ]

    def __str__(self) -> str:
        return f"face {self.position + 1} of {self.search or self.capture}"

    @property
    def searched(self) -> Search:
        """The search that it is of, where it is of no capture: a constraint of the table has it."""
        assert self.search is not None  # noqa: S101
        return self.search

    @property
    def commonness(self) -> float:
        """How much more than most it is like everybody that it was searched among."""
        found: float | None = self.candidates.aggregate(most=models.Max("commonness"))["most"]
        return found or 0.0


class ProbeBits(models.Model):
    """A probe as bits, in rows as narrow as can be: what was seen before is looked through by them."""

    probe = models.OneToOneField(Probe, on_delete=models.CASCADE, primary_key=True)
    model = models.ForeignKey(FaceModel, on_delete=models.CASCADE)
    bits = AnyBitField()

    def __str__(self) -> str:
        return f"bits of {self.probe}"


class StandingSearch(models.Model):
    """A search that somebody keeps open: whoever comes into the gallery is compared with its faces."""

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="standing")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="standing_searches")
    opened_at = models.DateTimeField(default=timezone.now)
    looked_at = models.DateTimeField(default=timezone.now, help_text="When its owner last saw what was found.")
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["search", "user"], condition=models.Q(closed_at=None), name="standing_once_a_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.search}, kept open by {self.user}"

    @classmethod
    def within(cls, user: Any) -> QuerySet["StandingSearch"]:
        return cls.objects.filter(user=user)


class Candidate(models.Model):
    """A case that a search returned for one probe, with the photo's face that was most alike."""

    belongs_to = (("case__collection",), ("probe__search", "probe__capture__camera"))

    class Decision(models.TextChoices):
        OPEN = "", "Not decided"
        POSSIBLE = "possible", "Possible match"
        CONFIRMED = "confirmed", "Confirmed lead"
        REJECTED = "rejected", "Not this person"
        DISPUTED = "disputed", "Disagreement"

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="candidates")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="candidates")
    face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL)
    rank = models.PositiveSmallIntegerField()
    similarity = models.FloatField()
    allowance = models.FloatField(
        default=0, help_text="Taken off before the similarity is judged, because both pictures are poor."
    )
    commonness = models.FloatField(
        default=0,
        help_text="Taken off before the similarity is judged, because the face is like everybody searched.",
    )
    found_by = models.CharField(
        max_length=15,
        choices=Photo.Kind.choices,
        default=Photo.Kind.PHOTOGRAPH,
        help_text="The kind of picture that it was found by.",
    )
    strength = models.CharField(
        max_length=10, blank=True, help_text="strong, fair, weak or unmeasured, as it was shown when it was found."
    )
    strength_why = models.CharField(max_length=400, blank=True)
    decision = models.CharField(
        max_length=10,
        choices=Decision.choices,
        blank=True,
        default=Decision.OPEN,
        db_index=True,
        help_text="What the opinions come to.",
    )
    second_rank = models.PositiveSmallIntegerField(
        null=True, help_text="By the second face model; None: not asked, or beyond its list."
    )
    second_similarity = models.FloatField(null=True, help_text="None: not asked, or it has no face of one of the two.")
    second_allowance = models.FloatField(default=0)
    second_commonness = models.FloatField(
        default=0,
        help_text="Taken off before the similarity is judged, because the face is like everybody searched.",
    )
    second_strength = models.CharField(max_length=10, blank=True)
    second_strength_why = models.CharField(max_length=400, blank=True)
    found_at = models.DateTimeField(
        null=True, db_index=True, help_text="When a standing search found it; None for what the search itself found."
    )
    remembered = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The same face and case, on which somebody had decided in an earlier search.",
    )

    class Meta:
        ordering = ["rank"]
        constraints = [models.UniqueConstraint(fields=["probe", "case"], name="candidate_once_a_probe")]

    def __str__(self) -> str:
        return f"{self.rank}. {self.case} ({self.similarity:.2f})"

    def get_absolute_url(self) -> str:
        return f"{reverse('search', args=[self.probe.search_id])}?face={self.probe_id}&candidate={self.pk}"

    @property
    def worth(self) -> float:
        """The similarity less all that is taken off before it is judged."""
        return self.similarity - self.allowance - self.commonness

    @property
    def was_rejected(self) -> bool:
        """Whether this face was said not to be this person before, and nobody has taken that back."""
        return self.remembered is not None and self.remembered.decision == self.Decision.REJECTED


class Opinion(models.Model):
    """What one person said of a candidate, and why. Nothing is overwritten; the last word of each counts."""

    belongs_to = (("candidate__case__collection",), ("candidate__probe__search", "candidate__probe__capture__camera"))

    class Word(models.TextChoices):
        WITHDRAWN = "", "Taken back"
        POSSIBLE = "possible", "Possible match"
        REJECTED = "rejected", "Not this person"

    candidate = models.ForeignKey(Candidate, on_delete=models.CASCADE, related_name="opinions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    word = models.CharField(max_length=10, choices=Word.choices, blank=True)
    note = models.CharField(max_length=500, blank=True, help_text="What speaks for or against it.")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.get_word_display()}, {self.user}"


class Mark(models.Model):
    """A point on one of the two pictures that are compared, with words: a scar, a mole. Kept with what is decided."""

    belongs_to = (("candidate__case__collection",), ("candidate__probe__search", "candidate__probe__capture__camera"))

    candidate = models.ForeignKey(Candidate, on_delete=models.CASCADE, related_name="marks")
    face = models.ForeignKey(
        Face, null=True, on_delete=models.CASCADE, related_name="+", help_text="On this case photo; None: the probe."
    )
    x = models.FloatField(help_text="As a fraction of the face's crop.")
    y = models.FloatField()
    text = models.CharField(max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text
