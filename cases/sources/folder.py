"""A folder that photos are dropped into, named `<case number>-<n>.jpg`: what the camera projects of 2018 used."""

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from cases.sources.base import (
    CaseRecord,
    Cursor,
    Gone,
    Item,
    PhotoRecord,
    Refused,
    SourceUnavailable,
    Step,
    Validators,
)
from cases.sources.places import Folder, is_picture

NAME = re.compile(r"(?P<number>.{1,50})-(?P<n>\d{1,4})")


class FolderDrop:
    """path: the folder. complete: a case whose photos have all gone from it is closed."""

    def __init__(self, options: dict[str, Any]) -> None:
        folder = Path(options["path"])
        if not folder.is_dir():
            raise SourceUnavailable(f"There is no folder {folder}.")
        self._place = Folder(folder)
        self.is_complete = bool(options.get("complete"))
        self._cases: dict[str, list[tuple[int, str, str]]] = {}
        self._others: list[str] = []
        for name, signature in self._place.listing():
            if PurePosixPath(name).name.startswith(".") or name.endswith("Thumbs.db"):
                continue
            found = NAME.fullmatch(PurePosixPath(name).stem) if is_picture(name) else None
            if found is None:
                self._others.append(name)
            else:
                self._cases.setdefault(found["number"], []).append((int(found["n"]), name, signature))

    def size(self) -> int:
        return len(self._cases) + len(self._others)

    def steps(self, after: Cursor, validators: Callable[[str], Validators]) -> Iterator[Step]:
        first = 0 if after is None else after + 1
        keys = itertools.chain(self._cases, self._others)
        for position, key in enumerate(itertools.islice(keys, first, None), first):
            yield Step(self.item(key), position)

    def item(self, key: str) -> Item:
        if key in self._others:
            return Refused(key, f"{key} is not named <case number>-<n>.jpg, such as MP4351-1.jpg.")
        if key not in self._cases:
            return Gone(key, "Its photos are no longer in the folder")
        photos = tuple(
            PhotoRecord(name, signature, PurePosixPath(name).name, name)
            for _, name, signature in sorted(self._cases[key])
        )
        return CaseRecord(key, {"number": key}, photos)

    def photo(self, photo: PhotoRecord, validators: Validators) -> tuple[bytes | None, Validators]:
        return self._place.read(photo.where), {}

    def close(self) -> None:
        self._place.close()
