"""NamUs, the United States' registry of missing and unidentified persons, by its public case API."""

import csv
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from cases.sources import days, http, kinds, measures, reading
from cases.sources.base import (
    CaseRecord,
    Cursor,
    Item,
    PhotoRecord,
    SourceUnavailable,
    Step,
    Unchanged,
    Validators,
    words,
)
from cases.sources.http import Registry
from cases.sources.reading import Fields

SETS = {"MP": "MissingPersons", "UP": "UnidentifiedPersons"}
COLUMN = "Case Number"


class NamUs:
    """prefix: MP for missing, UP for unidentified persons. ids: `1-20000`, or the site's CSV export in `csv`."""

    def __init__(self, prefix: str, options: dict[str, Any]) -> None:
        self._prefix = prefix
        self._registry = Registry(settings.NAMUS_URL)
        # A case that the list no longer names is asked for by itself.
        self.is_complete = bool(options.get("csv"))
        self._ids = exported(Path(options["csv"]), prefix) if self.is_complete else numbered(options["ids"])

    def size(self) -> int:
        return len(self._ids)

    def steps(self, after: Cursor, validators: Callable[[str], Validators]) -> Iterator[Step]:
        for position in range(0 if after is None else after + 1, len(self._ids)):
            key = f"{self._prefix}{self._ids[position]}"
            yield Step(self._read(key, validators(key)), position)

    def item(self, key: str) -> Item:
        return self._read(key, {})

    def photo(self, photo: PhotoRecord, validators: Validators) -> tuple[bytes | None, Validators]:
        return self._registry.get(photo.where, validators)

    def close(self) -> None:
        self._registry.close()

    def _read(self, key: str, validators: Validators) -> Item:
        path = f"api/CaseSets/NamUs/{SETS[self._prefix]}/Cases/{key[2:]}"

        def ask() -> Item:
            answer, fresh = self._registry.json(path, {"forReport": "false"}, validators)
            return Unchanged(key) if answer is None else self._record(key, answer, fresh)

        return http.item(key, "NamUs no longer lists this case", ask)

    def _record(self, key: str, answer: dict[str, Any], validators: Validators) -> CaseRecord:
        missing = self._prefix == "MP"
        person, looks = answer.get("subjectIdentification") or {}, answer["subjectDescription"]
        found = (answer.get("sighting") if missing else answer.get("circumstances")) or {}
        ages = (person, "computedMissingMinAge", "computedMissingMaxAge") if missing else (
            looks, "estimatedAgeFrom", "estimatedAgeTo")  # fmt: skip
        agencies = [answer.get("primaryInvestigatingAgency"), *(answer.get("investigatingAgencies") or [])]
        agency: dict[str, Any] = next(filter(None, agencies), {})
        contact = (agency.get("selection") or {}).get("agency") or {}
        story = answer.get("circumstances") or {}
        read = Fields()
        read.take("sex", "Sex", (looks.get("sex") or {}).get("name"), reading.sex)
        read.age(ages[0].get(ages[1]), ages[0].get(ages[2]))
        read.take("last_seen_on", "Last seen on", found.get("date") or found.get("dateFound"), days.day)
        read.measure("height", "Height", _in(looks, "height", "in"), None, measures.height)
        read.measure("weight", "Weight", _in(looks, "weight", "lbs"), None, measures.weight)
        point = (found.get("publicGeolocation") or {}).get("coordinates") or {}
        read.take("latitude", "Latitude", point.get("lat"), partial(reading.degrees, most=90))
        read.take("longitude", "Longitude", point.get("lon"), partial(reading.degrees, most=180))
        read.short("vehicle", "Vehicle", "; ".join(map(_all, answer.get("vehicles") or [])), 300)
        body = answer.get("physicalDescription") or {}
        read.short("hair", "Hair", _named(body.get("hairColor"), body.get("headHairDescription")), 200)
        read.short("eyes", "Eyes", _named(body.get("leftEyeColor"), body.get("eyeDescription")), 200)
        fields = read.all() | {
            "number": key,
            "marks": _listed(answer.get("physicalFeatureDescriptions"), "physicalFeature"),
            "clothing": _listed(answer.get("clothingAndAccessoriesArticles"), "article"),
            "exclusions": _exclusions(answer.get("exclusions")),
            "name": words(" ".join(filter(None, (person.get(n) for n in ("firstName", "middleName", "lastName")))), 200)
            if missing
            else "",
            "other_names": words(person.get("nicknames"), 300),
            "race": words(", ".join(e["name"] for e in looks.get("ethnicities") or []), 200),
            "last_seen_place": words(_place(found.get("address") or {}), 300),
            "circumstances": str(
                story.get("circumstancesOfDisappearance") or story.get("circumstancesOfRecovery") or ""
            ).strip(),
            "agency": words(agency.get("name"), 200),
            "contact": words(contact.get("phone") or agency.get("phone"), 300),
            "source_url": f"https://www.namus.gov/{SETS[self._prefix]}/Case#/{key[2:]}",
        }
        photos = tuple(_photo(image) for image in answer.get("images") or [])
        closed = "NamUs has marked the case as resolved" if answer.get("caseIsResolved") else ""
        return CaseRecord(key, fields, photos, closed, validators, tuple(read.doubts))


