"""Tells systemd that the client is up and looks at frames; without systemd it does nothing."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    """state: e.g. `READY=1`, `WATCHDOG=1`; see sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to, contextlib.suppress(OSError):
        # An address that begins with @ is an abstract one.
        to.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
