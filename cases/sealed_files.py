"""Files at rest: sealed in age's form where the installation has a key for them, which lies outside database and data
folder (`FILES_KEY`). Any age tool opens them with that key."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pyrage
from django.conf import settings
from django.core import checks
from django.core.files import File
from django.core.files.storage import Storage, default_storage
from django.db.models.fields.files import FieldFile

from cases import stores

MAGIC = b"age-encryption.org/v1\n"
# Larger ones are opened on disk, in a file without a name.
IN_MEMORY = 64 * 2**20


class FileGone(FileNotFoundError):
    """A file that cannot be read; the text says why."""


class SealedAway(FileGone):
    """This installation has no key for it: as good as missing. The text says what to do."""


class KeyUnusable(Exception):
    """The text says why, and what to do."""


def key() -> pyrage.x25519.Identity | None:
    """The key in force; None where files lie open. Raises `KeyUnusable`."""
    return _read_key(settings.FILES_KEY) if settings.FILES_KEY else None


@lru_cache(maxsize=4)
def _read_key(path: str) -> pyrage.x25519.Identity:
    try:
        lines = Path(path).read_text().splitlines()
        secret = next(line.strip() for line in lines if line.startswith("AGE-SECRET-KEY-"))
        return pyrage.x25519.Identity.from_str(secret)
    except (OSError, UnicodeDecodeError, StopIteration, pyrage.IdentityError) as problem:
        why = problem if isinstance(problem, OSError) else "it holds no age key"
        raise KeyUnusable(
            f"FILES_KEY names {path}: {why}. Make a key with `manage.py files key > FILE`, and keep a copy elsewhere."
        ) from problem


def new_key() -> str:
    return str(pyrage.x25519.Identity.generate())


def is_sealed(file: IO[bytes]) -> bool:
    """By how it begins; the file is left at its beginning."""
    start = file.read(len(MAGIC))
    file.seek(0)
    return start == MAGIC


class KeptFile(File[bytes]):
    """A file of the store, in the clear, which can be opened again after it was closed."""

    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> "KeptFile":
        if self.closed:
            self.file = default_storage.open(self.name or "").file
        self.seek(0)
        return self


class SealedStorage(Storage):
    """Files in their store, sealed as they are written where there is a key, opened as they are read; those that were
    written before there was one are read as they are."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        first, *others = stores.all_()
        free = first.free_name(name, max_length)
        while any(store.exists(free) for store in others):
            path = PurePosixPath(free)
            free = first.free_name(str(path.with_name(self.get_alternative_name(path.stem, path.suffix))), max_length)
        return free

    def path(self, name: str) -> str:
        store = stores.all_()[0]
        return str(store.path(name)) if isinstance(store, stores.Folder) else super().path(name)

    def exists(self, name: str) -> bool:
        return any(store.exists(name) for store in stores.all_())

    def delete(self, name: str) -> None:
        for store in stores.all_():
            store.delete(name)

    def size(self, name: str) -> int:
        """Bytes, as it is kept."""
        for store in stores.all_():
            with contextlib.suppress(FileNotFoundError):
                return store.size(name)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)

    def _save(self, name: str, content: Any) -> str:
        store, identity = stores.all_()[0], key()
        if identity is None:
            return store.add(name, content)
        with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(settings.DATA_DIR)) as sealed:
            content.seek(0)
            seal(content, sealed, identity)
            sealed.seek(0)
            return store.add(name, File(sealed, name))

    def _open(self, name: str, mode: str = "rb") -> Any:
        opened = stores.find(name)[1]
        if not is_sealed(opened):
            return KeptFile(opened, name)
        with opened:
            plain = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(settings.DATA_DIR))  # noqa: SIM115 - given to the caller
            try:
                unseal(opened, plain)
            except BaseException:
                plain.close()
                raise
        plain.seek(0)
        return KeptFile(plain, name)


def seal(plain: Any, sealed: Any, identity: pyrage.x25519.Identity) -> None:
    """Raises `OSError`, with its number where the disk is full."""
    try:
        pyrage.encrypt_io(plain, sealed, [identity.to_public()])
    except pyrage.EncryptError as problem:
        # The library keeps of what the disk said only the words.
        number = errno.ENOSPC if f"[Errno {errno.ENOSPC}]" in str(problem) else errno.EIO
        raise OSError(number, os.strerror(number)) from problem


def unseal(sealed: Any, plain: Any) -> None:
    """Raises `FileGone`."""
    identity = key()
    if identity is None:
        raise SealedAway("It is sealed, and FILES_KEY is not set.")
    try:
        pyrage.decrypt_io(sealed, plain, [identity])
    except pyrage.DecryptError:
        raise SealedAway("It was sealed with another key than FILES_KEY names.") from None
    except OSError as problem:
        # The library says by an error without a number that what it reads is not what was written.
        if problem.errno is not None:
            raise
        raise FileGone("It is sealed and damaged. Bring it back from a backup.") from problem


@contextmanager
def on_disk(file: FieldFile, suffix: str = "") -> Iterator[Path]:
    """A path under which a file can be read in the clear, for as long as it is needed. Raises `FileGone`.

    suffix: of its name, for what goes by that; else a sealed file is opened without a name, so that nothing is left
    of it whatever happens.
    """
    try:
        store, stored = stores.find(file.name or "")
    except FileNotFoundError:
        raise FileGone(stores.MISSING) from None
    with stored:
        if not is_sealed(stored) and isinstance(store, stores.Folder):
            yield store.path(file.name or "")
            return
        kind = tempfile.NamedTemporaryFile if suffix else tempfile.TemporaryFile
        with kind(suffix=suffix, dir=str(settings.DATA_DIR)) as plain:
            if is_sealed(stored):
                unseal(stored, plain)
            else:
                shutil.copyfileobj(stored, plain)
            plain.flush()
            yield Path(plain.name if suffix else f"/proc/{os.getpid()}/fd/{plain.fileno()}")


def rewrite_all(*, sealed: bool) -> Iterator[bool]:
    """Seal every file that lies open, or open every sealed one; whether each was rewritten. May be stopped at any file
    and begun again. Raises `KeyUnusable`, `OSError`."""
    identity = key()
    if identity is None:
        raise KeyUnusable("FILES_KEY is not set: there is no key to seal or open with.")
    for store in stores.all_():
        for name, written_at in store.walk():
            try:
                kept = store.open(name)
            except FileNotFoundError:
                # One that was removed since it was listed went with its row.
                continue
            with kept as stored:
                if is_sealed(stored) == sealed:
                    yield False
                    continue
                with tempfile.TemporaryFile(dir=str(settings.DATA_DIR)) as fresh:
                    if sealed:
                        seal(stored, fresh, identity)
                    else:
                        unseal(stored, fresh)
                    fresh.seek(0)
                    # In one step: whoever reads it meanwhile reads one or the other.
                    store.put(name, fresh, written_at)
                yield True


@checks.register
def check_key(**kwargs: Any) -> list[checks.CheckMessage]:
    try:
        key()
    except KeyUnusable as problem:
        return [checks.Error(str(problem), id="cases.E001")]
    return []


def check_can_read(name: str) -> None:
    """Whether this installation can read a file it kept; one that is gone says nothing. Raises `SealedAway`."""
    if default_storage.exists(name):
        default_storage.open(name).close()
