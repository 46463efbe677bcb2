"""Sheets of a workbook, line by line, as people see them there: XLSX and XLSM, XLS and ODS."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from cases.sources import cell_pictures
from cases.sources.base import RecordRefused, SourceUnavailable
from cases.sources.places import MAX_BYTES

NEW = (".xlsx", ".xlsm")
ENDINGS = (*NEW, ".xls", ".ods", ".xlsb")
_MERGED = re.compile(rb'<mergeCell[^>]*ref="([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)"')
# A number that is shown with so many digits at least, whatever it is: 000000.
_ZEROS = re.compile(r"0{2,}")
BLOCK = 1 << 20


def sheets(path: Path) -> list[str]:
    """Their names. Raises `SourceUnavailable`."""
    with closing(_calamine(path)) as book:
        names: list[str] = book.sheet_names
    if not names:
        raise SourceUnavailable(f"{path.name} has no sheet.")
    return names


def lines(path: Path, sheet: str) -> Iterator[tuple[int, list[str]]]:
    """Each line's number, from 1, and its cells; a merged cell stands in each line that it reaches.

    Raises `SourceUnavailable`.
    """
    if path.suffix.lower() in NEW:
        yield from _xlsx(path, sheet)
        return
    with closing(_calamine(path)) as book:
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


def pictures(path: Path, sheet: str) -> list[Embedded]:
    """The pictures that lie over a sheet's cells, and those that stand in them; none in other files than XLSX and
    XLSM."""
    if path.suffix.lower() not in NEW:
        return []
    from openpyxl import load_workbook
    from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
    from openpyxl.packaging.relationship import get_dependents, get_rels_path
    from openpyxl.xml.functions import fromstring

    rels_of: Any = get_rels_path
    dependents: Any = get_dependents
    found = []
    try:
        with closing(load_workbook(path, read_only=True)) as book, zipfile.ZipFile(path) as packed:
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
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
        found = book[sheet]
    except Exception as error:  # a zip, XML or key error, whatever part of the file is broken
        raise SourceUnavailable(f"{path.name} is no XLSX file that can be read: {error}.") from error
    try:
        # What a report generator states of its own size may be wrong; its rows are there.
        found.reset_dimensions()
        part = getattr(found, "_worksheet_path", "").lstrip("/")
        merged = _merged(path, part)
        with zipfile.ZipFile(path) as packed:
            in_cells = cell_pictures.of_sheet(packed, part)
        held: dict[int, tuple[range, str]] = {}
        for number, row in enumerate(found.iter_rows()):
            # What Excel writes for programs that know no pictures in cells is an error's name.
            cells = ["" if (number, column) in in_cells else _shown(cell) for column, cell in enumerate(row)]
            yield number + 1, _filled(number, cells, merged, held)
    except SourceUnavailable:
        raise
    except Exception as error:  # the same, further down in the file
        raise SourceUnavailable(f"{path.name} breaks off: {error}.") from error
    finally:
        book.close()


def _calamine(path: Path) -> Any:
    import python_calamine

    try:
        return python_calamine.load_workbook(str(path))
    except python_calamine.PasswordError:
        raise SourceUnavailable(f"{path.name} is locked by a password. Save it without one.") from None
    except Exception as error:  # a zip, XML or format error, whatever part of the file is broken
        kind = "XLSX" if path.suffix.lower() in NEW else path.suffix[1:].upper()
        raise SourceUnavailable(f"{path.name} is no {kind} file that can be read: {error}.") from error


def _merged(path: Path, part: str) -> dict[tuple[int, int], range]:
    """Where merged cells begin, as line and column from 0, and the lines that they reach over."""
    from openpyxl.utils.cell import column_index_from_string

    found: dict[tuple[int, int], range] = {}
    try:
        with zipfile.ZipFile(path) as packed, packed.open(part) as file:
            before = b""
            while block := file.read(BLOCK):
                # A reference may lie on the border of two blocks, and is then met in the second.
                for left, low, _, high in _MERGED.findall(before + block):
                    if high != low:
                        column = column_index_from_string(left.decode()) - 1
                        found[int(low) - 1, column] = range(int(low) - 1, int(high))
                before = block[-100:]
    except (KeyError, OSError, zipfile.BadZipFile):
        return {}
    return found


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
