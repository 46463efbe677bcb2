"""Places on the web that are looked at again and again for one case."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import MD5
from django.utils import timezone

from cases.models import Case


class WebSource(models.Model):
    """A page or feed whose new pictures are searched as a batch, each time that it is looked at."""

    belongs_to = (("case__collection",),)

    class Every(models.IntegerChoices):
        HOUR = 1, "every hour"
        SIX_HOURS = 6, "every six hours"
        DAY = 24, "every day"
        WEEK = 168, "every week"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="web_sources")
    address = models.TextField()
    every = models.PositiveSmallIntegerField(choices=Every.choices, default=Every.DAY)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)
    next_at = models.DateTimeField(default=timezone.now)
    looked_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(default=timezone.now, help_text="When its owner last saw what was found.")
    problem = models.TextField(blank=True, help_text="Why it could not be looked at the last time.")

    class Meta:
        ordering = ["added_at"]
        constraints: ClassVar = [models.UniqueConstraint("case", MD5("address"), name="web_source_once_a_case")]

    def __str__(self) -> str:
        return self.address

    @property
    def pause(self) -> timedelta:
        return timedelta(hours=self.every)
