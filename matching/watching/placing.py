"""Cameras placed by a file: the waypoints of a GPX, or a table of names and coordinates."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import ParseError

import defusedxml.ElementTree as SafeTree
from defusedxml.common import DefusedXmlException
from django.db import transaction
from django.db.models import QuerySet

from cases.sources import headings, reading, tables
from cases.sources.base import SourceUnavailable
from matching.models import Camera

MOST_BYTES, MOST_PLACES = 2 * 2**20, 5000
NAMES, UP, RIGHT = (
    {"name", "camera", "cameraname", "title", "label"},
    {"latitude", "lat", "y", "north"},
    {"longitude", "lon", "lng", "long", "x", "east"},
)


class FileRefused(Exception):
    """The text says what is wrong with the file, and what to send instead."""


@dataclass(frozen=True)
class Place:
    """One line or waypoint. latitude, longitude: degrees, as they are written."""

    name: str
    latitude: str
    longitude: str


@dataclass(frozen=True)
class Placed:
    """before: where it stood, latitude and longitude."""

    camera: Camera
    before: tuple[float | None, float | None]


def read(filename: str, content: bytes) -> list[Place]:
    """Raises `FileRefused`."""
    if len(content) > MOST_BYTES:
        raise FileRefused(f"The file has over {MOST_BYTES // 2**20} MB. A list of cameras is smaller.")
    ending = Path(filename).suffix.lower()
    found = list(_waypoints(content) if ending == ".gpx" else _lines(content, ending))
    if not found:
        raise FileRefused("The file names no place.")
    if len(found) > MOST_PLACES:
        raise FileRefused(f"The file has {len(found):,} places; at most {MOST_PLACES:,} at a time.")
    return found


def place(cameras: QuerySet[Camera], places: Iterable[Place]) -> tuple[list[Placed], list[tuple[Place, str]]]:
    """Give cameras the coordinates that a file says, by their names. Returns those that were placed, and the places
    that were not used with why."""
    named: dict[str, list[Camera]] = {}
    for camera in cameras:
        named.setdefault(_plain(camera.name), []).append(camera)
    placed: list[Placed] = []
    left: list[tuple[Place, str]] = []
    with transaction.atomic():
        for one in places:
            north, east = (reading.degrees(*side) for side in ((one.latitude, 90), (one.longitude, 180)))
            found = named.get(_plain(one.name), [])
            if north.value is None or east.value is None:
                left.append((one, "Its coordinates are no degrees between -90 and 90, -180 and 180."))
            elif len(found) != 1:
                left.append((one, "Several cameras have this name." if found else "No camera of yours has this name."))
            elif any(one_placed.camera == found[0] for one_placed in placed):
                left.append((one, "The file has this name twice: the first one counts."))
            else:
                camera = found[0]
                placed.append(Placed(camera, (camera.latitude, camera.longitude)))
                move(camera, north.value, east.value)
    return placed, left


def move(camera: Camera, latitude: float | None, longitude: float | None) -> None:
    camera.latitude, camera.longitude = latitude, longitude
    camera.save(update_fields=["latitude", "longitude"])


def _waypoints(content: bytes) -> Iterator[Place]:
    try:
        tree = SafeTree.fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as problem:
        raise FileRefused("The file is no GPX that can be read. Export the waypoints anew.") from problem
    for point in tree.iter():
        if point.tag.rpartition("}")[2] == "wpt":
            name = next((one.text or "" for one in point if one.tag.rpartition("}")[2] == "name"), "")
            yield Place(name.strip()[:200], point.get("lat", ""), point.get("lon", ""))


def _lines(content: bytes, ending: str) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        # A name that can stand in what is said of it.
        path = Path(folder) / f"places{ending[:10]}"
        path.write_bytes(content)
        try:
            table = tables.open_table(path)
            columns = [_column(table.columns, wanted) for wanted in (NAMES, UP, RIGHT)]
            missing = [what for what, one in zip(("name", "latitude", "longitude"), columns, strict=True) if not one]
            if missing:
                has = ", ".join(table.columns)[:300]
                raise FileRefused(f"The table has no column {' and no column '.join(missing)}; it has {has}.")
            for row in table.rows():
                yield Place(*(row.cells.get(column, "").strip()[:200] for column in columns))
        except SourceUnavailable as problem:
            raise FileRefused(
                f"{problem} Send a GPX with waypoints, or a table with the columns name, latitude, longitude."
            ) from problem


def _column(columns: Iterable[str], wanted: set[str]) -> str:
    return next((one for one in columns if headings.plain(one) in wanted), "")


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
