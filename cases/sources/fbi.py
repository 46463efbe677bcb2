"""The FBI's public wanted API: wanted, missing and unidentified persons, page by page."""

import html
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.conf import settings

from cases.sources import http, kinds, measures, reading
from cases.sources.base import (
    CaseRecord,
    Cursor,
    Item,
    PhotoRecord,
    RecordRefused,
    SourceUnavailable,
    Step,
    Validators,
    words,
)
from cases.sources.http import Registry
from cases.sources.reading import Fields

PAGE = 50
PHOTO_HOSTS = frozenset({"www.fbi.gov"})
ENDED = {
    "captured": "The FBI says: captured",
    "recovered": "The FBI says: recovered",
    "located": "The FBI says: located",
    "surrendered": "The FBI says: surrendered",
    "deceased": "The FBI says: deceased",
}


class Fbi:
    is_complete = True

    def __init__(self) -> None:
        self._registry = Registry(settings.FBI_URL, PHOTO_HOSTS)

    def size(self) -> int:
        return int(self._page(1)["total"])

    def steps(self, after: Cursor, validators: Callable[[str], Validators]) -> Iterator[Step]:
        page = 1 if after is None else after + 1
        while items := self._page(page)["items"]:
            for position, answer in enumerate(items, 1):
                # A page is done when its last record is: until then the page before is where to go on.
                item = http.item(str(answer.get("uid")), "", partial(self._record, answer))
                yield Step(item, page if position == len(items) else page - 1)
            page += 1

    def item(self, key: str) -> Item:
        def ask() -> Item:
            return self._record(self._registry.json(f"@wanted-person/{key}")[0])

        return http.item(key, "The FBI no longer lists this person", ask)

    def photo(self, photo: PhotoRecord, validators: Validators) -> tuple[bytes | None, Validators]:
        return self._registry.get(photo.where, validators)

    def close(self) -> None:
        self._registry.close()

    def _page(self, number: int) -> Any:
        try:
            return self._registry.json("wanted/v1/list", {"page": number, "pageSize": PAGE})[0]
        except RecordRefused as refusal:
            raise SourceUnavailable(f"The FBI's list cannot be read: {refusal}") from refusal

    def _record(self, answer: dict[str, Any]) -> CaseRecord:
        key = str(answer["uid"])
        read = Fields()
        read.take("sex", "Sex", answer.get("sex"), reading.sex)
        read.age(answer.get("age_min"), answer.get("age_max"))
        inches = [f"{value} in" for value in (answer.get("height_min"), answer.get("height_max")) if value]
        read.measure("height", "Height", " to ".join(inches), None, measures.height)
        read.measure("weight", "Weight", _pounds(answer), None, measures.weight)
        births = answer.get("dates_of_birth_used") or []
        read.born("Born on", births[0] if births else "")
        read.short("hair", "Hair", answer.get("hair_raw") or answer.get("hair"), 200)
        read.short("eyes", "Eyes", answer.get("eyes_raw") or answer.get("eyes"), 200)
        read.short("other_numbers", "Other numbers", answer.get("ncic"), 300)
        read.values["marks"] = _plain(answer.get("scars_and_marks"))
        fields = read.all() | {
            "number": key,
            "name": words(str(answer["title"]).title(), 200),
            "other_names": words(", ".join(answer.get("aliases") or []), 300),
            "race": words(answer.get("race_raw") or answer.get("race"), 200),
            "last_seen_on": None,
            "last_seen_place": words(", ".join(answer.get("possible_states") or []), 300),
            "circumstances": "\n".join(
                filter(None, (_plain(answer.get(name)) for name in ("description", "details", "caution")))
            ),
            "agency": words("FBI " + ", ".join(o.title() for o in answer.get("field_offices") or []), 200),
            "contact": "",
            "source_url": str(answer.get("url") or ""),
        }
        photos = tuple(
            PhotoRecord(
                image["original"],
                image["original"],
                f"fbi-{number}.jpg",
                image["original"],
                kind=kinds.of_caption(image.get("caption")),
            )
            for number, image in enumerate(answer.get("images") or [], 1)
        )
        return CaseRecord(key, fields, photos, ENDED.get(str(answer.get("status")).lower(), ""), {}, tuple(read.doubts))


def wanted(options: dict[str, Any]) -> Fbi:
    return Fbi()


def _pounds(answer: dict[str, Any]) -> str:
    """A weight in words: its lowest and highest value, or as it is written."""
    known = [f"{value} lbs" for value in (answer.get("weight_min"), answer.get("weight_max")) if value]
    return " to ".join(known) or str(answer.get("weight") or "")


def _plain(text: Any) -> str:
    """Words without the tags that the site writes around them."""
    return html.unescape(re.sub(r"<[^>]+>", " ", str(text or ""))).strip()
