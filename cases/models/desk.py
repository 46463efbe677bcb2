"""What people write down about a case, and what is still to be done for it."""

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone

from cases.models.case import Case


class CaseNote(models.Model):
    """What somebody wrote down about a case. It is never changed: what its writer takes back stays, struck out."""

    belongs_to = (("case__collection",),)

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(max_length=5000)
    at = models.DateTimeField(default=timezone.now)
    struck_at = models.DateTimeField(null=True, help_text="When its writer took it back.")

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return self.text


class CaseTask(models.Model):
    """Something to be done for a case: by whom, until when."""

    belongs_to = (("case__collection",),)

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="tasks")
    text = models.CharField("what is to be done", max_length=300)
    due_on = models.DateField("until", null=True, blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="case_tasks"
    )
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = [F("due_on").asc(nulls_last=True), "pk"]
        indexes = [models.Index(fields=["assigned_to", "due_on"], condition=models.Q(done_at=None), name="tasks_to_do")]

    def __str__(self) -> str:
        return self.text

    @property
    def is_late(self) -> bool:
        return self.done_at is None and self.due_on is not None and self.due_on < timezone.localdate()

    @property
    def is_due(self) -> bool:
        """Whether it is to be done today at the latest."""
        return self.done_at is None and self.due_on is not None and self.due_on <= timezone.localdate()
