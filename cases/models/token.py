"""Tokens by which a person's own programs sign in."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import QuerySet
from django.utils import timezone

USED_EVERY = timedelta(minutes=1)


def _hash(token: str) -> str:
    # 256 random bits: nothing to guess, so one round is enough.
    return hashlib.sha256(token.encode()).hexdigest()


class ApiToken(models.Model):
    """What a program of somebody's may do, and until when. The token itself is shown once and kept as a hash."""

    class Scope(models.TextChoices):
        READ = "read", "Read what I see"
        SEARCH = "search", "Search and decide"
        WRITE = "write", "Change cases, photos and cameras"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, help_text="Which program has it.")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"

    @classmethod
    def within(cls, user: Any) -> QuerySet["ApiToken"]:
        return cls.objects.filter(user=user)

    @classmethod
    def issue(cls, user: User, name: str, scopes: list[str], expires_at: datetime | None) -> tuple["ApiToken", str]:
        """A new token and its text, which cannot be read again."""
        text = f"sl_{secrets.token_urlsafe(32)}"
        made = cls.objects.create(user=user, name=name, token_hash=_hash(text), scopes=scopes, expires_at=expires_at)
        return made, text

    @classmethod
    def find(cls, text: str) -> "ApiToken | None":
        """The token of this text, if it is good now; notes that it was used."""
        now = timezone.now()
        found = cls.objects.select_related("user").filter(token_hash=_hash(text)).first()
        if found is None or not found.user.is_active or (found.expires_at and found.expires_at <= now):
            return None
        if found.used_at is None or now - found.used_at > USED_EVERY:
            cls.objects.filter(pk=found.pk).update(used_at=now)
        return found
