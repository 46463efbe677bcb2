"""What lies in an archive or a mail, one in the other: each member with its path through them.

Members are read by their entry, in memory, so that no name of a stranger's ever becomes a path.
"""

import email
import email.policy
import hashlib
import io
import mailbox
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from cases.sources import filenames, packed
from cases.sources.places import is_picture, looks_like_picture
from matching.faces import documents
from matching.searching import outlook, repacking, unpacking
from matching.searching.unpacking import Unreadable

MOST_UNPACKED = 20 * 2**30
# How many lie in each other.
DEEPEST = 5
# Of one that is opened to look for others in it.
MOST_NESTED, MOST_MAIL = 4 * 2**30, 2 * 2**30
DRIVE = re.compile(r"[A-Za-z]:\\")
DOCUMENTS = (".pdf", ".docx", ".odt", ".pptx", ".xlsx", ".odp", ".ods", ".doc", ".ppt")
CLIPS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".ogv", ".wmv", ".asf", ".flv", ".mpg", ".mpeg", ".ts", ".mts",
    ".m2ts", ".mxf", ".3gp", ".h264",
)  # fmt: skip
# What is a tar within, by the endings that say so at once.
TARS = ("tgz", "tbz", "tbz2", "txz", "taz")
DISKS = (".e01", ".ex01", ".dd", ".dmg", ".vhd", ".vhdx", ".vmdk")
MAIL_HEAD = re.compile(rb"(?:[A-Za-z][\w-]{1,40}:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}", re.ASCII)
MAIL_SAYS = re.compile(rb"^(?:from|received|return-path|message-id|mime-version|delivered-to):", re.I | re.M)


@dataclass(frozen=True)
class Member:
    """name: the path to it. read: gives its bytes, and raises `Unreadable`. refusal: why it is left alone.

    clip: of a clip, which memory should not hold: its bytes as a file, which whoever asks closes; raises `Unreadable`.
    digest: gives the SHA-256 of one that is left alone; empty where its bytes cannot be had.
    """

    name: str
    read: Callable[[], bytes] = lambda: b""
    refusal: str = ""
    clip: Callable[[], IO[bytes]] | None = None
    digest: Callable[[], str] = lambda: ""


def is_container(path: Path) -> bool:
    """An archive of files, as an office document is not one, or mail."""
    with open(path, "rb") as file:
        return bool(_kind(file))


def left_alone(name: str) -> str:
    """Why a file of this name is not opened; "" where nothing speaks against it."""
    is_disk = PurePosixPath(name).suffix.lower() in DISKS
    return "It is the image of a disk, which is not opened. Mount it and send what it holds." if is_disk else ""


def members(path: Path, name: str = "") -> Iterator[Member]:
    """What lies in a container, in the order of names. name: what it is called. Raises `Unreadable` where it cannot be
    opened."""
    with open(path, "rb") as file:
        yield from _Opened().members(file, name, "", 1)


def _kind(file: IO[bytes]) -> str:
    """By its content: zip, tar, packed, archive, outlook, mail, mails, or nothing that holds others. The file is left
    at its beginning."""
    start = file.read(4096)
    file.seek(0)
    if start.startswith(b"PK"):
        try:
            with zipfile.ZipFile(file) as opened:
                found = "" if documents.is_office(opened.namelist()) else "zip"
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
            found = "zip"  # opening it says what is wrong
        file.seek(0)
        return found
    if start[257:262] == b"ustar":
        return "tar"
    if packed.is_packed(start):
        return "packed"
    if repacking.kind(file):
        return "archive"
    if outlook.is_mail(file, start):
        return "outlook"
    plain = start.replace(b"\r\n", b"\n")
    if plain.startswith(b"From ") and MAIL_SAYS.search(plain):
        return "mails"
    head = MAIL_HEAD.match(plain)
    return "mail" if head and MAIL_SAYS.search(head[0]) else ""


