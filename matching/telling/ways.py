"""What every way of telling has: a new one is a file with these three, and a line in `outward.WAYS`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matching.models import Subscription

SECONDS = 15


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
    somebody's address; raises `NotTaken`. All of it runs under the guard against private hosts."""

    takes: Callable[[str], bool]
    check: Callable[[str], str]
    send: Callable[[Subscription, str, Message], None]
