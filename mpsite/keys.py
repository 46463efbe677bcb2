"""Keys that all machines of an installation have in common: the first makes them, the others are given copies.

With others a machine would write an audit trail that does not check, and read no sealed text.
"""

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from cases import audit_key, signing
from cases.models import KeyPrint
from matching.telling import push

WHAT = "which key"
# Its file in the data folder, and what it is known by. Reading a key makes it where there is none.
KEYS: dict[str, Callable[[], bytes]] = {
    "audit_key": lambda: audit_key.mac(WHAT).encode(),
    "push_key.pem": push.key,
    "secret_key": lambda: hmac.digest(settings.SECRET_KEY.encode(), WHAT.encode(), "sha256"),
    "signing_key": signing.public_key,
}


class AnotherInstallations(Exception):
    """This machine has others, or lacks some; the text says which, and what to do."""


def agree(*, take_these: bool = False) -> None:
    """Check this machine's keys against the installation's, which are those of its first machine, or of this one where
    they are to take their place. Raises `AnotherInstallations`; then nothing was made."""
    known = dict(KeyPrint.objects.values_list("name", "digest"))
    if not take_these:
        lacking = [name for name in sorted(known) if name in KEYS and not _is_here(name)]
        if wrong := lacking or [name for name in sorted(known) if name in KEYS and _digest(name) != known[name]]:
            how = "missing here" if lacking else "not this installation's"
            raise AnotherInstallations(
                f"{', '.join(wrong)}: {how}. Copy {', '.join(KEYS)} from the data folder of a machine that works to "
                f"{settings.DATA_DIR} (SECRET_KEY, where it is set, is what secret_key holds), and start again. "
                "Where this machine's are to take the place of the others, run `manage.py keys --take-these` first: "
                "texts that were sealed with those, as mail servers' passwords, are then entered anew."
            )
    for name in KEYS:
        KeyPrint.objects.update_or_create(name=name, defaults={"digest": _digest(name)})


def _is_here(name: str) -> bool:
    return name == "secret_key" or (Path(settings.DATA_DIR) / name).exists()


def _digest(name: str) -> str:
    return hashlib.sha256(KEYS[name]()).hexdigest()
