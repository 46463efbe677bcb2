"""Interpol's public yellow (missing) and red (wanted) notices.

A question is answered with at most 160 notices, so the notices are asked for by age, and by sex where one age has more.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings

from cases import codes
from cases.sources import days, http, measures, reading
from cases.sources.base import (
    CaseRecord,
    Cursor,
    Item,
    PhotoRecord,
    RecordRefused,
    Refused,
    SourceUnavailable,
    Step,
    Unchanged,
    Validators,
    words,
)
from cases.sources.http import NotFound, Registry
from cases.sources.reading import Fields

MOST = 160
OLDEST = 120
SEXES = ("F", "M", "U")


class Interpol:
    """colour: yellow or red."""

    is_complete = True

    def __init__(self, colour: str) -> None:
        self._path = f"notices/v1/{colour}"
        self._colour = colour
        self._registry = Registry(settings.INTERPOL_URL)

    def size(self) -> int:
        return int(self._ask({"resultPerPage": 1, "page": 1})["total"])

    def steps(self, after: Cursor, validators: Callable[[str], Validators]) -> Iterator[Step]:
        first = 0 if after is None else after + 1
        for low, high, notices in self._blocks(first, OLDEST):
            for key, refusal in notices:
                # The age is done when its last notice is: until then the one before is where to go on.
                last = key == notices[-1][0]
                item = Refused(key, refusal) if refusal else self._read(key, validators(key))
                yield Step(item, high if last else low - 1)
        if (ageless := self.size() - int(self._ask({"ageMin": 0, "ageMax": OLDEST, "resultPerPage": 1})["total"])) > 0:
            reason = f"{ageless} notices carry no age, and Interpol lists them by name only. Add by hand what you need."
            yield Step(Refused("notices without an age", reason), OLDEST)

    def item(self, key: str) -> Item:
        return self._read(key, {})

    def photo(self, photo: PhotoRecord, validators: Validators) -> tuple[bytes | None, Validators]:
        return self._registry.get(photo.where, validators)

    def close(self) -> None:
        self._registry.close()

    def _ask(self, params: dict[str, Any]) -> Any:
        try:
            return self._registry.json(self._path, params)[0]
        except RecordRefused as refusal:
            raise SourceUnavailable(f"Interpol's list cannot be read: {refusal}") from refusal

    def _blocks(self, low: int, high: int) -> Iterator[tuple[int, int, list[tuple[str, str]]]]:
        """Ages from, to, and their notices' keys, each with a refusal or ""; from young to old."""
        if low > high:
            return
        answer = self._ask({"ageMin": low, "ageMax": high, "resultPerPage": MOST, "page": 1})
        if int(answer["total"]) <= MOST:
            if keys := _keys(answer):
                yield low, high, [(key, "") for key in keys]
        elif low < high:
            middle = (low + high) // 2
            yield from self._blocks(low, middle)
            yield from self._blocks(middle + 1, high)
        else:
            yield low, high, list(self._by_sex(low))

    def _by_sex(self, age: int) -> Iterator[tuple[str, str]]:
        for letter in SEXES:
            answer = self._ask({"ageMin": age, "ageMax": age, "sexId": letter, "resultPerPage": MOST, "page": 1})
            for key in _keys(answer):
                yield key, ""
            hidden = int(answer["total"]) - len(_keys(answer))
            if hidden > 0:
                yield (
                    f"age {age}, {letter}",
                    f"Interpol shows {MOST} notices at most; {hidden} of this age are hidden.",
                )

    def _read(self, key: str, validators: Validators) -> Item:
        path = f"{self._path}/{key.replace('/', '-')}"

        def ask() -> Item:
            answer, fresh = self._registry.json(path, validators=validators)
            return Unchanged(key) if answer is None else self._record(key, answer, self._images(path), fresh)

        return http.item(key, f"Interpol no longer shows this {self._colour} notice", ask)

    def _images(self, path: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._registry.json(f"{path}/images")[0]
        except NotFound:
            return {}
        return found

    def _record(self, key: str, answer: dict[str, Any], images: dict[str, Any], validators: Validators) -> CaseRecord:
        read = Fields()
        read.take("last_seen_on", "Last seen on", answer.get("date_of_event"), days.day)
        read.take("sex", "Sex", answer.get("sex_id"), reading.sex)
        read.born("Born on", answer.get("date_of_birth"))
        tall, heavy = answer.get("height"), answer.get("weight")
        read.measure("height", "Height", f"{tall} m" if tall else "", None, measures.height)
        read.measure("weight", "Weight", f"{heavy} kg" if heavy else "", None, measures.weight)
        for name, label, told, table in (
            ("hair", "Hair", "hairs_id", codes.HAIR), ("eyes", "Eyes", "eyes_colors_id", codes.EYES),
            ("languages", "Languages", "languages_spoken_ids", {}),
        ):  # fmt: skip
            read.short(name, label, ", ".join(codes.spelled(one, table) for one in answer.get(told) or []), 200)
        read.values["marks"] = str(answer.get("distinguishing_marks") or "")
        charges = [w.get("charge") for w in answer.get("arrest_warrants") or []]
        fields = read.all() | {
            "number": key,
            "name": words(" ".join(filter(None, (answer.get("forename"), answer.get("name")))), 200),
            "other_names": words(answer.get("birth_name"), 300),
            "race": "",
            "last_seen_place": words(
                answer.get("place") or ", ".join(filter(None, (answer.get("country"), answer.get("place_of_birth")))),
                300,
            ),
            "circumstances": "\n".join(filter(None, charges)),
            "agency": "Interpol",
            "contact": "",
            "source_url": f"https://www.interpol.int/en/How-we-work/Notices/{self._colour.title()}-Notices/"
            f"View-{self._colour.title()}-Notices#{key.replace('/', '-')}",
        }
        links = [image["_links"]["self"]["href"] for image in (images.get("_embedded") or {}).get("images") or []]
        photos = tuple(PhotoRecord(link, link, f"interpol-{link.rsplit('/', 1)[-1]}.jpg", link) for link in links)
        return CaseRecord(key, fields, photos, "", validators, tuple(read.doubts))


def yellow(options: dict[str, Any]) -> Interpol:
    return Interpol("yellow")


def red(options: dict[str, Any]) -> Interpol:
    return Interpol("red")


def _keys(answer: dict[str, Any]) -> list[str]:
    return [str(notice["entity_id"]) for notice in (answer.get("_embedded") or {}).get("notices") or []]
