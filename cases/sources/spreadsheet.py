"""A spreadsheet or a jail system's dump: CSV or XLSX, and photos in a folder, a zip or an S3 prefix.

One row a case with columns of photo names, one row a photo with a tag of its view, or photos named after the case
number: what a mapping of columns says. Rows of one case may stand apart.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from cases.models import Photo
from cases.sources import kinds, tables
from cases.sources.base import (
    CaseRecord,
    Cursor,
    Gone,
    Item,
    PhotoRecord,
    RecordRefused,
    Refused,
    SourceUnavailable,
    Step,
    Validators,
    day,
    sex,
    words,
    years,
)
from cases.sources.places import Place, is_picture, open_place

# What a column can be, and how it is read into a field of `cases.Case`.
FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "number": ("Case number", str),
    "name": ("Name", lambda text: words(text, 200)),
    "first_name": ("First name", str),
    "last_name": ("Last name", str),
    "other_names": ("Other names", lambda text: words(text, 300)),
    "sex": ("Sex", sex),
    "age_from": ("Age, or lowest age", years),
    "age_to": ("Highest age", years),
    "race": ("Race/ethnicity", lambda text: words(text, 200)),
    "last_seen_on": ("Last seen on", day),
    "last_seen_place": ("Last seen where", lambda text: words(text, 300)),
    "circumstances": ("Circumstances", str),
    "agency": ("Agency", lambda text: words(text, 200)),
    "contact": ("Contact", lambda text: words(text, 300)),
    "source_url": ("Source link", str),
}
PHOTOS = {
    "photo": "Photo file",
    "photo_side": "Photo file, side view",
    "photo_other": "Photo file, scar/mark/tattoo",
    "view": "View tag of the row's photo",
    "kind": "Kind of the row's photo: photograph, sketch …",
    "closed": "State: open or closed",
}
TARGETS = {name: label for name, (label, _) in FIELDS.items()} | PHOTOS
# Column names that need no mapping by hand, in small letters without blanks and signs.
GUESSES = {
    "number": ("number", "casenumber", "caseno", "case", "bookingnumber", "bookingno", "idnumber", "id", "personid"),
    "name": ("name", "fullname", "inmatename", "lastfirst", "namelastfirst", "lastnamefirstname", "firstlast"),
    "first_name": ("firstname", "first", "givenname"),
    "last_name": ("lastname", "last", "surname"),
    "other_names": ("othernames", "alias", "aliases", "aka", "nicknames"),
    "sex": ("sex", "gender"),
    "age_from": ("age", "agefrom", "minage", "missingage"),
    "age_to": ("ageto", "maxage"),
    "race": ("race", "ethnicity", "raceethnicity"),
    "last_seen_on": ("lastseenon", "dlc", "dateoflastcontact", "lastseen", "date", "bookingdate"),
    "last_seen_place": ("lastseenplace", "place", "location", "city"),
    "circumstances": ("circumstances", "notes", "charges", "description"),
    "agency": ("agency",),
    "contact": ("contact", "phone"),
    "source_url": ("sourceurl", "url", "link"),
    "photo": ("photo", "file", "filename", "image", "photofile", "mugshot", "photofront", "front"),
    "photo_side": ("photoside", "side", "profile"),
    "photo_other": ("photoother", "tattoo", "smt"),
    "view": ("view", "phototype", "imagetype", "tag", "pose"),
    "kind": ("kind", "photokind", "kindofpicture", "imagekind"),
    "closed": ("status", "state", "closed"),
}
VIEW_WORDS = {
    "front": ("", "f", "front", "frontal", "front view", "face", "mug", "mugshot"),
    "side": ("s", "l", "r", "side", "profile", "left", "right", "left side", "right side", "side view"),
    "other": ("o", "other", "body"),
}
MARK_WORDS = ("scar", "mark", "tattoo", "smt", "scar/mark/tattoo", "scars, marks, tattoos")
PREVIEWED = 500
OPEN_WORDS = ("", "open", "active", "missing", "wanted", "in custody", "no", "n", "false", "0")


def guess(columns: list[str]) -> dict[str, str]:
    """A mapping from what a column can be to its name, as far as the names tell."""
    plain = {"".join(c for c in column.lower() if c.isalnum()): column for column in reversed(columns)}
    found = {target: next((plain[w] for w in words if w in plain), "") for target, words in GUESSES.items()}
    return {target: column for target, column in found.items() if column}


def preview(options: dict[str, Any], cases: int) -> list[Item]:
    """The first cases as they would be read. Raises `SourceUnavailable`."""
    sheet = Spreadsheet(options, most=PREVIEWED)
    try:
        return [step.item for step in islice(sheet.steps(None, lambda key: {}), cases)]
    finally:
        sheet.close()


class Spreadsheet:
    """file: the table. photos: a place, or "". columns: what is in which column. complete: it names every case.

    most: rows to look at, all if None.
    """

    def __init__(self, options: dict[str, Any], most: int | None = None) -> None:
        self._file = Path(options["file"])
        self._columns: dict[str, str] = options.get("columns") or guess(tables.header(self._file))
        self.is_complete = bool(options.get("complete"))
        if missing := sorted(set(self._columns.values()) - set(tables.header(self._file))):
            raise SourceUnavailable(f"{self._file.name} has no column {', '.join(missing)}; map its columns again.")
        if "number" not in self._columns:
            raise SourceUnavailable(f"Say which column of {self._file.name} is the case number.")
        self._place: Place | None = open_place(options["photos"]) if options.get("photos") else None
        # On disk, not in memory: a jail's dump has hundreds of thousands of rows in any order.
        self._staged = sqlite3.connect("", check_same_thread=False)
        self._stage(most)

    def size(self) -> int:
        return int(self._staged.execute("SELECT count(*) FROM cases").fetchone()[0])

    def steps(self, after: Cursor, validators: Callable[[str], Validators]) -> Iterator[Step]:
        first = 0 if after is None else after + 1
        keys = self._staged.execute("SELECT position, key FROM cases WHERE position >= ? ORDER BY position", (first,))
        for position, key in keys:
            yield Step(self.item(key), position)

    def item(self, key: str) -> Item:
        rows = self._staged.execute("SELECT line, cells FROM rows WHERE key = ? ORDER BY line", (key,)).fetchall()
        if not rows:
            return Gone(key, f"{self._file.name} no longer has this case")
        lines = ", ".join(str(line) for line, _ in rows)
        try:
            return self._record(key, [json.loads(cells) for _, cells in rows])
        except RecordRefused as refusal:
            return Refused(key, f"Line {lines}: {refusal}")

    def photo(self, photo: PhotoRecord, validators: Validators) -> tuple[bytes | None, Validators]:
        if self._place is None or photo.where is None:
            raise RecordRefused(f"{photo.key} is not among the photos.")
        return self._place.read(photo.where), {}

    def close(self) -> None:
        self._staged.close()
        if self._place is not None:
            self._place.close()

    def _stage(self, most: int | None) -> None:
        self._staged.execute("CREATE TABLE rows (key TEXT, line INTEGER, cells TEXT)")
        self._staged.executemany(
            "INSERT INTO rows VALUES (?, ?, ?)",
            (
                (cells.get(self._columns["number"], "") or f"line {line}", line, json.dumps(cells))
                for line, cells in islice(tables.rows(self._file), most)
            ),
        )
        self._staged.execute("CREATE INDEX rows_by_key ON rows (key, line)")
        self._staged.execute(
            "CREATE TABLE cases AS "
            "SELECT row_number() OVER (ORDER BY min(line)) - 1 AS position, key FROM rows GROUP BY key"
        )
        self._staged.execute("CREATE INDEX cases_by_position ON cases (position)")
        self._staged.execute("CREATE INDEX cases_by_key ON cases (key COLLATE NOCASE)")
        self._staged.execute("CREATE TABLE photos (path, low, base, stem, number, signature)")
        if self._place is not None:
            self._staged.executemany(
                "INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (name, name.lower(), path.name, path.stem, _number_in(path.stem), signature)
                    for name, signature in self._place.listing()
                    if is_picture(name) and (path := PurePosixPath(name.lower()))
                ),
            )
        for column in ("low", "base", "stem", "number"):
            self._staged.execute(f"CREATE INDEX photos_by_{column} ON photos ({column})")

    def _record(self, key: str, rows: list[dict[str, str]]) -> CaseRecord:
        if not rows[0].get(self._columns["number"]):
            raise RecordRefused("There is no case number.")
        if len(key) > 50:
            raise RecordRefused(f"The case number {key[:60]} is longer than 50 signs.")
        fields: dict[str, Any] = {}
        for target, (label, read) in FIELDS.items():
            if column := self._columns.get(target):
                # The first row that tells it: the others of the case are there for their photos.
                text = next((row[column] for row in rows if row.get(column)), "")
                try:
                    fields[target] = read(text)
                except RecordRefused as refusal:
                    raise RecordRefused(f"{label}: {refusal}") from None
        first, last = fields.pop("first_name", ""), fields.pop("last_name", "")
        if first or last:
            fields["name"] = words(f"{first} {last}", 200)
        if "age_from" in fields and "age_to" not in fields:
            fields["age_to"] = fields["age_from"]
        state = next((row[c] for row in rows if (c := self._columns.get("closed")) and row.get(c)), "")
        closed = "" if state.lower() in OPEN_WORDS else words(f"{self._file.name} says: {state}", 300)
        return CaseRecord(key, fields, tuple(self._photos(key, rows)), closed)

    def _photos(self, key: str, rows: list[dict[str, str]]) -> Iterator[PhotoRecord]:
        named = [t for t in ("photo", "photo_side", "photo_other") if t in self._columns]
        if not named:
            # `2019-02.jpg` is the second photo of case 2019 only where there is no case 2019-02.
            question = (
                "SELECT path, signature FROM photos WHERE stem = ?1 OR (number = ?1 AND NOT EXISTS "
                "(SELECT 1 FROM cases WHERE key = stem COLLATE NOCASE)) ORDER BY low"
            )
            for path, signature in self._staged.execute(question, (key.lower(),)):
                yield PhotoRecord(path, signature, PurePosixPath(path).name, path)
            return
        seen = set()
        for row in rows:
            for target in named:
                view, kind = _shows(row, self._columns, target)
                for name in filter(None, (part.strip() for part in row.get(self._columns[target], "").split(";"))):
                    path, signature = self._find(name)
                    if (path or name) not in seen:
                        seen.add(path or name)
                        yield PhotoRecord(path or name, signature, PurePosixPath(path or name).name, path, view, kind)

    def _find(self, name: str) -> tuple[str | None, str]:
        """The path that a name in the table means, by its whole or, where that is one file's alone, by its end."""
        low = name.replace("\\", "/").lower()
        found = self._staged.execute("SELECT path, signature FROM photos WHERE low = ?", (low,)).fetchall()
        if not found:
            base = PurePosixPath(low).name
            found = self._staged.execute("SELECT path, signature FROM photos WHERE base = ?", (base,)).fetchall()
        if len(found) > 1:
            raise RecordRefused(f"{name} is the name of {len(found)} files; write it with its folder.")
        return (found[0][0], found[0][1]) if found else (None, "missing")


def _shows(row: dict[str, str], columns: dict[str, str], target: str) -> tuple[str, str]:
    """The view and the kind of the pictures in one of a row's columns."""
    if target != "photo":
        view = target.removeprefix("photo_")
        return view, Photo.Kind.MARK if view == "other" else Photo.Kind.PHOTOGRAPH
    kind = kinds.of_word(row.get(columns.get("kind", ""), ""))
    tag = row.get(columns.get("view", ""), "").strip().lower()
    if tag in MARK_WORDS:
        return "other", Photo.Kind.MARK
    for view, known in VIEW_WORDS.items():
        if tag in known:
            return view, kind
    raise RecordRefused(f"The view tag {tag!r} is not known; write front, side, or scar, mark or tattoo.")


def _number_in(stem: str) -> str:
    """The case number in `4351-2` and `4351_front`."""
    for sign in ("-", "_"):
        number, found, rest = stem.rpartition(sign)
        if found and (rest.isdigit() or rest in VIEW_WORDS["front"]):
            return number
    return stem
