"""Workbooks as LibreOffice saves them, for tests."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{kind}:1.0"'
    for name, kind in (("office", "office"), ("table", "table"), ("text", "text"), ("draw", "drawing"))
)


def write_ods(
    path: Path, sheets: Mapping[str, Sequence[Sequence[str]]], pictures: Mapping[str, bytes] | None = None
) -> None:
    """sheets: rows by the sheet's name; an empty row stands for two, a cell that names a picture shows it."""
    tables = "".join(
        f'<table:table table:name="{name}">{"".join(map(_row, rows))}</table:table>' for name, rows in sheets.items()
    )
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("META-INF/manifest.xml", "<manifest/>")
        packed.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content {SPACES} xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'office:version="1.2"><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>'
            "</office:document-content>",
        )
        for name, content in (pictures or {}).items():
            packed.writestr(name, content)


def _row(cells: Sequence[str]) -> str:
    if not cells:
        return '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
    return f"<table:table-row>{''.join(map(_cell, cells))}</table:table-row>"


def _cell(said: str) -> str:
    if said.startswith("Pictures/"):
        return f'<table:table-cell><draw:frame><draw:image xlink:href="{said}"/></draw:frame></table:table-cell>'
    return f'<table:table-cell office:value-type="string"><text:p>{said}</text:p></table:table-cell>'
