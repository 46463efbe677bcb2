"""7-Zip, RAR, cabinets, images of discs and tars packed by Zstandard: repacked as a zip, which is read as any other."""

import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from matching.faces import children
from matching.searching.unpacking import Unreadable

# How each begins, where, and what libarchive calls it.
SIGNS = (
    (0, b"7z\xbc\xaf\x27\x1c", "7zip"), (0, b"Rar!\x1a\x07\x00", "rar"), (0, b"Rar!\x1a\x07\x01\x00", "rar5"),
    (0, b"MSCF\0\0\0\0", "cab"), (0, b"\x28\xb5\x2f\xfd", "tar"), (0x8001, b"CD001", "iso9660"),
)  # fmt: skip
# Seconds between two portions: packed as one, the first of many files may come late.
PATIENCE = 120.0
NOTHING_INSIDE = "It is a link or a device, and holds nothing."


def kind(file: IO[bytes]) -> str:
    """As libarchive calls it, by its content; empty for what it need not open. The file is left at its beginning."""
    found = ""
    for at, sign, name in SIGNS:
        file.seek(at)
        if file.read(len(sign)) == sign:
            found = name
            break
    file.seek(0)
    return found


def repack(file: IO[bytes], into: IO[bytes], most: int) -> dict[str, str]:
    """Write what an archive holds into a zip. most: bytes that it may hold.

    Returns why each file that is not there was left out. Raises `Unreadable`.
    """
    left: dict[str, str] = {}
    with _on_disk(file) as path, children.alone() as child, zipfile.ZipFile(into, "w") as packed:
        size, name = 0, ""
        member: IO[bytes] = io.BytesIO()
        try:
            child.ask({"what": "archive", "path": path, "kind": kind(file)})
            while True:
                said, content = child.answer(PATIENCE)
                if "refused" in said:
                    raise Unreadable(said["text"])
                if content:
                    size += len(content)
                    if size > most:
                        raise Unreadable(f"Unpacked it has over {most / 2**30:,.0f} GB. Send what it holds in parts.")
                    member.write(content)
                    continue
                member.close()
                if "name" in said:
                    name = _free(packed, said["name"])
                    member = packed.open(zipfile.ZipInfo(name), "w", force_zip64=True)
                    if not said["is_file"]:
                        left[name] = NOTHING_INSIDE
                elif "left" in said:
                    left[name] = said["left"]
                else:
                    if "broken" in said:
                        left["what lies behind"] = said["broken"]
                    break
        except children.ChildDied:
            raise Unreadable("Opening it broke off. Unpack it and send what it holds.") from None
        finally:
            member.close()
        if not name:
            raise Unreadable("It holds no file, or is damaged. Pack it again.")
        # Half a file must not pass for a whole one: what is in no list is not in the zip.
        entries = packed.infolist()
        entries[:] = [entry for entry in entries if entry.filename not in left]
    return left


@contextmanager
def _on_disk(file: IO[bytes]) -> Iterator[str]:
    """The path of a file, or of a copy where it has none."""
    if isinstance(path := getattr(file, "name", None), str):
        yield path
        return
    with tempfile.NamedTemporaryFile() as copy:
        while portion := file.read(2**20):
            copy.write(portion)
        copy.flush()
        yield copy.name


def _free(packed: zipfile.ZipFile, name: str) -> str:
    """A name that no other file of the archive has, and that can be written down."""
    name = name.encode(errors="replace").decode() or "file"
    number, free = 1, name
    while free in packed.NameToInfo:
        number += 1
        free = f"{name} ({number})"
    return free
