"""What a case is searched by, and what keeps a large gallery quick to search.

GalleryBits and GalleryCount are written by triggers on templates and cases (migration 0004) and by nothing else, so
they are true in every transaction, whoever changes a case.
"""

from django.db import models
from pgvector.django import BitField, HalfVectorField, VectorField

from cases.models import Case, Collection, Photo
from matching.models.face import FaceModel


class AnyBitField(BitField):
    """Bits of any length, as a model's embeddings have numbers: unquoted, `bit` would mean one."""

    def db_type(self, connection: object) -> str:
        return '"bit"'


class Template(models.Model):
    """The mean of a case's subject faces under one model, of unit length, the model's poor direction taken out.

    One row a case, and one more for each face that the mean does not speak for: an odd photo's, one of two that nothing
    tells apart, or one of another kind than a photograph, as a sketch's.
    """

    # First what a scan reads, so that it need not skip over the rest.
    model = models.ForeignKey(FaceModel, on_delete=models.CASCADE)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="templates")
    poorness = models.FloatField(default=0, help_text="As a face's; 0 where the model has no poor direction.")
    embedding = HalfVectorField()
    bits = AnyBitField(help_text="The embedding as bits: `gallery.signs`.")
    is_main = models.BooleanField(default=True)
    kind = models.CharField(
        max_length=15,
        choices=Photo.Kind.choices,
        default=Photo.Kind.PHOTOGRAPH,
        help_text="What kind of picture it was made of.",
    )
    faces = models.PositiveSmallIntegerField(help_text="How many faces it is the mean of.")
    looked_back = models.BooleanField(default=False, help_text="Compared with what cameras and searches saw before.")
    compared = models.BooleanField(
        default=False, help_text="A missing person's with the found ones', or the other way."
    )

    class Meta:
        indexes = [
            models.Index(fields=["model"], condition=models.Q(looked_back=False), name="templates_to_look_back"),
            models.Index(fields=["model"], condition=models.Q(compared=False), name="templates_to_compare"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "model"], condition=models.Q(is_main=True), name="one_main_template_a_case_and_model"
            )
        ]

    def __str__(self) -> str:
        return f"template of {self.case}"


class GalleryBits(models.Model):
    """An open case's template as bits, in rows as narrow as can be: what a large gallery is looked through by first."""

    template = models.OneToOneField(Template, on_delete=models.DO_NOTHING, primary_key=True, db_constraint=False)
    model = models.ForeignKey(FaceModel, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    case = models.ForeignKey(Case, on_delete=models.DO_NOTHING, db_constraint=False)
    collection = models.ForeignKey(Collection, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    poorness = models.FloatField()
    bits = AnyBitField()

    def __str__(self) -> str:
        return f"bits of {self.template}"


class GalleryCount(models.Model):
    """How many open cases with a template came to a collection or left it, and their main templates' sum. All rows
    together are what a search compares with."""

    model = models.ForeignKey(FaceModel, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    collection = models.ForeignKey(Collection, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    cases = models.IntegerField()
    total = VectorField(help_text="The sum of those that came less the sum of those that left.")

    def __str__(self) -> str:
        return f"{self.cases:+} in {self.collection}"
