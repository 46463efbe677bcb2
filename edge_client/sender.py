"""Sends what waits in the queue, and waits itself while the server is away."""

import logging
import random
import threading

import requests

from edge_client.queue import DiskQueue

logger = logging.getLogger(__name__)

TIMEOUT = (5, 20)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
# Answers that no second try changes: the entry itself is wrong.
REFUSED = frozenset({400, 413, 415, 422})


class Sender(threading.Thread):
    """Empties a queue towards one server until `finish` is called and the queue is empty, or `stop`."""

    def __init__(self, queue: DiskQueue, server: str, token: str) -> None:
        super().__init__(name="sender", daemon=True)
        self.queue = queue
        self.url = f"{server.rstrip('/')}/api/v1/captures/"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.sent = 0
        self.reachable = True
        self._finishing = threading.Event()
        self._stopping = threading.Event()

    def finish(self, patience: float) -> bool:
        """Send the rest, for at most `patience` seconds; True where nothing is left."""
        self._finishing.set()
        self.join(patience)
        self._stopping.set()
        return len(self.queue) == 0

    def run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            entry = self.queue.oldest()
            if entry is None:
                if self._finishing.is_set():
                    return
                self._stopping.wait(0.05)
                continue
            problem = ""
            try:
                answer = self.session.post(
                    self.url,
                    data=entry.details,
                    files={"image": ("face.jpg", entry.jpeg, "image/jpeg")},
                    timeout=TIMEOUT,
                )
                if answer.status_code == 202:
                    self.queue.sent(entry)
                    self.sent += 1
                elif answer.status_code in REFUSED:
                    logger.error("the server refused %s: %s", entry.details["id"], answer.text[:300])
                    self.queue.refuse(entry, answer.text)
                elif answer.status_code in (401, 403):
                    problem = f"the server does not accept the token: {answer.text[:300]}"
                else:
                    problem = f"the server answered {answer.status_code}"
            except requests.RequestException as error:
                problem = f"the server is away ({type(error).__name__})"
            if problem:
                if self.reachable:
                    logger.error("%s; faces wait in %s", problem, self.queue.folder)
                self.reachable = False
                # Jitter, so that a hundred cameras don't come back in the same instant.
                self._stopping.wait(pause * random.uniform(0.7, 1.3))  # noqa: S311
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                if not self.reachable:
                    logger.warning("the server is back; %d faces wait", len(self.queue))
                self.reachable, pause = True, FIRST_PAUSE
