"""Rows of a CSV file or a workbook as dicts of text, whoever exported it, in whatever shape."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from cases.sources import encodings, headings, workbooks
from cases.sources.base import SourceUnavailable

csv.field_size_limit(10_000_000)

TEXTS = (".csv", ".txt", ".tsv")
DELIMITERS = ",;\t|"
# How far down a header may stand, and how much of a file tells its delimiter.
HEADER_IN, SAMPLE = 25, 200_000


@dataclass(frozen=True)
class Reading:
    """How a table is read; what is empty is found out.

    encoding: as Python names it. sheet: of a workbook. line: where the header stands, from 1; 0: found out.
    """

    encoding: str = ""
    sheet: str = ""
    line: int = 0


@dataclass(frozen=True)
class Row:
    """number: of its line. cells: by column. odd: what is to be said of it where it has more or fewer cells than the
    header."""

    number: int
    cells: dict[str, str]
    odd: str = ""


@dataclass(frozen=True)
class Table:
    """columns: names of the columns. reading: how it is read, nothing left open. sheets: those of a workbook."""

    path: Path
    columns: list[str]
    reading: Reading
    sheets: Sequence[str] = ()

    def rows(self) -> Iterator[Row]:
        """Every row behind the header; empty ones are left out. Raises `SourceUnavailable`."""
        for number, cells in _lines(self.path, self.reading):
            if number > self.reading.line and any(cells):
                yield Row(number, dict(zip(self.columns, cells, strict=False)), self._odd(cells))

    def _odd(self, cells: list[str]) -> str:
        more = [cell for cell in cells[len(self.columns) :] if cell]
        if more:
            return f"It has more cells than the header: {' | '.join(more)[:150]}"
        if self.path.suffix.lower() in TEXTS and len(cells) < len(self.columns):
            return f"It has {len(cells)} cells, the header {len(self.columns)}: the last ones are taken for empty."
        return ""


def open_table(path: Path, reading: Reading = Reading()) -> Table:
    """Find out how a table is to be read. Raises `SourceUnavailable`."""
    if not path.is_file():
        raise SourceUnavailable(f"There is no file {path}.")
    sheets: list[str] = []
    if path.suffix.lower() in TEXTS:
        reading = Reading(reading.encoding or _encoding(path), "", reading.line)
    elif path.suffix.lower() in workbooks.ENDINGS:
        sheets = workbooks.sheets(path)
        if reading.sheet and reading.sheet not in sheets:
            raise SourceUnavailable(f"{path.name} has no sheet {reading.sheet}; it has {', '.join(sheets)}.")
        reading = Reading("", reading.sheet or _sheet(path, sheets), reading.line)
    else:
        raise SourceUnavailable(f"{path.name} is neither CSV nor XLSX nor ODS; save it as one of these.")
    first = list(islice(_lines(path, reading), HEADER_IN))
    number = reading.line or _header(first)
    cells = next((cells for at, cells in first if at == number), [])
    return Table(path, _named(path, cells), Reading(reading.encoding, reading.sheet, number), sheets)


def header(path: Path) -> list[str]:
    """The columns' names. Raises `SourceUnavailable`."""
    return open_table(path).columns


def rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row's line number and its cells by column. Raises `SourceUnavailable`."""
    for row in open_table(path).rows():
        yield row.number, row.cells


def _named(path: Path, cells: list[str]) -> list[str]:
    if not any(cells):
        raise SourceUnavailable(f"{path.name} is empty; its first row must name the columns.")
    while cells and not cells[-1]:
        cells = cells[:-1]
    doubled = {cell for cell in cells if cell and cells.count(cell) > 1}
    if doubled:
        raise SourceUnavailable(f"{path.name} has two columns named {', '.join(sorted(doubled))}; rename one.")
    return [cell or f"column {position}" for position, cell in enumerate(cells, 1)]


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


def _sheet(path: Path, sheets: Sequence[str]) -> str:
    """The sheet with the most known headings; a cover with instructions has none."""
    scores = {}
    for sheet in sheets[:30]:
        lines = islice(workbooks.lines(path, sheet), HEADER_IN)
        scores[sheet] = max(((headings.recognised(cells), any(cells)) for _, cells in lines), default=(0, False))
    return max(sheets, key=lambda sheet: scores.get(sheet, (0, False)))


