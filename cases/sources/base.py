"""What every source gives: steps, each with what became of one record, and photos' bytes on demand."""

import hashlib
import json
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

# Where a source has got to, in its own terms: what it is handed back to go on from there. JSON.
Cursor = Any
# ETag and Last-Modified, as HTTP names them.
Validators = dict[str, str]


class SourceUnavailable(Exception):
    """The source cannot be read at all now; the text says why. What was read before is kept."""


class RecordRefused(Exception):
    """One record or photo could not be taken; the text says why."""


@dataclass(frozen=True)
class PhotoRecord:
    """key: the source's own name for it. signature: changes when the picture does. where: what `Source.photo` needs.

    missing: why there is no picture where the record names one.
    """

    key: str
    signature: str
    filename: str
    where: Any
    view: str = "front"
    kind: str = "photograph"
    missing: str = ""

    @property
    def shows(self) -> tuple[str, str]:
        return self.view, self.kind

    @property
    def said(self) -> tuple[str, ...]:
        """What a change of is a change of the record. A photograph's kind goes unsaid."""
        return (self.key, self.signature, self.view, *([] if self.kind == "photograph" else [self.kind]))


@dataclass(frozen=True)
class Doubt:
    """What could not be read of a record, which goes in without it. column: as people know it. text: its words."""

    column: str
    text: str
    why: str


@dataclass(frozen=True)
class CaseRecord:
    """A case as its source has it. fields: values of `cases.Case`, `number` among them, ready for JSON.

    closed: why the source has closed it, "" while it is open.
    """

    key: str
    fields: dict[str, Any]
    photos: tuple[PhotoRecord, ...] = ()
    closed: str = ""
    validators: Validators = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that matters here: the same for a record in which nothing has changed."""
        photos = [photo.said for photo in self.photos]
        whole = json.dumps([self.fields, photos, self.closed], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()


@dataclass(frozen=True)
class Unchanged:
    """The source says that the record is as it was."""

    key: str


@dataclass(frozen=True)
class Gone:
    """The source has no such record, or no longer."""

    key: str
    reason: str


@dataclass(frozen=True)
class Refused:
    """The record is there but cannot be taken."""

    key: str
    reason: str


@dataclass(frozen=True)
class Stray:
    """What lies beside the records and belongs to none of them. column: under which it is listed. text: what it says,
    its key where that says it."""

    key: str
    why: str
    column: str
    text: str = ""


Item = CaseRecord | Unchanged | Gone | Refused | Stray


@dataclass(frozen=True)
class Step:
    """item: what was read. cursor: where to go on after it."""

    item: Item
    cursor: Cursor


class Source(Protocol):
    """A registry made ready to be read. One reader at a time."""

    @property
    def is_complete(self) -> bool:
        """Whether a whole reading names every case: one that is not named has then been withdrawn."""
        ...

    def size(self) -> int | None:
        """Steps of a whole reading, None where the source does not say. Raises `SourceUnavailable`."""
        ...

    def steps(self, after: Cursor, validators: Callable[[str], Validators]) -> Iterator[Step]:
        """Every record after a cursor (None: from the beginning), in the same order each time.

        validators: what a record's last answer carried, by its key. Raises `SourceUnavailable`.
        """
        ...

    def item(self, key: str) -> Item:
        """One record alone. Raises `SourceUnavailable`."""
        ...

    def photo(self, photo: PhotoRecord, validators: Validators) -> tuple[bytes | None, Validators]:
        """A photo's bytes, None where it is as it was. Raises `RecordRefused`."""
        ...

    def close(self) -> None: ...


def words(value: Any, limit: int) -> str:
    """Text of any origin in one line, shortened with an ellipsis where it is longer than its column."""
    return textwrap.shorten(" ".join(str(value or "").split()), limit, placeholder=" …") if value else ""
