"""What leaves Sightline: a message to a service by Apprise, or to a browser by its push service.

An address comes from a user, so nothing here reaches a private host unless the administrator allows it.
"""

import functools
import json
import logging
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apprise
from apprise.utils.parse import parse_urls
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from py_vapid import Vapid02
from pywebpush import WebPushException, webpush

from cases import public_hosts
from cases.made_once import made_once
from cases.sealed import SealBroken, unseal
from matching.models import Subscription
from matching.telling import webhook
from matching.telling.ways import SECONDS, Message, Way
from matching.telling.ways import NotTaken as NotTaken

# Services of the machine that Sightline runs on: what they show nobody at a desk elsewhere sees.
LOCAL = {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}

# What looks names up by itself, where no guard sees it.
UNGUARDED = ("socket", "mqtt", "slixmpp", "smpplib", "gntp", "subprocess")


class AddressRefused(Exception):
    """An address that messages are not sent to; the text says why."""


class PushOver(NotTaken):
    """The browser does not want to be told any more."""


def guard() -> AbstractContextManager[None]:
    """No private host is reached inside, unless the setting allows it."""
    return public_hosts.only_public(not settings.ALERT_PRIVATE_HOSTS)


def check(address: str) -> str:
    """The address as it is kept. What is sent goes to the one service that is checked here, by the same reading of it.

    Raises `AddressRefused`.
    """
    return _way(address).check(address)


def _way(address: str) -> Way:
    return next(way for way in WAYS if way.takes(address))


def _check_service(address: str) -> str:
    """Refuses what is no address or several, a service of this machine's own or one that is not reached through the
    guarded look-up, and a private host."""
    service = _parsed(address)
    if LOCAL & {address.split(":", 1)[0].lower()}:
        raise AddressRefused("That service shows messages on the server's own screen only.")
    if not settings.ALERT_PRIVATE_HOSTS and not _is_guarded(service):
        raise AddressRefused("That service is reached neither by HTTP nor as mail, so nothing checks where it leads.")
    if host := getattr(service, "smtp_host", None) or getattr(service, "host", None):
        check_host(str(host))
    return address.strip()


def is_webhook(address: str) -> bool:
    """Whether it is a program of the agency's own, which checks by a signature that the message is ours."""
    return address.split(":", 1)[0].lower() in ("json", "jsons")


def is_signed(subscription: Subscription) -> bool:
    try:
        return subscription.way == Subscription.Way.SERVICE and is_webhook(unseal(subscription.address))
    except SealBroken:
        return False


def _parsed(address: str) -> Any:
    """The one service that an address names. Raises `AddressRefused`."""
    service = apprise.Apprise.instantiate(
        address.strip(), asset=apprise.AppriseAsset(async_mode=False), suppress_exceptions=True
    )
    if service is None:
        raise AddressRefused("This is no address of a message service. See the examples.")
    if len(parse_urls(address)) > 1:
        raise AddressRefused("One address, please: add a second one by itself.")
    return service


def _is_guarded(service: Any) -> bool:
    """Whether a service looks names up where the guard sees it: by `requests`, or as mail."""
    modules = [sys.modules[kind.__module__] for kind in type(service).__mro__ if "plugins" in kind.__module__]
    passes = any(hasattr(module, library) for module in modules for library in ("requests", "smtplib"))
    return passes and not any(hasattr(module, library) for module in modules for library in UNGUARDED)


def check_host(host: str) -> None:
    """Raises `AddressRefused` for a private host, unless the setting allows it."""
    if settings.ALERT_PRIVATE_HOSTS:
        return
    try:
        public_hosts.check(host)
    except OSError as problem:
        raise AddressRefused(f"{problem}. An administrator allows such hosts by ALERT_PRIVATE_HOSTS.") from problem


def send(
    subscription: Subscription, title: str, body: str, link: str, pictures: Sequence[Path] = (), number: str = ""
) -> None:
    """One message by a subscription's way. number: the same each time that one message is tried.

    Raises `NotTaken`; then nothing was taken.
    """
    try:
        address = unseal(subscription.address)
    except SealBroken as problem:
        raise NotTaken(f"The address: {problem}") from problem
    with guard():
        _way(address).send(subscription, address, Message(title, body, link, pictures, number))


def _service(address: str) -> Any:
    """Raises `NotTaken` for an address that would be refused today."""
    try:
        service = _parsed(address)
    except AddressRefused as refusal:
        raise NotTaken(f"The address is no longer one that can be used. Enter it again. {refusal}") from refusal
    if not settings.ALERT_PRIVATE_HOSTS and not _is_guarded(service):
        raise NotTaken("That service is reached neither by HTTP nor as mail. Enter another address.")
    return service


def _webhook(subscription: Subscription, address: str, message: Message) -> None:
    webhook.send(_service(address), subscription, message)


def _message(subscription: Subscription, address: str, message: Message) -> None:
    service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
    service.add(_service(address))
    with apprise.LogCapture(level=logging.WARNING) as log:
        attached = [str(path) for path in message.pictures] or None
        taken = service.notify(title=message.title, body=message.text, attach=attached)
        if not taken:
            said = " ".join(line.split(" - ")[-1] for line in log.getvalue().splitlines())
            raise NotTaken(f"The service did not take the message. {said[:300]}".strip())


def _push(subscription: Subscription, address: str, message: Message) -> None:
    said = {"title": message.title, "body": message.body, "url": message.link}
    try:
        webpush(
            json.loads(address),
            json.dumps(said),
            vapid_private_key=_vapid(),
            vapid_claims={"sub": settings.PUSH_CONTACT},
            ttl=3600,
            timeout=SECONDS,
        )
    except WebPushException as problem:
        status = problem.response.status_code if problem.response is not None else None
        if status in (404, 410):
            raise PushOver("The browser was signed off, or does not want messages any more.") from problem
        raise NotTaken(f"The browser's push service did not take the message ({status or 'no answer'}).") from problem
    except (OSError, ValueError) as problem:
        raise NotTaken(f"The browser's push service was not reached: {str(problem)[:200]}") from problem


@functools.cache
def _vapid() -> Vapid02:
    """The key by which push services know this installation, made once and kept in the data folder."""

    def make() -> bytes:
        made = Vapid02()
        made.generate_keys()
        return bytes(made.private_pem())

    key: Vapid02 = Vapid02.from_pem(made_once(settings.DATA_DIR / "push_key.pem", make))
    return key


def push_key() -> bytes:
    """The public half, which a browser asks for before it lets itself be told: 65 bytes, an uncompressed point."""
    public = _vapid().public_key
    return bytes(public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint))


def _check_push(address: str) -> str:
    check_host(urlsplit(json.loads(address)["endpoint"]).hostname or "")
    return address


# Each way by which a message leaves; the first that takes an address sends to it.
WAYS = [
    Way(lambda address: address.startswith("{"), _check_push, _push),
    Way(is_webhook, _check_service, _webhook),
    Way(lambda address: True, _check_service, _message),
]
