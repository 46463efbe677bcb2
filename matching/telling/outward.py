"""What leaves Sightline: a message to a service by Apprise, or to a browser by its push service.

An address comes from a user, so nothing here reaches a private host unless the administrator allows it: names are
looked up under guard at the very moment of connecting, so neither a redirect nor a name that changes gets around it.
"""

import functools
import ipaddress
import json
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import apprise
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from py_vapid import Vapid02
from pywebpush import WebPushException, webpush

from cases.made_once import made_once
from cases.sealed import SealBroken, unseal
from matching.models import Subscription

SECONDS = 15
# Services of the machine that Sightline runs on: what they show nobody at a desk elsewhere sees.
LOCAL = {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}

_guarded: ContextVar[bool] = ContextVar("guarded", default=False)
_look_up = socket.getaddrinfo


class AddressRefused(Exception):
    """An address that messages are not sent to; the text says why."""


class NotTaken(Exception):
    """The service did not take the message; the text says why."""


class PushOver(NotTaken):
    """The browser does not want to be told any more."""


def _guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
    found = _look_up(host, *args, **kwargs)
    if _guarded.get():
        found = [one for one in found if _is_public(str(one[4][0]))]
        if not found:
            raise OSError(f"{host!s:.100} is a private host")
    return found


socket.getaddrinfo = _guarded_look_up


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return ip.is_global and not ip.is_multicast and (mapped is None or mapped.is_global)


@contextmanager
def guard() -> Iterator[None]:
    """No private host is reached inside, unless the setting allows it."""
    token = _guarded.set(not settings.ALERT_PRIVATE_HOSTS)
    try:
        yield
    finally:
        _guarded.reset(token)


def check(address: str) -> None:
    """Raises `AddressRefused` for what is no address, is one of this machine's own, or names a private host."""
    service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if service is None:
        raise AddressRefused("This is no address of a message service. See the examples.")
    if LOCAL & {address.split(":", 1)[0].lower()}:
        raise AddressRefused("That service shows messages on the server's own screen only.")
    if host := getattr(service, "smtp_host", None) or getattr(service, "host", None):
        check_host(str(host))


def check_host(host: str) -> None:
    """Raises `AddressRefused` for a private host. A name that nobody knows is not refused: sending says so."""
    try:
        with guard():
            socket.getaddrinfo(host.strip("[]") or None, 443)
    except socket.gaierror:
        return
    except (OSError, UnicodeError) as problem:
        raise AddressRefused(f"{problem}. An administrator allows such hosts by ALERT_PRIVATE_HOSTS.") from problem


def send(subscription: Subscription, title: str, body: str, link: str, pictures: Sequence[Path] = ()) -> None:
    """One message by a subscription's way. Raises `NotTaken`; then nothing was taken."""
    try:
        address = unseal(subscription.address)
    except SealBroken as problem:
        raise NotTaken(f"The address: {problem}") from problem
    with guard():
        if subscription.way == Subscription.Way.BROWSER:
            _push(json.loads(address), {"title": title, "body": body, "url": link})
        else:
            _message(address, title, f"{body}\n{link}" if link else body, pictures)


def _message(address: str, title: str, body: str, pictures: Sequence[Path]) -> None:
    service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
    if not service.add(address):
        raise NotTaken("The address is no longer one that can be used. Enter it again.")
    with apprise.LogCapture(level=logging.WARNING) as log:
        taken = service.notify(title=title, body=body, attach=[str(path) for path in pictures] or None)
        if not taken:
            said = " ".join(line.split(" - ")[-1] for line in log.getvalue().splitlines())
            raise NotTaken(f"The service did not take the message. {said[:300]}".strip())


def _push(endpoint: dict[str, Any], message: dict[str, str]) -> None:
    try:
        webpush(
            endpoint,
            json.dumps(message),
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
