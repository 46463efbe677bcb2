"""What an XLSX sheet's own XML says beside the values of its cells: which are merged, and where they lead."""

import re
import zipfile
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Any

# What is looked for is shorter, and may lie on the border of two blocks.
BLOCK, LONGEST = 1 << 20, 4096
_QUOTE = rb"(?:\"|&quot;)"
_MERGED = re.compile(rb'mergeCell [^>]*?ref="([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)"')
_HYPERLINK = re.compile(rb"hyperlink ([^>]*)>")
_FORMULA = re.compile(
    rb'<(?:\w+:)?c [^>]*?\br="([A-Z]{1,3}\d+)"[^>]*>\s*<(?:\w+:)?f[^>]*>\s*(?:_xlfn\.|_xlws\.)?'
    rb"(HYPERLINK|IMAGE|DISPIMG)\(\s*" + _QUOTE + rb"([^\"<]{1,2000}?)" + _QUOTE + rb"\s*[,)]"
)
Place = tuple[int, int]


def merged(packed: zipfile.ZipFile, part: str) -> dict[Place, range]:
    """Where merged cells begin, as line and column from 0, and the lines that they reach over."""
    from openpyxl.utils.cell import column_index_from_string

    found: dict[Place, range] = {}
    for match in _matches(packed, part, _MERGED):
        left, low, _, high = match.groups()
        if high != low:
            found[int(low) - 1, column_index_from_string(left.decode()) - 1] = range(int(low) - 1, int(high))
    return found


def links(packed: zipfile.ZipFile, part: str) -> dict[Place, str]:
    """Where the cells lead that have a link, or that show a picture by its address, by line and column from 0."""
    from openpyxl.packaging.relationship import get_dependents, get_rels_path
    from openpyxl.utils.cell import coordinate_to_tuple

    found: dict[Place, str] = {}
    for place, function, target in formulas(packed, part):
        if function != "DISPIMG":
            found[place] = target
    rels_of: Any = get_rels_path
    dependents: Any = get_dependents
    if rels_of(part) not in packed.namelist():
        return found
    targets = {rel.Id: rel.Target for rel in dependents(packed, rels_of(part)) if rel.TargetMode == "External"}
    for match in _matches(packed, part, _HYPERLINK) if targets else ():
        told = dict(re.findall(r'([\w:]+)="([^"]*)"', match.group(1).decode("utf-8", "replace")))
        relation = next((value for name, value in told.items() if name.rpartition(":")[2] == "id"), "")
        if relation in targets and (corner := told.get("ref", "").partition(":")[0]):
            line, column = coordinate_to_tuple(corner)
            found[line - 1, column - 1] = targets[relation]
    return found


def formulas(packed: zipfile.ZipFile, part: str) -> Iterator[tuple[Place, str, str]]:
    """The cells whose formula is HYPERLINK, IMAGE or DISPIMG of a text: line and column from 0, the function, the
    text."""
    from openpyxl.utils.cell import coordinate_to_tuple

    for match in _matches(packed, part, _FORMULA, (b"HYPERLINK(", b"IMAGE(", b"DISPIMG(")):
        where, function, said = (group.decode("utf-8", "replace") for group in match.groups())
        line, column = coordinate_to_tuple(where)
        yield (line - 1, column - 1), function, unescape(said)


def _matches(
    packed: zipfile.ZipFile, part: str, pattern: re.Pattern[bytes], words: Sequence[bytes] = (b"",)
) -> Iterator[re.Match[bytes]]:
    """All places where a pattern fits; one may come twice. words: one of them stands in each, and is found sooner."""
    with packed.open(part) as file:
        before = b""
        while block := file.read(BLOCK):
            if any(word in before + block for word in words):
                yield from pattern.finditer(before + block)
            before = block[-LONGEST:]
