"""The rows of the audit trail, and what auditors ask about them."""

import hashlib
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from cases import audit_key

# Of the trail, in migration 0010.
LOCK = 7215403318
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AuditEvent(models.Model):
    """Who did what to what, when and why. Written by `cases.audit`, changed by nobody.

    Triggers refuse every change and give each row `previous`, the hash of the row before it, and `hash`, its own.
    """

    at = models.DateTimeField(default=timezone.now, db_index=True)
    # The row outlives the account unchanged.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, db_constraint=False)
    username = models.CharField(max_length=150, help_text="Kept when the account is gone.")
    action = models.CharField(max_length=40, db_index=True)
    target_type = models.CharField(max_length=40)
    target_id = models.CharField(max_length=40)
    target_label = models.CharField(max_length=300)
    why = models.TextField(blank=True)
    address = models.GenericIPAddressField(null=True)
    # Keyed, and so nobody's to make who has the database alone; of this row and the one before it.
    mac = models.CharField(max_length=64, editable=False, default="")
    previous = models.CharField(max_length=64, editable=False, default="")
    hash = models.CharField(max_length=64, editable=False, default="")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["target_type", "target_id"])]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.username} {self.action} {self.target_label}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                # As the trigger does: one writer at a time, each row names the one before it.
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            before = AuditEvent.objects.order_by("-pk").values_list("mac", flat=True).first()
            self.mac = self.own_mac(before or "")
            super().save(*args, **kwargs)

    def own_mac(self, before: str) -> str:
        """What `mac` must be. before: that of the row before it."""
        address = str(ipaddress.ip_address(self.address)) if self.address else None
        return audit_key.mac(
            before, (self.at - EPOCH) // timedelta(microseconds=1), self.user_id, self.username, self.action,
            self.target_type, self.target_id, self.target_label, self.why, address,
        )  # fmt: skip

    def own_hash(self) -> str:
        """What `hash` must be: SHA-256 of the previous row's hash and of each value with its length in bytes, as the
        trigger writes it (migration 0010)."""
        values = [
            self.pk, (self.at - EPOCH) // timedelta(microseconds=1), self.user_id, self.username, self.action,
            self.target_type, self.target_id, self.target_label, self.why, self.address,
        ]  # fmt: skip
        texts = [b"" if value is None else str(value).encode() for value in values]
        said = self.previous.encode() + b"".join(b"%d:%s" % (len(text), text) for text in texts)
        return hashlib.sha256(said).hexdigest()


class AuditQuestion(models.Model):
    """An auditor asks somebody why they did something; the answer stands beside it."""

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="question")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    text = models.CharField(max_length=300)
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["asked_at"]

    def __str__(self) -> str:
        return f"{self.text} ({self.event})"
