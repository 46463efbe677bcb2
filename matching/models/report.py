"""Questions that people keep."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.urls import reverse

from cases.visibility import sees_all


class Report(models.Model):
    """A question with its name. What it answers is made anew for whoever opens it, of what they see."""

    name = models.CharField(max_length=100)
    asked = models.JSONField(default=dict, help_text="As its form was filled in.")
    sql = models.TextField(
        blank=True, default="", db_default="", max_length=10_000, help_text="A question in SQL; empty: the form's."
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reports")
    is_shared = models.BooleanField(
        "for my teams", default=False, help_text="Whoever shares a team with you finds it; of nobody in a team, all."
    )
    on_mondays = models.BooleanField(
        "to me each Monday", default=False, help_text="At 7:00, wherever you are told of alerts by mail."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        permissions = [("query_database", "Can ask the database in SQL")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("report", args=[self.pk])

    @classmethod
    def within(cls, user: Any) -> QuerySet["Report"]:
        """One's own, and what team mates share; questions in SQL for those who may ask them."""
        shared = Q(is_shared=True) & (Q(user__teams__members=user) | Q(user__teams=None))
        found = cls.objects.filter(Q(user=user) | shared).distinct()
        return found if cls.may_ask_in_sql(user) else found.filter(sql="")

    @staticmethod
    def may_ask_in_sql(user: Any) -> bool:
        """The views hold what all teams have."""
        return bool(user.has_perm("matching.query_database")) and sees_all(user)


class DueReport(models.Model):
    """A report of one Monday, for one of its owner's addresses."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="due")
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "until"], name="report_once_a_week")]

    def __str__(self) -> str:
        return f"{self.report} of {self.until:%Y-%m-%d}"

    @classmethod
    def within(cls, user: Any) -> QuerySet["DueReport"]:
        return cls.objects.filter(report__user=user)
