"""The audit trail: every search, view of a case and decision leaves one row that says who, what, when and why."""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import redis
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import models
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from cases.models import AuditEvent, AuditQuestion

# Seconds in which what somebody sees again is not written again.
ONCE_IN = 3600


def signed_in(request: HttpRequest) -> User:
    """Who asks. Nobody else gets as far as a view; should that fail, this refuses."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def record(request: HttpRequest, action: str, target: models.Model, why: str = "") -> AuditEvent:
    """Write one audit row.

    action: a verb in the past tense, e.g. `searched`, `viewed`, `closed`, `confirmed`. target: what it was done to.
    """
    tell(request)
    return record_as(signed_in(request), action, target, why, request.META.get("REMOTE_ADDR"))


def tell(request: Any) -> None:
    """Note that a request has its row; REST framework's wraps Django's own."""
    getattr(request, "_request", request).has_audit_row = True


def was_told(request: HttpRequest) -> bool:
    return getattr(request, "has_audit_row", False)


def record_path(request: HttpRequest, action: str, route: str, path: str) -> None:
    """A row that names the route, for what has no object of its own."""
    tell(request)
    match = request.resolver_match
    key = str(match.kwargs.get("pk", "")) if match else ""
    user, address = signed_in(request), request.META.get("REMOTE_ADDR")
    _write(user, action, route[:40], key[:40], path[:300], why="", address=address)


def record_path_once(request: HttpRequest, action: str, route: str, path: str) -> None:
    """The same of what is read: one row an hour for each person and path."""
    if _is_first(f"audit-{signed_in(request).pk}-{hashlib.sha256(path.encode()).hexdigest()}"):
        record_path(request, action, route, path)


def record_once(request: HttpRequest, action: str, target: models.Model, why: str, *, of: str) -> None:
    """Write a row for something that pages ask for again and again: one an hour for each person and each `of`."""
    tell(request)
    if _is_first(f"audit-{signed_in(request).pk}-{action}-{of}".replace(" ", "-")):
        record(request, action, target, why)


def _is_first(key: str) -> bool:
    try:
        return bool(cache.add(key, 1, ONCE_IN))
    except redis.RedisError:
        # Too many rows are better than one too few.
        return True


def record_as(
    user: User | None, action: str, target: models.Model, why: str = "", address: str | None = None
) -> AuditEvent:
    """The same for what came by another way than a request. user: None for the system itself."""
    return _write(
        user, action, str(target._meta.model_name), str(target.pk), str(target)[:300], why=why, address=address
    )


def _write(
    user: User | None, action: str, kind: str, pk: str, label: str, *, username: str = "", why: str, address: str | None
) -> AuditEvent:
    return AuditEvent.objects.create(
        user=user,
        username=user.get_username() if user else username or "system",
        action=action,
        target_type=kind,
        target_id=pk,
        # PostgreSQL keeps no NUL in a text.
        target_label=label.replace("\0", ""),
        why=why.replace("\0", ""),
        address=address or None,
    )


@receiver(user_logged_in)
def _signed_in(sender: Any, request: Any, user: User, **kwargs: Any) -> None:
    tell(request)
    record_as(user, "signed in", user, address=_address(request))


@receiver(user_logged_out)
def _signed_out(sender: Any, request: Any, user: User | None, **kwargs: Any) -> None:
    tell(request)
    if user is not None:
        record_as(user, "signed out", user, address=_address(request))


@receiver(user_login_failed)
def _failed(sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
    tell(request)
    name = str(credentials.get("username", ""))[:150]
    _write(
        None, "failed to sign in", "user", "", name, username=name or "nobody", why="", address=_address(request)
    )  # fmt: skip


def guesses(user: User) -> tuple[int, str | None]:
    """How often a wrong password was tried for somebody's name before they signed in now, since the time before that;
    and from which address last."""
    signed_in_at = AuditEvent.objects.filter(action="signed in", user=user).values_list("at", flat=True)[:2]
    until, *before = list(signed_in_at) or [timezone.now()]
    tried = AuditEvent.objects.filter(action="failed to sign in", username__iexact=user.get_username(), at__lte=until)
    tried = tried.filter(at__gt=before[0]) if before else tried
    last = tried.values_list("address", flat=True).first()
    return tried.count(), last


def refused(request: HttpRequest) -> None:
    """Somebody asked for what their role does not carry."""
    if isinstance(request.user, User):
        record(request, "was refused", request.user, f"{request.method} {request.path}"[:300])


def _address(request: Any) -> str | None:
    return request.META.get("REMOTE_ADDR") if request is not None else None


def broken() -> Iterator[tuple[AuditEvent, str]]:
    """Rows that are not what was written, the first one first, each with what is wrong. Reads all of the trail."""
    before: AuditEvent | None = None
    is_keyed = False
    for event in AuditEvent.objects.order_by("pk").iterator(chunk_size=2000):
        if event.previous != (before.hash if before else ""):
            yield event, "rows before it are missing, changed or new" if before else "the beginning is missing"
        if event.hash != event.own_hash():
            yield event, "it was changed after it was written"
        # Rows of versions before 0.8 have no keyed hash; from the first that has one each must.
        is_keyed = is_keyed or bool(event.mac)
        if is_keyed and not hmac.compare_digest(event.mac, event.own_mac(before.mac if before else "")):
            yield event, "it was written by somebody who has not the key"
        before = event


def ask(event: AuditEvent, text: str, by: User) -> AuditQuestion:
    """Ask who did something for the reason. A second question stands in the first one's place until it is answered."""
    question, is_new = AuditQuestion.objects.get_or_create(event=event, defaults={"text": text, "asked_by": by})
    if not is_new and not question.answered_at:
        question.text, question.asked_by = text, by
        question.save()
    return question


def open_questions(user: User) -> models.QuerySet[AuditQuestion]:
    return AuditQuestion.objects.filter(event__user=user, answered_at=None).select_related("event", "asked_by")


def answer(question: AuditQuestion, text: str) -> None:
    question.answer, question.answered_at = text, timezone.now()
    question.save(update_fields=["answer", "answered_at"])
