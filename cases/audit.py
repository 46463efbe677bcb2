"""The audit trail: every search, view of a case and decision leaves one row that says who, what, when and why."""

from django.db import models
from django.http import HttpRequest

from cases.models import AuditEvent


def record(request: HttpRequest, action: str, target: models.Model, why: str = "") -> AuditEvent:
    """Write one audit row.

    action: a verb in the past tense, e.g. `searched`, `viewed`, `closed`, `confirmed`. target: what it was done to.
    """
    user = request.user
    return AuditEvent.objects.create(
        user=user if user.is_authenticated else None,
        username=user.get_username(),
        action=action,
        target_type=target._meta.model_name,
        target_id=str(target.pk),
        target_label=str(target)[:300],
        why=why,
        address=request.META.get("REMOTE_ADDR") or None,
    )
