"""Nothing is told to an address before its owner has shown, signed in as themselves, that it is theirs: by a code that
was sent there, or, where somebody else typed it, by their word."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from redis.exceptions import RedisError

from cases.sealed import SealBroken, unseal
from matching.models import Subscription
from matching.telling import messages, outward

GOOD_FOR = timedelta(minutes=30)
TRIES = 5
# Codes an hour that one person may send, and that one address gets: a stranger's phone is not to be rung all night.
BY_ONE, TO_ONE = 10, 3


class CodeRefused(Exception):
    """A code is not sent, or not taken; the text says why."""


def send_code(subscription: Subscription, by: User) -> None:
    """Send a new code to a subscription's address; the one before is good no more. Raises `CodeRefused`, `NotTaken`."""
    try:
        address = unseal(subscription.address)
    except SealBroken as broken:
        raise CodeRefused(str(broken)) from broken
    _count(f"codes-by-{by.pk}", BY_ONE, "You have sent many codes. Wait an hour before the next one.")
    known_as = hashlib.sha256(address.encode()).hexdigest()
    _count(f"codes-to-{known_as}", TO_ONE, "Three codes went there within an hour. Look for them, or wait an hour.")
    code = f"{secrets.randbelow(10**6):06}"
    subscription.code, subscription.code_tries = code, 0
    subscription.code_until = timezone.now() + GOOD_FOR
    subscription.confirmed_at = None
    subscription.save(update_fields=["code", "code_tries", "code_until", "confirmed_at"])
    outward.send(
        subscription,
        f"Sightline: {code}",
        f"{code} confirms that alerts may come here. {subscription.user} types it in Sightline, under How you are "
        f"told, within {GOOD_FOR.seconds // 60} minutes. Whoever did not ask for it need do nothing.",
        messages.link("/subscriptions/"),
    )


def _count(what: str, most: int, words: str) -> None:
    try:
        cache.add(what, 0, 3600)
        number = cache.incr(what)
    except RedisError as problem:
        raise CodeRefused("Codes cannot be counted now, so none is sent. Try again in a minute.") from problem
    if number > most:
        raise CodeRefused(words)


def confirm(subscription: Subscription, code: str) -> None:
    """Take what its owner typed. Raises `CodeRefused`."""
    refused = None
    with transaction.atomic():
        locked = Subscription.objects.select_for_update().get(pk=subscription.pk)
        if locked.confirmed_at:
            return
        refused = _refusal(locked, "".join(code.split()))
        locked.code_tries += 1
        if refused is None:
            locked.confirmed_at, locked.code = timezone.now(), ""
        locked.save(update_fields=["code_tries", "confirmed_at", "code"])
    if refused:
        raise CodeRefused(refused)


def _refusal(subscription: Subscription, code: str) -> str | None:
    if not subscription.needs_code:
        return None
    if not subscription.code or subscription.code_until is None or subscription.code_until < timezone.now():
        return "That code is too old, or none was sent. Send another."
    if subscription.code_tries >= TRIES:
        return "That was typed wrongly too often. Send another code."
    try:
        is_it = constant_time_compare(unseal(subscription.code), code)
    except SealBroken:
        is_it = False
    return None if is_it else "That is not the code of the last message. Type its six digits."
