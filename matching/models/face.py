"""Face models, and the faces of case photos: the gallery."""

import numpy as np
from django.db import models
from django.db.models import Q
from numpy.typing import NDArray
from pgvector.django import HalfVectorField, VectorField

from cases.models import Case, Photo

# Beyond these a likeness is worth less: pixels, variance of the Laplacian, degrees.
SMALL, BLURRED, TURNED, TILTED = 50, 60, 45, 35
# What a crop shows around the face's box on each side, in boxes: as `images.crop` cuts it.
MARGIN = 0.5
# A face of fewer pixels is like anybody seen as poorly.
TINY = 32


class FaceModel(models.Model):
    """A detector and a recogniser that belong together. An embedding has meaning only under its own model."""

    name = models.CharField(max_length=100)
    source = models.CharField(max_length=500, help_text="`dlib`, or the folder of an InsightFace pack.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the recognition weights.")
    recipe = models.CharField(
        max_length=30, default="library", help_text="How faces are found and embedded beside the weights: `Recipe`."
    )
    dimensions = models.PositiveSmallIntegerField()
    licence = models.TextField()
    is_active = models.BooleanField(default=False)
    is_next = models.BooleanField(default=False, help_text="The gallery is being embedded with it, to change over.")
    is_second = models.BooleanField(default=False, help_text="Kept beside the one in use, to be asked as well.")
    is_fallback = models.BooleanField(default=False)
    embedded_to = models.BigIntegerField(default=0, help_text="The last photo that was embedded before a change-over.")
    compared_to = models.BigIntegerField(default=0, help_text="The last face that was compared with the gallery.")
    poor_direction = VectorField(
        null=True, help_text="The direction, of unit length, that embeddings of poor pictures share; None: not known."
    )
    poor_limit = models.FloatField(null=True, help_text="The poorness beyond which a face is too poor to compare.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # The same weights and recipe are the same model.
            models.UniqueConstraint(fields=["fingerprint", "recipe"], name="face_model_once"),
            models.UniqueConstraint(fields=["is_active"], condition=Q(is_active=True), name="one_active_face_model"),
            models.UniqueConstraint(fields=["is_next"], condition=Q(is_next=True), name="one_next_face_model"),
            models.UniqueConstraint(fields=["is_second"], condition=Q(is_second=True), name="one_second_face_model"),
            models.CheckConstraint(condition=~Q(is_second=True, is_active=True), name="a_second_model_is_another"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def direction(self) -> NDArray[np.float32] | None:
        """The poor direction, (d,) of unit length, to be taken out of embeddings before they are compared."""
        return None if self.poor_direction is None else np.asarray(self.poor_direction, dtype=np.float32)

    def is_too_poor(self, poorness: float | None, size: float) -> bool:
        """Whether a face says too little to rely on. size: the shorter side of its box, pixels."""
        if poorness is None or self.poor_limit is None:
            # Size tells less well, but where the model has no poor direction it is all there is.
            return size < TINY
        return poorness > self.poor_limit


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
    poorness = models.FloatField(
        null=True, help_text="The embedding's cosine to its model's poor direction; None where that is not known."
    )
    yaw = models.FloatField()
    pitch = models.FloatField()
    roll = models.FloatField()
    crop = models.FileField(upload_to="crops", max_length=200)

    class Meta:
        abstract = True

    @property
    def eyes(self) -> list[float]:
        """Where the eyes are in the crop, x and y of each as fractions of it: the left one in the picture first."""
        return [round(n, 4) for x, y in sorted(self.landmarks[:2]) for n in self._in_crop(x, y)]

    @property
    def box_in_crop(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom as fractions of the crop."""
        return (*self._in_crop(self.left, self.top), *self._in_crop(self.right, self.bottom))

    def _in_crop(self, x: float, y: float) -> tuple[float, float]:
        """A place in the picture as one in the crop, both as fractions."""
        width, height = self.right - self.left, self.bottom - self.top
        left, right = max(0.0, self.left - width * MARGIN), min(1.0, self.right + width * MARGIN)
        top, bottom = max(0.0, self.top - height * MARGIN), min(1.0, self.bottom + height * MARGIN)
        return (x - left) / (right - left), (y - top) / (bottom - top)

    @staticmethod
    def has_weaknesses() -> Q:
        """The same as `weaknesses` for the database: rows that have one."""
        turned = Q(yaw__gt=TURNED) | Q(yaw__lt=-TURNED) | Q(pitch__gt=TILTED) | Q(pitch__lt=-TILTED)
        return Q(size__lt=SMALL) | Q(sharpness__lt=BLURRED) | turned

    @property
    def is_too_poor(self) -> bool:
        """Whether the picture says too little of the face for a likeness to mean anything."""
        return self.model.is_too_poor(self.poorness, self.size)

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

    belongs_to = (("photo__case__collection",),)

    class ChosenBy(models.TextChoices):
        """How the subject was chosen among a photo's faces."""

        ONLY = "only", "the only face"
        AGREEMENT = "agreement", "like the case's other photos"
        POSITION = "position", "the most central"
        EITHER = "either", "one of two that nothing tells apart"
        FILE = "file", "named in the picture's file"
        PERSON = "person", "chosen by a person"

    UNCONFIRMED = (ChosenBy.AGREEMENT, ChosenBy.POSITION, ChosenBy.EITHER)

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="faces")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="faces")
    position = models.PositiveSmallIntegerField(help_text="0 for the face that was best detected.")
    is_subject = models.BooleanField(default=False)
    chosen_by = models.CharField(max_length=10, choices=ChosenBy.choices, blank=True)
    doubt = models.FloatField(default=0, help_text="0 sure to 1: how near another face of the photo came to be chosen.")

    class Meta:
        ordering = ["photo", "position"]
        constraints = [
            models.UniqueConstraint(fields=["photo", "model", "position"], name="face_once_a_photo_and_model"),
            models.UniqueConstraint(
                fields=["photo", "model"],
                condition=Q(is_subject=True) & ~Q(chosen_by="either"),
                name="one_chosen_subject_a_photo_and_model",
            ),
            models.CheckConstraint(condition=Q(is_subject=True) ^ Q(chosen_by=""), name="a_subject_says_how_chosen"),
        ]

    def __str__(self) -> str:
        return f"face {self.position + 1} of {self.photo}"

    @property
    def is_settled(self) -> bool:
        """Whether it is the subject and there is nothing more to say of it."""
        return self.is_subject and not self.is_unconfirmed

    @property
    def is_unconfirmed(self) -> bool:
        """Whether the product took this face for the case's person and nobody has said so yet."""
        return self.chosen_by in self.UNCONFIRMED
