"""Documents that hold pictures: a PDF, whose pages are drawn, and an office document, whose pictures are taken out.

Runs where pictures are decoded, in a process that may die.
"""

import io
import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from PIL import Image

# A poster or a letter; what has more is sent in parts.
MOST_PAGES = 500
PICTURES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp"}
# Where office documents keep theirs, by what writes them.
FOLDERS = ("word/media/", "ppt/media/", "xl/media/", "Pictures/")
# What an office document has at its root and no zip of pictures does.
MARKS = ("[Content_Types].xml", "mimetype")


ZIP, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# [MS-ODRAW] 2.2.24 to 2.2.28: the record of a JPEG or a PNG, its size and, behind one or two checksums, itself.
_PICTURE = re.compile(rb"[\x1d\x1e\x2a]\xf0(?P<size>[\s\S]{4})")
_BEGINS = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n")


class DocumentRefused(Exception):
    """A document without a picture that can be had; the text says why and what to send instead."""


def is_pdf(content: bytes) -> bool:
    return content.startswith(b"%PDF")


def is_office(names: list[str]) -> bool:
    """By what a zip holds."""
    return any(mark in names for mark in MARKS)


def drawn(content: bytes, number: int, side: int) -> tuple[Image.Image, int]:
    """A PDF's page as a picture of so many pixels on its longer side, and how many pages there are.

    number: 0 for the first. Raises `DocumentRefused`.
    """
    import pypdfium2  # of all that come, few are documents

    try:
        with pypdfium2.PdfDocument(content) as pdf:
            pages = min(len(pdf), MOST_PAGES)
            if not number < pages:
                raise DocumentRefused("The PDF has no such page.")
            page = pdf[number]
            return page.render(scale=side / max(page.get_size())).to_pil().convert("RGB"), pages
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        why = "locked by a password" if locked else "damaged or cut short"
        raise DocumentRefused(f"The PDF is {why}. Save a picture of its page and send that.") from error


def is_document(content: bytes) -> bool:
    """A file out of which pictures are taken, as far as its first bytes say."""
    return content.startswith((ZIP, COMPOUND))


def taken_out(content: bytes, number: int) -> tuple[bytes, int]:
    """A picture of an office document, the largest first, and how many there are. Raises `DocumentRefused`."""
    try:
        found, count = (_of_compound if content.startswith(COMPOUND) else _of_zip)(content, number)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, struct.error) as error:
        raise DocumentRefused("The document is damaged or locked. Save a picture of its page and send that.") from error
    if found is None:
        raise DocumentRefused("The document holds no picture. Save a picture of its page and send that.")
    return found, count


def _of_zip(content: bytes, number: int) -> tuple[bytes | None, int]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        if not is_office(opened.namelist()):
            raise DocumentRefused("The file is a zip, not a picture. Send it under Many or a clip.")
        found = [
            entry
            for entry in opened.infolist()
            if entry.filename.startswith(FOLDERS) and PurePosixPath(entry.filename).suffix.lower() in PICTURES
        ]
        found = sorted(found, key=lambda entry: (-entry.file_size, entry.filename))[:MOST_PAGES]
        return (opened.read(found[number]) if number < len(found) else None), len(found)


def _of_compound(content: bytes, number: int) -> tuple[bytes | None, int]:
    """Of a document as Word and PowerPoint wrote them until 2003: its pictures lie whole in its streams."""
    import olefile

    with olefile.OleFileIO(io.BytesIO(content)) as opened:
        if opened.exists("__properties_version1.0"):
            raise DocumentRefused("The file is a mail, not a picture. Send it under Many or a clip.")
        if opened.exists("EncryptedPackage"):
            raise DocumentRefused("The document is locked by a password. Save it without one and send that.")
        found = {picture for path in opened.listdir() for picture in _whole_in(opened.openstream(path).read())}
    pictures = sorted(found, key=lambda picture: (-len(picture), picture))[:MOST_PAGES]
    return (pictures[number] if number < len(pictures) else None), len(pictures)


def _whole_in(stream: bytes) -> Iterator[bytes]:
    """The pictures of a stream, one behind the other."""
    at = 0
    while record := _PICTURE.search(stream, at):
        end = record.end() + int.from_bytes(record["size"], "little")
        sign = _BEGINS.search(stream, record.end(), record.end() + 64)
        # By chance the same signs stand within pictures, too.
        if sign and sign.start() < end <= len(stream):
            yield stream[sign.start() : end]
            at = end
        else:
            at = record.start() + 1
