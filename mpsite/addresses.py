"""From which address a request comes: worked out once, so that counters, trail and sessions go by the same.

Anybody can write `X-Forwarded-For`, so it counts only as far as our own proxies wrote it: `TRUSTED_PROXIES` of them
stand before Sightline, each appends whom it heard, and the last so many entries are theirs.
"""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "HTTP_X_FORWARDED_FOR"


def client(peer: str, forwarded: str) -> str:
    """The client's address. peer: who is connected. forwarded: the header, or an empty text."""
    proxies = settings.TRUSTED_PROXIES
    entries = [one.strip() for one in forwarded.split(",") if one.strip()]
    # Fewer entries than proxies: somebody came around one of them.
    if not proxies or len(entries) < proxies:
        return peer
    return _address(entries[-proxies]) or peer


def of_scope(scope: dict[str, object]) -> str | None:
    """The same of a websocket."""
    peer = scope.get("client")
    headers: list[tuple[bytes, bytes]] = scope.get("headers", [])  # type: ignore[assignment]
    forwarded = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    return client(str(peer[0]), forwarded.decode("latin-1")) if isinstance(peer, list | tuple) and peer else None


def _address(text: str) -> str:
    """An address without the port that some proxies write; empty where it is none."""
    bare = text[1:].partition("]")[0] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return ""


class AddressMiddleware:
    """Puts the client's address where everybody looks for it, and takes away what anybody may have written."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forwarded = request.META.pop(HEADER, "")
        request.META["REMOTE_ADDR"] = client(request.META.get("REMOTE_ADDR", ""), forwarded)
        return self.get_response(request)
