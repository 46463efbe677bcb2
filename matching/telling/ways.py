"""What every way of telling has: a new one is a file with these, and a line in `outward.WAYS`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from cases import public_hosts
from matching.models import Subscription

SECONDS = 15


class AddressRefused(Exception):
    """An address that messages are not sent to; the text says why."""


class NotTaken(Exception):
    """The service did not take the message; the text says why."""


@dataclass(frozen=True)
class Message:
    """number: the same each time that one message is tried. pictures: JPEGs to go with it."""

    title: str
    body: str
    link: str = ""
    pictures: Sequence[Path] = ()
    number: str = ""

    @property
    def text(self) -> str:
        return f"{self.body}\n{self.link}" if self.link else self.body


@dataclass(frozen=True)
class Way:
    """takes: whether an address is of this way. check: the address as it is kept; raises `AddressRefused`. send: to
    somebody's address; raises `NotTaken`. All of it runs under the guard against private hosts.

    kind: what a subscription by it is called.
    """

    takes: Callable[[str], bool]
    check: Callable[[str], str]
    send: Callable[[Subscription, str, Message], None]
    kind: Subscription.Way = Subscription.Way.SERVICE


def check_host(host: str) -> None:
    """Raises `AddressRefused` for a private host, unless the setting allows it."""
    if settings.ALERT_PRIVATE_HOSTS:
        return
    try:
        public_hosts.check(host)
    except OSError as problem:
        raise AddressRefused(f"{problem}. An administrator allows such hosts by ALERT_PRIVATE_HOSTS.") from problem
