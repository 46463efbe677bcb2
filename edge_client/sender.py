"""Sends what waits in the queue, and waits itself while the server is away."""

import logging
import random
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from edge_client.over_http import Unreachable
from edge_client.queue import DiskQueue, Waiting

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
# Sent together where more wait.
BATCH, BATCH_BYTES = 20, 4 * 2**20


class Transport(Protocol):
    def send(self, entries: Sequence[Waiting]) -> dict[str, str | None]:
        """By id None where it was taken, else why it was refused; the rest is sent again. Raises `Unreachable`."""
        ...


class Sender(threading.Thread):
    """Empties a queue towards one server until `finish` is called and the queue is empty."""

    def __init__(self, queue: DiskQueue, transport: Transport) -> None:
        super().__init__(name="sender", daemon=True)
        self.queue = queue
        self._transport = transport
        self.sent = 0
        self.reachable = True
        self._finishing = threading.Event()
        self._stopping = threading.Event()

    def finish(self, patience: float, if_away: float | None = None) -> bool:
        """Send the rest, for at most `patience` seconds, or `if_away` while the server is away.

        Returns whether nothing is left; what is waits for the next start.
        """
        self._finishing.set()
        began, less = time.monotonic(), patience if if_away is None else if_away
        while self.is_alive() and time.monotonic() - began < (patience if self.reachable else less):
            self.join(0.1)
        self._stopping.set()
        return len(self.queue) == 0

    def run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            entries = self.queue.first(BATCH, BATCH_BYTES)
            if not entries:
                if self._finishing.is_set():
                    return
                self._stopping.wait(0.05)
                continue
            try:
                self._settle(entries, self._transport.send(entries))
            except Unreachable as problem:
                if self.reachable:
                    logger.error("%s; faces wait in %s", problem, self.queue.folder)
                self.reachable = False
                # Jitter, so that a hundred cameras don't come back in the same instant.
                self._stopping.wait(pause * random.uniform(0.7, 1.3))  # noqa: S311
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            if not self.reachable:
                logger.warning("the server is back; %d faces wait", len(self.queue))
            self.reachable, pause = True, FIRST_PAUSE

    def _settle(self, entries: Sequence[Waiting], answers: dict[str, str | None]) -> None:
        for entry in entries:
            number = entry.details["id"]
            if number not in answers:
                continue
            reason = answers[number]
            if reason is None:
                self.queue.sent(entry)
                self.sent += 1
            else:
                logger.error("the server refused %s: %s", number, reason[:300])
                self.queue.refuse(entry, reason)
