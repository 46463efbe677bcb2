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

    first = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    first_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    second_face = models.ForeignKey(Face, null=True, on_delete=models.SET_NULL, related_name="+")
    similarity = models.FloatField(null=True, help_text="None: people linked them, whatever their faces.")
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True, default=Decision.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = [F("similarity").desc(nulls_last=True), "pk"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="pair_of_cases_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="pair_of_cases_in_order"),
        ]
        indexes = [models.Index(fields=["decision", "-similarity"])]

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"

    def other(self, case_id: int) -> Case:
        return self.second if self.first_id == case_id else self.first


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
