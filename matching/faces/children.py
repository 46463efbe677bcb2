"""Processes that may die: what strangers send is decoded in one, under limits of memory and time, without our secrets.

Each waits for the next picture for a while and then ends by itself. `matching.faces.decode` is what runs in them.
"""

import atexit
import fcntl
import json
import os
import queue
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Address space that one may take, and seconds that it may work on one answer.
MEMORY = 3 * 2**30
SECONDS = 30.0
PIPE = 2**20
HEAD = struct.Struct("!IQ")
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "LC_ALL": "C.UTF-8",
    # Of its own threads numpy needs none to hand over a picture, and each takes memory.
    "OPENBLAS_NUM_THREADS": "1",
    # Memory of one picture is used for the next instead of being given back: a third less time for each.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
}


class ChildDied(Exception):
    """It crashed, or was ended because it needed too long. `too_long` says which."""

    def __init__(self, too_long: bool = False) -> None:
        super().__init__("too long" if too_long else "crashed")
        self.too_long = too_long


class Child:
    """One such process. It answers what it is asked in turn; one that was ended answers nothing more."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "matching.faces.decode", str(MEMORY), str(SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101 - opened above
            # A picture in a few large pieces instead of two hundred small ones; a system that gives no more has it so.
            with suppress(OSError):
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE)
        self.is_used = False

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, asked: dict[str, Any], content: bytes = b"") -> None:
        """Raises `ChildDied`."""
        assert self._process.stdin is not None  # noqa: S101 - opened above
        try:
            write(self._process.stdin.fileno(), asked, content)
        except OSError:
            raise ChildDied from None

    def answer(self, seconds: float | None = None) -> tuple[dict[str, Any], bytearray]:
        """What it says next within so many seconds, and the bytes with it. Raises `ChildDied`."""
        until = time.monotonic() + (seconds or SECONDS)
        said, size = HEAD.unpack(self._read(HEAD.size, until))
        found = json.loads(self._read(said, until)), self._read(size, until)
        self.is_used = True
        return found

    def _read(self, size: int, until: float) -> bytearray:
        assert self._process.stdout is not None  # noqa: S101 - opened above
        out = self._process.stdout.fileno()
        content = bytearray(size)
        view, done = memoryview(content), 0
        while done < size:
            if not select.select([out], [], [], max(until - time.monotonic(), 0))[0]:
                raise ChildDied(too_long=True)
            got = os.readv(out, [view[done:]])
            if not got:
                raise ChildDied
            done += got
        return content

    def end(self) -> None:
        self._process.kill()
        # What is still on its way to it can't be written any more; each pipe is closed all the same.
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self._process.wait()


def write(out: int, said: dict[str, Any], content: bytes | memoryview = b"") -> None:
    """Lengths, words and bytes, as both sides write them."""
    words = json.dumps(said).encode()
    for part in (HEAD.pack(len(words), len(content)) + words, content):
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(out, rest) :]


def ask(asked: dict[str, Any], content: bytes = b"") -> tuple[dict[str, Any], bytearray]:
    """One question to one of the processes that are kept. Raises `ChildDied`."""
    with _at_once:
        while True:
            child = _idle_one() or Child()
            was_used = child.is_used
            try:
                child.ask(asked, content)
                answer = child.answer()
            except ChildDied as death:
                child.end()
                if was_used and not death.too_long:
                    # It may just have ended of idleness: another one is asked.
                    continue
                raise
            except BaseException:
                child.end()
                raise
            _idle.put(child)
            return answer


def _idle_one() -> Child | None:
    while True:
        try:
            child = _idle.get_nowait()
        except queue.Empty:
            return None
        if child.is_alive:
            return child
        child.end()


@contextmanager
def alone() -> Iterator[Child]:
    """One for work that takes many answers, ended after it."""
    child = Child()
    try:
        yield child
    finally:
        child.end()


def _end_all() -> None:
    while child := _idle_one():
        child.end()


# Decoding takes a core: more at once would only take memory.
_at_once = threading.BoundedSemaphore(int(os.environ.get("CORES") or os.cpu_count() or 1))
_idle: "queue.LifoQueue[Child]" = queue.LifoQueue()
atexit.register(_end_all)
