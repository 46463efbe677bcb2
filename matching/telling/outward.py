"""What leaves Sightline, by which of its ways, and where it may not go.

An address comes from a user, so nothing here reaches a private host unless the administrator allows it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from django.conf import settings

from cases import public_hosts
from cases.sealed import SealBroken, unseal
from matching.models import Subscription
from matching.telling import push, servers, services, webhook
from matching.telling.ways import AddressRefused as AddressRefused
from matching.telling.ways import Message, Way
from matching.telling.ways import NotTaken as NotTaken


def guard() -> AbstractContextManager[None]:
    """No private host is reached inside, unless the setting allows it."""
    return public_hosts.only_public(not settings.ALERT_PRIVATE_HOSTS)


def check(address: str) -> str:
    """The address as it is kept. What is sent goes to the one service that is checked here, by the same reading of it.

    Raises `AddressRefused`.
    """
    return _way(address).check(address)


def kind(address: str) -> Subscription.Way:
    """By which kind of way an address is reached."""
    return _way(address).kind


def _way(address: str) -> Way:
    return next(way for way in WAYS if way.takes(address))


def is_signed(subscription: Subscription) -> bool:
    try:
        return webhook.is_webhook(unseal(subscription.address))
    except SealBroken:
        return False


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


def _service(subscription: Subscription, address: str, message: Message) -> None:
    services.send(address, message)


# Each way by which a message leaves; the first that takes an address sends to it.
WAYS = [
    Way(push.is_browser, push.check, push.send, Subscription.Way.BROWSER),
    Way(webhook.is_webhook, services.check, webhook.send),
    Way(servers.is_mail, servers.check_mail, servers.by_mail, Subscription.Way.MAIL),
    Way(servers.is_number, servers.check_number, servers.by_sms, Subscription.Way.SMS),
    Way(lambda address: True, services.check, _service),
]
