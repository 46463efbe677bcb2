"""A spreadsheet or a jail system's dump: CSV or a workbook, and photos in a folder, a zip or an S3 prefix.

One row a case with columns of photo names, one row a photo with a tag of its view, or photos named after the case
number: what a mapping of columns says. Rows of one case may stand apart. What a row says that cannot be read is listed
as a doubt, and the person goes in without it.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from cases import codes, work
from cases.models import ImportDoubt
from cases.sources import cells, days, headings, measures, reading, table_photos, tables, workbooks
from cases.sources.base import (
    CaseRecord,
    Cursor,
    Doubt,
    Gone,
    Item,
    PhotoRecord,
    RecordRefused,
    Refused,
    SourceUnavailable,
    Step,
    Stray,
    Validators,
    words,
)
from cases.sources.places import Place, open_place
from cases.sources.table_photos import TablePhotos
from cases.sources.tables import Reading, Table

# What a column can be, by the names of `cases.Case` where it is a field of it.
FIELDS = {
    "number": "Case number",
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "other_names": "Other names",
    "sex": "Sex",
    "age_from": "Age, or lowest age",
    "age_to": "Highest age",
    "born_on": "Born on",
    "height": "Height",
    "weight": "Weight",
    "hair": "Hair",
    "eyes": "Eyes",
    "complexion": "Complexion",
    "race": "Race/ethnicity",
    "marks": "Scars, marks and tattoos",
    "clothing": "Clothing, jewellery, belongings",
    "dental": "Dental records on file",
    "dna": "DNA on file",
    "vehicle": "Vehicle",
    "languages": "Languages",
    "category": "NCIC category",
    "other_numbers": "Other numbers of the case",
    "last_seen_on": "Last seen on",
    "last_seen_place": "Last seen where",
    "latitude": "Latitude of that place",
    "longitude": "Longitude of that place",
    "circumstances": "Circumstances",
    "agency": "Agency",
    "contact": "Contact",
    "source_url": "Source link",
}
PHOTOS = {
    "photo": "Photo file",
    "photo_side": "Photo file, side view",
    "photo_other": "Photo file, scar/mark/tattoo",
    "view": "View tag of the row's photo",
    "kind": "Kind of the row's photo: photograph, sketch …",
    "closed": "Says that the case is closed (never guessed)",
}
TARGETS = FIELDS | PHOTOS
SHORT = {
    "other_names": 300,
    "race": 200,
    "hair": 200,
    "eyes": 200,
    "complexion": 100,
    "vehicle": 300,
    "languages": 200,
    "other_numbers": 300,
    "last_seen_place": 300,
    "agency": 200,
    "contact": 300,
}
CODES = {"hair": codes.HAIR, "eyes": codes.EYES, "complexion": codes.SKIN, "race": codes.RACE | codes.HISPANIC}
READ: dict[str, Callable[[str], cells.Read]] = {
    "dental": reading.on_file,
    "dna": reading.on_file,
    "category": reading.category,
    "latitude": partial(reading.degrees, most=90),
    "longitude": partial(reading.degrees, most=180),
}
DAYS = ("last_seen_on", "born_on")
PREVIEWED, GUESSED_BY, ORDERED_BY, SHOWN = 500, 100, 20_000, 3
LONGEST = 50


def reading_of(options: dict[str, Any]) -> Reading:
    """How a source's table is to be read, as far as somebody has said."""
    return Reading(options.get("encoding", ""), options.get("sheet", ""), int(options.get("line") or 0))


def guess(table: Table) -> dict[str, str]:
    """A mapping from what a column can be to its name, by the headings and the first rows."""
    return headings.guess(table.columns, [row.cells for row in islice(table.rows(), GUESSED_BY)])


def unread(table: Table, columns: Collection[str]) -> list[tuple[str, list[str]]]:
    """The columns that are not among these, and are no further photos, each with the first that stands in it."""
    taken = {column for one in columns for column in (one, *headings.series(table.columns, one))}
    rows = [row.cells for row in islice(table.rows(), GUESSED_BY)]
    return [
        (column, list(dict.fromkeys(words for row in rows if (words := row.get(column, "").strip())))[:SHOWN])
        for column in table.columns
        if column not in taken
    ]


def preview(options: dict[str, Any], cases: int) -> list[Item]:
    """The first cases as they would be read. Raises `SourceUnavailable`."""
    sheet = Spreadsheet(options, most=PREVIEWED)
    try:
        return [step.item for step in islice(sheet.steps(None, lambda key: {}), cases)]
    finally:
        sheet.close()


