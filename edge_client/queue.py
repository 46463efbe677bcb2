"""What waits to be sent, as files: it outlives the client, the network and the server."""

import json
import logging
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Waiting:
    """One face to send. details: the form's fields besides the image."""

    path: Path
    details: dict[str, Any]

    def jpeg(self) -> bytes:
        return self.path.with_suffix(".jpg").read_bytes()


class DiskQueue:
    """A folder of JPEGs with their details, sent oldest first. limit: above it the oldest are dropped, said aloud."""

    def __init__(self, folder: Path, limit: int = 20_000) -> None:
        self.folder = folder
        self.refused = folder / "refused"
        self.limit = limit
        self.refused.mkdir(parents=True, exist_ok=True)

    def put(self, jpeg: bytes, details: dict[str, Any]) -> None:
        name = f"{details['captured_at'].replace(':', '').replace('+0000', 'Z')}_{uuid.uuid4().hex[:8]}"
        (self.folder / f"{name}.jpg").write_bytes(jpeg)
        # The details come last and by a rename: a file of details always stands for a whole entry.
        scratch = self.folder / f"{name}.part"
        scratch.write_text(json.dumps(details))
        scratch.replace(self.folder / f"{name}.json")
        waiting = self._entries()
        for path in waiting[: max(0, len(waiting) - self.limit)]:
            logger.error("the queue is full at %d; dropped %s, the oldest", self.limit, path.stem)
            self._remove(path)

    def oldest(self) -> Waiting | None:
        for path in self._entries():
            try:
                details = json.loads(path.read_text())
                if path.with_suffix(".jpg").is_file():
                    return Waiting(path, details)
                logger.error("%s lacks its picture; dropped", path)
            except (OSError, json.JSONDecodeError) as error:
                logger.error("%s cannot be read (%s); dropped", path, error)
            self._remove(path)
        return None

    def sent(self, entry: Waiting) -> None:
        self._remove(entry.path)

    def refuse(self, entry: Waiting, reason: str) -> None:
        """Set aside what the server will not take, with the reason beside it."""
        for suffix in (".jpg", ".json"):
            path = entry.path.with_suffix(suffix)
            path.replace(self.refused / path.name)
        (self.refused / f"{entry.path.stem}.txt").write_text(reason)

    def __len__(self) -> int:
        return len(self._entries())

    def _entries(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"))

    def _remove(self, path: Path) -> None:
        for suffix in (".json", ".jpg"):
            path.with_suffix(suffix).unlink(missing_ok=True)
