"""Documents that hold pictures: a PDF, whose pages are drawn, and an office document, whose pictures are taken out.

Runs where pictures are decoded, in a process that may die.
"""

import io
import zipfile
from pathlib import PurePosixPath

from PIL import Image

# A poster or a letter; what has more is sent in parts.
MOST_PAGES = 500
PICTURES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp"}
# Where office documents keep theirs, by what writes them.
FOLDERS = ("word/media/", "ppt/media/", "xl/media/", "Pictures/")
# What an office document has at its root and no zip of pictures does.
MARKS = ("[Content_Types].xml", "mimetype")


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


def taken_out(content: bytes, number: int) -> tuple[bytes, int]:
    """A picture of an office document, the largest first, and how many there are. Raises `DocumentRefused`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            if not is_office(opened.namelist()):
                raise DocumentRefused("The file is a zip, not a picture. Send it under Many or a clip.")
            found = [
                entry
                for entry in opened.infolist()
                if entry.filename.startswith(FOLDERS) and PurePosixPath(entry.filename).suffix.lower() in PICTURES
            ]
            found = sorted(found, key=lambda entry: (-entry.file_size, entry.filename))[:MOST_PAGES]
            if not number < len(found):
                raise DocumentRefused("The document holds no picture. Save a picture of its page and send that.")
            return opened.read(found[number]), len(found)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise DocumentRefused("The document is damaged or locked. Save a picture of its page and send that.") from error
