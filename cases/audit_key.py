"""The key of the audit trail. It lies outside the database, so nobody who owns that alone can rewrite the trail."""

import hashlib
import hmac
import secrets
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from cases.made_once import made_once

NAME = "audit_key"


def mac(*parts: object) -> str:
    """A keyed hash (HMAC-SHA256) of values, each with its length in bytes; None and an empty text are the same."""
    texts = [b"" if part is None else str(part).encode() for part in parts]
    said = b"".join(b"%d:%s" % (len(text), text) for text in texts)
    return hmac.new(_key(Path(settings.DATA_DIR) / NAME), said, hashlib.sha256).hexdigest()


@lru_cache(maxsize=4)
def _key(path: Path) -> bytes:
    return made_once(path, lambda: secrets.token_hex(32).encode())
