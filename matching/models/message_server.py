"""By which servers an installation sends its own mail and text messages: set once, for everybody."""

import json
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from cases.sealed import SealedField, unseal


class MessageServer(models.Model):
    """A server that takes mail, or a service that takes text messages."""

    class Kind(models.TextChoices):
        MAIL = "mail", "Mail"
        SMS = "sms", "Text messages"

    kind = models.CharField(max_length=10, choices=Kind.choices, primary_key=True)
    words = models.CharField(max_length=300, help_text="As it is named to everybody: without its password.")
    said = SealedField(help_text="What was filled in, as JSON.")
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.words}"

    def filled_in(self) -> dict[str, Any]:
        """What was filled in. Raises `SealBroken`."""
        found: dict[str, Any] = json.loads(unseal(self.said))
        return found
