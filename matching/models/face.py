"""Face models, and the faces of case photos: the gallery."""

from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField

from cases.models import Case, Photo

# Beyond these a likeness is worth less: pixels, variance of the Laplacian, degrees.
SMALL, BLURRED, TURNED, TILTED = 50, 60, 45, 35


class FaceModel(models.Model):
    """A detector and a recogniser that belong together. An embedding has meaning only under its own model."""

    name = models.CharField(max_length=100)
    source = models.CharField(max_length=500, help_text="`dlib`, or the folder of an InsightFace pack.")
    fingerprint = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the recognition weights: the same weights are the same model."
    )
    dimensions = models.PositiveSmallIntegerField()
    licence = models.TextField()
    is_active = models.BooleanField(default=False)
    is_fallback = models.BooleanField(default=False)
    compared_to = models.BigIntegerField(default=0, help_text="The last face that was compared with the gallery.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_active"], condition=Q(is_active=True), name="one_active_face_model")
        ]

    def __str__(self) -> str:
        return self.name


class FaceFields(models.Model):
    """Where a face lies in its picture, how good it is, and its embedding."""

    model = models.ForeignKey(FaceModel, on_delete=models.PROTECT)
    # No fixed width: the rows of two models stand side by side while the gallery is embedded anew.
    # Half precision keeps 512 numbers inside the row; it moves a cosine by less than 0.001.
    embedding = HalfVectorField()
    left = models.FloatField(help_text="The box, as fractions of the upright picture.")
    top = models.FloatField()
    right = models.FloatField()
    bottom = models.FloatField()
    landmarks = models.JSONField(help_text="Eyes, nose, mouth corners: five [x, y], as fractions of the picture.")
    detection_score = models.FloatField()
    size = models.FloatField(help_text="Shorter side of the box, pixels.")
    sharpness = models.FloatField()
    yaw = models.FloatField()
    pitch = models.FloatField()
    roll = models.FloatField()
    crop = models.FileField(upload_to="crops", max_length=200)

    class Meta:
        abstract = True

    @staticmethod
    def is_poor() -> Q:
        """The same for the database: rows that have a weakness."""
        turned = Q(yaw__gt=TURNED) | Q(yaw__lt=-TURNED) | Q(pitch__gt=TILTED) | Q(pitch__lt=-TILTED)
        return Q(size__lt=SMALL) | Q(sharpness__lt=BLURRED) | turned

    @property
    def weaknesses(self) -> list[str]:
        """What makes a likeness of this face worth less, in words; empty for a good picture."""
        found = []
        if self.size < SMALL:
            found.append(f"small face ({self.size:.0f} px)")
        if self.sharpness < BLURRED:
            found.append("blurred")
        if abs(self.yaw) > TURNED:
            found.append("turned to the side")
        if abs(self.pitch) > TILTED:
            found.append("looking up or down")
        return found


class Face(FaceFields):
    """A face in a case photo. `is_subject` marks the one that is the case's person: only those are searched."""

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="faces")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="faces")
    position = models.PositiveSmallIntegerField(help_text="0 for the face that was best detected.")
    is_subject = models.BooleanField(default=False)

    class Meta:
        ordering = ["photo", "position"]
        constraints = [
            models.UniqueConstraint(fields=["photo", "model", "position"], name="face_once_a_photo_and_model"),
            models.UniqueConstraint(
                fields=["photo", "model"], condition=Q(is_subject=True), name="one_subject_a_photo_and_model"
            ),
        ]

    def __str__(self) -> str:
        return f"face {self.position + 1} of {self.photo}"
