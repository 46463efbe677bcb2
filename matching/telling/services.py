"""Message services by their Apprise addresses. An address comes from a user, so each is checked for where it leads."""

import logging
import sys
from typing import Any

from django.conf import settings

from matching.telling.ways import AddressRefused, Message, NotTaken, check_host

# Services of the machine that Sightline runs on: what they show nobody at a desk elsewhere sees.
LOCAL = {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}

# What looks names up by itself, where no guard sees it.
UNGUARDED = ("socket", "mqtt", "slixmpp", "smpplib", "gntp", "subprocess")


def check(address: str) -> str:
    """Refuses what is no address or several, a service of this machine's own or one that is not reached through the
    guarded look-up, and a private host. Raises `AddressRefused`."""
    service = _parsed(address)
    if LOCAL & {address.split(":", 1)[0].lower()}:
        raise AddressRefused("That service shows messages on the server's own screen only.")
    if not settings.ALERT_PRIVATE_HOSTS and not _is_guarded(service):
        raise AddressRefused("That service is reached neither by HTTP nor as mail, so nothing checks where it leads.")
    if host := getattr(service, "smtp_host", None) or getattr(service, "host", None):
        check_host(str(host))
    return address.strip()


def _parsed(address: str) -> Any:
    """The one service that an address names. Raises `AddressRefused`."""
    import apprise
    from apprise.utils.parse import parse_urls

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


def service(address: str) -> Any:
    """As Apprise has it. Raises `NotTaken` for an address that would be refused today."""
    try:
        found = _parsed(address)
    except AddressRefused as refusal:
        raise NotTaken(f"The address is no longer one that can be used. Enter it again. {refusal}") from refusal
    if not settings.ALERT_PRIVATE_HOSTS and not _is_guarded(found):
        raise NotTaken("That service is reached neither by HTTP nor as mail. Enter another address.")
    return found


def send(address: str, message: Message) -> None:
    """Raises `NotTaken`."""
    import apprise

    sender = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
    sender.add(service(address))
    with apprise.LogCapture(level=logging.WARNING) as log:
        attached = [str(path) for path in message.pictures] or None
        taken = sender.notify(title=message.title, body=message.text, attach=attached)
        if not taken:
            said = " ".join(line.split(" - ")[-1] for line in log.getvalue().splitlines())
            raise NotTaken(f"The service did not take the message. {said[:300]}".strip())
