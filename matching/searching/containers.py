"""What lies in a zip or a mail, one in the other: each member with its path through them.

Members are read by their entry, in memory, so that no name of a stranger's ever becomes a path.
"""

import email
import email.policy
import io
import mailbox
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from cases.sources import filenames
from cases.sources.places import is_picture, looks_like_picture
from matching.faces import documents
from matching.faces.images import MAX_BYTES

MOST_UNPACKED = 20 * 2**30
# How many lie in each other.
DEEPEST = 5
# Of one that is opened to look for others in it; on disk beyond what memory should hold.
MOST_NESTED, IN_MEMORY = 2 * 2**30, 64 * 2**20
DRIVE = re.compile(r"[A-Za-z]:\\")
DOCUMENTS = (".pdf", ".docx", ".odt", ".pptx", ".xlsx", ".odp", ".ods")
CLIPS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".ogv", ".wmv", ".asf", ".flv", ".mpg", ".mpeg", ".ts", ".mts",
    ".m2ts", ".mxf", ".3gp", ".h264",
)  # fmt: skip
PACKED = {".rar": "RAR", ".7z": "7-Zip", ".tar": "tar", ".gz": "gzip", ".e01": "EnCase", ".dd": "disk"}
MAIL_HEAD = re.compile(rb"(?:[A-Za-z][\w-]{1,40}:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}", re.ASCII)
MAIL_SAYS = re.compile(rb"^(?:from|received|return-path|message-id|mime-version|delivered-to):", re.I | re.M)


class Unreadable(Exception):
    """A container that cannot be opened; the text says why and what to do."""


@dataclass(frozen=True)
class Member:
    """name: the path to it. read: gives its bytes, and raises `Unreadable`. refusal: why it is left alone.

    clip: of a clip, which memory should not hold: its bytes as a file, which whoever asks closes; raises `Unreadable`.
    """

    name: str
    read: Callable[[], bytes] = lambda: b""
    refusal: str = ""
    clip: Callable[[], IO[bytes]] | None = None


def is_container(path: Path) -> bool:
    """A zip of files, as an office document is not one, or mail."""
    with open(path, "rb") as file:
        return _kind(file) in ("zip", "mail", "mails")


def members(path: Path) -> Iterator[Member]:
    """What lies in a container, in the order of names. Raises `Unreadable` where it cannot be opened."""
    with open(path, "rb") as file:
        yield from _Opened().members(file, "", 1)


def _kind(file: IO[bytes]) -> str:
    """By its content: zip, mail, mails, or nothing that holds others. The file is left at its beginning."""
    start = file.read(4096)
    file.seek(0)
    if start.startswith(b"PK"):
        try:
            with zipfile.ZipFile(file) as opened:
                found = "" if documents.is_office(opened.namelist()) else "zip"
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            found = "zip"  # opening it says what is wrong
        file.seek(0)
        return found
    plain = start.replace(b"\r\n", b"\n")
    if plain.startswith(b"From ") and MAIL_SAYS.search(plain):
        return "mails"
    head = MAIL_HEAD.match(plain)
    return "mail" if head and MAIL_SAYS.search(head[0]) else ""


