"""Pictures that a recorder leaves in a folder or an S3 prefix: each looked at when it is whole, and again whenever
another takes its name."""

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
POLL_SECONDS, POLL_S3_SECONDS = 1.0, 10.0
# A JPEG without its end is being written, or was broken off: it is waited for so long after it last grew.
PATIENCE = 60.0
MOST_BYTES = 40 * 2**20
# A device with little memory is not to unpack more than this.
MOST_PIXELS = 100_000_000


@dataclass(frozen=True)
class Picture:
    """bgr: (height, width, 3) uint8. key: the same whenever the same picture is read again."""

    bgr: NDArray[np.uint8]
    taken_at: datetime
    key: str


def folder(path: Path, once: bool, idle: Callable[[], None], home: Path | None) -> Iterator[Picture]:
    """Pictures as they appear, with those of folders within. home: where is kept which were read."""
    done = _Done(home / ".sightline-done" if home else None)
    sizes: dict[str, int] = {}
    while True:
        began = time.monotonic()
        found = dict(sorted(_listed(path)))
        waiting = False
        for name, listed in found.items():
            if done.knows(name, listed.version):
                continue
            file = path / name
            try:
                content, state = _read(file)
            except OSError:
                continue  # gone since it was listed
            # Whole when its end is there, of other kinds than JPEG when it has not grown since the last look.
            if not once and not _is_whole(name, content) and _may_grow(name, state, sizes):
                waiting = True
                continue
            sizes.pop(name, None)
            if done.is_another(name, content):
                yield from decoded(content, str(file), state.changed / 1e9, f"{name}:{state.version}")
            done.add(name, state.version, content)
        done.forget_but(found)
        if once and not waiting:
            return
        idle()
        time.sleep(max(POLL_SECONDS, time.monotonic() - began))


class _State(NamedTuple):
    """A file as it was at some moment. size: bytes. changed: when, nanoseconds."""

    size: int
    changed: int

    @property
    def version(self) -> str:
        return f"{self.size}:{self.changed}"


def _listed(path: Path) -> Iterator[tuple[str, _State]]:
    """Each picture's name, and its state."""
    for one in path.rglob("*"):
        if one.suffix.lower() in PICTURES:
            try:
                stat = one.stat()
            except OSError:
                continue  # gone since it was listed
            yield one.relative_to(path).as_posix(), _State(stat.st_size, stat.st_mtime_ns)


def _read(path: Path) -> tuple[bytes, _State]:
    """What a file holds, nothing of one that is too large, and its state then: since it was listed somebody may have
    written on. Raises `OSError`."""
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
        stat = os.fstat(file.fileno())
    return content if len(content) <= MOST_BYTES else b"", _State(stat.st_size, stat.st_mtime_ns)


def _may_grow(name: str, state: _State, sizes: dict[str, int]) -> bool:
    """Whether somebody may still be writing. sizes: of the last look."""
    before, sizes[name] = sizes.get(name), state.size
    if name.lower().endswith((".jpg", ".jpeg")):
        return time.time() - state.changed / 1e9 < PATIENCE
    return before != state.size


