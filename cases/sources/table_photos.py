"""Which photos belong to which rows of a table: by what a column names, or by the case number in a file's name."""

import re
import sqlite3
from collections.abc import Iterator

from cases.models import Photo
from cases.sources import cells, filenames, reading
from cases.sources.base import PhotoRecord
from cases.sources.places import Place, is_picture

# A cell may name several; a comma may be a part of a name, so it is tried last.
SEPARATORS = (r"[;|\n]", ",")
VIEWS = {word: view for view, words in reading.VIEWS.items() for word in words if word.isalpha()}
DRIVE = re.compile(r"^(?:[a-z]:)?/+|^(?:\.\./)+")


def same(number: str) -> str:
    """A case number for comparing: what differs by case or blanks is one."""
    return "".join(number.split()).casefold()


def shows(row: dict[str, str], columns: dict[str, str], target: str) -> tuple[str, str, str]:
    """The view and the kind of the pictures in one of a row's columns, and what of these could not be read."""
    if target != "photo":
        view = target.removeprefix("photo_")
        return view, Photo.Kind.MARK if view == "other" else Photo.Kind.PHOTOGRAPH, ""
    return reading.shows(row.get(columns.get("view", ""), ""), row.get(columns.get("kind", ""), ""))


class TablePhotos:
    """The photos beside a table whose cases are staged in a database with `cases (position, key)`.

    by_number: photos are found by the case number in their names, not by a column. attached: numbers of cases by the
    names of photos, as people have said.
    """

    def __init__(
        self, staged: sqlite3.Connection, place: Place | None, attached: dict[str, str], *, by_number: bool
    ) -> None:
        self._staged = staged
        staged.execute(
            "CREATE TABLE photos (path TEXT, low TEXT, base TEXT, stem TEXT, signature TEXT, is_picture INTEGER, "
            "key TEXT, view TEXT, used INTEGER DEFAULT 0)"
        )
        if place is not None:
            staged.executemany(
                "INSERT INTO photos (path, low, base, stem, signature, is_picture, key, view) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (name, low, filenames.base(low), filenames.stem(low), signature, is_picture(name), *whose)
                    for name, signature in place.listing()
                    if not filenames.is_hidden(name)
                    for low in [filenames.plain(name)]
                    for whose in [
                        (same(attached[name]), "front")
                        if name in attached
                        else (self._whose(low) if by_number and is_picture(name) else ("", ""))
                    ]
                ),
            )
        for column in ("low", "base", "stem", "key", "path"):
            staged.execute(f"CREATE INDEX photos_by_{column} ON photos ({column})")

    def of_case(self, number: str) -> list[PhotoRecord]:
        """The photos that are named after a case, or that people said are of it."""
        rows = self._staged.execute(
            "SELECT path, signature, view FROM photos WHERE key = ? ORDER BY low", (same(number),)
        ).fetchall()
        return [
            PhotoRecord(
                path,
                signature,
                filenames.base(path),
                path,
                "other" if view == "mark" else view,
                Photo.Kind.MARK if view == "mark" else Photo.Kind.PHOTOGRAPH,
            )
            for path, signature, view in rows
        ]

    def named(self, cell: str, view: str = "front", kind: str = Photo.Kind.PHOTOGRAPH) -> list[PhotoRecord]:
        """The photos that a cell names; one that is not there says so."""
        if cells.is_blank(cell):
            return []
        names = self._names(cell)
        found = []
        for name in names:
            files = self._find(name)
            shown = filenames.base(name.replace("\\", "/"))
            if len(files) == 1:
                path, signature = files[0]
                self._staged.execute("UPDATE photos SET used = 1 WHERE path = ?", (path,))
                found.append(PhotoRecord(path, signature, filenames.base(path), path, view, kind))
            else:
                why = f"{name} is the name of {len(files)} files; write it with its folder." if files else ""
                why = why or f"{name} is not among the photos."
                found.append(PhotoRecord(name, "missing", shown, None, view, kind, missing=why))
        return found

    def _names(self, cell: str) -> list[str]:
        """The names in a cell: its parts where each is a file's, or where the whole is none's."""
        for separator in SEPARATORS:
            parts = [part.strip() for part in re.split(separator, cell) if part.strip()]
            if len(parts) > 1 and (all(map(self._find, parts)) or not self._find(cell)):
                return parts
        return [cell]

    def strays(self) -> Iterator[str]:
        """The pictures that belong to no case."""
        for (path,) in self._staged.execute(
            "SELECT path FROM photos WHERE is_picture AND NOT used AND key = '' ORDER BY low"
        ).fetchall():
            yield path

    def _whose(self, low: str) -> tuple[str, str]:
        """The case whose number a file's name has, and the view that stands behind it; by its folder's name else."""
        tried = filenames.without_copies(filenames.stem(low), VIEWS)
        folder = filenames.base(low.rpartition("/")[0])
        for name, view in [*tried, *([(folder, VIEWS.get(filenames.stem(low), ""))] if folder else [])]:
            key = same(name)
            if self._staged.execute("SELECT 1 FROM cases WHERE key = ?", (key,)).fetchone():
                return key, view or "front"
        return "", ""

    def _find(self, name: str) -> list[tuple[str, str]]:
        """The files that a name means: by its whole path, else by its end, whatever the ending is; of several those
        that share the most folders with it."""
        low = DRIVE.sub("", filenames.plain(filenames.of_cell(name)))
        base, stem = filenames.base(low), filenames.stem(low)
        asked = (("low", low), ("base", base), ("stem", stem))
        for column, value in asked:
            rows = self._staged.execute(
                f"SELECT path, signature, low FROM photos WHERE {column} = ? "  # noqa: S608 - a column's own name
                + ("AND is_picture" if column == "stem" else ""),
                (value,),
            ).fetchall()
            if rows:
                most = max(_shared(low, other) for _, _, other in rows)
                return [(path, signature) for path, signature, other in rows if _shared(low, other) == most]
        return []


def _shared(a: str, b: str) -> int:
    """How many folders two paths share, from their ends."""
    count = 0
    for one, other in zip(reversed(a.split("/")[:-1]), reversed(b.split("/")[:-1]), strict=False):
        if one != other:
            break
        count += 1
    return count
