"""Where photos lie: a folder, a zip, a tar or an S3 prefix. Each lists names with a signature, and reads one."""

import hashlib
import os
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol, cast
from urllib.parse import urlsplit

from cases.sources import filenames, packed
from cases.sources.base import RecordRefused, SourceUnavailable

PICTURES = frozenset({
    ".jpg", ".jpeg", ".jfif", ".jpe", ".jif", ".png", ".apng", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff",
    ".bmp", ".gif", ".jp2", ".j2k", ".mpo",
})  # fmt: skip
# What pictures begin with, and where.
SIGNS = (
    (0, b"\xff\xd8\xff"), (0, b"\x89PNG"), (0, b"GIF8"), (8, b"WEBP"), (0, b"II*\0"), (0, b"MM\0*"), (0, b"BM"),
    (4, b"ftyphei"), (4, b"ftypmif"), (4, b"ftypavif"), (4, b"ftypmsf"), (4, b"jP  "), (0, b"\xff\x4f\xff\x51"),
)  # fmt: skip
MAX_BYTES = 25 * 1024 * 1024
# Of a tar that is packed: what a jail's photos take, and less than a bomb.
MOST_UNPACKED = 64 * 2**30
# A file that was changed this recently may still be being written.
SETTLED = 2.0


class Place(Protocol):
    def listing(self) -> Iterator[tuple[str, str]]:
        """Every file's name, a path with slashes, and a signature that changes with its content."""
        ...

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises `RecordRefused`."""
        ...

    def close(self) -> None: ...


def open_place(where: str) -> Place:
    """`s3://bucket/prefix`, or the path of a folder or of an archive, whatever it is called. Raises
    `SourceUnavailable`."""
    if where.startswith("s3://"):
        return S3(where)
    path = Path(where)
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise SourceUnavailable(f"{where} is neither a folder, an archive nor s3://bucket/prefix.")
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return Zip(path)
    if tarfile.is_tarfile(path):
        return Tar(path)
    raise SourceUnavailable(f"{path.name} is neither a zip nor a tar. Unpack it, and pack its photos as a zip.")


def is_picture(name: str) -> bool:
    """By its ending; files that systems hide, such as `.DS_Store` and `._1.jpg`, are none. Some sites save pictures as
    `.jpg_large`."""
    ending = PurePosixPath(name.strip()).suffix.lower().strip()
    return (ending in PICTURES or ending.startswith((".jpg_", ".jpg-", ".png_"))) and not filenames.is_hidden(name)


def looks_like_picture(start: bytes) -> bool:
    """By its first bytes, whatever its name is."""
    return any(start[at : at + len(sign)] == sign for at, sign in SIGNS)


class Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listing(self) -> Iterator[tuple[str, str]]:
        for parent, folders, names in os.walk(self._folder):
            folders.sort()
            for name in sorted(names):
                path = Path(parent, name)
                try:
                    found = path.stat()
                except OSError:
                    continue  # gone since it was listed
                yield path.relative_to(self._folder).as_posix(), f"{found.st_size}-{found.st_mtime_ns}"

    def read(self, name: str) -> bytes:
        path = self._folder / name
        try:
            if not path.resolve().is_relative_to(self._folder.resolve()):
                raise RecordRefused(f"{name} lies outside the folder.")
            found = path.stat()
            if found.st_size > MAX_BYTES:
                raise _too_large(name)
            if (age := time.time() - found.st_mtime) < SETTLED:
                time.sleep(max(0.0, min(SETTLED, SETTLED - age)))
            return path.read_bytes()
        except OSError as error:
            raise RecordRefused(f"{name} cannot be read: {error.strerror}.") from error

    def close(self) -> None:
        pass


class Zip:
    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise SourceUnavailable(f"{path.name} is no zip that can be read: {error}.") from error
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            name = filenames.in_zip(entry)
            if not name.endswith("/"):
                self._entries.setdefault(name, entry)

    def listing(self) -> Iterator[tuple[str, str]]:
        for name, entry in sorted(self._entries.items()):
            yield name, f"{entry.file_size}-{entry.CRC:08x}"

    def read(self, name: str) -> bytes:
        try:
            with self._zip.open(self._entries[name]) as file:
                # The size that the zip states may be a lie; what comes out is counted.
                content = file.read(MAX_BYTES + 1)
        except Exception as error:  # what a damaged, locked or oddly packed member raises has no common parent
            raise RecordRefused(f"{name} cannot be read from the zip: {error}.") from error
        if len(content) > MAX_BYTES:
            raise _too_large(name)
        return content

    def close(self) -> None:
        self._zip.close()


class Tar:
    """One that is packed is unpacked once, for photos are read here and there."""

    def __init__(self, path: Path) -> None:
        self._whole: IO[bytes] = open(path, "rb")  # noqa: SIM115 - closed by `close`
        try:
            if packed.is_packed(self._whole.read(8)):
                with self._whole as file, packed.stream(file) as unpacked:
                    self._whole = tempfile.TemporaryFile()  # noqa: SIM115 - as above
                    while portion := unpacked.read(2**20):
                        self._whole.write(portion)
                        if self._whole.tell() > MOST_UNPACKED:
                            raise tarfile.TarError(f"unpacked it has over {MOST_UNPACKED // 2**30} GB")
            self._whole.seek(0)
            self._tar = tarfile.open(fileobj=self._whole, mode="r:")  # noqa: SIM115 - as above
            self._entries = {entry.name.removeprefix("./"): entry for entry in self._tar if entry.isfile()}
        except (tarfile.TarError, *packed.BROKEN) as error:
            self._whole.close()
            raise SourceUnavailable(f"{path.name} is no tar that can be read: {error}.") from error

    def listing(self) -> Iterator[tuple[str, str]]:
        for name, entry in sorted(self._entries.items()):
            yield name, f"{entry.size}-{entry.mtime}"

    def read(self, name: str) -> bytes:
        entry = self._entries.get(name)
        if entry is None:
            raise RecordRefused(f"{name} is not in the tar.")
        if entry.size > MAX_BYTES:
            raise _too_large(name)
        try:
            return cast("IO[bytes]", self._tar.extractfile(entry)).read()
        except (tarfile.TarError, OSError) as error:
            raise RecordRefused(f"{name} cannot be read from the tar: {error}.") from error

    def close(self) -> None:
        self._tar.close()
        self._whole.close()


class S3:
    """Credentials, region and endpoint come from the AWS_ variables or files that boto3 reads by itself."""

    def __init__(self, where: str) -> None:
        import boto3
        from botocore.config import Config

        parts = urlsplit(where)
        self._bucket, self._prefix, self._where = parts.netloc, parts.path.lstrip("/"), where
        retries = {"max_attempts": 5, "mode": "standard"}
        self._client: Any = boto3.client("s3", config=Config(retries=retries, connect_timeout=10, read_timeout=20))

    def listing(self) -> Iterator[tuple[str, str]]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            ):
                for entry in page.get("Contents", []):
                    yield entry["Key"], f"{entry['Size']}-{entry['ETag']}"
        except (BotoCoreError, ClientError) as error:
            raise SourceUnavailable(f"{self._where} cannot be listed: {error}") from error

    def read(self, name: str) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=name)
            with answer["Body"] as body:
                content: bytes = body.read(MAX_BYTES + 1)
        except (BotoCoreError, ClientError) as error:
            raise RecordRefused(f"{name} cannot be read: {error}") from error
        if len(content) > MAX_BYTES:
            raise _too_large(name)
        return content

    def close(self) -> None:
        self._client.close()


def state(place: Place) -> str:
    """SHA-256 of a place's listing: changes when a file comes, goes or changes."""
    whole = hashlib.sha256()
    for name, signature in place.listing():
        whole.update(f"{name}\0{signature}\n".encode())
    return whole.hexdigest()


def _too_large(name: str) -> RecordRefused:
    return RecordRefused(f"{name} is larger than {MAX_BYTES // 2**20} MB.")
