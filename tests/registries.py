"""Stand-ins of NamUs, Interpol, the FBI and S3, answering in the real services' forms, with faults on demand.

Tests give them people and faults. To try an import by hand: `python -m tests.registries`, then set the variables it
prints and run `manage.py import namus --ids 1-10`.
"""

import gzip
import hashlib
import http.server
import json
import os
import re
import threading
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django

from tests import listener


@dataclass
class Person:
    """Somebody in every registry at once. photos: JPEGs. caption: of each photo. gone: no longer listed. ended:
    resolved, captured."""

    id: int
    name: str = "Ana Maria Ruiz"
    sex: str = "Female"
    age: int | None = 31
    photos: list[bytes] = field(default_factory=list)
    # A picture that is replaced gets another number, as on the real sites.
    editions: list[int] = field(default_factory=list)
    gone: bool = False
    ended: bool = False
    caption: str = ""

    def photo_ids(self) -> list[str]:
        editions = [*self.editions, *[0] * len(self.photos)]
        return [f"{self.id}{n:02}{editions[n]}" for n in range(len(self.photos))]

    def photo(self, photo_id: str) -> bytes:
        return self.photos[self.photo_ids().index(photo_id)]


class Registries(http.server.ThreadingHTTPServer):
    """asked: each request's path with its query and headers. faults: of a path's beginning, a list of faults in turn.

    A fault: a number (that status), `slow` (no answer for `silence` seconds), `short` (fewer bytes than announced),
    `json` (no JSON), `drip` (a byte every 0.2 s), `empty`, a redirect as a URL, or `Retry-After`. The last one stays.
    """

    daemon_threads = True
    silence = 3.0
    interpol_most = 160

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.people: dict[int, Person] = {}
        self.faults: dict[str, list[Any]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def add(self, *people: Person) -> None:
        self.people.update({person.id: person for person in people})

    def listed(self) -> list[Person]:
        return [person for person in self.people.values() if not person.gone]

    def fault(self, path: str) -> Any:
        for beginning, faults in self.faults.items():
            if path.startswith(beginning) and faults:
                return faults.pop(0) if len(faults) > 1 or faults[0] is None else faults[0]
        return None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up on a slow or broken answer is what the faults are for."""

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Registries
    protocol_version = "HTTP/1.1"
    # An answer in one piece: in two, the second would wait for the client's acknowledgement of the first.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        fault = self.server.fault(self.path)
        if isinstance(fault, int):
            return self.answer(b"<h1>Sorry</h1>", status=fault, kind="text/html")
        if fault == "Retry-After":
            return self.answer(b"{}", status=429, headers={"Retry-After": "1"})
        if isinstance(fault, str) and "://" in fault:
            return self.answer(b"", status=302, headers={"Location": fault})
        if fault == "slow":
            time.sleep(self.server.silence)
        if fault == "json":
            return self.answer(b"<html>maintenance</html>")
        if fault == "empty":
            return self.answer(b"", kind="image/jpeg")
        answer = self.route()
        if answer is None:
            return self.answer(b"{}", status=404)
        content, kind = answer
        if fault in ("short", "drip"):
            return self.break_off(content, drip=fault == "drip")
        return self.answer(content, kind=kind, validate=True)

    def route(self) -> tuple[bytes, str] | None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for pattern, make in (
            (r"/api/CaseSets/NamUs/(MissingPersons|UnidentifiedPersons)/Cases/(\d+)", self.namus),
            (r"/api/CaseSets/NamUs/\w+/Cases/(\d+)/Images/(\d+)/Original", self.picture),
            (r"/notices/v1/(yellow|red)", lambda colour: self.notices(colour, query)),
            (r"/notices/v1/(yellow|red)/(\d+)-(\d+)", lambda colour, year, number: self.notice(colour, int(number))),
            (
                r"/notices/v1/(yellow|red)/\d+-(\d+)/images",
                lambda colour, number: self.notice_images(colour, int(number)),
            ),
            (r"/notices/v1/\w+/\d+-(\d+)/images/(\d+)", self.picture),
            (r"/wanted/v1/list", lambda: self.wanted(query)),
            (r"/@wanted-person/uid(\d+)", lambda number: self.wanted_person(int(number))),
            (r"/wanted/(\d+)/@@images/(\d+)", self.picture),
        ):
            if found := re.fullmatch(pattern, parts.path):
                made = make(*found.groups())
                if made is None or isinstance(made, tuple):
                    return made
                return json.dumps(made).encode(), "application/json"
        return None

    def person(self, number: int) -> Person | None:
        found = self.server.people.get(number)
        return None if found is None or found.gone else found

    def namus(self, kind: str, number: str) -> Any:
        person = self.person(int(number))
        if person is None:
            return None
        first, *middle, last = person.name.split()
        missing = kind == "MissingPersons"
        address = {"city": "Fresno", "county": {"name": "Fresno"}, "state": {"name": "California"}}
        base = f"/api/CaseSets/NamUs/{kind}/Cases/{person.id}"
        story: dict[str, Any] = {"circumstancesOfDisappearance": "Left home on foot."}
        if not missing:
            story = {"dateFound": "2011-03-04T00:00:00", "address": address, "circumstancesOfRecovery": "By a road."}
        return {
            "id": person.id,
            "idFormatted": f"{'MP' if missing else 'UP'}{person.id}",
            "caseIsResolved": person.ended,
            "modifiedDateTime": "2018-05-09T17:52:08.12",
            "subjectIdentification": {
                "firstName": first, "middleName": " ".join(middle), "lastName": last, "nicknames": "Annie",
                "computedMissingMinAge": person.age, "computedMissingMaxAge": person.age,
            },
            "subjectDescription": {
                "sex": {"name": person.sex}, "ethnicities": [{"name": "Hispanic / Latino"}],
                "estimatedAgeFrom": 30, "estimatedAgeTo": 45, "heightFrom": 62, "heightTo": 64, "weightFrom": 110,
                "weightTo": 110,
            },
            "physicalDescription": {"hairColor": {"name": "Brown"}, "leftEyeColor": {"name": "Green"}},
            "physicalFeatureDescriptions": [
                {"physicalFeature": {"name": "Tattoo"}, "description": "Rose, left wrist"},
                {"physicalFeature": {"name": "Scar"}, "description": None},
            ],
            "clothingAndAccessoriesArticles": [{"article": {"name": "Jewelry"}, "description": "Silver ring"}],
            "exclusions": [] if missing else [{"firstName": "Una", "lastName": "Perez", "yearOfBirth": 1980}],
            "vehicles": [{"year": 2004, "make": {"name": "Ford"}, "model": "Focus", "color": {"name": "Blue"}}],
            "sighting": {"date": "2009-11-10T00:00:00", "address": address},
            "circumstances": story,
            "investigatingAgencies": [
                {"name": "Fresno Police", "selection": {"agency": {"phone": "(559) 555-0100"}}}
            ],
            "images": [
                {"id": int(i), "caption": person.caption, "files": {"original": {"href": f"{base}/Images/{i}/Original"},
                                         "thumbnail": {"href": f"{base}/Images/{i}/Thumbnail"}}}
                for i in person.photo_ids()
            ],
        }  # fmt: skip

    def picture(self, number: str, photo_id: str) -> tuple[bytes, str] | None:
        person = self.person(int(number))
        if person is None or photo_id not in person.photo_ids():
            return None
        return person.photo(photo_id), "image/jpeg"

    def notices(self, colour: str, query: dict[str, str]) -> Any:
        low, high = int(query.get("ageMin", 0)), int(query.get("ageMax", 1000))
        asked = "ageMin" in query
        found = [p for p in self.server.listed() if (p.age is not None and low <= p.age <= high) or (not asked)]
        if "sexId" in query:
            found = [p for p in found if p.sex[0] == query["sexId"]]
        shown = found[: min(int(query["resultPerPage"]), self.server.interpol_most)]
        return {
            "total": len(found),
            "query": query,
            "_embedded": {
                "notices": [
                    {"entity_id": f"2019/{p.id}", "forename": p.name.split()[0].upper(), "nationalities": ["US"],
                     "_links": {"self": {"href": f"{self.server.url}notices/v1/{colour}/2019-{p.id}"}}}
                    for p in shown
                ]
            },
        }  # fmt: skip

    def notice(self, colour: str, number: int) -> Any:
        person = self.person(number)
        if person is None:
            return None
        first, *rest = person.name.upper().split()
        return {
            "entity_id": f"2019/{person.id}", "forename": first, "name": " ".join(rest), "sex_id": person.sex[0],
            "date_of_birth": "1988/02/03", "date_of_event": "2019/05/06", "place": "Lisbon", "country": "PT",
            "distinguishing_marks": "Rose on the left wrist", "height": 1.6, "weight": 50,
            "arrest_warrants": [{"charge": "Fraud"}] if colour == "red" else None,
            "_links": {"images": {"href": f"{self.server.url}notices/v1/{colour}/2019-{person.id}/images"}},
        }  # fmt: skip

    def notice_images(self, colour: str, number: int) -> Any:
        person = self.person(number)
        if person is None:
            return None
        base = f"{self.server.url}notices/v1/{colour}/2019-{person.id}/images"
        return {"_embedded": {"images": [
            {"picture_id": i, "_links": {"self": {"href": f"{base}/{i}"}}} for i in person.photo_ids()
        ]}}  # fmt: skip

    def wanted(self, query: dict[str, str]) -> Any:
        size, page = int(query["pageSize"]), int(query["page"])
        people = self.server.listed()
        return {
            "total": len(people),
            "page": page,
            "items": [self.wanted_person(p.id) for p in people[(page - 1) * size : page * size]],
        }

    def wanted_person(self, number: int) -> Any:
        person = self.person(number)
        if person is None:
            return None
        base = f"{self.server.url}wanted/{person.id}/@@images"
        return {
            "uid": f"uid{person.id}", "title": person.name.upper(), "aliases": ["Annie"], "sex": person.sex,
            "hair_raw": "Brown", "eyes_raw": "Green", "height_min": 62, "height_max": 64, "weight": "110 pounds",
            "dates_of_birth_used": ["May 3, 1988"], "scars_and_marks": "<p>Rose on the left wrist</p>",
            "ncic": "W123456789",
            "race_raw": "White", "age_min": person.age, "age_max": person.age,
            "status": "captured" if person.ended else "na", "url": f"https://www.fbi.gov/wanted/{person.id}",
            "description": "Missing since May", "details": "<p>Last seen in Fresno.</p>", "caution": None,
            "field_offices": ["sacramento"], "possible_states": None,
            "images": [{"original": f"{base}/{i}", "thumb": f"{base}/{i}/thumb", "caption": person.caption or None}
                       for i in person.photo_ids()],
        }  # fmt: skip

    def answer(
        self,
        content: bytes,
        *,
        status: int = 200,
        kind: str = "application/json",
        headers: dict[str, str] | None = None,
        validate: bool = False,
    ) -> None:
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        if validate and self.headers.get("If-None-Match") == tag:
            status, content = 304, b""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if validate:
            self.send_header("ETag", tag)
        if kind == "application/json" and "gzip" in self.headers.get("Accept-Encoding", "") and len(content) > 500:
            content = gzip.compress(content, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 304:
            self.wfile.write(content)

    def break_off(self, content: bytes, drip: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.close_connection = True
        try:
            if not drip:
                self.wfile.write(content[: len(content) // 2])
                return
            for byte in content:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.2)
        except OSError:
            pass

    def log_message(self, *args: object) -> None:
        pass


def serving(port: int = 0) -> AbstractContextManager[Registries]:
    return listener.serving(Registries(port))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mpsite.settings")
    django.setup()
    from tests import faces

    with serving(8900) as server:
        server.add(*(Person(n, f"Demo Person {n}", photos=[faces.person(n % 6)]) for n in range(1, 11) if n != 7))
        print(f"export NAMUS_URL={server.url} INTERPOL_URL={server.url} FBI_URL={server.url} IMPORT_RATE=50")
        print("Ten people (number 7 is a gap). Ctrl-C ends it.")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
