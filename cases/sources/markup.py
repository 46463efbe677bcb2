"""Lines of tables that are markup: of a web page, as many reports are saved, and Excel's XML Spreadsheet 2003."""

import codecs
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import defusedxml.ElementTree as SafeTree

from cases.sources import encodings, texts
from cases.sources.base import SourceUnavailable

BLOCK = 1 << 16
# No table of people is wider, whatever a page says that its cells span.
WIDEST = 2000
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_SPREADSHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"
Line = tuple[int, list[str]]


def charset(path: Path) -> str:
    """A page's encoding: by its first bytes, by its own word, or by what reads best. Raises `SourceUnavailable`."""
    with open(path, "rb") as file:
        start = file.read(4096)
    said = _CHARSET.search(start)
    if not encodings.by_mark(start) and said:
        try:
            name = codecs.lookup(said.group(1).decode("ascii")).name
            # Whether a file is UTF-8 it shows itself.
            if name != "utf-8":
                # What calls itself Latin-1 is Windows' on the web.
                return "cp1252" if name in ("iso8859-1", "ascii") else name
        except LookupError:
            pass
    return texts.encoding(path)


def tables_of_page(path: Path, encoding: str) -> list[str]:
    """Names for the tables of a page, in its order. Raises `SourceUnavailable`."""
    page = _Page()
    for _ in _read(page, path, encoding):
        page.rows.clear()
    if not page.count:
        raise SourceUnavailable(f"{path.name} is a page without a table.")
    return [f"Table {number}" for number in range(1, page.count + 1)]


def lines_of_page(path: Path, encoding: str, table: str) -> Iterator[Line]:
    """Each row's number, from 1, and its cells; a cell that spans several stands in each row that it reaches.

    Raises `SourceUnavailable`.
    """
    page, wanted = _Page(), int(table.rpartition(" ")[2])
    for _ in _read(page, path, encoding):
        for number, line, cells in page.rows:
            if number == wanted:
                yield line, cells
        page.rows.clear()


def sheets(path: Path) -> list[str]:
    """The names of an XML spreadsheet's sheets. Raises `SourceUnavailable`."""
    return [name for name, element in _worksheets(path) if element is None]


def lines_of_sheet(path: Path, sheet: str) -> Iterator[Line]:
    """Each row's number, from 1, and its cells. Raises `SourceUnavailable`."""
    number = 0
    for name, row in _worksheets(path):
        if name != sheet or row is None:
            continue
        number = _number(row.get(f"{_SPREADSHEET}Index"), number + 1)
        cells: list[str] = []
        for cell in row.iter(f"{_SPREADSHEET}Cell"):
            place = _number(cell.get(f"{_SPREADSHEET}Index"), len(cells) + 1) - 1
            cells += [""] * (min(place, WIDEST) - len(cells))
            cells.append(" ".join("".join(cell.itertext()).split()))
            cells += [""] * min(_number(cell.get(f"{_SPREADSHEET}MergeAcross"), 0), WIDEST)
        yield number, [_day(text) for text in cells]


def _day(text: str) -> str:
    """Excel writes a day as the midnight at which it begins."""
    return text.removesuffix("T00:00:00.000")


def _worksheets(path: Path) -> Iterator[tuple[str, Any]]:
    """Each sheet's name, with nothing as it begins and then with each of its rows."""
    name = ""
    try:
        for event, element in SafeTree.iterparse(path, events=("start", "end")):
            if event == "start" and element.tag == f"{_SPREADSHEET}Worksheet":
                name = element.get(f"{_SPREADSHEET}Name") or "Sheet"
                yield name, None
            elif event == "end" and element.tag == f"{_SPREADSHEET}Row":
                yield name, element
                element.clear()
    except (SafeTree.ParseError, ValueError, OSError) as error:
        raise SourceUnavailable(f"{path.name} is no XML Spreadsheet that can be read: {error}.") from error


def _read(page: "_Page", path: Path, encoding: str) -> Iterator[None]:
    """Feed a page to its parser block by block."""
    try:
        with open(path, encoding=encoding) as file:
            while block := file.read(BLOCK):
                page.feed(block)
                yield
        page.close()
        page.end()
        yield
    except AssertionError as error:  # by which Python's parser says that it does not understand a declaration
        raise SourceUnavailable(f"{path.name} is no page that can be read: {error}.") from error
    except (UnicodeError, LookupError):
        raise SourceUnavailable(
            f"{path.name} is not written in {encodings.ENCODINGS.get(encoding, encoding)}. Choose another encoding."
        ) from None


class _Table:
    """One table while it is read. spans: by column, what reaches down and for how many rows more."""

    def __init__(self, number: int) -> None:
        self.number, self.line = number, 0
        self.cells: list[str] | None = None
        self.text: list[str] | None = None
        self.pictures: list[str] = []
        self.across = self.down = 1
        self.spans: dict[int, tuple[int, str]] = {}

    def begin_row(self) -> None:
        self.line += 1
        self.cells = []

    def end_cell(self) -> None:
        if self.cells is None or self.text is None:
            return
        self._from_above()
        # A picture that stands alone is what the cell says.
        said = " ".join("".join(self.text).split()) or "; ".join(self.pictures)
        for _ in range(min(self.across, WIDEST - len(self.cells))):
            if self.down > 1:
                self.spans[len(self.cells)] = (self.down - 1, said)
            self.cells.append(said)
            said = said if self.down > 1 and self.across == 1 else ""
        self.text = None

    def end_row(self) -> list[str]:
        self.end_cell()
        self._from_above()
        cells, self.cells = self.cells or [], None
        return cells

    def _from_above(self) -> None:
        while self.cells is not None and (held := self.spans.pop(len(self.cells), None)):
            rows, said = held
            if rows > 1:
                self.spans[len(self.cells)] = (rows - 1, said)
            self.cells.append(said)


class _Page(HTMLParser):
    """The rows of all tables of a page, as (table, line, cells), as they end. A table within a cell is one of its
    own."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[int, int, list[str]]] = []
        self.count = 0
        self._open: list[_Table] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "table":
            self.count += 1
            self._open.append(_Table(self.count))
        if not self._open:
            return
        table = self._open[-1]
        if tag == "tr":
            self._end_row()
            table.begin_row()
        elif tag in ("td", "th"):
            table.end_cell()
            if table.cells is None:
                table.begin_row()
            table.text, table.pictures = [], []
            table.across, table.down = (
                max(1, min(_number(said.get(name), 1), WIDEST)) for name in ("colspan", "rowspan")
            )
        elif table.text is not None:
            if tag == "img" and (source := said.get("src")) and not source.startswith("data:"):
                table.pictures.append(source)
            elif tag in ("br", "p", "div", "li"):
                table.text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if not self._open:
            return
        if tag in ("td", "th"):
            self._open[-1].end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "table":
            self._end_row()
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1].text is not None and self.cdata_elem is None:
            self._open[-1].text.append(data)

    def end(self) -> None:
        """Take what a page that breaks off leaves open."""
        while self._open:
            self._end_row()
            self._open.pop()

    def _end_row(self) -> None:
        table = self._open[-1]
        if table.cells is not None:
            self.rows.append((table.number, table.line, table.end_row()))


def _number(said: str | None, otherwise: int) -> int:
    return int(said) if said and said.isascii() and said.strip().isdigit() and len(said) < 10 else otherwise
