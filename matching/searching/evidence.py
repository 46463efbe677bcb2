"""What a batch is made of: pictures, zips of pictures and clips, told by their content, each limit and refusal here."""

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cases.sources import filenames
from cases.sources.places import is_picture, looks_like_picture
from matching.faces import children, documents, images
from matching.faces.images import MAX_BYTES, RgbImage

MOST_BYTES = 2 * 2**30
MOST_PICTURES = 20_000
MOST_UNPACKED = 20 * 2**30
LONGEST = 4 * 3600.0
# Seconds until the first frame behind a place of a long clip.
SEEKING = 120.0
DRIVE = re.compile(r"[A-Za-z]:\\")
NESTED = (".zip", ".mp4", ".mov", ".mkv", ".avi", ".webm", ".pdf", ".docx", ".odt", ".pptx")
# What clips begin with, and where.
CLIP_SIGNS = [
    (4, b"ftyp"), (4, b"moov"), (4, b"mdat"), (4, b"wide"), (0, b"\x1a\x45\xdf\xa3"), (8, b"AVI "),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), (0, b"FLV\x01"), (0, b"\0\0\x01\xba"), (0, b"\0\0\x01\xb3"), (0, b"OggS"),
    (0, b".RMF"), (0, b"\x06\x0e\x2b\x34"),
    # Raw H.264 and H.265, beginning with their parameters.
    (0, b"\0\0\0\x01\x67"), (0, b"\0\0\0\x01\x27"), (0, b"\0\0\0\x01\x09"), (0, b"\0\0\0\x01\x06"),
    (0, b"\0\0\0\x01\x40"), (0, b"\0\0\x01\x67"), (0, b"\0\0\x01\x27"),
]  # fmt: skip


class EvidenceRefused(Exception):
    """A file that is not searched; the text says why and what to send instead."""


@dataclass(frozen=True)
class Picture:
    """A picture of a file: where it is in it, its name, and its bytes or why there are none.

    page: which of the pictures that these bytes hold; None where they are one.
    """

    place: int
    name: str
    content: bytes = b""
    refusal: str = ""
    page: int | None = None


@dataclass(frozen=True)
class Frame:
    """second: of the clip. rgb: (height, width, 3) uint8, upright."""

    second: float
    rgb: RgbImage


def is_zip(path: Path) -> bool:
    """Of pictures: an office document is packed so too, and is a document."""
    return zipfile.is_zipfile(path) and not documents.is_office(_names(path))


def _names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as opened:
            return opened.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []


def is_clip(path: Path) -> bool:
    """By what it begins with; HEIC pictures are of the same family and say so."""
    with open(path, "rb") as file:
        start = file.read(400)
    still = start[8:12] in (b"heic", b"heix", b"mif1", b"avif", b"heim", b"heis", b"msf1")
    # A transport stream begins each packet of 188 bytes so, on cards behind four bytes of time.
    is_stream = any(
        start[at : at + 1] == start[at + step : at + step + 1] == b"\x47" for at, step in ((0, 188), (4, 192))
    )
    return not still and (is_stream or any(start[at : at + len(sign)] == sign for at, sign in CLIP_SIGNS))


def amount(path: Path) -> int:
    """How much there is to look at: pictures, or seconds of a clip, at least 1. Raises `EvidenceRefused`."""
    if is_clip(path):
        return max(1, round(_length(path)))
    if is_zip(path):
        return min(len(_entries(path)), MOST_PICTURES)
    try:
        return images.pages(path.read_bytes()) if path.stat().st_size <= MAX_BYTES else 1
    except images.ImageRefused:
        return 1


def pictures(path: Path, name: str, after: int = -1) -> Iterator[Picture]:
    """A zip's or a document's pictures behind one place, or the picture that a file is. What can't be taken comes with
    its refusal."""
    if not is_zip(path):
        yield from _pages(path, name, after)
        return
    entries = _entries(path)
    with zipfile.ZipFile(path) as opened:
        for place, entry in enumerate(entries):
            if place > after and place < MOST_PICTURES:
                yield _member(opened, entry, place)
    if len(entries) > MOST_PICTURES > after:
        left = len(entries) - MOST_PICTURES
        why = f"It holds {left:,} files more than the {MOST_PICTURES:,} searched at once. Send those in another batch."
        yield Picture(MOST_PICTURES, name, refusal=why)


def _pages(path: Path, name: str, after: int) -> Iterator[Picture]:
    if path.stat().st_size > MAX_BYTES:
        if after < 0:
            yield Picture(0, name, refusal=f"A picture has at most {MAX_BYTES // 2**20} MB.")
        return
    content = path.read_bytes()
    try:
        count = images.pages(content)
    except images.ImageRefused:
        # Opening it says why.
        count = 1
    for page in range(after + 1, count):
        yield Picture(
            page, f"{name}, page {page + 1}" if count > 1 else name, content, page=page if count > 1 else None
        )


