"""What kind of table a file is, told by what is in it: many programs save a page or a text under a workbook's name."""

import re
import zipfile
from enum import StrEnum
from pathlib import Path

from cases.sources import encodings
from cases.sources.base import SourceUnavailable

START = 64 * 1024


class Kind(StrEnum):
    TEXT = "CSV"
    PAGE = "HTML"
    XML_SHEET = "XML Spreadsheet 2003"
    XLSX = "XLSX"
    XLSB = "XLSB"
    XLS = "XLS"
    ODS = "ODS"


OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Signs that no text has, but for one lost among it.
CONTROLS = [bytes([number]) for number in range(32) if bytes([number]) not in (b"\t", b"\n", b"\r", b"\f")]
IN_ZIP = {"xl/workbook.xml": Kind.XLSX, "xl/workbook.bin": Kind.XLSB, "content.xml": Kind.ODS}
# What people send for a table, and what they do about it.
NO_TABLE = {
    b"%PDF": "a PDF. Ask for the table that it was made of",
    b"\x1f\x8b": "packed (gzip). Unpack it",
    b"7z\xbc\xaf": "packed (7z). Unpack it",
    b"Rar!": "packed (RAR). Unpack it",
    b"BZh": "packed (bzip2). Unpack it",
    b"\xff\xd8\xff": "a picture",
    b"\x89PNG": "a picture",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a database. Save its table as CSV",
    b"\x00\x01\x00\x00Standard": "an Access database. Save its table as CSV",
}


def of(path: Path) -> Kind:
    """Raises `SourceUnavailable` for what is no table, in words."""
    with open(path, "rb") as file:
        start = file.read(START)
    for signature, words in NO_TABLE.items():
        if start.startswith(signature):
            raise SourceUnavailable(f"{path.name} is {words}. A table is CSV, XLSX, XLS, ODS or HTML.")
    if start.startswith(OLD_WORKBOOK):
        return Kind.XLS
    if start.startswith(b"PK\x03\x04") or zipfile.is_zipfile(path):
        return _in_zip(path)
    text = start.decode(encodings.by_mark(start) or "latin-1", "replace").lstrip("\ufeff \t\r\n").lower()
    if text.startswith("<"):
        if "urn:schemas-microsoft-com:office:spreadsheet" in text and "<workbook" in text:
            return Kind.XML_SHEET
        return Kind.PAGE
    if re.match(r"\[?\s*\{", text):
        raise SourceUnavailable(f"{path.name} is JSON. A table is CSV, XLSX, XLS, ODS or HTML.")
    told = start.rstrip(b"\0")
    if not encodings.by_mark(told) and sum(told.count(sign) for sign in CONTROLS) > len(told) / 10:
        raise SourceUnavailable(f"{path.name} is neither text nor a workbook that can be read.")
    return Kind.TEXT


def _in_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceUnavailable(f"{path.name} is no XLSX file that can be read: {error}.") from error
    for member, kind in IN_ZIP.items():
        if member in names:
            return kind
    raise SourceUnavailable(
        f"{path.name} is a zip of {len(names)} files. Unpack it: give the table that is in it here, and the zip, "
        "where it has photos, as the photos."
    )
