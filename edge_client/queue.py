"""What waits to be sent, in one SQLite file: it outlives the client, the network and the server."""

import json
import logging
import math
import sqlite3
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
# What was seen so shortly ago is news; the server tells of what is older in one message.
LIVE = timedelta(minutes=10)
# Kept in memory while the disk takes nothing, and the refused that are kept to be looked at.
IN_MEMORY, REFUSED = 100, 1000


def _prepared(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # What was written before the process is killed is there; FULL, so that a power cut takes nothing either.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(TABLES)
    return database


@dataclass(frozen=True)
class Waiting:
    """One face to send. details: the form's fields besides the image."""

    jpeg: bytes
    details: dict[str, Any]


def _is_live(details: dict[str, Any]) -> bool:
    return datetime.now(UTC) - datetime.fromisoformat(details["captured_at"]) < LIVE


class DiskQueue:
    """A folder with the queue's file. What a camera sees now is sent before what waited for long.

    limit, most_bytes: above either, what there is a better picture of goes first, then the oldest; said aloud and
    counted in `dropped`. With the disk full or read-only the latest faces wait in memory.
    """

    def __init__(self, folder: Path, limit: int = 20_000, most_bytes: int = 2 * 2**30) -> None:
        self.folder, self.limit, self.most_bytes = folder, limit, most_bytes
        self._held: deque[Waiting] = deque(maxlen=IN_MEMORY)
        self._lock = threading.RLock()
        self._database = self._open()
        # Kept here, for a look at 20,000 rows at each face would take longer than the face.
        self._count, self._bytes = self._database.execute("SELECT count(*), total(bytes) FROM waiting").fetchone()
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

    def first(self, number: int = 1, most_bytes: float = math.inf) -> list[Waiting]:
        """What to send next: of the latest faces those that are still live, then the oldest that wait. At least one
        where any waits, and no more bytes than that."""
        with self._lock:
            self._write_held()
            ask = self._database.execute
            latest = ask("SELECT number, details FROM waiting ORDER BY number DESC LIMIT ?", [number])
            live = [row for row, details in latest if _is_live(json.loads(details))]
            oldest = ask("SELECT number FROM waiting ORDER BY number LIMIT ?", [number])
            rows = [*reversed(live), *(row for (row,) in oldest)]
            found: list[Waiting] = []
            size = 0
            for row in list(dict.fromkeys(rows))[:number]:
                jpeg, details = ask("SELECT jpeg, details FROM waiting WHERE number = ?", [row]).fetchone()
                size += len(jpeg)
                if found and size > most_bytes:
                    break
                found.append(Waiting(jpeg, json.loads(details)))
            return found or list(self._held)[:1]

    def waiting_since(self) -> datetime | None:
        """When the oldest face that waits was seen."""
        with self._lock:
            row = self._database.execute("SELECT details FROM waiting ORDER BY number LIMIT 1").fetchone()
            details = json.loads(row[0]) if row else self._held[0].details if self._held else None
            return datetime.fromisoformat(details["captured_at"]) if details else None

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
            return int(self._count) + len(self._held)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _open(self) -> sqlite3.Connection:
        """The queue's file. One that is damaged is set aside, one on a disk that takes nothing replaced by memory."""
        path = self.folder / "queue.sqlite3"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return _prepared(str(path))
        except (sqlite3.OperationalError, OSError) as error:
            logger.error(
                "%s cannot be opened (%s); faces wait in memory until the client is started again", path, error
            )
        except sqlite3.DatabaseError as error:
            aside = path.with_name(f"damaged-{time.time():.0f}.sqlite3")
            path.rename(aside)
            logger.error("%s is damaged (%s); it is kept as %s, and a new one begun", path, error, aside.name)
            return _prepared(str(path))
        self.limit = min(self.limit, IN_MEMORY)
        return _prepared(":memory:")

    def _write(self, jpeg: bytes, details: dict[str, Any], track: str, goodness: float) -> None:
        written = self._database.execute(
            "INSERT OR IGNORE INTO waiting (id, track, goodness, details, jpeg, bytes) VALUES (?, ?, ?, ?, ?, ?)",
            [details["id"], track, goodness, json.dumps(details), jpeg, len(jpeg)],
        )
        self._count, self._bytes = self._count + written.rowcount, self._bytes + written.rowcount * len(jpeg)

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
        while self._count > self.limit or (self._bytes > self.most_bytes and self._count > 1):
            # Of whom a better picture waits as well; else the oldest.
            worst = (
                self._database.execute(
                    "SELECT number, id, bytes FROM waiting AS one WHERE track != '' AND EXISTS (SELECT 1 FROM waiting"
                    " AS other WHERE other.track = one.track AND other.goodness > one.goodness) ORDER BY number LIMIT 1"
                ).fetchone()
                or self._database.execute("SELECT number, id, bytes FROM waiting ORDER BY number LIMIT 1").fetchone()
            )
            logger.error(
                "the queue is full at %d faces, %.0f MB; dropped %s", self._count - 1, self._bytes / 2**20, worst[1]
            )
            self._database.execute("DELETE FROM waiting WHERE number = ?", [worst[0]])
            self._count, self._bytes = self._count - 1, self._bytes - worst[2]
            self._say_lost(1)

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
            gone = self._database.execute("DELETE FROM waiting WHERE id = ?", [entry.details["id"]]).rowcount
            self._count, self._bytes = self._count - gone, self._bytes - gone * len(entry.jpeg)

    def _take_over(self) -> None:
        """What an older client left as files."""
        for path in sorted(self.folder.glob("*.json")):
            picture = path.with_suffix(".jpg")
            if path.name == "camera.json":
                continue  # who the client is
            try:
                self._write(picture.read_bytes(), json.loads(path.read_text()), "", 0.0)
            except (OSError, ValueError, KeyError) as error:
                logger.error("%s cannot be read (%s); left where it is", path, error)
                continue
            path.unlink()
            picture.unlink(missing_ok=True)