class _Opened:
    """One walk through a container; what it unpacks on its way is counted."""

    def __init__(self) -> None:
        self._unpacked = 0

    def members(self, file: IO[bytes], inside: str, depth: int) -> Iterator[Member]:
        kind = _kind(file)
        if kind == "zip":
            yield from self._zip(file, inside, depth)
        elif kind == "mails":
            yield from self._mails(file, inside, depth)
        else:
            yield from self._mail(file.read(MOST_NESTED), inside, depth)

    def _zip(self, file: IO[bytes], inside: str, depth: int) -> Iterator[Member]:
        try:
            with zipfile.ZipFile(file) as opened:
                for entry in _entries(opened):
                    yield from self._entry(opened, entry, inside, depth)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise Unreadable(f"The zip cannot be read: {error}. Pack it again.") from error

    def _entry(self, opened: zipfile.ZipFile, entry: zipfile.ZipInfo, inside: str, depth: int) -> Iterator[Member]:
        own = filenames.in_zip(entry)
        name = f"{inside}{own}"[-300:]
        # Old Windows programs pack whole paths with their drive.
        path = PurePosixPath(own[3:] if DRIVE.match(entry.orig_filename) else own)
        read = partial(_member, opened, entry, MAX_BYTES)
        if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            yield Member(name, refusal="Its path leads out of the zip, so it was left alone.")
        elif entry.flag_bits & 1:
            yield Member(name, refusal="It is locked by a password. Unpack the zip and send its pictures.")
        elif is_picture(own) or path.suffix.lower() in DOCUMENTS or looks_like_picture(_start(opened, entry)):
            yield Member(name, read)
        elif path.suffix.lower() in CLIPS:
            self._unpacked += entry.file_size
            yield self._clip(name, partial(_spooled, opened, entry, MOST_NESTED))
        elif path.suffix.lower() in PACKED:
            yield Member(name, refusal=_packed(path.suffix.lower()))
        else:
            yield from self._nested(partial(_spooled, opened, entry), _start(opened, entry), name, depth)

    def _clip(self, name: str, unpack: Callable[[], IO[bytes]]) -> Member:
        return Member(name, refusal=TOO_MUCH) if self._unpacked > MOST_UNPACKED else Member(name, clip=unpack)

    def _nested(self, unpack: Callable[[int], IO[bytes]], start: bytes, name: str, depth: int) -> Iterator[Member]:
        """What lies in a member, where it is a container itself."""
        if not _kind(io.BytesIO(start)):
            yield Member(name, refusal="It is no picture.")
            return
        if depth >= DEEPEST:
            yield Member(name, refusal=f"Over {DEEPEST} files lie in each other; unpack it and send what it holds.")
            return
        try:
            with unpack(MOST_NESTED) as file:
                self._unpacked += file.seek(0, 2)
                file.seek(0)
                if self._unpacked > MOST_UNPACKED:
                    raise Unreadable(TOO_MUCH)
                if not _kind(file):
                    # An office document under another name.
                    yield (
                        Member(name, partial(_all, file))
                        if start.startswith(b"PK")
                        else Member(name, refusal="It is no picture.")
                    )
                    return
                yield from self.members(file, f"{name}/", depth + 1)
        except Unreadable as why:
            yield Member(name, refusal=str(why))

    def _mails(self, file: IO[bytes], inside: str, depth: int) -> Iterator[Member]:
        """A mailbox of many mails, as programs export them."""
        with tempfile.NamedTemporaryFile(suffix=".mbox") as copy:
            while portion := file.read(2**20):
                copy.write(portion)
            copy.flush()
            box = mailbox.mbox(copy.name, create=False)
            try:
                for number, key in enumerate(box.iterkeys(), start=1):
                    try:
                        yield from self._mail(box.get_bytes(key), f"{inside}mail {number}/", depth)
                    except Unreadable as why:
                        yield Member(f"{inside}mail {number}", refusal=str(why))
            finally:
                box.close()

    def _mail(self, content: bytes, inside: str, depth: int) -> Iterator[Member]:
        """What is attached to a mail, or shown in it."""
        try:
            parts = list(email.message_from_bytes(content, policy=email.policy.default).walk())
        except Exception as error:  # a header that nobody can read stops the standard library in many ways
            raise Unreadable(f"The mail cannot be read: {error}. Save its pictures and send those.") from error
        for number, part in enumerate(parts, start=1):
            if part.is_multipart():
                continue
            try:
                named, payload = part.get_filename(), part.get_payload(decode=True)
            except Exception:  # as above, of one part
                yield Member(f"{inside}part {number}", refusal="This part of the mail is damaged.")
                continue
            if not isinstance(payload, bytes) or (part.get_content_maintype() == "text" and not named):
                continue  # what was written
            own = filenames.plain(PurePosixPath(str(named or "").replace("\\", "/")).name)
            name = f"{inside}{own or f'part {number}'}"[-300:]
            suffix = PurePosixPath(own).suffix.lower()
            if looks_like_picture(payload[:32]) or is_picture(own) or suffix in DOCUMENTS:
                refused = len(payload) > MAX_BYTES
                yield Member(name, refusal=TOO_LARGE) if refused else Member(name, partial(bytes, payload))
            elif suffix in CLIPS:
                yield self._clip(name, partial(io.BytesIO, payload))
            elif suffix in PACKED:
                yield Member(name, refusal=_packed(suffix))
            else:
                yield from self._nested(partial(_held, payload), payload[:4096], name, depth)


TOO_MUCH = f"Unpacked it has over {MOST_UNPACKED // 2**30} GB. Send what it holds in parts."
TOO_LARGE = f"A picture has at most {MAX_BYTES // 2**20} MB."


def _held(content: bytes, most: int) -> IO[bytes]:
    return io.BytesIO(content[:most])


def _packed(suffix: str) -> str:
    return f"It is packed as {PACKED[suffix]}, which is not opened. Unpack it and send what it holds."


def _entries(opened: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = [entry for entry in opened.infolist() if not filenames.in_zip(entry).endswith("/")]
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_UNPACKED:
        raise Unreadable(
            f"Unpacked it would have {unpacked / 2**30:,.0f} GB; the limit is {MOST_UNPACKED // 2**30} GB. Split it."
        )
    # What systems put into archives by themselves is nobody's evidence.
    entries = [entry for entry in entries if not filenames.is_hidden(filenames.in_zip(entry))]
    return sorted(entries, key=lambda entry: entry.filename)


def _start(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """How a member begins: told by its content where its name does not say it."""
    try:
        with opened.open(entry) as file:
            return file.read(4096)
    except Exception:  # a locked or damaged member; reading it says so
        return b""


def _member(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    with _spooled(opened, entry, most) as file:
        return file.read()


def _spooled(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> IO[bytes]:
    """A member's bytes as a file without a name. Raises `Unreadable`."""
    # Closed by whoever asked for it.
    held: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
    too_large = TOO_LARGE if most == MAX_BYTES else f"It has over {most // 2**30} GB. Send what it holds in parts."
    try:
        if entry.file_size > most:
            raise Unreadable(too_large)
        with opened.open(entry) as file:
            # The size that the zip states may be a lie; what comes out is counted.
            while portion := file.read(2**20):
                if held.tell() + len(portion) > most:
                    raise Unreadable(too_large)
                held.write(portion)
    except Unreadable:
        held.close()
        raise
    except Exception as error:  # what a damaged or oddly packed member raises has no common parent
        held.close()
        raise Unreadable(f"It cannot be read from the zip: {error}.") from error
    held.seek(0)
    return held


def _all(file: IO[bytes]) -> bytes:
    file.seek(0)
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Unreadable(TOO_LARGE)
    return content