class _Opened:
    """One walk through a container; what it unpacks on its way is counted."""

    def __init__(self) -> None:
        self._unpacked = self._hashed = 0

    def members(self, file: IO[bytes], own: str, inside: str, depth: int) -> Iterator[Member]:
        """own: the container's name."""
        kind = _kind(file)
        if kind == "zip":
            yield from self._zip(file, inside, depth)
        elif kind == "tar":
            yield from self._tar(file, inside, depth)
        elif kind == "packed":
            yield from self._packed(file, own, inside, depth)
        elif kind == "archive":
            yield from self._archive(file, inside, depth)
        elif kind == "outlook":
            yield from self._outlook(file, inside, depth)
        elif kind == "mails":
            yield from self._mails(file, inside, depth)
        else:
            yield from self._mail(file.read(MOST_MAIL), inside, depth)

    def _zip(self, file: IO[bytes], inside: str, depth: int) -> Iterator[Member]:
        try:
            with zipfile.ZipFile(file) as opened:
                for entry in _entries(opened):
                    own = filenames.in_zip(entry)
                    name = f"{inside}{own}"[-300:]
                    if entry.flag_bits & 1:
                        why = "It is locked by a password. Unpack the zip and send its pictures."
                        yield Member(name, refusal=why)
                        continue
                    # Old Windows programs pack whole paths with their drive.
                    own = own[3:] if DRIVE.match(entry.orig_filename) else own
                    yield from self._one(own, name, partial(opened.open, entry), entry.file_size, depth)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
            raise Unreadable(f"The zip cannot be read: {error}. Pack it again.") from error

    def _tar(self, file: IO[bytes], inside: str, depth: int) -> Iterator[Member]:
        try:
            with tarfile.open(fileobj=file, mode="r:") as opened:
                entries = [entry for entry in opened if not entry.isdir() and not filenames.is_hidden(entry.name)]
                for entry in sorted(entries, key=lambda entry: entry.name):
                    name = f"{inside}{entry.name}"[-300:]
                    if not entry.isfile():
                        yield Member(name, refusal=repacking.NOTHING_INSIDE)
                        continue
                    begin = cast("Callable[[], IO[bytes]]", partial(opened.extractfile, entry))
                    yield from self._one(entry.name.removeprefix("./"), name, begin, entry.size, depth)
        except (tarfile.TarError, OSError, ValueError) as error:
            raise Unreadable(f"The tar cannot be read: {error}. Pack it again.") from error

    def _packed(self, file: IO[bytes], own: str, inside: str, depth: int) -> Iterator[Member]:
        """The one file that a gzip, a bzip2 or an xz holds."""
        stem, _, ending = filenames.base(own).rpartition(".")
        own = f"{stem}.tar" if ending.lower() in TARS else stem or own or "unpacked"
        begin = partial(packed.stream, file)
        try:
            with begin() as opened:
                opened.read(4096)
        except packed.BROKEN as error:
            raise Unreadable(f"It cannot be unpacked: {error}. Pack it again.") from error
        yield from self._one(own, f"{inside}{own}"[-300:], begin, 0, depth)

    def _archive(self, file: IO[bytes], inside: str, depth: int) -> Iterator[Member]:
        """What lies in an archive that the standard library doesn't open."""
        with tempfile.TemporaryFile() as repacked:
            left = repacking.repack(file, repacked, MOST_UNPACKED - self._unpacked)
            self._unpacked += repacked.tell()
            yield from self._zip(repacked, inside, depth)
        for own, why in left.items():
            yield Member(f"{inside}{own}"[-300:], refusal=why)

    def _one(self, own: str, name: str, begin: Callable[[], IO[bytes]], size: int, depth: int) -> Iterator[Member]:
        """One file of a container, or what lies in it. own: its path there. begin: opens it. size: bytes, as it is
        stated."""
        start, unpack = unpacking.start(begin), partial(unpacking.spooled, begin, size)
        member = partial(Member, name, digest=partial(self._digest, begin))
        path = PurePosixPath(own)
        suffix = path.suffix.lower()
        if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            yield member(refusal="Its path leads out of the archive, so it was left alone.")
        elif is_picture(own) or suffix in DOCUMENTS or looks_like_picture(start[:32]):
            yield member(partial(unpacking.whole, unpack))
        elif suffix in CLIPS:
            self._unpacked += size
            is_too_much = self._unpacked > MOST_UNPACKED
            yield member(refusal=TOO_MUCH) if is_too_much else member(clip=partial(unpack, MOST_NESTED))
        elif why := left_alone(own):
            yield member(refusal=why)
        elif suffix != ".iso" and not start.startswith(outlook.SIGNATURE) and not _kind(io.BytesIO(start)):
            # A disc says what it is behind its beginning.
            yield member(refusal=NO_PICTURE)
        elif depth >= DEEPEST:
            yield member(refusal=f"Over {DEEPEST} files lie in each other; unpack it and send what it holds.")
        else:
            yield from self._nested(unpack, start, member, depth)

    def _nested(
        self, unpack: Callable[[int], IO[bytes]], start: bytes, member: Callable[..., Member], depth: int
    ) -> Iterator[Member]:
        """What lies in a file, where it is a container itself."""
        name = member().name
        try:
            with unpack(MOST_NESTED) as file:
                self._unpacked += file.seek(0, 2)
                file.seek(0)
                if self._unpacked > MOST_UNPACKED:
                    raise Unreadable(TOO_MUCH)
                if _kind(file):
                    yield from self.members(file, name, f"{name}/", depth + 1)
                elif documents.is_document(start):
                    # An office document under another name.
                    yield member(partial(unpacking.whole, unpack))
                else:
                    yield member(refusal=NO_PICTURE)
        except Unreadable as why:
            yield member(refusal=str(why))

    def _digest(self, begin: Callable[[], IO[bytes]]) -> str:
        """SHA-256 of a file that nobody looks into. Of what comes out without an end only so much is read."""
        found = hashlib.sha256()
        try:
            with begin() as file:
                while portion := file.read(2**20):
                    self._hashed += len(portion)
                    if self._hashed > MOST_UNPACKED:
                        return ""
                    found.update(portion)
        except Exception:  # a damaged member; that it is no picture is said of it anyhow
            return ""
        return found.hexdigest()

    def _outlook(self, file: IO[bytes], inside: str, depth: int) -> Iterator[Member]:
        """What is attached to a mail as Outlook saves it, and to the mails that are."""
        try:
            for path, payload in outlook.attachments(file):
                yield from self._attached(path, payload, inside, depth)
        except outlook.Damaged as error:
            raise Unreadable(f"The mail cannot be read: {error}. Save its pictures and send those.") from error

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
            yield from self._attached(str(named or "") or f"part {number}", payload, inside, depth)

    def _attached(self, named: str, payload: bytes, inside: str, depth: int) -> Iterator[Member]:
        own = filenames.plain(PurePosixPath(named.replace("\\", "/")).name) or "part"
        name = f"{inside}{own}"[-300:]
        yield from self._one(own, name, partial(io.BytesIO, payload), len(payload), depth)


NO_PICTURE = "It is no picture."
TOO_MUCH = f"Unpacked it has over {MOST_UNPACKED // 2**30} GB. Send what it holds in parts."


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
