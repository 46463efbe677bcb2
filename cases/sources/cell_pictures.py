"""Pictures that programs keep as the values of cells, and not as drawings that lie over them.

Excel (*Place in Cell*): a cell says the number of its value's metadata, which leads to a rich value, which leads to a
picture of the workbook: [MS-XLSX] 2.3.4, rich values; the structure's name is `_localImage`.
WPS Office: a cell's formula, `DISPIMG`, names a picture of the workbook's own list.
LibreOffice (ODS): a frame within the cell names the picture.
"""

import zipfile
from typing import Any

import defusedxml.ElementTree as SafeTree

from cases.sources import sheet_xml

METADATA, VALUES = "xl/metadata.xml", "xl/richData/rdrichvalue.xml"
STRUCTURES, RELATIONS = "xl/richData/rdrichvaluestructure.xml", "xl/richData/richValueRel.xml"
PICTURE = "_rvRel:LocalImageIdentifier"
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
RELATION_ID, EMBEDDED = f"{_RELATIONS}id", f"{_RELATIONS}embed"
WPS_PICTURES = "xl/cellimages.xml"
ODS_TABLE, XLINK = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}", "{http://www.w3.org/1999/xlink}href"


def of_sheet(packed: zipfile.ZipFile, part: str) -> dict[tuple[int, int], str]:
    """The members of an XLSX workbook that are shown in a sheet's cells, by line and column from 0.

    part: the sheet's own member. Raises what a broken zip or XML raises.
    """
    return _of_excel(packed, part) | _of_wps(packed, part)


def of_ods(packed: zipfile.ZipFile, sheet: str) -> list[tuple[int, str]]:
    """The lines, from 0, and members of the pictures of an ODS sheet. Raises as `of_sheet`."""
    found: list[tuple[int, str]] = []
    names, line, is_it = set(packed.namelist()), 0, False
    with packed.open("content.xml") as content:
        for event, element in SafeTree.iterparse(content, events=("start", "end")):
            name = _name(element)
            if name == "table" and event == "start":
                is_it, line = element.get(f"{ODS_TABLE}name") == sheet, 0
            elif name == "table-row" and event == "end":
                if is_it:
                    members = [image.get(XLINK, "").removeprefix("./") for image in _all(element, "image")]
                    found += [(line, member) for member in members if member in names]
                line += int(element.get(f"{ODS_TABLE}number-rows-repeated", 1))
                element.clear()
    return found


def _of_wps(packed: zipfile.ZipFile, part: str) -> dict[tuple[int, int], str]:
    names = set(packed.namelist())
    if WPS_PICTURES not in names:
        return {}
    from openpyxl.packaging.relationship import get_dependents, get_rels_path

    rels_of: Any = get_rels_path
    dependents: Any = get_dependents
    targets = {rel.Id: rel.target for rel in dependents(packed, rels_of(WPS_PICTURES))}
    members = {}
    for picture in _all(SafeTree.fromstring(packed.read(WPS_PICTURES)), "cellImage"):
        for said, blip in zip(_all(picture, "cNvPr"), _all(picture, "blip"), strict=False):
            members[said.get("name")] = targets.get(blip.get(EMBEDDED), "")
    return {
        place: members[said]
        for place, function, said in sheet_xml.formulas(packed, part)
        if function == "DISPIMG" and members.get(said) in names
    }


def _of_excel(packed: zipfile.ZipFile, part: str) -> dict[tuple[int, int], str]:
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
