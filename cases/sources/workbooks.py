"""Sheets of a workbook, line by line, as people see them there: XLSX and XLSM, XLS and ODS."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from cases.sources import cell_pictures, filenames, headings, sheet_xml
from cases.sources.base import RecordRefused, SourceUnavailable
from cases.sources.file_kinds import Kind
from cases.sources.places import MAX_BYTES

# What people write on a link to a picture.
SHOWN_BY = {
    "view", "photo", "photos", "image", "picture", "pic", "link", "open", "click", "here", "to", "see", "show", "the",
    "mugshot", "mug", "file", "front", "side", "profile", "left", "right", "foto", "ver", "bild", "voir",
}  # fmt: skip
# A number that is shown with so many digits at least, whatever it is: 000000.
_ZEROS = re.compile(r"0{2,}")


def sheets(path: Path, kind: Kind) -> list[str]:
    """Their names. Raises `SourceUnavailable`."""
    with _calamine(path, kind) as book:
        names: list[str] = book.sheet_names
    if not names:
        raise SourceUnavailable(f"{path.name} has no sheet.")
    return names


def lines(path: Path, kind: Kind, sheet: str) -> Iterator[tuple[int, list[str]]]:
    """Each line's number, from 1, and its cells; a merged cell stands in each line that it reaches.

    Raises `SourceUnavailable`.
    """
    if kind is Kind.XLSX:
        yield from _xlsx(path, sheet)
        return
    with _calamine(path, kind) as book:
        found = book.get_sheet_by_name(sheet)
        ranges = found.merged_cell_ranges or []
        merged = {(low, left): range(low, high + 1) for (low, left), (high, _) in ranges}
        held: dict[int, tuple[range, str]] = {}
        for number, cells in enumerate(found.to_python(skip_empty_area=False)):
            yield number + 1, _filled(number, [_text(cell) for cell in cells], merged, held)


@dataclass(frozen=True)
class Embedded:
    """A picture of a sheet. line: in which it stands, or its upper left corner lies, from 1. member: of the workbook's
    zip. signature: changes with it."""

    line: int
    member: str
    signature: str


def pictures(path: Path, kind: Kind, sheet: str) -> list[Embedded]:
    """The pictures that lie over a sheet's cells, and those that stand in them; none in other files than XLSX, XLSM
    and ODS. Raises `SourceUnavailable`."""
    if kind not in (Kind.XLSX, Kind.ODS):
        return []
    from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
    from openpyxl.packaging.relationship import get_dependents, get_rels_path
    from openpyxl.xml.functions import fromstring

    rels_of: Any = get_rels_path
    dependents: Any = get_dependents
    found = []
    try:
        if kind is Kind.ODS:
            with zipfile.ZipFile(path) as packed:
                for line, member in cell_pictures.of_ods(packed, sheet):
                    found.append(Embedded(line + 1, member, f"{packed.getinfo(member).CRC:08x}"))
            return found
        with _openpyxl(path) as book, zipfile.ZipFile(path) as packed:
            part = getattr(book[sheet], "_worksheet_path", "").lstrip("/")
            for (line, _), member in cell_pictures.of_sheet(packed, part).items():
                found.append(Embedded(line + 1, member, f"{packed.getinfo(member).CRC:08x}"))
            if rels_of(part) not in packed.namelist():
                return found
            for rel in dependents(packed, rels_of(part)):
                if not rel.Type.endswith("/drawing"):
                    continue
                tree: Any = fromstring(packed.read(rel.target))
                drawing: Any = SpreadsheetDrawing.from_tree(tree)
                targets = dependents(packed, rels_of(rel.target))
                for blip in drawing._blip_rels:
                    corner = getattr(blip.anchor, "_from", None)
                    member = targets.get(blip.embed).target
                    if corner is not None and member in packed.namelist():
                        signature = f"{packed.getinfo(member).CRC:08x}"
                        found.append(Embedded(corner.row + 1, member, signature))
    except Exception as error:  # a zip, XML or key error, whatever part of the file is broken
        raise SourceUnavailable(f"The pictures of {path.name} cannot be read: {error}.") from error
    return found


def picture(path: Path, member: str) -> bytes:
    """One of them. Raises `RecordRefused`."""
    try:
        with zipfile.ZipFile(path) as packed:
            if packed.getinfo(member).file_size > MAX_BYTES:
                raise RecordRefused(f"{member} is larger than {MAX_BYTES // 2**20} MB.")
            return packed.read(member)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise RecordRefused(f"{member} cannot be read from {path.name}: {error}.") from error


def _xlsx(path: Path, sheet: str) -> Iterator[tuple[int, list[str]]]:
    found = None
    try:
        with _openpyxl(path, data_only=True) as book:
            found = book[sheet]
            # What a report generator states of its own size may be wrong; its rows are there.
            found.reset_dimensions()
            part = getattr(found, "_worksheet_path", "").lstrip("/")
            with zipfile.ZipFile(path) as packed:
                merged = sheet_xml.merged(packed, part)
                in_cells = cell_pictures.of_sheet(packed, part)
                links = sheet_xml.links(packed, part)
            held: dict[int, tuple[range, str]] = {}
            for number, row in enumerate(found.iter_rows()):
                # What Excel writes for programs that know no pictures in cells is an error's name.
                cells = ["" if (number, column) in in_cells else _shown(cell) for column, cell in enumerate(row)]
                for column, text in enumerate(cells) if links else ():
                    cells[column] = _led(text, links.get((number, column), ""))
                yield number + 1, _filled(number, cells, merged, held)
    except Exception as error:  # a zip, XML or key error, whatever part of the file is broken
        broken = "breaks off" if found is not None else "is no XLSX file that can be read"
        raise SourceUnavailable(f"{path.name} {broken}: {error}.") from error


@contextmanager
def _openpyxl(path: Path, **how: Any) -> Iterator[Any]:
    from openpyxl import load_workbook

    # As an open file, for what it is, whatever it is called.
    with open(path, "rb") as file, closing(load_workbook(file, read_only=True, **how)) as book:
        yield book


@contextmanager
def _calamine(path: Path, kind: Kind) -> Iterator[Any]:
    import python_calamine

    with open(path, "rb") as file:
        try:
            book = python_calamine.load_workbook(file)
        except python_calamine.PasswordError:
            raise SourceUnavailable(f"{path.name} is locked by a password. Save it without one.") from None
        except Exception as error:  # a zip, XML or format error, whatever part of the file is broken
            raise SourceUnavailable(f"{path.name} is no {kind} file that can be read: {error}.") from error
        with closing(book):
            yield book


def _filled(
    number: int,
    cells: list[str],
    merged: dict[tuple[int, int], range],
    held: dict[int, tuple[range, str]],
) -> list[str]:
    """held: what each column's last merged cell says, and for which lines; kept from line to line."""
    if not merged:
        return cells
    for column, text in enumerate(cells):
        if (number, column) in merged:
            held[column] = merged[number, column], text
    for column, (reach, text) in held.items():
        if number in reach and column < len(cells) and not cells[column]:
            cells[column] = text
    return cells


def _led(text: str, link: str) -> str:
    """What a cell with a link says: its own words, but where these are *View* the picture to which they lead."""
    says_nothing = all(word in SHOWN_BY or word.isdigit() for word in re.findall(r"\w+", text.lower()))
    return link if link and says_nothing and (not text or headings.PICTURE.search(filenames.of_cell(link))) else text


def _shown(cell: Any) -> str:
    """A cell as the sheet shows it, as far as leading zeros go."""
    text = _text(cell.value)
    if isinstance(cell.value, int | float) and text.isdigit() and _ZEROS.fullmatch(cell.number_format or ""):
        return text.zfill(len(cell.number_format))
    return text


def _text(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return cell.isoformat("minutes")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a case number that Excel keeps as 1234.0
    return "" if cell is None else str(cell).strip()
