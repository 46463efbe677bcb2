"""Tables that people take along and open in a spreadsheet."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpResponse, StreamingHttpResponse

# What a spreadsheet would take for a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file for `csv.writer` that gives each line back, to be streamed."""

    def write(self, line: str) -> str:
        return line


def lines(headings: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A table as the lines of a CSV, the headings first; no cell is one that a spreadsheet would run."""
    writer: Any = csv.writer(_Echo())
    yield writer.writerow(headings)
    for row in rows:
        yield writer.writerow(safe(row))


def safe(cells: Iterable[object]) -> list[object]:
    """Cells that no spreadsheet runs: a text that begins as a formula does gets an apostrophe."""
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell for cell in cells]


def json_lines(headings: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The same table as JSON: a list of objects, written while it is read."""
    before = "[\n"
    for row in rows:
        yield before + json.dumps(dict(zip(headings, row, strict=True)), cls=DjangoJSONEncoder, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


KINDS = {"csv": ("text/csv; charset=utf-8", lines), "json": ("application/json", json_lines)}


def as_table(name: str, kind: str, headings: Sequence[str], rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    """A table as a file to save. kind: one of `KINDS`. Raises `Http404` for another."""
    if kind not in KINDS:
        raise Http404("Take it along as CSV or JSON.")
    content_type, write = KINDS[kind]
    return as_file(f"{name}.{kind}", content_type, write(headings, rows))


def as_csv(name: str, headings: Sequence[str], rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    """A table as a file to save, written while it is read."""
    return as_file(name, "text/csv; charset=utf-8", lines(headings, rows))


def whole(name: str, content: bytes, kind: str = "application/octet-stream") -> HttpResponse:
    """A file to save that is made already."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=kind, headers=headers)


def as_file(name: str, kind: str, parts: Iterable[str | bytes]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        parts, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