class Spreadsheet:
    """file: the table. encoding, sheet, line: how it is read. photos: a place, or "". columns: what is in which column.
    complete: it names every case. attached: numbers of cases by names of photos that belong to no row.

    most: rows to look at, all if None.
    """

    def __init__(self, options: dict[str, Any], most: int | None = None) -> None:
        self._file = Path(options["file"])
        self._table = tables.open_table(self._file, reading_of(options))
        self._columns: dict[str, str] = options.get("columns") or guess(self._table)
        self.is_complete = bool(options.get("complete"))
        if missing := sorted(set(self._columns.values()) - set(self._table.columns)):
            raise SourceUnavailable(f"{self._file.name} has no column {', '.join(missing)}; map its columns again.")
        if "number" not in self._columns:
            raise SourceUnavailable(f"Say which column of {self._file.name} is the case number.")
        self._place: Place | None = open_place(options["photos"]) if options.get("photos") else None
        self._is_part = most is not None
        # On disk, not in memory: a jail's dump has hundreds of thousands of rows in any order.
        self._staged = sqlite3.connect("", check_same_thread=False)
        self._stage(most)
        self._embedded = workbooks.pictures(self._file, self._table.kind, self._table.reading.sheet)
        attached = options.get("attached") or {}
        self._photos = TablePhotos(self._staged, self._place, attached, by_number=not self._named)
        self._m_is_mujer = reading.says_mujer(self._cells("sex"))
        self._day_first = {target: days.is_day_first(self._cells(target)) for target in DAYS}

    @property
    def _named(self) -> list[tuple[str, str]]:
        """What the columns that name photos are, and the columns; *Photo 2* is what *Photo* is."""
        taken = set(self._columns.values())
        return [
            (target, column)
            for target in ("photo", "photo_side", "photo_other")
            if target in self._columns
            for column in headings.series(self._table.columns, self._columns[target])
            if column == self._columns[target] or column not in taken
        ]

    def size(self) -> int:
        return int(self._staged.execute("SELECT count(*) FROM cases").fetchone()[0])

    def steps(self, after: Cursor, validators: Callable[[str], Validators]) -> Iterator[Step]:
        first = 0 if after is None else after + 1
        keys = self._staged.execute("SELECT position, key FROM cases WHERE position >= ? ORDER BY position", (first,))
        position = self.size() - 1
        for at, key in keys:
            yield Step(self.item(key), at)
        if not self._is_part:
            for row in self._all_rows() if self._named else ():
                for _, column in self._named:
                    self._photos.named(row.get(column, ""))
            for name in self._photos.strays():
                why = f"No row of {self._file.name} is this photo's."
                yield Step(Stray(name, why, ImportDoubt.STRAY), position)
            for line, text, why in self._staged.execute("SELECT line, text, why FROM beside ORDER BY line").fetchall():
                yield Step(Stray(f"line {line}", why, ImportDoubt.BESIDE, text), position)

    def item(self, key: str) -> Item:
        same = table_photos.same(key)
        rows = self._staged.execute(
            "SELECT line, number, cells, odd FROM rows WHERE key = ? ORDER BY line", (same,)
        ).fetchall()
        if not rows:
            return Gone(key, f"{self._file.name} no longer has this case")
        lines, number = ", ".join(str(line) for line, *_ in rows), rows[0][1]
        try:
            odd = [Doubt("Row", f"line {line}", said) for line, _, _, said in rows if said]
            record = self._record(number, [json.loads(cells) for _, _, cells, _ in rows], odd)
            return replace(record, photos=(*record.photos, *self._pictures(number, {line for line, *_ in rows})))
        except RecordRefused as refusal:
            return Refused(number, f"Line {lines}: {refusal}")
        except Exception as error:
            if work.is_the_machines(error):
                raise
            return Refused(number, f"Line {lines}: {work.words(error)}")

    def photo(self, photo: PhotoRecord, validators: Validators) -> tuple[bytes | None, Validators]:
        if isinstance(photo.where, workbooks.Embedded):
            return workbooks.picture(self._file, photo.where.member), {}
        if self._place is None or photo.missing:
            raise RecordRefused(photo.missing or f"{photo.key} is not among the photos.")
        return self._place.read(photo.where), {}

    def close(self) -> None:
        self._staged.close()
        if self._place is not None:
            self._place.close()

    def _stage(self, most: int | None) -> None:
        self._staged.execute("CREATE TABLE rows (key TEXT, number TEXT, line INTEGER, cells TEXT, odd TEXT)")
        self._staged.execute("CREATE TABLE beside (line INTEGER, text TEXT, why TEXT)")
        self._staged.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", self._rows(most))
        self._staged.execute("CREATE INDEX rows_by_key ON rows (key, line)")
        self._staged.execute(
            "CREATE TABLE cases AS "
            "SELECT row_number() OVER (ORDER BY min(line)) - 1 AS position, key FROM rows GROUP BY key"
        )
        self._staged.execute("CREATE INDEX cases_by_position ON cases (position)")
        self._staged.execute("CREATE INDEX cases_by_key ON cases (key)")

    def _rows(self, most: int | None) -> Iterator[tuple[str, str, int, str, str]]:
        """What is staged of each row; what stands beside the rows is set aside."""
        column = self._columns["number"]
        for row in islice(self._table.rows(), most):
            if row.beside:
                text = " | ".join(cell for cell in row.cells.values() if cell)
                self._staged.execute("INSERT INTO beside VALUES (?, ?, ?)", (row.number, text, row.beside))
                continue
            number = " ".join(row.cells.get(column, "").split()) or f"line {row.number}"
            yield table_photos.same(number), number, row.number, json.dumps(row.cells), row.odd

    def _all_rows(self) -> Iterator[dict[str, str]]:
        for (kept,) in self._staged.execute("SELECT cells FROM rows"):
            yield json.loads(kept)

    def _cells(self, target: str) -> list[str]:
        """What the first rows have in a column; nothing where no column is that."""
        if target not in self._columns:
            return []
        return [row.get(self._columns[target], "") for row in islice(self._all_rows(), ORDERED_BY)]

    def _record(self, number: str, rows: list[dict[str, str]], odd: list[Doubt]) -> CaseRecord:
        if not rows[0].get(self._columns["number"]):
            raise RecordRefused("There is no case number.")
        if len(number) > LONGEST:
            raise RecordRefused(f"The case number {number[:60]} is longer than {LONGEST} signs.")
        fields = self._fields(number, rows)
        is_closed, doubt, state = False, "", self._text("closed", rows)
        if state:
            is_closed, doubt = reading.state(state)
        photos, doubts = self._photo_records(number, rows)
        if doubt:
            doubts.append(Doubt("State", state, doubt))
        closed = words(f"{self._file.name} says: {state}", 300) if is_closed else ""
        return CaseRecord(number, fields.all(), tuple(photos), closed, {}, (*odd, *fields.doubts, *doubts))

    def _text(self, target: str, rows: list[dict[str, str]]) -> str:
        """The first row that tells it: the others of the case are there for their photos."""
        column = self._columns.get(target)
        return next((row[column] for row in rows if row.get(column)), "") if column else ""

    def _fields(self, number: str, rows: list[dict[str, str]]) -> reading.Fields:
        fields = reading.Fields()
        fields.values["number"] = number
        text = {target: self._text(target, rows) for target in FIELDS if target in self._columns}
        if {"name", "first_name", "last_name"} & set(text):
            fields.short("name", "Name", _whole_name(text), 200)
        for target, most in SHORT.items():
            if target in text:
                blank = cells.is_blank(text[target], of_name=target == "other_names")
                spelled = codes.spelled(text[target], CODES.get(target, {}))
                fields.short(target, FIELDS[target], "" if blank else spelled, most)
        for target in ("circumstances", "marks", "clothing", "source_url"):
            if target in text:
                fields.values[target] = "" if cells.is_blank(text[target]) else text[target]
        for target, how in READ.items():
            if target in text:
                fields.take(target, FIELDS[target], text[target], how)
        if "sex" in text:
            fields.take("sex", FIELDS["sex"], text["sex"], partial(reading.sex, m_is_mujer=self._m_is_mujer))
        if "age_from" in text or "age_to" in text:
            fields.age(text.get("age_from") or text.get("age_to"), text.get("age_to"))
        for target, read in (("height", measures.height), ("weight", measures.weight)):
            if target in text:
                fields.measure(target, FIELDS[target], text[target], None, read)
        if "last_seen_on" in text:
            how = partial(days.day, day_first=self._day_first["last_seen_on"])
            fields.take("last_seen_on", FIELDS["last_seen_on"], text["last_seen_on"], how)
        if "born_on" in text:
            fields.born(FIELDS["born_on"], text["born_on"], self._day_first["born_on"])
        return fields

    def _pictures(self, number: str, lines: set[int]) -> Iterator[PhotoRecord]:
        """Those that lie on a case's rows of the sheet itself."""
        for one in self._embedded:
            if one.line in lines:
                name = f"{number}-{PurePosixPath(one.member).name}"
                yield PhotoRecord(f"{one.member} in line {one.line}", one.signature, name, one)

    def _photo_records(self, number: str, rows: list[dict[str, str]]) -> tuple[list[PhotoRecord], list[Doubt]]:
        found = {photo.key: photo for photo in self._photos.of_case(number)}
        doubts = []
        for row in rows:
            for target, column in self._named:
                view, kind, doubt = table_photos.shows(row, self._columns, target)
                names = self._photos.named(row.get(column, ""), view, kind)
                found |= {photo.key: photo for photo in names if photo.key not in found}
                if doubt and names:
                    doubts.append(Doubt("View", row.get(self._columns.get("view", ""), ""), doubt))
        return list(found.values()), doubts


def _whole_name(text: dict[str, str]) -> str:
    """Of the columns of the first, the last and the whole name: *Name* beside *First name* may be the last alone."""
    whole, first, last = (
        "" if cells.is_blank(one, of_name=True) else one
        for one in (text.get(target, "") for target in ("name", "first_name", "last_name"))
    )
    if (first and last) or not whole:
        return " ".join(one for one in (first, last) if one)
    part = first or last
    if not part or set(part.casefold().split()) <= set(re.findall(r"[^\s,;]+", whole.casefold())):
        return whole
    return f"{first} {whole}" if first else f"{whole} {last}"
