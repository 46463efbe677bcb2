"""Where files lie: a folder, or a bucket that speaks S3, so that machines need no disk in common."""

import errno
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core import checks
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage

from cases import copies

GONE = "The file is missing"
MISSING = f"{GONE} from where files are kept."
DATA_FOLDER = "data"
FORMS = "Write s3://BUCKET/PREFIX or file:///FOLDER, or data for the data folder."
# What lies beside these is somebody else's: it is never listed, sealed, moved or tidied away.
OURS = (
    "alert_clips", "batches", "captures", "checks", "crops", "display", "evaluations", "photos", "plans", "searches",
)  # fmt: skip
# What a service answers where it has no room left, or the bucket's share is used up.
FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}
# A folder's file that was written so many seconds ago may be growing still.
GROWING = 60


class Away(OSError):
    """The place cannot be reached, or lets us not in: no file's fault. The text says why."""


class BadAddress(ValueError):
    """It names no place; the text says what to write."""


class Store(Protocol):
    """Names are relative, with `/` between their parts."""

    def open(self, name: str) -> BinaryIO:
        """As it is kept. Raises `FileNotFoundError`, `Away`."""

    def free_name(self, name: str, max_length: int | None) -> str:
        """One like it that no file has here. Raises `SuspiciousFileOperation`: the name is too long."""

    def add(self, name: str, content: Any) -> str:
        """Write a new file under a free name. Returns the name that it has got."""

    def put(self, name: str, content: BinaryIO, written_at: float) -> None:
        """Write a file, in the place of one that has its name, in one step."""

    def delete(self, name: str) -> None: ...

    def exists(self, name: str) -> bool: ...

    def size(self, name: str) -> int:
        """Bytes. Raises `FileNotFoundError`."""

    def walk(self) -> Iterator[tuple[str, float]]:
        """The name of each file of ours and when it was written, in seconds since 1970."""

    def lookup(self) -> Callable[[str], bool]:
        """`exists` for many names one after another."""

    def reach(self) -> None:
        """Whether it is there, asked quickly. Raises `Away`."""

    def check(self) -> None:
        """Whether it can be written, read and emptied. Raises `OSError`."""


class Folder:
    """A folder, of this machine or shared. path: empty for the one in the data folder."""

    def __init__(self, path: str = "") -> None:
        self._files = FileSystemStorage(path or None)

    def __str__(self) -> str:
        return str(self.root)

    @property
    def root(self) -> Path:
        return Path(self._files.location)

    def path(self, name: str) -> Path:
        return Path(self._files.path(name))

    def open(self, name: str) -> BinaryIO:
        return self.path(name).open("rb")

    def free_name(self, name: str, max_length: int | None) -> str:
        return self._files.get_available_name(name, max_length)

    def add(self, name: str, content: Any) -> str:
        return self._files.save(name, content)

    def put(self, name: str, content: BinaryIO, written_at: float) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as fresh:
            try:
                shutil.copyfileobj(content, fresh)
                fresh.flush()
                os.fsync(fresh.fileno())
                os.utime(fresh.name, (written_at, written_at))
                Path(fresh.name).replace(path)
            except BaseException:
                Path(fresh.name).unlink(missing_ok=True)
                raise

    def delete(self, name: str) -> None:
        self._files.delete(name)

    def exists(self, name: str) -> bool:
        return self._files.exists(name)

    def size(self, name: str) -> int:
        return self.path(name).stat().st_size

    def walk(self) -> Iterator[tuple[str, float]]:
        for top in OURS:
            for path in (self.root / top).rglob("*"):
                # One that was removed since it was listed went with its row.
                with suppress(FileNotFoundError):
                    if path.is_file():
                        yield path.relative_to(self.root).as_posix(), path.stat().st_mtime

    def lookup(self) -> Callable[[str], bool]:
        return self.exists

    def reach(self) -> None:
        # An empty installation has no folder yet; one that is gone shows by its files.
        pass

    def check(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=self.root) as file:
            file.write(b"one")