def _entries(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as opened:
            entries = [entry for entry in opened.infolist() if not filenames.in_zip(entry).endswith("/")]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise EvidenceRefused(f"The zip cannot be read: {error}. Pack it again.") from error
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_UNPACKED:
        raise EvidenceRefused(
            f"Unpacked it would have {unpacked / 2**30:,.0f} GB; the limit is {MOST_UNPACKED // 2**30} GB. Split it."
        )
    # What systems put into archives by themselves is nobody's evidence.
    entries = [entry for entry in entries if not filenames.is_hidden(filenames.in_zip(entry))]
    return sorted(entries, key=lambda entry: entry.filename)


def _member(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, place: int) -> Picture:
    name = filenames.in_zip(entry)[-300:]
    # Old Windows programs pack whole paths with their drive.
    whole = DRIVE.match(entry.orig_filename)
    path = PurePosixPath(name[3:] if whole else name)
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return Picture(place, name, refusal="Its path leads out of the zip, so it was left alone.")
    if not is_picture(name) and not _begins_as_picture(opened, entry):
        nested = path.suffix.lower() in NESTED
        why = (
            "A zip, clip or document inside a zip is not opened; send it by itself." if nested else "It is no picture."
        )
        return Picture(place, name, refusal=why)
    if entry.flag_bits & 1:
        return Picture(place, name, refusal="It is locked by a password. Unpack the zip and send its pictures.")
    if entry.file_size > MAX_BYTES:
        return Picture(place, name, refusal=f"A picture has at most {MAX_BYTES // 2**20} MB.")
    try:
        with opened.open(entry) as file:
            # The size that the zip states may be a lie; what comes out is counted.
            content = file.read(MAX_BYTES + 1)
    except Exception as error:  # what a damaged or oddly packed member raises has no common parent
        return Picture(place, name, refusal=f"It cannot be read from the zip: {error}.")
    if len(content) > MAX_BYTES:
        return Picture(place, name, refusal=f"A picture has at most {MAX_BYTES // 2**20} MB.")
    return Picture(place, name, content)


def _begins_as_picture(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Told by its content where its name does not say it."""
    try:
        with opened.open(entry) as file:
            return looks_like_picture(file.read(32))
    except Exception:  # a locked or damaged member; reading it says so
        return False


def _length(path: Path) -> float:
    """A clip's seconds, as it says itself. Raises `EvidenceRefused`."""
    with _clip({"what": "length", "path": str(path)}) as answers:
        # Some clips state nonsense; then it is looked at until it ends.
        length = float(next(answers)[0]["length"])
    if length > LONGEST:
        raise EvidenceRefused(
            f"The clip is {length / 3600:.1f} hours long; the limit is {LONGEST / 3600:.0f}. Cut it into parts."
        )
    return length


def frames(
    path: Path,
    after: float = -1.0,
    ended: Callable[[bool], object] = lambda is_whole: None,
    *,
    every: bool = False,
) -> Iterator[Frame]:
    """A clip's frames behind one second, by the clip's own clock: `clips.LOOKS` in a second at most, or every one.

    ended: told at its end whether the clip went on as long as it states. Raises `EvidenceRefused`.
    """
    with _clip({"what": "clip", "path": str(path), "after": after, "every": every}) as answers:
        for said, content in answers:
            if "end" in said:
                ended(said["whole"])
                return
            if said["second"] > LONGEST:
                return
            yield Frame(said["second"], np.frombuffer(content, np.uint8).reshape(said["shape"]))


@contextmanager
def _clip(asked: dict[str, Any]) -> Iterator[Iterator[tuple[dict[str, Any], bytearray]]]:
    """What a process of its own says of a clip, answer by answer. Raises `EvidenceRefused`."""
    with children.alone() as child:
        yield _answers(child, asked)


def _answers(child: children.Child, asked: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytearray]]:
    try:
        child.ask(asked)
        while True:
            said, content = child.answer(SEEKING)
            if "refused" in said:
                raise EvidenceRefused(said["text"])
            yield said, content
    except children.ChildDied:
        raise EvidenceRefused(
            "Reading the clip broke off, so it was ended. Convert it to an mp4 and send that."
        ) from None


def frame_at(path: Path, second: float) -> RgbImage:
    """The frame that a clip shows at one second. Raises `EvidenceRefused`."""
    # The very one that is meant, and not what follows it: its second was rounded on its way.
    for frame in frames(path, second - 0.005, every=True):
        return frame.rgb
    raise EvidenceRefused("The clip has no frame there.")
