"""The client's own folder: its queue, who it is, and the token that it was paired with."""

import json
import os
import uuid
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows: two clients on one folder are then not noticed
    fcntl = None  # type: ignore[assignment]


class HomeTaken(Exception):
    """Another client works in the folder."""


class Home:
    """folder: made where it is missing. The token is readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "camera.json"
        self._lock: IO[str] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._known = self._read()
        # Two clients with one token are told apart by this.
        if "client" not in self._known:
            self._keep(client=uuid.uuid4().hex)

    def take(self) -> None:
        """Until the process ends nobody else works here. Raises `HomeTaken`."""
        if fcntl is None:
            return
        try:
            self._lock = open(self.folder / "lock", "w")  # noqa: SIM115 (held until the process ends)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeTaken(
                f"Another client works in {self.folder}. Give each camera a folder of its own by --queue."
            ) from None
        except OSError:
            # A disk that takes nothing: the client goes on from memory.
            pass

    @property
    def client(self) -> str:
        return str(self._known["client"])

    @property
    def server(self) -> str | None:
        return self._known.get("server")

    @property
    def token(self) -> str | None:
        return self._known.get("token")

    def keep_token(self, server: str, token: str) -> None:
        self._keep(server=server, token=token)

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._path.read_text())
            return found if isinstance(found, dict) else {}
        except (OSError, ValueError):
            return {}

    def _keep(self, **said: str) -> None:
        self._known |= said
        fresh = self._path.with_suffix(".new")
        try:
            fresh.touch(mode=0o600)
            with open(fresh, "w") as file:
                file.write(json.dumps(self._known))
                file.flush()
                os.fsync(file.fileno())
            # A kill leaves the old file or the new one, never half of one.
            fresh.replace(self._path)
        except OSError:
            # The folder may be read-only; then it is known for as long as the process lives.
            pass