def _lines(path: Path, reading: Reading) -> Iterator[tuple[int, list[str]]]:
    if path.suffix.lower() in TEXTS:
        return _csv(path, reading.encoding)
    return workbooks.lines(path, reading.sheet)


def _csv(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    try:
        with open(path, newline="", encoding=encoding) as file:
            sample = file.read(SAMPLE)
            dialect = _Dialect(sample)
            file.seek(0)
            if dialect.is_named:
                file.readline()
            reader = csv.reader(file, delimiter=dialect.delimiter, quotechar=dialect.quote, quoting=dialect.quoting)
            for cells in reader:
                yield reader.line_num + dialect.is_named, [cell.replace("\0", "").strip() for cell in cells]
    except (UnicodeError, LookupError):
        raise SourceUnavailable(
            f"{path.name} is not written in {encodings.ENCODINGS.get(encoding, encoding)}. Save it as CSV UTF-8, or "
            "choose another encoding."
        ) from None
    except (csv.Error, OSError) as error:
        raise SourceUnavailable(f"{path.name} cannot be read as CSV: {error}.") from error


class _Dialect:
    """Which delimiter and which quotes make the rows come out even. is_named: the first line names the delimiter."""

    def __init__(self, sample: str) -> None:
        lines = sample.splitlines(keepends=True)
        # The last may be cut in the middle.
        lines = lines[:-1] if len(sample) >= SAMPLE else lines
        first = lines[0].strip().strip('"').lower() if lines else ""
        self.is_named = first.startswith("sep=") and len(first) == 5
        named = "\t" if first == "sep=\\t" else first[4:] if self.is_named else ""
        best = (-1.0, 0, 0)
        self.delimiter, self.quote = named or ",", '"'
        self.quoting: Any = csv.QUOTE_MINIMAL
        for delimiter in named or DELIMITERS:
            for preferred, (quote, quoting) in enumerate(
                [("'", csv.QUOTE_MINIMAL), ('"', csv.QUOTE_NONE), ('"', csv.QUOTE_MINIMAL)]
            ):
                score = _evenness(lines[self.is_named :], delimiter, quote, quoting)
                rank = (score[0], preferred, score[1])
                if score[1] > 1 and rank > best:
                    best = rank
                    self.delimiter, self.quote, self.quoting = delimiter, quote, quoting


def _evenness(lines: list[str], delimiter: str, quote: str, quoting: Any) -> tuple[float, int]:
    """The share of rows that are as wide as the most, and how wide that is."""
    how = {"delimiter": delimiter, "quotechar": quote, "quoting": quoting}
    try:
        found = list(csv.reader(lines, **how))
    except csv.Error:
        return 0.0, 0
    widths = Counter(len(cells) for cells in found if any(cells))
    if not widths:
        return 0.0, 0
    width, count = max(widths.items(), key=lambda one: (one[1], one[0]))
    return round(count / widths.total() * (0.5 if _is_never_closed(lines, how) else 1), 2), width


def _is_never_closed(lines: list[str], how: dict[str, Any]) -> bool:
    """Whether a stray quote swallows all that follows it: that leaves few rows, and all of them even."""
    try:
        for _ in csv.reader(lines, strict=True, **how):
            pass
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is that; otherwise as its marks say or as its foreign signs read best."""
    with open(path, "rb") as file:
        start = file.read(4096)
        if marked := encodings.by_mark(start):
            return marked
        foreign, rest, is_utf8 = b"", start, True
        decoder = encodings.utf8()
        while rest:
            if is_utf8:
                try:
                    decoder.decode(rest)
                except UnicodeDecodeError:
                    is_utf8 = False
            if len(foreign) < encodings.SAMPLE:
                foreign += b"\n".join(line for line in rest.splitlines() if not line.isascii())
            rest = file.read(1 << 20) if is_utf8 or len(foreign) < encodings.SAMPLE else b""
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        is_utf8 = False
    if is_utf8:
        return "utf_8_sig"
    guessed = encodings.guess(foreign)
    if not guessed:
        raise SourceUnavailable(f"{path.name} is in no encoding that is known here. Save it as CSV UTF-8.")
    return guessed
