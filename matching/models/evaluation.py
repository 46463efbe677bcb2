"""A face model tried on labelled photos, which are never among the cases."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from matching.models.face import FaceModel


class Evaluation(models.Model):
    """One folder of labelled photos, searched among themselves under one face model, and what came of it."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Could not be done"
        STOPPED = "stopped", "Stopped"

    folder = models.CharField(max_length=500)
    model = models.ForeignKey(FaceModel, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    note = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    error = models.TextField(blank=True, help_text="Why it could not be done.")
    total = models.PositiveIntegerField(default=0, help_text="Photos to look at.")
    done = models.PositiveIntegerField(default=0)
    no_face = models.PositiveIntegerField(default=0)
    people = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list, help_text="What was left out, and why.")
    notes = models.JSONField(default=list)
    figures = models.JSONField(null=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.model} on {self.folder}"

    def get_absolute_url(self) -> str:
        return reverse("evaluation", args=[self.pk])

    @property
    def is_running(self) -> bool:
        return self.status == self.Status.RUNNING


class EvaluationPair(models.Model):
    """One of the worst errors of an evaluation, kept to be looked at: photos by name, faces as they were cut out."""

    class Kind(models.TextChoices):
        MISS = "miss", "Somebody enrolled who was not found first"
        LOOKALIKE = "lookalike", "A stranger who is like somebody enrolled"

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="pairs")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    position = models.PositiveSmallIntegerField()
    photo = models.CharField(max_length=500)
    person = models.CharField(max_length=300)
    other = models.CharField(max_length=300, help_text="The person who was found instead.")
    similarity = models.FloatField(help_text="To that person.")
    own_similarity = models.FloatField(null=True)
    rank = models.PositiveIntegerField(null=True, help_text="At which the person themselves was found.")
    crop = models.FileField(upload_to="evaluations", max_length=200)
    other_crop = models.FileField(upload_to="evaluations", max_length=200)
    own_crop = models.FileField(upload_to="evaluations", max_length=200, blank=True)

    class Meta:
        ordering = ["kind", "position"]
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "kind", "position"], name="evaluation_pair_once"),
            models.CheckConstraint(condition=Q(kind="lookalike") | ~Q(own_crop=""), name="a_miss_shows_its_own"),
        ]

    def __str__(self) -> str:
        return f"{self.photo} and {self.other}"
