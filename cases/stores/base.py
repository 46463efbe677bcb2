"""What every store promises, and what it says where it cannot keep that."""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

# What lies beside these is somebody else's: it is never listed, sealed, moved or tidied away.
OURS = (
    "alert_clips", "batches", "captures", "checks", "crops", "display", "evaluations", "photos", "plans", "searches",
)  # fmt: skip


class Away(OSError):
    """The place cannot be reached, or lets us not in: no file's fault. The text says why."""


class BadAddress(ValueError):
    """It names no place; the text says what to write."""


class Store(Protocol):
    """Names are relative, with `/` between their parts."""

    def open(self, name: str) -> BinaryIO:
        """As it is kept. Raises `FileNotFoundError`, `Away`."""

    def free_name(self, name: str, max_length: int | None) -> str:
        """One like it that no file has here. Raises `SuspiciousFileOperation`: the name is too long."""

    def add(self, name: str, content: Any) -> str:
        """Write a new file under a free name. Returns the name that it has got."""

    def put(self, name: str, content: BinaryIO, written_at: float) -> None:
        """Write a file, in the place of one that has its name, in one step."""

    def delete(self, name: str) -> None: ...

    def exists(self, name: str) -> bool: ...

    def size(self, name: str) -> int:
        """Bytes. Raises `FileNotFoundError`."""

    def walk(self) -> Iterator[tuple[str, float]]:
        """The name of each file of ours and when it was written, in seconds since 1970."""

    def lookup(self) -> Callable[[str], bool]:
        """`exists` for many names one after another."""

    def reach(self) -> None:
        """Whether it is there, asked quickly. Raises `Away`."""

    def check(self) -> None:
        """Whether it can be written, read and emptied. Raises `OSError`."""
