"""Archives that Python does not write by itself, for tests. RAR by hand, as its own programs alone may pack it."""

import io
import struct
import zlib
from collections.abc import Mapping
from ctypes.util import find_library

HAS_LIBARCHIVE = find_library("archive") is not None
MARK, END = b"Rar!\x1a\x07\x00", (0x7B, 0x4000)
WITH_CONTENT, LOCKED = 0x8000, 0x04
UNIX, STORED, VERSION = 3, 0x30, 20


def rar(files: Mapping[str, bytes], locked: bool = False) -> bytes:
    """RAR 4, its files stored as they are."""
    whole = MARK + _block(0x73, 0, bytes(6))
    for name, content in files.items():
        said = struct.pack(
            "<IIBIIBBHI", len(content), len(content), UNIX, zlib.crc32(content), 0, VERSION, STORED, len(name), 0o100644
        )
        whole += _block(0x74, WITH_CONTENT | (LOCKED if locked else 0), said + name.encode()) + content
    return whole + _block(*END, b"")


def _block(kind: int, flags: int, said: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(said)) + said
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head


def written(files: Mapping[str, bytes], kind: str, packed: str | None = None) -> bytes:
    """An archive of a kind that libarchive writes: `7zip`, `iso9660`, `pax` with `packed` for how it is packed."""
    import libarchive

    whole = io.BytesIO()
    with libarchive.custom_writer(whole.write, kind, packed) as archive:
        for name, content in files.items():
            archive.add_file_from_memory(name, len(content), content)
    return whole.getvalue()
