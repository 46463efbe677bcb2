"""Lines of a table that is text: with a delimiter, or with columns that stand beneath each other."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cases.sources import encodings, headings
from cases.sources.base import SourceUnavailable

csv.field_size_limit(10_000_000)

DELIMITERS = ",;\t|~^"
# How much of a file tells its delimiter.
SAMPLE = 200_000
_RULE = re.compile(r"\s*[-=]{2,}(\s+[-=]{2,})+\s*")


def lines(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Each line's number, from 1, and its cells. Raises `SourceUnavailable`."""
    try:
        with open(path, newline="", encoding=encoding) as file:
            sample = file.read(SAMPLE)
            file.seek(0)
            dialect = Dialect(sample)
            if dialect.is_named:
                file.readline()
            starts = fixed(sample) if dialect.width < 2 else []
            found = _beneath(file, starts) if starts else dialect.read(file)
            for number, cells in found:
                yield number + dialect.is_named, [_bare(cell) for cell in cells]
    except (UnicodeError, LookupError):
        raise SourceUnavailable(
            f"{path.name} is not written in {encodings.ENCODINGS.get(encoding, encoding)}. Save it as CSV UTF-8, or "
            "choose another encoding."
        ) from None
    except (csv.Error, OSError) as error:
        raise SourceUnavailable(f"{path.name} cannot be read as CSV: {error}.") from error


class Dialect:
    """Which delimiter and which quotes make the rows come out even.

    is_named: the first line names the delimiter. width: cells that most rows have.
    """

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
        self.width = 1
        for delimiter in "" if _are_whole(lines) else named or DELIMITERS:
            for preferred, (quote, quoting) in enumerate(
                [("'", csv.QUOTE_MINIMAL), ('"', csv.QUOTE_NONE), ('"', csv.QUOTE_MINIMAL)]
            ):
                score = _evenness(lines[self.is_named :], delimiter, quote, quoting)
                rank = (score[0], preferred, score[1])
                if score[1] > 1 and rank > best:
                    best = rank
                    self.delimiter, self.quote, self.quoting = delimiter, quote, quoting
                    self.width = score[1]

    def read(self, texts: Any) -> Iterator[tuple[int, list[str]]]:
        """texts: lines of a text. Raises `csv.Error`."""
        reader = csv.reader(texts, delimiter=self.delimiter, quotechar=self.quote, quoting=self.quoting)
        for cells in reader:
            yield reader.line_num, cells


def fixed(sample: str) -> list[int]:
    """Where the columns begin that stand beneath each other; nothing where no known headings do.

    A line of dashes beneath the header says it; else two blanks at least, one below the other in every line.
    """
    told = [line.expandtabs() for line in sample.splitlines()[:500] if line.strip()]
    rule = next((line for line in told if _RULE.fullmatch(line)), "")
    if rule:
        starts = [found.start() for found in re.finditer(r"\S+", rule)]
    else:
        width = max(map(len, told), default=0)
        blank = [all(line[at : at + 1] in ("", " ") for line in told) for at in range(width)]
        starts = [at for at in range(width) if not blank[at] and all(blank[max(0, at - 2) : at])]
    heads = max((headings.recognised(_cut(line, starts)) for line in told), default=0)
    return starts if len(starts) > 1 and heads > 1 else []


def _beneath(file: Any, starts: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(file, 1):
        yield number, _cut(line.expandtabs().rstrip("\r\n"), starts)


def _cut(line: str, starts: Sequence[int]) -> list[str]:
    ends = [*starts[1:], None]
    return [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def _are_whole(lines: Sequence[str]) -> bool:
    """Whether each line is one quoted cell, in which its row was put as a text."""
    told = [line.strip() for line in lines if line.strip()]
    try:
        return bool(told) and all(line[0] == line[-1] == '"' and len(next(csv.reader([line]))) == 1 for line in told)
    except csv.Error:
        return False


def _bare(cell: str) -> str:
    """Without the quotes that a word processor made of plain ones."""
    text = cell.replace("\0", "").strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] + text[-1] in ("“”", "„“", "””") else text


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


def encoding(path: Path) -> str:
    """UTF-8 where the whole file is that; otherwise as its marks say or as its foreign signs read best.

    Raises `SourceUnavailable`.
    """
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
