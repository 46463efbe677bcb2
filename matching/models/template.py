"""What a case is searched by."""

from django.db import models
from pgvector.django import HalfVectorField

from cases.models import Case
from matching.models.face import FaceModel


class Template(models.Model):
    """The mean of a case's subject faces under one model, of unit length, the model's poor direction taken out.

    One row a case, and one more for each face that the mean does not speak for: an odd photo's, or one of two that
    nothing tells apart.
    """

    # First what a scan reads, so that it need not skip over the rest.
    model = models.ForeignKey(FaceModel, on_delete=models.CASCADE)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="templates")
    poorness = models.FloatField(default=0, help_text="As a face's; 0 where the model has no poor direction.")
    embedding = HalfVectorField()
    is_main = models.BooleanField(default=True)
    faces = models.PositiveSmallIntegerField(help_text="How many faces it is the mean of.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "model"], condition=models.Q(is_main=True), name="one_main_template_a_case_and_model"
            )
        ]

    def __str__(self) -> str:
        return f"template of {self.case}"