def missing(options: dict[str, Any]) -> NamUs:
    return NamUs("MP", options)


def unidentified(options: dict[str, Any]) -> NamUs:
    return NamUs("UP", options)


def _photo(image: dict[str, Any]) -> PhotoRecord:
    href = image["files"]["original"]["href"]
    # A picture that is replaced on the site gets an address of its own.
    kind = kinds.of_caption(image.get("caption"))
    return PhotoRecord(href, href, f"namus-{image.get('id', '')}.jpg", href, kind=kind)


def _in(looks: dict[str, Any], what: str, unit: str) -> str:
    """A height or a weight as NamUs has it, from and to in one unit, in words."""
    known = [looks.get(f"{what}From"), looks.get(f"{what}To")]
    return " to ".join(f"{value} {unit}" for value in known if value)


def _named(colour: dict[str, Any] | None, words_: str | None) -> str:
    return ", ".join(filter(None, [(colour or {}).get("name"), words_]))


def _listed(entries: list[dict[str, Any]] | None, what: str) -> str:
    """Scars, tattoos or clothes, a line each: what it is, and how it is described."""
    lines = (_named(entry.get(what), entry.get("description")) for entry in entries or [])
    return "\n".join(filter(None, lines))


def _all(entry: dict[str, Any]) -> str:
    """Whatever an entry says: `2004 Ford Focus, blue`."""
    said = (one.get("name") if isinstance(one, dict) else one for name, one in entry.items() if name != "id")
    return ", ".join(str(one) for one in said if one and not isinstance(one, bool))


def _exclusions(entries: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Who it was ruled out to be: the name, and the year of birth where it is known."""
    found = []
    for entry in entries or []:
        name = words(" ".join(filter(None, (entry.get(n) for n in ("firstName", "middleName", "lastName")))), 200)
        if name:
            found.append({"name": name} | ({"born": entry["yearOfBirth"]} if entry.get("yearOfBirth") else {}))
    return found


def _place(address: dict[str, Any]) -> str:
    parts = [address.get("city"), *((address.get(n) or {}).get("name") for n in ("county", "state"))]
    return ", ".join(filter(None, parts))


def numbered(text: str) -> range:
    """`4351` or `1-20000`. Raises `SourceUnavailable` in words for anything else."""
    found = re.fullmatch(r"\s*(\d{1,7})\s*(?:-\s*(\d{1,7})\s*)?", text)
    if found is None or (found[2] and int(found[2]) < int(found[1])):
        raise SourceUnavailable(f"{text!r} is no range of case numbers; write it as 1-20000.")
    return range(int(found[1]), int(found[2] or found[1]) + 1)


def exported(path: Path, prefix: str) -> list[int]:
    """The numbers in the site's CSV export. Raises `SourceUnavailable` where it is not one, naming line and value."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if COLUMN not in (rows.fieldnames or []):
                raise SourceUnavailable(f"{path.name} has no column {COLUMN}; export the list from NamUs as CSV.")
            numbers: dict[int, None] = {}
            for row in rows:
                text = (row[COLUMN] or "").strip()
                if not re.fullmatch(rf"{prefix}\d+", text):
                    raise SourceUnavailable(
                        f"{path.name}, line {rows.line_num}: {text!r} is no case number such as {prefix}4351."
                    )
                numbers[int(text[2:])] = None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceUnavailable(f"{path.name} cannot be read as CSV: {error}") from error
    return list(numbers)
