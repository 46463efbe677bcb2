"""Archives that Python does not open by itself: what they hold, portion by portion, as libarchive reads it.

Runs where pictures are decoded, in a process that may die.
"""

from collections.abc import Iterator
from typing import Any

PORTION = 2**20
NOT_HERE = (
    "Whoever runs Sightline can open it here by installing libarchive. Until then unpack it and send what it holds."
)
LOCKED = "It is locked by a password. Unpack it and send what it holds."


class ArchiveRefused(Exception):
    """An archive that cannot be opened; the text says why and what to do."""


def files(path: str, kind: str) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Of each file `{"name", "is_file"}` and its portions, or why it is `{"left"}`; `{"broken"}` where all ends early.

    kind: of libarchive's formats the only one that is tried, for some read other files of the machine. Of what unpacks
    a stream, a tar's Zstandard alone is, for some call other programs. Raises `ArchiveRefused`.
    """
    try:
        # Of all that come, few are such.
        import libarchive
        from libarchive import ffi

        is_locked = ffi.ffi("entry_is_data_encrypted", [ffi.c_archive_entry_p], ffi.c_int)
    except (ImportError, OSError, TypeError, AttributeError) as error:  # what its loading of the library may raise
        raise ArchiveRefused(NOT_HERE) from error
    begun = False
    try:
        with libarchive.file_reader(path, kind, "zstd" if kind == "tar" else "none", block_size=PORTION) as opened:
            for entry in opened:
                if entry.isdir:
                    continue
                begun = True
                yield {"name": entry.pathname, "is_file": bool(entry.isfile)}, b""
                # Of a RAR that is, it would give what nobody can read.
                if is_locked(entry._entry_p):
                    yield {"left": LOCKED}, b""
                    continue
                try:
                    for portion in entry.get_blocks(PORTION) if entry.isfile else ():
                        yield {}, portion
                except libarchive.ArchiveError as error:
                    yield {"left": _why(error)}, b""
    except libarchive.ArchiveError as error:
        if not begun:
            raise ArchiveRefused(_why(error)) from error
        yield {"broken": _why(error)}, b""


def _why(error: Any) -> str:
    # Of some damage libarchive says nothing.
    said = str(error.msg or "it is damaged").rstrip(".")
    if "crypt" in said.lower() or "passphrase" in said.lower():
        return LOCKED
    return f"It cannot be unpacked: {said}. Pack it again, or send what it holds."
