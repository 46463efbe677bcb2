"""Files that are packed by themselves, without names: gzip, bzip2, xz; told by how they begin."""

import bz2
import gzip
import lzma
import zlib
from typing import IO, Any, cast

# How programs begin one, and what unpacks it.
STREAMS: dict[bytes, Any] = {b"\x1f\x8b\x08": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
# What reading a damaged one raises.
BROKEN = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)


def is_packed(start: bytes) -> bool:
    return start.startswith(tuple(STREAMS))


def stream(file: IO[bytes]) -> IO[bytes]:
    """What a packed file holds, from its beginning. Reading it may raise any of `BROKEN`."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    opened = next(opened for signature, opened in STREAMS.items() if start.startswith(signature))
    return cast("IO[bytes]", opened(file, "rb"))
