"""The audit trail: every search, view of a case and decision leaves one row that says who, what, when and why."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest

from cases.models import AuditEvent


def signed_in(request: HttpRequest) -> User:
    """Who asks. Nobody else gets as far as a view; should that fail, this refuses."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def record(request: HttpRequest, action: str, target: models.Model, why: str = "") -> AuditEvent:
    """Write one audit row.

    action: a verb in the past tense, e.g. `searched`, `viewed`, `closed`, `confirmed`. target: what it was done to.
    """
    return record_as(signed_in(request), action, target, why, request.META.get("REMOTE_ADDR"))


def record_as(user: User, action: str, target: models.Model, why: str = "", address: str | None = None) -> AuditEvent:
    """The same for what came by another way than a request."""
    return AuditEvent.objects.create(
        user=user,
        username=user.get_username(),
        action=action,
        target_type=str(target._meta.model_name),
        target_id=str(target.pk),
        target_label=str(target)[:300],
        why=why,
        address=address or None,
    )
