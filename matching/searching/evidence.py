"""What a batch is made of: pictures, zips, mails and clips, told by their content, each limit and refusal here."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np

from matching.faces import children, images
from matching.faces.images import MAX_BYTES, RgbImage
from matching.searching import containers
from matching.searching.containers import Member
from matching.searching.unpacking import Unreadable

MOST_BYTES = 2 * 2**30
MOST_PICTURES = 100_000
LONGEST = 4 * 3600.0
# Seconds until the first frame behind a place of a long clip.
SEEKING = 120.0
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

    page: which of the pictures that these bytes hold; None where they are one. sha256: of the bytes, once it is told.
    clip: it is a clip, and this gives its bytes as a file, which whoever asks closes; raises `EvidenceRefused`.
    """

    place: int
    name: str
    content: bytes = b""
    refusal: str = ""
    page: int | None = None
    sha256: str = ""
    clip: Callable[[], IO[bytes]] | None = None


@dataclass(frozen=True)
class Frame:
    """second: of the clip. rgb: (height, width, 3) uint8, upright."""

    second: float
    rgb: RgbImage


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
    if containers.is_container(path):
        return max(1, min(sum(1 for _ in _members(path)), MOST_PICTURES))
    try:
        return images.pages(path.read_bytes()) if path.stat().st_size <= MAX_BYTES else 1
    except images.ImageRefused:
        return 1


def pictures(path: Path, name: str, after: int = -1) -> Iterator[Picture]:
    """A zip's, a mail's or a document's pictures behind one place, or the picture that a file is. What can't be taken
    comes with its refusal."""
    if not containers.is_container(path):
        yield from _pages(path, name, after)
        return
    place = left = 0
    for member in _members(path, name):
        if place >= MOST_PICTURES:
            left += 1
            continue
        for picture in _pictures_of(member, place, after):
            if picture.place > after:
                yield picture
            place = picture.place + 1
    if left and after < MOST_PICTURES:
        why = f"It holds {left:,} files more than the {MOST_PICTURES:,} searched at once. Send those in another batch."
        yield Picture(MOST_PICTURES, name, refusal=why)


def _members(path: Path, name: str = "") -> Iterator[Member]:
    try:
        yield from containers.members(path, name)
    except Unreadable as why:
        raise EvidenceRefused(str(why)) from why


def _pictures_of(member: Member, place: int, after: int) -> Iterator[Picture]:
    """A member, or each page of it, from one place on. One whose pages need no counting is read only behind `after`."""
    is_paged = PurePosixPath(member.name).suffix.lower() in (*containers.DOCUMENTS, ".tif", ".tiff")
    if member.refusal or member.clip or (place <= after and not is_paged):
        digest = member.digest() if member.refusal and place > after else ""
        yield Picture(place, member.name, refusal=member.refusal, sha256=digest, clip=_unpacking(member))
        return
    try:
        content = member.read()
    except Unreadable as why:
        yield Picture(place, member.name, refusal=str(why), sha256=member.digest() if place > after else "")
        return
    for page, name in _named_pages(content, member.name):
        yield Picture(place + (page or 0), name, content, page=page)


def _unpacking(member: Member) -> Callable[[], IO[bytes]] | None:
    def unpack() -> IO[bytes]:
        try:
            return member.clip()  # type: ignore[misc]
        except Unreadable as why:
            raise EvidenceRefused(str(why)) from why

    return unpack if member.clip else None


def _named_pages(content: bytes, name: str) -> list[tuple[int | None, str]]:
    """Which pictures these bytes hold: None where they are one, or where opening them says why they are none."""
    try:
        count = images.pages(content)
    except images.ImageRefused:
        count = 1
    return [(page, f"{name}, page {page + 1}") for page in range(count)] if count > 1 else [(None, name)]


def _pages(path: Path, name: str, after: int) -> Iterator[Picture]:
    if why := containers.left_alone(name):
        if after < 0:
            yield Picture(0, name, refusal=why, sha256=sha256(path))
        return
    if path.stat().st_size > MAX_BYTES:
        if after < 0:
            yield Picture(0, name, refusal=f"A picture has at most {MAX_BYTES // 2**20} MB.", sha256=sha256(path))
        return
    content = path.read_bytes()
    for page, named in _named_pages(content, name):
        if (page or 0) > after:
            yield Picture(page or 0, named, content, page=page)


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
