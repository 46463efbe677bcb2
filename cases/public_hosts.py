"""Public hosts only: where an address comes from a user, or from a stranger's page, nobody is led into the own network.

Names are looked up under guard at the very moment of connecting, so neither a redirect nor a name that changes gets
around it.
"""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Addresses of IPv6 that lead to one of IPv4: compatible ones, and those that a translator at the network's edge takes.
COMPATIBLE = ipaddress.IPv6Network("::/96")
TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))

_guarded: ContextVar[bool] = ContextVar("guarded", default=False)
_look_up = socket.getaddrinfo


class PrivateHost(OSError):
    """A host that is not public; the text names it."""


def _guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
    found = _look_up(host, *args, **kwargs)
    if _guarded.get():
        found = [one for one in found if is_public(str(one[4][0]))]
        if not found:
            raise PrivateHost(f"{host!s:.100} is a private host")
    return found


socket.getaddrinfo = _guarded_look_up


def is_public(address: str) -> bool:
    """address: of IPv4 or IPv6, as numbers. Raises `ValueError` for anything else."""
    ip = ipaddress.ip_address(address.split("%")[0])
    inside = _embedded(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    return ip.is_global and not ip.is_multicast and (inside is None or inside.is_global)


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to, where it is of a kind that does."""
    if ip in COMPATIBLE or any(ip in net for net in TRANSLATED):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


@contextmanager
def only_public(wanted: bool = True) -> Iterator[None]:
    """No private host is reached inside; wanted: False leaves everything as it is."""
    token = _guarded.set(wanted)
    try:
        yield
    finally:
        _guarded.reset(token)


def check(host: str) -> None:
    """Raises `PrivateHost`. A name that nobody knows is not refused: asking it says so."""
    try:
        with only_public():
            socket.getaddrinfo(host.strip("[]") or None, 443)
    except socket.gaierror:
        return
    except UnicodeError as problem:
        raise PrivateHost(f"{host:.100} is no host's name") from problem
