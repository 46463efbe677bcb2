"""Copies of a bucket's files on this machine's disk: those used last, of a set size, for an hour at most."""

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

# What was erased on another machine lies here no longer than a browser keeps a picture.
KEPT = 3600
# Seconds between two looks at what has to go.
EVERY = 60

_looked = 0.0
_one_at_a_time = threading.Lock()


def folder() -> Path:
    return Path(settings.DATA_DIR) / "copies"


def open_(name: str, fetch: Callable[[BinaryIO], None]) -> BinaryIO:
    """A file as it is kept, at its beginning. fetch: writes it, where there is no copy."""
    path = _path(name)
    with suppress(FileNotFoundError):
        copy = path.open("rb")
        fetched_at = os.fstat(copy.fileno()).st_mtime
        if time.time() - fetched_at < KEPT:
            with suppress(FileNotFoundError):
                os.utime(path, (time.time(), fetched_at))
            return copy
        copy.close()
    if not _most():
        file: BinaryIO = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # type: ignore[assignment]  # noqa: SIM115
        fetch(file)
    else:
        file = _keep(path, fetch)
    file.seek(0)
    return file


def put(name: str, content: BinaryIO) -> None:
    """Keep a copy of what has just been written: it is read next. Without room for it there is none."""

    def write(file: BinaryIO) -> None:
        content.seek(0)
        for part in iter(lambda: content.read(1 << 20), b""):
            file.write(part)

    if _most():
        with suppress(OSError):
            _keep(_path(name), write).close()


def forget(name: str) -> None:
    _path(name).unlink(missing_ok=True)


def tidy() -> None:
    """Remove what is too old, and what was used longest ago where there is too much; at most once a minute."""
    global _looked
    if time.monotonic() - _looked < EVERY or not _one_at_a_time.acquire(blocking=False):
        return
    try:
        _looked = time.monotonic()
        sweep()
    finally:
        _one_at_a_time.release()


def sweep() -> None:
    now, whole, found = time.time(), 0, []
    with suppress(OSError), os.scandir(folder()) as entries:
        for entry in entries:
            # Another process may be sweeping, too.
            with suppress(FileNotFoundError):
                said = entry.stat()
                found.append((said.st_atime, said.st_size, now - said.st_mtime, entry.path))
    for _, size, age, path in sorted(found, reverse=True):
        if age > KEPT or whole + size > _most():
            Path(path).unlink(missing_ok=True)
        else:
            whole += size


def _keep(path: Path, write: Callable[[BinaryIO], None]) -> BinaryIO:
    tidy()
    path.parent.mkdir(mode=0o700, exist_ok=True)
    number, fresh = tempfile.mkstemp(dir=path.parent, prefix=".")
    file = os.fdopen(number, "w+b")
    try:
        write(file)
        file.flush()
        Path(fresh).replace(path)
    except BaseException:
        file.close()
        Path(fresh).unlink(missing_ok=True)
        raise
    return file


def _most() -> int:
    """Bytes."""
    return int(settings.FILES_CACHE_MB) * 10**6


def _path(name: str) -> Path:
    return folder() / hashlib.sha256(name.encode()).hexdigest()