def bucket(where: str, once: bool, idle: Callable[[], None], home: Path | None) -> Iterator[Picture]:
    """Pictures under an S3 prefix. Credentials, region and endpoint are those that boto3 finds by itself."""
    from edge_client.sources import SourceUnavailable

    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise SourceUnavailable("For s3:// install the extra: pip install sightline-edge[s3]") from error
    parts = urlsplit(where)
    retries = {"max_attempts": 5, "mode": "standard"}
    client: Any = boto3.client("s3", config=Config(retries=retries, connect_timeout=10, read_timeout=20))
    done, listed_once = _Done(home / "s3-done" if home else None), False
    while True:
        try:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=parts.path.lstrip("/"))
            found = {entry["Key"]: entry for page in pages for entry in page.get("Contents", [])}
            listed_once = True
            for key, entry in sorted(found.items()):
                if done.knows(key, entry["ETag"]):
                    continue
                if PurePosixPath(key).suffix.lower() in PICTURES:
                    # Another may have taken its place since it was listed: from here on it is the one that came.
                    entry = client.get_object(Bucket=parts.netloc, Key=key)
                    content = entry["Body"].read() if entry["ContentLength"] <= MOST_BYTES else b""
                    taken = entry["LastModified"].timestamp()
                    yield from decoded(content, f"s3://{parts.netloc}/{key}", taken, f"{key}:{entry['ETag']}")
                done.add(key, entry["ETag"])
            done.forget_but(found)
        except (BotoCoreError, ClientError) as error:
            if not listed_once:
                raise SourceUnavailable(f"{where} cannot be listed: {error}") from error
            logger.warning("%s is away (%s); trying again", where, error)
        if once:
            return
        idle()
        time.sleep(POLL_S3_SECONDS)


class _Done:
    """Which pictures were read, on disk: their names, which version of each, and what it held. Of those that are gone
    nothing is kept, so it never outgrows the folder.

    path: None forgets with the process.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read: dict[str, tuple[str, str]] = {}
        self._lines = 0
        for line in path.read_text().splitlines() if path is not None and path.exists() else []:
            name, version, held = [*line.split("\t"), "", ""][:3]
            self._read[name] = version, held
            self._lines += 1

    def knows(self, name: str, version: str) -> bool:
        """Whether this version was read. What an older client read is taken for the one that is there."""
        if name not in self._read:
            return False
        if not self._read[name][0]:
            self._read[name] = version, ""
        return self._read[name][0] == version

    def is_another(self, name: str, content: bytes) -> bool:
        """Whether it is another picture than the one that was read under this name: some recorders write it anew."""
        return self._read.get(name, ("", ""))[1] != _held(content)

    def add(self, name: str, version: str, content: bytes = b"") -> None:
        self._read[name] = version, _held(content)
        self._lines += 1
        if self._path is None:
            return
        try:
            with open(self._path, "a") as file:
                file.write("\t".join([name, *self._read[name]]) + "\n")
        except OSError as error:
            logger.warning("%s cannot be written (%s): pictures are read again after a restart", self._path, error)

    def forget_but(self, names: Any) -> None:
        kept = {name: self._read[name] for name in self._read.keys() & set(names)}
        if self._path is None or self._lines <= 2 * len(kept) + 1000:
            return
        self._read, self._lines = kept, len(kept)
        fresh = self._path.with_suffix(".new")
        fresh.write_text("".join("\t".join([name, *said]) + "\n" for name, said in sorted(kept.items())))
        fresh.replace(self._path)


def _held(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest() if content else ""


def _is_whole(name: str, content: bytes) -> bool:
    return name.lower().endswith((".jpg", ".jpeg")) and b"\xff\xd9" in content[-64:]


def decoded(content: bytes, name: str, taken: float, key: str) -> Iterator[Picture]:
    """The picture, or none where it is none: said, and left out."""
    size = _pixels(content)
    if size > MOST_PIXELS:
        logger.error("%s has %.0f megapixels, above %d; left out", name, size / 1e6, MOST_PIXELS // 1_000_000)
        return
    bgr = cv2.imdecode(np.frombuffer(content or b"\0", dtype=np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        logger.error("%s is no picture that can be read; left out", name)
        return
    yield Picture(np.asarray(bgr, dtype=np.uint8), datetime.fromtimestamp(taken, UTC), key)


def _pixels(content: bytes) -> int:
    """How many a JPEG or PNG says it has, without unpacking it; 0 where it is neither."""
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        return int.from_bytes(content[16:20], "big") * int.from_bytes(content[20:24], "big")
    at = 2
    while content[:2] == b"\xff\xd8" and at + 9 < len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(content[at + 5 : at + 7], "big") * int.from_bytes(content[at + 7 : at + 9], "big")
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return 0
