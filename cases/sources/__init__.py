"""The sources that cases can be imported from. A new one is a file here and a line in `KINDS`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases.sources import fbi, folder, interpol, namus, places, spreadsheet
from cases.sources.base import (
    CaseRecord,
    Doubt,
    Gone,
    Item,
    PhotoRecord,
    RecordRefused,
    Refused,
    Source,
    SourceUnavailable,
    Step,
    Stray,
    Unchanged,
)

__all__ = [
    "KINDS",
    "CaseRecord",
    "Doubt",
    "Gone",
    "Item",
    "Kind",
    "PhotoRecord",
    "RecordRefused",
    "Refused",
    "Source",
    "SourceUnavailable",
    "Step",
    "Stray",
    "Unchanged",
    "file_state",
]


@dataclass(frozen=True)
class Kind:
    """label: for people. collection: where its cases go if nobody says otherwise, and holds: who is in it where it is
    new, as `Collection.Kind`. open: options -> a source.

    `open` raises `SourceUnavailable`. files: the options that name files or folders, which can be watched.
    """

    label: str
    collection: str
    open: Callable[[dict[str, Any]], Source]
    files: tuple[str, ...] = ()
    holds: str = "sought"


KINDS = {
    "namus-missing": Kind("NamUs missing persons", "Missing persons", namus.missing),
    "namus-unidentified": Kind(
        "NamUs unidentified persons", "Unidentified persons", namus.unidentified, holds="unidentified"
    ),
    "interpol-yellow": Kind("Interpol yellow notices", "Missing persons", interpol.yellow),
    "interpol-red": Kind("Interpol red notices", "Wanted persons", interpol.red),
    "fbi": Kind("FBI wanted", "Wanted persons", fbi.wanted),
    "spreadsheet": Kind("Spreadsheet with photos", "Missing persons", spreadsheet.Spreadsheet, ("file", "photos")),
    "folder": Kind("Folder of photos", "Missing persons", folder.FolderDrop, ("path",)),
}


def file_state(kind: Kind, options: dict[str, Any]) -> str:
    """SHA-256 of what a source's files look like: changes when one comes, goes or changes. Not asked of S3."""
    whole = hashlib.sha256()
    for name in kind.files:
        path = Path(options.get(name) or "/nonexistent")
        if path.is_dir():
            whole.update(places.state(places.Folder(path)).encode())
        elif path.is_file():
            found = path.stat()
            whole.update(f"{found.st_size}-{found.st_mtime_ns}".encode())
    return whole.hexdigest()
