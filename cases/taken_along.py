"""Cases as others read them: a table, points on a map, and the records in which agencies exchange faces."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import nistitl
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from PIL import Image

from cases.codes import EYES, HAIR, RACE
from cases.models import Case, Photo

COLUMNS = (
    "number", "collection", "name", "other_names", "status", "sex", "age_from", "age_to", "born_on", "born_from",
    "born_to", "height_from", "height_to", "weight_from", "weight_to", "hair", "eyes", "complexion", "race", "marks",
    "clothing", "dental", "dna", "vehicle", "languages", "category", "other_numbers", "last_seen_on",
    "last_seen_place", "latitude", "longitude", "circumstances", "agency", "contact", "source_url", "closed_at",
    "outcome", "ended_on", "closed_reason", "created_at", "updated_at",
)  # fmt: skip


def row(case: Case) -> list[object]:
    """A case as it is taken along, headed `COLUMNS`."""
    return [str(value) if name == "collection" else value for name in COLUMNS for value in [getattr(case, name)]]


def geojson(cases: Iterable[Case]) -> Iterator[str]:
    """RFC 7946: a point for each case whose place is known in degrees."""
    before = '{"type": "FeatureCollection", "features": [\n'
    for case in cases:
        properties = {name: value for name, value in zip(COLUMNS, row(case), strict=True) if value not in (None, "")}
        point = {"type": "Point", "coordinates": [case.longitude, case.latitude]}
        feature = {"type": "Feature", "id": case.pk, "geometry": point, "properties": properties}
        yield before + json.dumps(feature, cls=DjangoJSONEncoder, ensure_ascii=False)
        before = ",\n"
    yield before.replace(",\n", "") + "\n]}\n"


# In which way the face is turned, as field 10.020 has it.
POSES = {Photo.View.FRONT: "F", Photo.View.SIDE: "A"}
KINDS = (Photo.Kind.PHOTOGRAPH, Photo.Kind.DECEASED)
VERSION, MOST_PICTURES = "0502", 90
UTF_8 = "3\x1fUTF-8"
# What parts fields, records and values; no value may hold one.
PARTS = dict.fromkeys(range(0x1C, 0x20), " ")


def faces(case: Case) -> list[Photo]:
    """The photos that agencies exchange as a person's face."""
    return list(case.photos.filter(kind__in=KINDS, view__in=POSES).exclude(display="")[:MOST_PICTURES])


def nist(case: Case, photos: Sequence[Photo], transaction: str) -> bytes:
    """A case's photos as ANSI/NIST-ITL 1-2011 (update 2015): record type 1, one of type 2 with what is known of the
    person in the FBI's tags (EBTS), one of type 10 a photo, in the upright JPEG that is shown here.

    photos: as `faces` finds them. transaction: names this file; an audit row's number.
    """
    message = nistitl.Message()
    head = message[0]
    head.VER, head.TOT, head.TCN = VERSION, "MISC", _text(transaction)
    head.DAT, head.PRY = f"{timezone.localdate():%Y%m%d}", "4"
    head.DAI = head.ORI = "SIGHTLINE"
    head += nistitl.Field(1, 15, UTF_8)
    message += _person(case)
    for number, photo in enumerate(photos, start=1):
        message += _face(case, photo, number)
    written: bytes = message.NIST
    return written


def _person(case: Case) -> Any:
    record = nistitl.AsciiRecord(2)
    tall, heavy = case.height_from or case.height_to, case.weight_from or case.weight_to
    for tag, value in {
        10: case.number,
        18: _surname_first(case.name),
        19: case.other_names,
        22: _day(case.born_on),
        24: {Case.Sex.FEMALE: "F", Case.Sex.MALE: "M"}.get(Case.Sex(case.sex), "U"),
        25: _code(case.race, RACE, "U"),
        27: "{}{:02}".format(*divmod(round(tall / 2.54), 12)) if tall else "000",
        29: f"{round(heavy / 0.45359237):03}" if heavy else "000",
        31: _code(case.eyes, EYES, "XXX"),
        32: _code(case.hair, HAIR, "XXX"),
    }.items():
        if value:
            record += nistitl.Field(2, tag, _text(value))
    return record


def _face(case: Case, photo: Photo, number: int) -> Any:
    with photo.display.open() as file:
        content = file.read()
        file.seek(0)
        with Image.open(file) as picture:
            width, height = picture.size
    record = nistitl.AsciiRecord(10)
    record.IDC, record.IMT, record.SRC = number, "FACE", _text(case.agency[:35] or "SIGHTLINE")
    record.PHD = _day(photo.taken_on) or "00000000"
    record.HLL, record.VLL, record.SLC, record.THPS, record.TVPS = width, height, 0, 1, 1
    record.CGA, record.CSP, record.SAP = "JPEGB", "YCC", 0
    record.POS = POSES.get(Photo.View(photo.view), "F")
    record.DATA = content
    return record


def _text(value: object) -> str:
    """As the library writes it byte by byte, which field 1.015 then says is UTF-8."""
    return str(value).translate(PARTS).encode().decode("latin-1")


def _surname_first(name: str) -> str:
    if "," in name:
        return ",".join(part.strip() for part in name.split(",", 1))
    *first, last = name.split() or [""]
    return ",".join(filter(None, [last, " ".join(first)]))


def _day(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""


def _code(text: str, table: dict[str, str], unknown: str) -> str:
    words = re.findall(r"[a-z]+", text.lower())
    return next((code for code, word in table.items() if word.lower().split()[0] in words), unknown)
