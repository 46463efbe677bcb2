"""Rows of a CSV or XLSX file as dicts of text, whoever exported it."""

import csv
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cases.sources.base import SourceUnavailable

ENCODINGS = ("utf-8-sig", "cp1252")


def header(path: Path) -> list[str]:
    """The columns' names. Raises `SourceUnavailable`."""
    with_lines = _lines(path)
    try:
        return _named(path, next(with_lines, (0, []))[1])
    finally:
        with_lines.close()


def rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row's line number, from 2, and its cells by column; empty rows are left out. Raises `SourceUnavailable`."""
    lines = _lines(path)
    names = _named(path, next(lines, (0, []))[1])
    for number, cells in lines:
        if any(cells):
            yield number, dict(zip(names, cells, strict=False))


def _named(path: Path, cells: list[str]) -> list[str]:
    if not any(cells):
        raise SourceUnavailable(f"{path.name} is empty; its first row must name the columns.")
    doubled = {cell for cell in cells if cell and cells.count(cell) > 1}
    if doubled:
        raise SourceUnavailable(f"{path.name} has two columns named {', '.join(sorted(doubled))}; rename one.")
    return [cell or f"column {position}" for position, cell in enumerate(cells, 1)]


def _lines(path: Path) -> Any:
    if not path.is_file():
        raise SourceUnavailable(f"There is no file {path}.")
    if path.suffix.lower() == ".xlsx":
        return _xlsx(path)
    if path.suffix.lower() in (".csv", ".txt", ".tsv"):
        return _csv(path)
    raise SourceUnavailable(f"{path.name} is neither CSV nor XLSX; save it as one of these.")


def _csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with open(path, newline="", encoding=_encoding(path)) as file:
            sample = file.read(20_000)
            file.seek(0)
            try:
                dialect: Any = csv.Sniffer().sniff(sample, ",;\t|")
            except csv.Error:
                dialect = csv.excel
            reader = csv.reader(file, dialect)
            for cells in reader:
                yield reader.line_num, [cell.strip() for cell in cells]
    except UnicodeError:
        raise SourceUnavailable(
            f"{path.name} is neither UTF-8 nor what Windows calls ANSI. Save it as CSV UTF-8, then send it again."
        ) from None
    except (csv.Error, OSError) as error:
        raise SourceUnavailable(f"{path.name} cannot be read as CSV: {error}.") from error


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is that; otherwise what Windows programs export."""
    with open(path, encoding=ENCODINGS[0]) as file:
        try:
            while file.read(1 << 20):
                pass
        except UnicodeDecodeError:
            return ENCODINGS[1]
    return ENCODINGS[0]


def _xlsx(path: Path) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # a zip, XML or key error, whatever part of the file is broken
        raise SourceUnavailable(f"{path.name} is no XLSX file that can be read: {error}.") from error
    try:
        for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
            yield number, [_text(cell) for cell in cells]
    finally:
        book.close()


def _text(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a case number that Excel keeps as 1234.0
    return "" if cell is None else str(cell).strip()
