"""What comparing the gallery with itself found: cases that may be one person, photos that may be of another."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models import Case, Photo
from matching.models.face import Face


class CasePair(models.Model):
    """Two cases whose faces are much alike, or that people linked. They say whether these are one person."""

    belongs_to = (("first__collection",), ("second__collection",))

    class Decision(models.TextChoices):
        OPEN = "", "Not decided"
        SAME = "same", "The same person"
        RELATED = "related", "Siblings or twins"
        DIFFERENT = "different", "Different people"
        PURSUED = "pursued", "Being compared"
        RULED_OUT = "ruled_out", "Ruled out"

    class Means(models.TextChoices):
        UNKNOWN = "", "Not stated"
        DNA = "dna", "DNA"
        DENTAL = "dental", "Dental records"
        FINGERPRINTS = "fingerprints", "Fingerprints"
        MEDICAL = "medical", "X-rays or medical records"
        DESCRIPTION = "description", "Description"
        CIRCUMSTANCES = "circumstances", "Circumstances"

    first = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    first_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    second_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    similarity = models.FloatField(null=True, help_text="None: found or linked by something else than their faces.")
    weight = models.FloatField(
        null=True, help_text="Of a missing and a found person: what speaks for it less what speaks against it."
    )
    strength = models.CharField(max_length=15, blank=True, help_text="What the similarity was worth, in a word.")
    strength_why = models.CharField(max_length=400, blank=True)
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True, default=Decision.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    decided_at = models.DateTimeField(null=True)
    means = models.CharField("by", max_length=15, choices=Means.choices, blank=True)
    reason = models.CharField(max_length=500, blank=True, help_text="Why, as whoever decided it wrote.")
    said_by = models.CharField(max_length=200, blank=True, help_text="Whose word it is, where it came with an import.")

    class Meta:
        ordering = [F("similarity").desc(nulls_last=True), "pk"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="pair_of_cases_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="pair_of_cases_in_order"),
        ]
        indexes = [models.Index(fields=["decision", "-similarity"])]

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"

    @property
    def is_missing_and_found(self) -> bool:
        return self.first.was_found != self.second.was_found

    @property
    def missing(self) -> Case:
        return self.second if self.first.was_found else self.first

    @property
    def found(self) -> Case:
        return self.first if self.first.was_found else self.second

    @property
    def who(self) -> str:
        """Who decided, in words."""
        return self.said_by or (self.decided_by.username if self.decided_by else "somebody who left")

    @property
    def said(self) -> str:
        """What was decided and why, for the audit trail."""
        why = ", ".join(filter(None, [self.get_means_display() if self.means else "", self.reason]))
        return ": ".join(filter(None, [self.get_decision_display().lower(), why]))

    def other(self, case_id: int) -> Case:
        return self.second if self.first_id == case_id else self.first


class MissingFoundRun(models.Model):
    """One comparison of the people who are missing with those found without a name."""

    at = models.DateTimeField(auto_now_add=True)
    reached = models.DateTimeField(null=True, help_text="What was changed until then is compared.")
    missing = models.PositiveIntegerField(default=0, help_text="Open cases of missing persons.")
    found = models.PositiveIntegerField(default=0, help_text="Open cases of people found without a name.")
    compared = models.PositiveIntegerField(default=0, help_text="How many of both were new or changed.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {self.compared} compared"


class OddPhoto(models.Model):
    """A photo that is unlike its own case's others, or more like another case's: a mislabelled one poisons searches."""

    belongs_to = (("photo__case__collection",),)

    class Decision(models.TextChoices):
        OPEN = "", "Not decided"
        RIGHT = "right", "The right person"
        WRONG = "wrong", "Another person"

    photo = models.OneToOneField(Photo, on_delete=models.CASCADE, related_name="oddity")
    face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    own_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    own_similarity = models.FloatField(help_text="To the most alike of its case's other photos.")
    other_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    other_similarity = models.FloatField(null=True, help_text="To the most alike of another case's photos.")
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True, default=Decision.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["own_similarity", "pk"]

    def __str__(self) -> str:
        return f"{self.photo} of {self.photo.case}"
