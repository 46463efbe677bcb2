"""Files at rest: sealed in age's form where the installation has a key for them, which lies outside database and data
folder (`FILES_KEY`). Any age tool opens them with that key."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import pyrage
from django.conf import settings
from django.core import checks
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db.models.fields.files import FieldFile

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


class SealedStorage(FileSystemStorage):
    """Files on disk, sealed as they are written where there is a key, opened as they are read; those that were written
    before there was one are read as they are."""

    def _save(self, name: str, content: Any) -> str:
        identity = key()
        if identity is None:
            return super()._save(name, content)  # type: ignore[misc, no-any-return]
        with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(settings.DATA_DIR)) as sealed:
            content.seek(0)
            seal(content, sealed, identity)
            sealed.seek(0)
            return super()._save(name, File(sealed, name))  # type: ignore[misc, no-any-return]

    def _open(self, name: str, mode: str = "rb") -> Any:
        opened = super()._open(name, mode)  # type: ignore[misc]
        if mode != "rb" or not is_sealed(opened):
            return opened
        with opened:
            plain = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(settings.DATA_DIR))  # noqa: SIM115 - given to the caller
            try:
                unseal(opened, plain)
            except BaseException:
                plain.close()
                raise
        plain.seek(0)
        return File(plain, name)


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
    path = Path(file.path)
    if not path.exists():
        raise FileGone("The file is missing from the data folder.")
    with path.open("rb") as stored:
        if not is_sealed(stored):
            yield path
            return
        if suffix:
            with tempfile.NamedTemporaryFile(suffix=suffix, dir=str(settings.DATA_DIR)) as plain:
                unseal(stored, plain)
                plain.flush()
                yield Path(plain.name)
            return
        with tempfile.TemporaryFile(dir=str(settings.DATA_DIR)) as plain:
            unseal(stored, plain)
            plain.flush()
            yield Path(f"/proc/{os.getpid()}/fd/{plain.fileno()}")


def rewrite_all(*, sealed: bool) -> Iterator[bool]:
    """Seal every file that lies open, or open every sealed one; whether each was rewritten. May be stopped at any file
    and begun again. Raises `KeyUnusable`, `OSError`."""
    identity = key()
    if identity is None:
        raise KeyUnusable("FILES_KEY is not set: there is no key to seal or open with.")
    root = Path(settings.MEDIA_ROOT)
    for path in sorted(root.rglob("*")) if root.exists() else []:
        if not path.is_file():
            continue
        with path.open("rb") as stored:
            if is_sealed(stored) == sealed:
                yield False
                continue
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as fresh:
                try:
                    if sealed:
                        seal(stored, fresh, identity)
                    else:
                        unseal(stored, fresh)
                    fresh.flush()
                    os.fsync(fresh.fileno())
                    os.utime(fresh.name, (path.stat().st_atime, path.stat().st_mtime))
                    # In one step: whoever reads it meanwhile reads one or the other.
                    Path(fresh.name).replace(path)
                except BaseException:
                    Path(fresh.name).unlink(missing_ok=True)
                    raise
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
