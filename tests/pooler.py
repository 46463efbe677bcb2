"""A real pgbouncer before the tests' PostgreSQL: after each transaction it gives a session to others."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.product import free_port

# Debian puts it where not every user's PATH leads.
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextmanager
def pooler(folder: Path, behind: dict[str, Any], sessions: int = 5) -> Iterator[int]:
    """The port on which it listens. behind: host, perhaps port, and user of the PostgreSQL. sessions: how many it has
    there for all who come."""
    assert PGBOUNCER is not None
    port = free_port()
    target = " ".join(f"{name}={behind[name]}" for name in ("host", "port", "user") if behind.get(name))
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = {target}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
        f"unix_socket_dir =\npool_mode = transaction\ndefault_pool_size = {sessions}\nmax_client_conn = 500\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    # It refuses to run as root, and the embedded database's folder is its own user's.
    as_whom = ["-u", "pgserver"] if os.geteuid() == 0 else []
    process = subprocess.Popen([PGBOUNCER, "-q", *as_whom, str(config)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < deadline, "pgbouncer does not start"
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()
