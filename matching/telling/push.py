"""Messages to a browser by its push service, encrypted for it alone."""

import functools
import json
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from django.conf import settings
from py_vapid import Vapid02

from cases.made_once import made_once
from matching.models import Subscription
from matching.telling.ways import SECONDS, Message, NotTaken, check_host


class PushOver(NotTaken):
    """The browser does not want to be told any more."""


def is_browser(address: str) -> bool:
    return address.startswith("{")


def check(address: str) -> str:
    """Raises `AddressRefused`."""
    check_host(urlsplit(json.loads(address)["endpoint"]).hostname or "")
    return address


def send(subscription: Subscription, address: str, message: Message) -> None:
    """Raises `NotTaken`."""
    # It brings an HTTP library of its own, which takes 5 MB.
    from pywebpush import WebPushException, webpush

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


def key() -> bytes:
    """The public half, which a browser asks for before it lets itself be told: 65 bytes, an uncompressed point."""
    public = _vapid().public_key
    return bytes(public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint))
