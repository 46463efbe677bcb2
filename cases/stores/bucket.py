"""Files in a bucket that speaks S3, so that machines need no disk in common."""

import errno
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from django.core.cache import cache
from django.core.exceptions import SuspiciousFileOperation
from redis.exceptions import RedisError

from cases.stores import copies
from cases.stores.base import OURS, Away

# What a service answers where it has no room left, or the bucket's share is used up.
FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}
# For how many seconds every page says that files were out of reach.
SAID, SAID_FOR = "files-away", 60


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
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in ("404", "NoSuchKey", "NotFound"):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from error
            if code in FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise _away(f"{self} refuses ({code}): look at its name, its rights and the AWS_ variables.") from error
        except HTTPClientError as error:
            where = self._client.meta.endpoint_url
            raise _away(f"{self} cannot be reached at {where} ({type(error).__name__}).") from error
        except BotoCoreError as error:
            raise _away(f"{self} cannot be reached: {error}") from error


def _away(words: str) -> Away:
    with suppress(RedisError):
        cache.set(SAID, 1, SAID_FOR)
    return Away(words)


def were_away() -> bool:
    """Whether somebody found a bucket out of reach in the last minute."""
    try:
        return bool(cache.get(SAID))
    except RedisError:
        return False
