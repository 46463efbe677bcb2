"""Pictures that Excel keeps as the values of cells (*Place in Cell*), and not as drawings that lie over them.

A cell says the number of its value's metadata, which leads to a rich value, which leads to a picture of the workbook:
[MS-XLSX] 2.3.4, rich values; the structure's name is `_localImage`.
"""

import zipfile
from typing import Any

import defusedxml.ElementTree as SafeTree

METADATA, VALUES = "xl/metadata.xml", "xl/richData/rdrichvalue.xml"
STRUCTURES, RELATIONS = "xl/richData/rdrichvaluestructure.xml", "xl/richData/richValueRel.xml"
PICTURE = "_rvRel:LocalImageIdentifier"
RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def of_sheet(packed: zipfile.ZipFile, part: str) -> dict[tuple[int, int], str]:
    """The members of a workbook that are shown in a sheet's cells, by line and column from 0.

    part: the sheet's own member. Raises what a broken zip or XML raises.
    """
    if not {METADATA, VALUES, STRUCTURES, RELATIONS, part} <= set(packed.namelist()):
        return {}
    from openpyxl.utils.cell import coordinate_to_tuple

    members = _members(packed)
    found: dict[tuple[int, int], str] = {}
    with packed.open(part) as sheet:
        for _, element in SafeTree.iterparse(sheet):
            if _name(element) == "c":
                member = members.get(int(element.get("vm", 0)))
                if member and element.get("r"):
                    line, column = coordinate_to_tuple(element.get("r"))
                    found[line - 1, column - 1] = member
            elif _name(element) == "row":
                element.clear()
    return found


def _members(packed: zipfile.ZipFile) -> dict[int, str]:
    """The pictures by the number, from 1, that a cell says."""
    pictures = _pictures(packed)
    metadata = SafeTree.fromstring(packed.read(METADATA))
    types = [one.get("name") for one in _all(metadata, "metadataType")]
    rich: list[int] = []
    for future in _all(metadata, "futureMetadata"):
        if future.get("name") == "XLRICHVALUE":
            rich = [int(one.get("i")) for one in _all(future, "rvb")]
    found = {}
    for block in _all(metadata, "valueMetadata"):
        for number, record in enumerate(_all(block, "rc"), 1):
            value = int(record.get("v"))
            if types[int(record.get("t")) - 1] == "XLRICHVALUE" and value < len(rich) and rich[value] in pictures:
                found[number] = pictures[rich[value]]
    return found


def _pictures(packed: zipfile.ZipFile) -> dict[int, str]:
    """The pictures by the place, from 0, of their rich value."""
    from openpyxl.packaging.relationship import get_dependents, get_rels_path

    rels_of: Any = get_rels_path
    dependents: Any = get_dependents
    targets = dependents(packed, rels_of(RELATIONS))
    related = [
        targets.get(one.get(RELATION_ID)).target for one in _all(SafeTree.fromstring(packed.read(RELATIONS)), "rel")
    ]
    keys = [[key.get("n") for key in _all(one, "k")] for one in _all(SafeTree.fromstring(packed.read(STRUCTURES)), "s")]
    names = set(packed.namelist())
    found = {}
    for place, value in enumerate(_all(SafeTree.fromstring(packed.read(VALUES)), "rv")):
        parts, said = keys[int(value.get("s"))], [part.text or "" for part in _all(value, "v")]
        if PICTURE in parts:
            member = related[int(said[parts.index(PICTURE)])]
            if member in names:
                found[place] = member
    return found


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _all(element: Any, name: str) -> list[Any]:
    """Those of that name below an element, in the file's order, whatever their namespace."""
    return [one for one in element.iter() if _name(one) == name]
