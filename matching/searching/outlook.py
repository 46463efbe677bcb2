"""What is attached to a mail as Outlook saves it (`.msg`). [MS-OXMSG] 2.2: storages and streams of a compound file."""

from collections.abc import Iterator
from typing import IO, Any

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PROPERTIES, ATTACHMENT = "__properties_version1.0", "__attach_version1.0_"
DATA, MAIL = "__substg1.0_37010102", "__substg1.0_3701000D"
# Its long name, its short one, what is shown for it: in UTF-16, or in the sender's eight bits.
NAMES = ("3707", "3704", "3001")
DEEPEST = 10


class Damaged(Exception):
    """The text says what is wrong with the file."""


def is_mail(file: IO[bytes], start: bytes) -> bool:
    """Whether a file is one; it is left at its beginning. start: how it begins."""
    if not start.startswith(SIGNATURE):
        return False
    import olefile

    try:
        with olefile.OleFileIO(file) as opened:
            return bool(opened.exists(PROPERTIES))
    except Exception:  # a file that is cut short or lies about itself raises whatever it likes
        return False
    finally:
        file.seek(0)


def attachments(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """The name and the bytes of each, of mails that are attached too. Raises `Damaged`."""
    import olefile

    try:
        with olefile.OleFileIO(file) as opened:
            yield from _of(opened, [], DEEPEST)
    except Exception as error:  # as above
        raise Damaged(str(error)) from error


def _of(opened: Any, storage: list[str], deepest: int) -> Iterator[tuple[str, bytes]]:
    depth = len(storage)
    inside = {
        path[depth] for path in opened.listdir() if path[:depth] == storage and path[depth].startswith(ATTACHMENT)
    }
    for name in sorted(inside):
        attachment = [*storage, name]
        if opened.exists([*attachment, DATA]):
            yield _name(opened, attachment), opened.openstream([*attachment, DATA]).read()
        elif deepest and opened.exists([*attachment, MAIL]):
            yield from _of(opened, [*attachment, MAIL], deepest - 1)


def _name(opened: Any, attachment: list[str]) -> str:
    for name in NAMES:
        for kind, encoding in (("001F", "utf-16-le"), ("001E", "cp1252")):
            stream = [*attachment, f"__substg1.0_{name}{kind}"]
            if opened.exists(stream):
                said = opened.openstream(stream).read().decode(encoding, "replace").replace("\0", "").strip()
                if said:
                    return str(said)
    return ""
