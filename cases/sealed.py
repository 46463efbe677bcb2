"""What is kept sealed in the database: readable only with the key of this installation, which lies outside it."""

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import models


class SealBroken(Exception):
    def __str__(self) -> str:
        return "It was sealed with another SECRET_KEY and cannot be read. Enter it again."


def _box() -> Fernet:
    key = hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32, person=b"sightline-seal").digest()
    return Fernet(base64.urlsafe_b64encode(key))


def seal(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises `SealBroken`."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealBroken from None


class SealedField(models.TextField):  # type: ignore[type-arg]
    """A text that the database holds sealed (AES and HMAC, by `cryptography`). Comes back as what `unseal` takes, so
    that a row whose key is gone can still be listed."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        text = super().pre_save(model_instance, add)
        if text and not text.startswith("gAAAA"):
            text = seal(text)
            setattr(model_instance, self.attname, text)
        return text