class Bucket:
    """A bucket, or what lies in it under a prefix. Credentials, region and endpoint come from the AWS_ variables or
    files that boto3 reads by itself."""

    def __init__(self, name: str, prefix: str) -> None:
        self._name, self._prefix = name, f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._made: dict[int, Any] = {}

    def __str__(self) -> str:
        return f"s3://{self._name}/{self._prefix}"

    def open(self, name: str) -> BinaryIO:
        def fetch(file: BinaryIO) -> None:
            with self._asked(name):
                answer = self._client.get_object(Bucket=self._name, Key=self._key(name))
                with closing(answer["Body"]) as body:
                    for part in body.iter_chunks(1 << 20):
                        file.write(part)

        return copies.open_(self._key(name), fetch)

    def free_name(self, name: str, max_length: int | None) -> str:
        # Two machines write at once, and a bucket keeps the later of two with one name.
        path, own = PurePosixPath(name), f"_{uuid.uuid4().hex}"
        longest = (max_length or 200) - len(own) - len(path.suffix) - len(f"{path.parent}/")
        if longest < 1:
            raise SuspiciousFileOperation(f"{name} is too long for a file's name.")
        return path.with_name(f"{path.stem[:longest]}{own}{path.suffix}").as_posix()

    def add(self, name: str, content: Any) -> str:
        self.put(name, content, 0)
        return name

    def put(self, name: str, content: BinaryIO, written_at: float) -> None:
        """written_at: the bucket has a time of its own."""
        content.seek(0)
        with self._asked(name):
            self._client.put_object(Bucket=self._name, Key=self._key(name), Body=content)
        copies.put(self._key(name), content)

    def delete(self, name: str) -> None:
        copies.forget(self._key(name))
        with self._asked(name):
            self._client.delete_object(Bucket=self._name, Key=self._key(name))

    def exists(self, name: str) -> bool:
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        with self._asked(name):
            return int(self._client.head_object(Bucket=self._name, Key=self._key(name))["ContentLength"])

    def walk(self) -> Iterator[tuple[str, float]]:
        with self._asked(""):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=self._prefix)
            for page in pages:
                for entry in page.get("Contents", []):
                    name = entry["Key"].removeprefix(self._prefix)
                    # Consoles write a folder as an empty object.
                    if name.startswith(tuple(f"{top}/" for top in OURS)) and not name.endswith("/"):
                        yield name, entry["LastModified"].timestamp()

    def lookup(self) -> Callable[[str], bool]:
        # A thousand names a request, where asking for each is a request each. What came since is asked for.
        there = {name for name, _ in self.walk()}
        return lambda name: name in there or bool(there and self.exists(name))

    def reach(self) -> None:
        with self._asked(""):
            self._client.list_objects_v2(Bucket=self._name, Prefix=self._prefix, MaxKeys=1)

    def check(self) -> None:
        name = f"checks/{uuid.uuid4()}"
        with tempfile.TemporaryFile() as file:
            file.write(b"one")
            self.put(name, file, 0)
        copies.forget(self._key(name))
        self.open(name).close()
        next(self.walk())
        self.delete(name)

    @property
    def _client(self) -> Any:
        """One for each process: a forked one must not go on with its parent's connections."""
        if os.getpid() not in self._made:
            import boto3
            from botocore.config import Config

            config = Config(
                connect_timeout=3,
                read_timeout=20,
                retries={"max_attempts": 3, "mode": "standard"},
                max_pool_connections=32,
                # Other services than Amazon's know nothing of the newer checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            )
            self._made[os.getpid()] = boto3.client("s3", config=config)
        return self._made[os.getpid()]

    def _key(self, name: str) -> str:
        parts = name.split("/")
        if not name or name.startswith("/") or ".." in parts:
            raise SuspiciousFileOperation(f"{name} would lie outside {self}.")
        return f"{self._prefix}{name}"

    @contextmanager
    def _asked(self, name: str) -> Iterator[None]:
        """What it says, in the words of files. Raises `FileNotFoundError`, `Away`, and `OSError` where it is full."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in ("404", "NoSuchKey", "NotFound"):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from error
            if code in FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise Away(f"{self} refuses ({code}): look at its name, its rights and the AWS_ variables.") from error
        except BotoCoreError as error:
            raise Away(f"{self} cannot be reached: {error}") from error


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
    if str(here) == str(beside):
        raise BadAddress("STORAGE_URL and STORAGE_BESIDE name the same place: there is nothing to move.")
    for name, written_at in beside.walk():
        if time.time() - written_at < seconds:
            yield False
            continue
        try:
            with beside.open(name) as file:
                here.put(name, file, written_at)
                size = file.seek(0, os.SEEK_END)
        except FileNotFoundError:
            continue
        if here.size(name) != size:
            raise OSError(errno.EIO, f"{name} arrived at {here} with another size")
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
