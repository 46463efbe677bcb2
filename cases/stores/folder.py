"""Files in a folder."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from django.core.files.storage import FileSystemStorage

from cases.stores.base import OURS


class Folder:
    """A folder, of this machine or shared. path: empty for the one in the data folder."""

    def __init__(self, path: str = "") -> None:
        self._path, self._files = path, FileSystemStorage(path or None)

    def __str__(self) -> str:
        return self._path or "the data folder"

    @property
    def root(self) -> Path:
        return Path(self._files.location)

    def path(self, name: str) -> Path:
        return Path(self._files.path(name))

    def open(self, name: str) -> BinaryIO:
        return self.path(name).open("rb")

    def free_name(self, name: str, max_length: int | None) -> str:
        return self._files.get_available_name(name, max_length)

    def add(self, name: str, content: Any) -> str:
        return self._files.save(name, content)

    def put(self, name: str, content: BinaryIO, written_at: float) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as fresh:
            try:
                shutil.copyfileobj(content, fresh)
                fresh.flush()
                os.fsync(fresh.fileno())
                os.utime(fresh.name, (written_at, written_at))
                Path(fresh.name).replace(path)
            except BaseException:
                Path(fresh.name).unlink(missing_ok=True)
                raise

    def delete(self, name: str) -> None:
        self._files.delete(name)

    def exists(self, name: str) -> bool:
        return self._files.exists(name)

    def size(self, name: str) -> int:
        return self.path(name).stat().st_size

    def walk(self) -> Iterator[tuple[str, float]]:
        for top in OURS:
            for path in (self.root / top).rglob("*"):
                # One that was removed since it was listed went with its row.
                with suppress(FileNotFoundError):
                    if path.is_file():
                        yield path.relative_to(self.root).as_posix(), path.stat().st_mtime

    def lookup(self) -> Callable[[str], bool]:
        return self.exists

    def reach(self) -> None:
        # An empty installation has no folder yet; one that is gone shows by its files.
        pass

    def check(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=self.root) as file:
            file.write(b"one")
