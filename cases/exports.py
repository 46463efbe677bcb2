"""Tables that people take along and open in a spreadsheet."""

from collections.abc import Iterable

# What a spreadsheet would take for a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class Echo:
    """A file for `csv.writer` that gives each line back, to be streamed."""

    def write(self, line: str) -> str:
        return line


def safe(cells: Iterable[object]) -> list[object]:
    """Cells that no spreadsheet runs: a text that begins as a formula does gets an apostrophe."""
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell for cell in cells]
