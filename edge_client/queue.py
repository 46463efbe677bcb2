"""What waits to be sent, in one SQLite file: it outlives the client, the network and the server."""

import json
import logging
import sqlite3
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

TABLES = """
CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, track TEXT NOT NULL, goodness REAL NOT NULL,
    details TEXT NOT NULL, jpeg BLOB NOT NULL, bytes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS waiting_of_track ON waiting (track, goodness);
CREATE TABLE IF NOT EXISTS refused (
    id TEXT PRIMARY KEY, details TEXT NOT NULL, jpeg BLOB NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS counts (what TEXT PRIMARY KEY, number INTEGER NOT NULL);
"""
# Kept in memory while the disk takes nothing, and the refused that are kept to be looked at.
IN_MEMORY, REFUSED = 100, 1000


@dataclass(frozen=True)
class Waiting:
    """One face to send. details: the form's fields besides the image."""

    jpeg: bytes
    details: dict[str, Any]


class DiskQueue:
    """A folder with the queue's file, sent oldest first.

    limit, most_bytes: above either, what there is a better picture of goes first, then the oldest; said aloud and
    counted in `dropped`. With the disk full or read-only the latest faces wait in memory.
    """

    def __init__(self, folder: Path, limit: int = 20_000, most_bytes: int = 2 * 2**30) -> None:
        self.folder, self.limit, self.most_bytes = folder, limit, most_bytes
        self._held: deque[Waiting] = deque(maxlen=IN_MEMORY)
        self._lock = threading.RLock()
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "queue.sqlite3", isolation_level=None, check_same_thread=False)
        # What was written before the process is killed is there; FULL, so that a power cut takes nothing either.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(TABLES)
        self._take_over()

    def put(self, jpeg: bytes, details: dict[str, Any], track: str = "", goodness: float = 0.0) -> None:
        """Keep a face. track, goodness: whom it shows and how well, so that a full queue drops the lesser first."""
        with self._lock:
            try:
                self._write(jpeg, details, track, goodness)
                self._make_room()
            except sqlite3.OperationalError as error:
                if len(self._held) == IN_MEMORY:
                    self._say_lost(1)
                self._held.append(Waiting(jpeg, details))
                logger.error("the queue's disk takes nothing (%s); %d faces wait in memory", error, len(self._held))

    def oldest(self) -> Waiting | None:
        with self._lock:
            self._write_held()
            row = self._database.execute("SELECT jpeg, details FROM waiting ORDER BY number LIMIT 1").fetchone()
            if row is not None:
                return Waiting(row[0], json.loads(row[1]))
            return self._held[0] if self._held else None

    def waiting_since(self) -> datetime | None:
        """When the oldest face that waits was seen."""
        entry = self.oldest()
        return datetime.fromisoformat(entry.details["captured_at"]) if entry else None

    def sent(self, entry: Waiting) -> None:
        self._remove(entry)

    def refuse(self, entry: Waiting, reason: str) -> None:
        """Set aside what the server will not take, with the reason beside it."""
        with self._lock:
            self._database.execute(
                "INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)",
                [entry.details["id"], json.dumps(entry.details), entry.jpeg, reason],
            )
            self._database.execute(
                "DELETE FROM refused WHERE rowid IN (SELECT rowid FROM refused ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
                [REFUSED],
            )
            self._remove(entry)

    @property
    def refused(self) -> list[str]:
        """Why each of the refused was, the oldest first."""
        with self._lock:
            return [reason for (reason,) in self._database.execute("SELECT reason FROM refused ORDER BY rowid")]

    @property
    def dropped(self) -> int:
        """How many faces a full queue has dropped since it was made."""
        with self._lock:
            row = self._database.execute("SELECT number FROM counts WHERE what = 'dropped'").fetchone()
            return int(row[0]) if row else 0

    def __len__(self) -> int:
        with self._lock:
            (count,) = self._database.execute("SELECT count(*) FROM waiting").fetchone()
            return int(count) + len(self._held)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _write(self, jpeg: bytes, details: dict[str, Any], track: str, goodness: float) -> None:
        self._database.execute(
            "INSERT OR IGNORE INTO waiting (id, track, goodness, details, jpeg, bytes) VALUES (?, ?, ?, ?, ?, ?)",
            [details["id"], track, goodness, json.dumps(details), jpeg, len(jpeg)],
        )

    def _write_held(self) -> None:
        """Faces that waited in memory, as soon as the disk takes them."""
        while self._held:
            one = self._held[0]
            try:
                self._write(one.jpeg, one.details, "", 0.0)
            except sqlite3.OperationalError:
                return
            self._held.popleft()

    def _make_room(self) -> None:
        while True:
            count, size = self._database.execute("SELECT count(*), total(bytes) FROM waiting").fetchone()
            if count <= self.limit and (size <= self.most_bytes or count <= 1):
                return
            # Of whom a better picture waits as well; else the oldest.
            worst = (
                self._database.execute(
                    "SELECT number, id FROM waiting AS one WHERE track != '' AND EXISTS (SELECT 1 FROM waiting AS other"
                    " WHERE other.track = one.track AND other.goodness > one.goodness) ORDER BY number LIMIT 1"
                ).fetchone()
                or self._database.execute("SELECT number, id FROM waiting ORDER BY number LIMIT 1").fetchone()
            )
            self._database.execute("DELETE FROM waiting WHERE number = ?", [worst[0]])
            self._say_lost(1)
            logger.error("the queue is full at %d faces, %.0f MB; dropped %s", count - 1, size / 2**20, worst[1])

    def _say_lost(self, number: int) -> None:
        try:
            self._database.execute(
                "INSERT INTO counts VALUES ('dropped', ?) ON CONFLICT (what) DO UPDATE SET number = number + ?",
                [number, number],
            )
        except sqlite3.OperationalError:
            logger.error("%d faces were lost, and the disk does not take their count", number)

    def _remove(self, entry: Waiting) -> None:
        with self._lock:
            if self._held and self._held[0] is entry:
                self._held.popleft()
                return
            self._database.execute("DELETE FROM waiting WHERE id = ?", [entry.details["id"]])

    def _take_over(self) -> None:
        """What an older client left as files."""
        for path in sorted(self.folder.glob("*.json")):
            picture = path.with_suffix(".jpg")
            try:
                self._write(picture.read_bytes(), json.loads(path.read_text()), "", 0.0)
            except (OSError, ValueError, KeyError) as error:
                logger.error("%s cannot be read (%s); left where it is", path, error)
                continue
            path.unlink()
            picture.unlink(missing_ok=True)
