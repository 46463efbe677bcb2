"""That a process is still at work, though nobody asked it: a file for its supervisor, a row for everybody else.

A thread says it, so a process that is stopped or locked up as a whole falls silent. Loads no Django: the scheduler has
none.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

EVERY = 5.0
# Given by whoever starts the process. They are taken out of the environment: a child of it is another process.
KIND, FILE = "SIGHTLINE_PROCESS", "SIGHTLINE_BEAT_FILE"


def begin(keep: Callable[[str], None] | None = None) -> None:
    """Beat until the process ends, if its starter said what it is. keep: writes the row of a kind."""
    kind, file = os.environ.pop(KIND, ""), os.environ.pop(FILE, "")
    if kind:
        where = Path(file) if file else None
        threading.Thread(target=_beat, args=(kind, where, keep), name="heartbeat", daemon=True).start()


def _beat(kind: str, file: Path | None, keep: Callable[[str], None] | None) -> None:
    while True:
        if file is not None:
            try:
                file.touch()
            except OSError as problem:
                # A full disk is no reason to be taken for hung: without the file nobody is.
                logger.warning("the heartbeat cannot be written: %s", problem)
                file.unlink(missing_ok=True)
        time.sleep(EVERY)
        if keep is not None:
            keep(kind)
