"""Lists of hashes of known files: plain text, or what Project VIC and CAID give out as JSON."""

import hashlib
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from matching.models import HashList, KnownHash

MOST_BYTES = 500 * 2**20
# By their length in hexadecimal letters.
KINDS = {32: hashlib.md5, 40: hashlib.sha1, 64: hashlib.sha256}
DIGEST = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![0-9a-fA-F])")
STEP = 5000


class ListRefused(Exception):
    """A list that cannot be taken; the text says why."""


def add(name: str, file: IO[bytes], user: User | None) -> HashList:
    """Keep a list whole, or not at all. Raises `ListRefused`."""
    if not name.strip():
        raise ListRefused("Give the list a name.")
    try:
        with transaction.atomic():
            kept = HashList.objects.create(name=name.strip()[:100], added_by=user)
            digests = _digests(file)
            while portion := list(islice(digests, STEP)):
                KnownHash.objects.bulk_create(KnownHash(hash_list=kept, digest=one) for one in portion)
                kept.hashes += len(portion)
            if not kept.hashes:
                raise ListRefused("It holds no MD5, SHA-1 or SHA-256 hash in hexadecimal letters.")
            kept.save(update_fields=["hashes"])
    except IntegrityError:
        raise ListRefused(f"There is a list {name.strip()} already. Remove it first.") from None
    return kept


def _digests(file: IO[bytes]) -> Iterator[str]:
    start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    file.seek(0)
    if start[:1] in (b"{", b"["):
        content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ListRefused(f"A JSON list has at most {MOST_BYTES // 2**20} MB. Split it, or send it as plain text.")
        try:
            yield from _of_json(json.loads(content.decode("utf-8-sig")))
        except (ValueError, RecursionError) as error:
            raise ListRefused(f"It is no JSON that can be read: {error}") from error
        return
    for line in file:
        yield from (found.lower() for found in DIGEST.findall(line.decode("latin-1")))


def _of_json(said: Any) -> Iterator[str]:
    """Every hash wherever it stands: the forms differ from version to version, the names of hashes do not."""
    if isinstance(said, dict):
        for name, value in said.items():
            plain = name.lower().replace("-", "").replace("_", "")
            if plain in ("md5", "sha1", "sha256", "hash", "hashvalue") and isinstance(value, str):
                yield from (found.lower() for found in DIGEST.findall(value)[:1])
            else:
                yield from _of_json(value)
    elif isinstance(said, list):
        for value in said:
            yield from _of_json(value)


def name_of(file: IO[bytes]) -> str:
    """The list that names a file, read from its beginning; "" for most."""
    sums = [kind(usedforsecurity=False) for kind in KINDS.values()]
    file.seek(0)
    while portion := file.read(2**20):
        for one in sums:
            one.update(portion)
    digests = [one.hexdigest() for one in sums]
    found = KnownHash.objects.filter(digest__in=digests).select_related("hash_list").first()
    return found.hash_list.name if found else ""
