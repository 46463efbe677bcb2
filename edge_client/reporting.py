"""Says twice a minute that the client is there, how its queue is, and what it counted."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from edge_client import VERSION, streams
from edge_client.over_http import TIMEOUT, Unreachable
from edge_client.queue import DiskQueue

logger = logging.getLogger(__name__)

SECONDS = 30.0
# Minutes that wait for the server: a week.
MOST = 7 * 24 * 60
# Sent together.
PORTION = 500


class Transport(Protocol):
    def report(self, report: dict[str, Any]) -> dict[str, Any]:
        """What the server asks in turn, or nothing. Raises `Unreachable`."""
        ...


class Reporter(threading.Thread):
    """Counts what is seen and reports it until `finish`. A report that does not arrive is no reason to stop."""

    def __init__(
        self,
        queue: DiskQueue,
        transport: Transport,
        source: str,
        about: Callable[[], dict[str, Any]] = dict,
        follow: Callable[[dict[str, Any]], None] = lambda orders: None,
    ) -> None:
        """about: what else the client says of itself. follow: what is done with what the
        server asks in turn."""
        super().__init__(name="reporter", daemon=True)
        self._queue, self._transport, self._source = queue, transport, source
        self._about, self._follow = about, follow
        self._stopping = threading.Event()
        self._ended = False
        self._lock = threading.Lock()
        self._minutes: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._scores: list[float] = []

    def saw(self, at: datetime, scores: list[float], begun: int) -> None:
        """One frame. scores: of its faces. begun: persons who came into view."""
        minute = at.replace(second=0, microsecond=0).isoformat()
        with self._lock:
            if not self._minutes or self._minutes[-1]["minute"] != minute:
                self._minutes.append({"minute": minute, "frames": 0, "faces": 0, "most": 0, "tracks": 0, "score": None})
                self._scores = []
            now = self._minutes[-1]
            self._scores += scores
            now["frames"] += 1
            now["faces"] += len(scores)
            now["most"] = max(now["most"], len(scores))
            now["tracks"] += begun
            now["score"] = round(sum(self._scores) / len(self._scores), 4) if self._scores else None

    def run(self) -> None:
        self.report()
        while not self._stopping.wait(SECONDS):
            self.report()
        self.report(is_last=True)

    def finish(self, *, ended: bool) -> None:
        """Report what is left, the minute that has not ended too. ended: the source has come to its end."""
        self._ended = ended
        self._stopping.set()
        if self.is_alive():
            self.join(sum(TIMEOUT))

    def report(self, is_last: bool = False) -> None:
        """One report, with the minutes that have ended; the last one with the minute that has not."""
        with self._lock:
            whole = list(self._minutes)[:PORTION] if is_last else list(self._minutes)[:-1][:PORTION]
        waiting = self._queue.waiting_since()
        now = datetime.now(UTC)
        report = {
            "sent_at": now.isoformat(),
            "version": VERSION,
            "looks_at": streams.shown(self._source)[:300],
            "queue": len(self._queue),
            "queue_seconds": max(0.0, (now - waiting).total_seconds()) if waiting else 0.0,
            "dropped": self._queue.dropped,
            "refused": len(self._queue.refused),
            "temperature": temperature(),
            "load": round(os.getloadavg()[0] / (os.cpu_count() or 1), 2) if hasattr(os, "getloadavg") else None,
            "ended": is_last and self._ended,
            "minutes": whole,
        }
        try:
            orders = self._transport.report({**report, **self._about()})
        except Unreachable as problem:
            logger.warning("the report did not arrive: %s; it is tried again", problem)
            return
        with self._lock:
            for _ in whole:
                self._minutes.popleft()
        self._follow(orders)


def temperature() -> float | None:
    """Of the processor, degrees Celsius, where the device tells."""
    try:
        return int(Path("/sys/class/thermal/thermal_zone0/temp").read_text()) / 1000
    except (OSError, ValueError):
        return None
