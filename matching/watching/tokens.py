"""How a camera is let in: its token, the one-time code by which a client gets one, and tokens that change with time."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from matching.models import Camera
from matching.models.camera import hash_code, hash_token, new_token

PAIRING = timedelta(minutes=15)
# No letter that is read as another: 32 of them, so a code has 40 bits.
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class TokenRefused(Exception):
    """The text says why, and what to do."""


class CodeRefused(Exception):
    """The text says why, and what to do."""


def camera_of(token: str) -> Camera:
    """Whose token it is. The first use of a new token ends the old one. Raises `TokenRefused`."""
    digest = hash_token(token)
    try:
        camera = Camera.objects.get(Q(token_hash=digest) | Q(next_token_hash=digest))
    except Camera.DoesNotExist:
        raise TokenRefused("No camera has this token. Ask for a new one on the Cameras page.") from None
    if camera.revoked_at is not None:
        raise TokenRefused(f"The token of {camera} was revoked. Ask for a new one on the Cameras page.")
    if camera.token_hash != digest:
        camera.token_hash, camera.next_token_hash, camera.token_at = digest, "", timezone.now()
        camera.save(update_fields=["token_hash", "next_token_hash", "token_at"])
    return camera


def is_due(camera: Camera) -> bool:
    """Whether its client should ask for another token."""
    return camera.token_at is None or timezone.now() - camera.token_at > timedelta(days=settings.TOKEN_DAYS)


def rotate(camera: Camera) -> str:
    """Another token. The old one goes on until the new one is used: an answer that is lost locks nobody out."""
    token = new_token()
    camera.next_token_hash = hash_token(token)
    camera.save(update_fields=["next_token_hash"])
    return token


def begin_pairing(camera: Camera) -> str:
    """A code that lets one client in, within `PAIRING`. It ends a code that was given before."""
    code = "".join(secrets.choice(LETTERS) for _ in range(8))
    camera.pairing_hash, camera.pairing_until = hash_code(code), timezone.now() + PAIRING
    camera.save(update_fields=["pairing_hash", "pairing_until"])
    return f"{code[:4]}-{code[4:]}"


def pair(code: str) -> tuple[Camera, str]:
    """Spend a code: its camera, and a new token, which ends the old one. Raises `CodeRefused`."""
    with transaction.atomic():
        camera = _waiting(code)
        if _spend(camera):
            return camera, camera.issue_token()
    raise CodeRefused(f"This code has run out. Ask for another on the page of {camera}.")


def pair_by_name(code: str, thing: str) -> Camera:
    """Spend a code for a client on a broker, which publishes under this name: its camera gets it as its MQTT name, and
    the token that it had ends. A name that cannot be the camera's spends nothing. Raises `CodeRefused`."""
    try:
        Camera._meta.get_field("thing").run_validators(thing)
    except ValidationError as problem:
        raise CodeRefused(f"The MQTT name cannot be used. {' '.join(problem.messages)}") from problem
    with transaction.atomic():
        camera = _waiting(code)
        if Camera.objects.filter(thing=thing).exclude(pk=camera.pk).exists():
            raise CodeRefused("Choose another MQTT name: on a broker each is used once.")
        if _spend(camera):
            camera.thing = thing
            camera.save(update_fields=["thing"])
            camera.issue_token()
            return camera
    raise CodeRefused(f"This code has run out. Ask for another on the page of {camera}.")


def _waiting(code: str) -> Camera:
    """The camera that waits for a code, locked. Raises `CodeRefused`."""
    camera = Camera.objects.select_for_update().filter(pairing_hash=hash_code(code)).first() if code else None
    if camera is None:
        raise CodeRefused("No camera waits for this code. A code works once; ask for another on the Cameras page.")
    return camera


def _spend(camera: Camera) -> bool:
    """Whether its code has not run out; it works no more in any case."""
    until = camera.pairing_until
    camera.pairing_hash, camera.pairing_until = "", None
    camera.save(update_fields=["pairing_hash", "pairing_until"])
    return until is not None and until >= timezone.now()
