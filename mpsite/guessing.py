"""Wrong passwords: counted in one place for every entrance, by allauth's counter.

A name is slowed down where the guesses come from, not everywhere: by address and name together. A device on which the
name signed in before has a counter of its own, so nobody locks a colleague out of their own desk. Guesses from many
addresses at one name, and from one address at many names, meet a wider limit each.
"""

import uuid
from typing import Any

from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

APP, COOKIE, DAYS, MOST_PEOPLE = "allauth.account", "device", 180, 10
# Attempts of one device that is known, of one address at one name, at one name from everywhere, of one address.
RATES = {"device": "10/15m/key", "here": "5/15m/key", "name": "100/h/key", "address": "200/15m/key"}


class TooMany(Exception):
    """So many passwords were wrong that no more are looked at for now."""


def attempt(request: HttpRequest, name: str) -> ratelimit.RateLimitUsage:
    """Count an attempt before its password is looked at; one that was right is taken back by `rollback`.

    Raises `TooMany`. While Redis is away nobody is turned away for it.
    """
    name, address = name.lower(), request.META.get("REMOTE_ADDR", "")
    device = _device_of(request, name)
    keys = {"device": f"{device}:{name}"} if device else {"here": f"{address}:{name}", "name": name, "address": address}
    counted = ratelimit.RateLimitUsage(usage=[])
    try:
        for what, key in keys.items():
            action = f"login_failed_{what}"
            # By tokens as by pages: what counts is that somebody asked.
            used = ratelimit.consume(
                request, app=APP, action=action, config={action: RATES[what]}, key=key, limit_get=True
            )
            if used is None:
                raise TooMany
            counted.usage += used.usage
    except RedisError:
        pass
    return counted


def remember(request: HttpRequest, answer: HttpResponse) -> None:
    """Let this device be known as one on which somebody signed in."""
    user = request.user
    if not isinstance(user, User):
        return
    said = _read(request)
    mark = _mark(user)
    if said.get("people", {}).get(str(user.pk)) == mark:
        return
    people = dict([*said.get("people", {}).items(), (str(user.pk), mark)][-MOST_PEOPLE:])
    text = signing.dumps({"id": said.get("id") or uuid.uuid4().hex, "people": people}, salt=COOKIE)
    answer.set_cookie(COOKIE, text, max_age=DAYS * 86400, httponly=True, secure=settings.HTTPS, samesite="Lax")


def _device_of(request: HttpRequest, name: str) -> str:
    """The id of a device on which this name signed in with the password that it still has; else empty."""
    said = _read(request)
    if not said.get("people"):
        return ""
    user = User.objects.filter(username__iexact=name, pk__in=[int(one) for one in said["people"]]).first()
    return said["id"] if user is not None and said["people"][str(user.pk)] == _mark(user) else ""


def _read(request: HttpRequest) -> dict[str, Any]:
    try:
        found: dict[str, Any] = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=DAYS * 86400)
    except signing.BadSignature:
        return {}
    return found


def _mark(user: User) -> str:
    return str(user.get_session_auth_hash())[:16]
