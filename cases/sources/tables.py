"""Rows of a table as dicts of text, whoever exported it, in whatever shape."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from cases.sources import file_kinds, headings, markup, texts, workbooks
from cases.sources.base import SourceUnavailable
from cases.sources.file_kinds import Kind

# How far down a header may stand.
HEADER_IN = 25
# How many lines tell that all of a row stands in one cell.
SPREAD_BY = 200
# What reports write beneath and between their rows.
_RULE = re.compile(r"[-=_*\s]+")
_BESIDE = re.compile(
    r"(sub|grand )?totals?\b|total (number )?of\b|\(?\d+ (rows?|records?|entries)\b|page:? \d+"
    r"|end of (report|list|file)\b|(printed|generated|run|report) (on|by|date|time)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reading:
    """How a table is read; what is empty is found out.

    encoding: as Python names it. sheet: of a workbook, or a table of a page. line: where the header stands, from 1; 0:
    found out.
    """

    encoding: str = ""
    sheet: str = ""
    line: int = 0


@dataclass(frozen=True)
class Row:
    """number: of its line. cells: by column. odd: what is to be said of it where it has more or fewer cells than the
    header. beside: why it is nobody's, where it stands between the rows or beneath them."""

    number: int
    cells: dict[str, str]
    odd: str = ""
    beside: str = ""


@dataclass(frozen=True)
class Table:
    """columns: names of the columns, each once. reading: how it is read, nothing left open. sheets: those of a
    workbook, or tables of a page. head: the header's cells as they stand."""

    path: Path
    columns: list[str]
    reading: Reading
    sheets: Sequence[str]
    kind: Kind
    head: Sequence[str]

    def rows(self) -> Iterator[Row]:
        """Every row behind the header; empty ones are left out. Raises `SourceUnavailable`."""
        for number, cells in _lines(self.path, self.kind, self.reading):
            if number > self.reading.line and any(cells):
                beside = self._beside(cells)
                odd = "" if beside else self._odd(cells)
                yield Row(number, dict(zip(self.columns, cells, strict=False)), odd, beside)

    def _beside(self, cells: list[str]) -> str:
        told = [cell for cell in cells if cell]
        if len(told) > 1 and told == [cell for cell in self.head if cell]:
            return "It repeats the header."
        is_rule = all(_RULE.fullmatch(cell) for cell in told)
        if len(self.columns) > 2 and (is_rule or (len(told) < 3 and _BESIDE.match(" ".join(told)))):
            return "It is a line of the report, and no row."
        return ""

    def _odd(self, cells: list[str]) -> str:
        more = [cell for cell in cells[len(self.columns) :] if cell]
        if more:
            return f"It has more cells than the header: {' | '.join(more)[:150]}"
        if self.kind is Kind.TEXT and len(cells) < len(self.columns):
            return f"It has {len(cells)} cells, the header {len(self.columns)}: the last ones are taken for empty."
        return ""


def open_table(path: Path, reading: Reading = Reading()) -> Table:
    """Find out how a table is to be read. Raises `SourceUnavailable`."""
    if not path.is_file():
        raise SourceUnavailable(f"There is no file {path}.")
    kind, encoding = file_kinds.of(path), reading.encoding
    if kind in (Kind.TEXT, Kind.PAGE):
        encoding = encoding or (texts.encoding(path) if kind is Kind.TEXT else markup.charset(path))
    sheets = _sheets(path, kind, encoding)
    if sheets and reading.sheet and reading.sheet not in sheets:
        raise SourceUnavailable(f"{path.name} has no sheet {reading.sheet}; it has {', '.join(sheets)}.")
    sheet = (reading.sheet if sheets else "") or _sheet(path, kind, encoding, sheets)
    reading = Reading(encoding if kind in (Kind.TEXT, Kind.PAGE) else "", sheet, reading.line)
    first = list(islice(_lines(path, kind, reading), HEADER_IN))
    number = reading.line or _header(first)
    cells = next((cells for at, cells in first if at == number), [])
    return Table(path, _named(path, cells), Reading(reading.encoding, sheet, number), sheets, kind, cells)


def header(path: Path) -> list[str]:
    """The columns' names. Raises `SourceUnavailable`."""
    return open_table(path).columns


def rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row's line number and its cells by column. Raises `SourceUnavailable`."""
    for row in open_table(path).rows():
        if not row.beside:
            yield row.number, row.cells


def _named(path: Path, cells: list[str]) -> list[str]:
    if not any(cells):
        raise SourceUnavailable(f"{path.name} is empty; its first row must name the columns.")
    while cells and not cells[-1]:
        cells = cells[:-1]
    names: list[str] = []
    for position, cell in enumerate(cells, 1):
        name = cell or f"column {position}"
        again = (one for number in range(2, len(cells) + 2) if (one := f"{name} ({number})") not in [*names, *cells])
        names.append(next(again) if name in names else name)
    return names


def _header(lines: Sequence[tuple[int, list[str]]]) -> int:
    """The line whose cells are known headings, two at least; else the first that is as wide as the most are."""
    told = [(number, cells) for number, cells in lines if any(cells)]
    if not told:
        return 1
    best = max(told, key=lambda line: headings.recognised(line[1]))
    if headings.recognised(best[1]) > 1:
        return best[0]
    widths = [sum(bool(cell) for cell in cells) for _, cells in told]
    usual = Counter(widths).most_common(1)[0][0]
    return next(number for (number, _), width in zip(told, widths, strict=True) if width >= min(usual, 2))


def _sheets(path: Path, kind: Kind, encoding: str) -> list[str]:
    if kind is Kind.TEXT:
        return []
    if kind is Kind.PAGE:
        return markup.tables_of_page(path, encoding)
    return markup.sheets(path) if kind is Kind.XML_SHEET else workbooks.sheets(path, kind)


def _sheet(path: Path, kind: Kind, encoding: str, sheets: Sequence[str]) -> str:
    """The sheet with the most known headings; a cover with instructions has none."""
    if len(sheets) < 2:
        return sheets[0] if sheets else ""
    scores = {}
    for sheet in sheets[:30]:
        lines = islice(_lines(path, kind, Reading(encoding, sheet)), HEADER_IN)
        scores[sheet] = max(((headings.recognised(cells), any(cells)) for _, cells in lines), default=(0, False))
    return max(sheets, key=lambda sheet: scores.get(sheet, (0, False)))


def _lines(path: Path, kind: Kind, reading: Reading) -> Iterator[tuple[int, list[str]]]:
    if kind is Kind.TEXT:
        found = texts.lines(path, reading.encoding)
    elif kind is Kind.PAGE:
        found = markup.lines_of_page(path, reading.encoding, reading.sheet)
    elif kind is Kind.XML_SHEET:
        found = markup.lines_of_sheet(path, reading.sheet)
    else:
        found = workbooks.lines(path, kind, reading.sheet)
    return _spread(found)


def _spread(lines: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """The same lines; where each has all of its row in one cell, as a text that was opened by the wrong delimiter, that
    row's cells."""
    lines = iter(lines)
    first = list(islice(lines, SPREAD_BY))
    told = [[cell for cell in cells if cell] for _, cells in first]
    if not all(len(cells) < 2 for cells in told):
        yield from chain(first, lines)
        return
    dialect = texts.Dialect("\n".join(cell for cells in told for cell in cells))
    for number, cells in chain(first, lines):
        whole = next((cell for cell in cells if cell), "")
        if dialect.width < 2:
            yield number, cells
            continue
        try:
            for _, parts in dialect.read([whole]):
                yield number, [part.strip() for part in parts]
        except csv.Error:
            yield number, [whole]
