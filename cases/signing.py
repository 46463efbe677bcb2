"""What leaves with this installation's signature (Ed25519), so that others can tell that nobody changed it since.

The key is made at first need and lies in the data folder, outside the database; its public half is to be had by anybody
who signs in, and lies in each signed file.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from cases.made_once import made_once

SUMS, SIGNATURE, PUBLIC = "SHA256SUMS", "SHA256SUMS.sig", "public-key.pem"
HOW = """How to check that nobody changed this file since it was made:

    sha256sum --check SHA256SUMS
    openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig

and compare public-key.pem with the one that the sender gives you another way (Sightline's System page, or
`manage.py verify_file FILE` there). The signature says which installation made the file, not that the lead is right.
"""


class NotAsSigned(Exception):
    """A file is not what was signed; the text says what is wrong with it."""


def _key() -> Ed25519PrivateKey:
    made = made_once(Path(settings.DATA_DIR) / "signing_key", _new)
    key = serialization.load_pem_private_key(made, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("signing_key in the data folder is no Ed25519 key.")
    return key


def _new() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_key() -> bytes:
    """The public half as PEM."""
    return _key().public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip of files with their SHA-256 sums, signed, and how to check them."""
    files = {**files, "HOW-TO-CHECK.txt": HOW.encode()}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()).encode()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, content in {**files, SUMS: sums, SIGNATURE: _key().sign(sums), PUBLIC: public_key()}.items():
            folder.writestr(name, content)
    return whole.getvalue()


def check(path: Path) -> list[str]:
    """The names of what is in a signed zip. Raises `NotAsSigned` where it is not as this installation signed it."""
    try:
        with zipfile.ZipFile(path) as folder:
            names = folder.namelist()
            if missing := {SUMS, SIGNATURE} - set(names):
                raise NotAsSigned(f"{path.name} carries no signature: {', '.join(sorted(missing))} is missing.")
            sums = folder.read(SUMS)
            key: Ed25519PublicKey = _key().public_key()
            key.verify(folder.read(SIGNATURE), sums)
            signed = {name: one for one, name in (line.split("  ", 1) for line in sums.decode().splitlines())}
            if extra := set(names) - set(signed) - {SUMS, SIGNATURE, PUBLIC}:
                raise NotAsSigned(f"{', '.join(sorted(extra))} was put into {path.name} after it was signed.")
            for name, expected in signed.items():
                if name not in names:
                    raise NotAsSigned(f"{name} was taken out of {path.name}.")
                if hashlib.sha256(folder.read(name)).hexdigest() != expected:
                    raise NotAsSigned(f"{name} in {path.name} was changed after it was signed.")
    except InvalidSignature:
        raise NotAsSigned(f"{path.name} was signed by another installation, or its list of sums was changed.") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise NotAsSigned(f"{path.name} cannot be read as a zip: {error}") from error
    return sorted(signed)
