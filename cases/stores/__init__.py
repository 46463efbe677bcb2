"""Where files lie: a folder, or a bucket, or on their way from one to the other."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core import checks

from cases.stores import bucket
from cases.stores.base import OURS, Away, BadAddress, Store
from cases.stores.bucket import Bucket
from cases.stores.folder import Folder

__all__ = ["OURS", "Away", "BadAddress", "Folder", "Store"]

GONE = "The file is missing"
MISSING = f"{GONE} from where files are kept."
DATA_FOLDER = "data"
FORMS = "Write s3://BUCKET/PREFIX or file:///FOLDER, or data for the data folder."
# A folder's file that was written so many seconds ago may be growing still.
GROWING = 60


@lru_cache(maxsize=8)
def at(address: str) -> Store:
    """The store that an address names. Raises `BadAddress`."""
    if address == DATA_FOLDER:
        return Folder()
    parts = urlsplit(address)
    if parts.scheme == "s3" and parts.netloc and not parts.query:
        return Bucket(parts.netloc, unquote(parts.path))
    if parts.scheme == "file" and not parts.netloc and parts.path.strip("/"):
        return Folder(unquote(parts.path))
    raise BadAddress(f"{address} names no place for files. {FORMS}")


def all_() -> list[Store]:
    """The first is written to; the second, where files are on their way from, is read too."""
    return [at(address) for address in (settings.STORAGE_URL, settings.STORAGE_BESIDE) if address]


def find(name: str) -> tuple[Store, BinaryIO]:
    """A file as it is kept, and where. Raises `FileNotFoundError`, `Away`."""
    stores = all_()
    # What went from the second to the first between two looks is in the first by now.
    for store in [*stores, *stores[:-1]]:
        with suppress(FileNotFoundError):
            return store, store.open(name)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def walk() -> Iterator[tuple[str, float]]:
    """Every file's name and when it was written, in seconds since 1970; one that is moving may come twice."""
    for store in all_():
        yield from store.walk()


def lookup() -> Callable[[str], bool]:
    lookups = [store.lookup() for store in all_()]
    return lambda name: any(is_there(name) for is_there in lookups)


def were_away() -> bool:
    """Whether somebody found files out of reach in the last minute, for a line on every page."""
    return any(isinstance(store, Bucket) for store in all_()) and bucket.were_away()


def problem() -> str:
    """Why files are out of reach just now; empty where they are not."""
    try:
        for store in all_():
            store.reach()
    except Away as away:
        return str(away)
    return ""


def move(seconds: float = GROWING) -> Iterator[bool]:
    """Bring every file of the second store to the first; whether each was moved. One that is so young may be growing,
    and stays. May be stopped at any file and begun again. Raises `BadAddress`, `OSError`."""
    stores = all_()
    if len(stores) < 2:
        raise BadAddress(f"STORAGE_BESIDE does not say where files come from. {FORMS}")
    here, beside = stores
    if str(here) == str(beside) or (
        isinstance(here, Folder) and isinstance(beside, Folder) and here.root == beside.root
    ):
        raise BadAddress("STORAGE_URL and STORAGE_BESIDE name the same place: there is nothing to move.")
    for name, written_at in beside.walk():
        if time.time() - written_at < seconds:
            yield False
            continue
        try:
            with beside.open(name) as file:
                here.put(name, file, written_at)
                size = file.seek(0, os.SEEK_END)
            if here.size(name) != size:
                raise OSError(errno.EIO, f"{name} arrived at {here} with another size")
        except FileNotFoundError:
            continue
        if not beside.exists(name):
            # Somebody removed it meanwhile.
            here.delete(name)
            continue
        beside.delete(name)
        yield True


@checks.register
def check_addresses(**kwargs: Any) -> list[checks.CheckMessage]:
    try:
        all_()
    except BadAddress as problem:
        return [checks.Error(str(problem), id="cases.E002")]
    return []
