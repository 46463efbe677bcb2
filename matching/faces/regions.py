"""Who is where in a picture, as its file says it: face regions in XMP, by the Metadata Working Group's schema.

Photo libraries (digiKam, Lightroom, Picasa, Apple) write them. Read where pictures are decoded, in a process that may
die; written beside pictures that leave, as a sidecar.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import defusedxml.ElementTree as SafeTree
from defusedxml.common import DefusedXmlException

MWG = "{http://www.metadataworkinggroup.com/schemas/regions/}"
AREA = "{http://ns.adobe.com/xmp/sType/Area#}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PACKET = re.compile(rb"<x:xmpmeta\b.{0,500000}?</x:xmpmeta>", re.DOTALL)
MOST = 100

# A region: whom it is said to show, "" where nobody is named, and left, top, right, bottom as fractions.
Box = tuple[float, float, float, float]
Region = tuple[str, Box]


def of(content: bytes, orientation: int) -> list[Region]:
    """The faces that a picture's file marks, in the upright picture.

    content: the file's bytes. orientation: as its EXIF numbers it; regions lie in the picture as it is stored.
    """
    found: list[Region] = []
    for packet in PACKET.findall(content)[:3] if MWG[1:-1].encode() in content else ():
        try:
            root = SafeTree.fromstring(packet)
        except (ElementTree.ParseError, DefusedXmlException, ValueError):
            continue
        for item in root.iter(f"{RDF}li"):
            one = _region(item)
            if one is not None and len(found) < MOST:
                found.append((one[0], _upright(one[1], orientation)))
    return found


def _region(item: ElementTree.Element) -> Region | None:
    """A list's item, its values as attributes or as elements: both are written."""
    said = {name: value for node in item.iter() for name, value in (*node.attrib.items(), (node.tag, node.text or ""))}
    if said.get(f"{MWG}Type", "").strip() != "Face" or said.get(f"{AREA}unit", "normalized").strip() != "normalized":
        return None
    try:
        x, y, width, height = (float(said[f"{AREA}{name}"]) for name in "xywh")
    except (KeyError, ValueError):
        return None
    if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < width <= 1 and 0 < height <= 1):
        return None
    box = (max(x - width / 2, 0.0), max(y - height / 2, 0.0), min(x + width / 2, 1.0), min(y + height / 2, 1.0))
    return " ".join(said.get(f"{MWG}Name", "").split())[:200], box


def _upright(box: Box, orientation: int) -> Box:
    """Where a box of the stored picture lies in the upright one. orientation: EXIF's, 1 to 8."""
    left, top, right, bottom = box
    if orientation in (5, 6, 7, 8):
        left, top, right, bottom = top, left, bottom, right  # mirrored on the diagonal
    if orientation in (2, 3, 6, 7):
        left, right = 1 - right, 1 - left
    if orientation in (3, 4, 7, 8):
        top, bottom = 1 - bottom, 1 - top
    return left, top, right, bottom


def stored(box: Box, orientation: int, turned: int = 0) -> Box:
    """The way back: where a box of the picture that is shown lies in the one that is stored.

    turned: by how many degrees clockwise it was turned beyond what its EXIF says.
    """
    for how in ({90: 6, 180: 3, 270: 8}.get(turned, 1), orientation):
        left, top, right, bottom = box
        if how in (2, 3, 6, 7):
            left, right = 1 - right, 1 - left
        if how in (3, 4, 7, 8):
            top, bottom = 1 - bottom, 1 - top
        box = (top, left, bottom, right) if how in (5, 6, 7, 8) else (left, top, right, bottom)
    return box


def sidecar(regions: Sequence[Region], width: int, height: int) -> bytes:
    """An XMP file that marks faces in a picture. width, height: of the picture as it is stored, in pixels."""
    items = "".join(
        f"<rdf:li><rdf:Description mwg-rs:Name={quoteattr(name)} mwg-rs:Type='Face'><mwg-rs:Area"
        f" stArea:x='{(left + right) / 2:.5f}' stArea:y='{(top + bottom) / 2:.5f}' stArea:w='{right - left:.5f}'"
        f" stArea:h='{bottom - top:.5f}' stArea:unit='normalized'/></rdf:Description></rdf:li>"
        for name, (left, top, right, bottom) in regions
    )
    return (
        "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        f"<rdf:RDF xmlns:rdf='{RDF[1:-1]}'><rdf:Description rdf:about='' xmlns:mwg-rs='{MWG[1:-1]}'"
        f" xmlns:stArea='{AREA[1:-1]}' xmlns:stDim='http://ns.adobe.com/xap/1.0/sType/Dimensions#'>"
        "<mwg-rs:Regions rdf:parseType='Resource'>"
        f"<mwg-rs:AppliedToDimensions stDim:w='{width}' stDim:h='{height}' stDim:unit='pixel'/>"
        f"<mwg-rs:RegionList><rdf:Bag>{items}</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
        "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>\n"
    ).encode()
