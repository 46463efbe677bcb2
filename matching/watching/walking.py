"""An officer's walk: the phone of somebody signed in as a camera of their own, a frame a second, for a limited time."""

import uuid
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from cases.fair_use import WALK, may_compare, may_search
from cases.visibility import SearchRefused
from matching.faces import face_models, images
from matching.models import Camera
from matching.watching import captures

# Minutes that a walk may last; it is begun again for more.
LONGEST = 60
# Faces below this are too unsure, below so many pixels too small, to be sent by a camera.
LEAST_SCORE, LEAST_SIZE = 0.6, 24
MOST_FACES = 20


class NoWalk(Exception):
    """The walk has ended, or was never begun; the text says so."""


def camera_of(user: User) -> Camera | None:
    """The user's own camera, if they ever walked."""
    return Camera.objects.filter(officer=user).first()


def begin(user: User, minutes: int, place: str, *, purpose: str, reference: str = "") -> Camera:
    """A walk from now on; one that is under way goes on anew. minutes: up to `LONGEST`. Raises `SearchRefused`."""
    may_search(user, (), purpose=purpose, reference=reference, by=WALK)
    with transaction.atomic():
        camera = camera_of(user) or Camera(officer=user, name=_free_name(user), preview=False)
        camera.place, camera.walk_until = place, timezone.now() + timedelta(minutes=min(minutes, LONGEST))
        if camera.pk is None:
            # Nobody has its token: frames come by the officer's own session.
            camera.issue_token()
            camera.teams.set(user.teams.all())
        else:
            camera.save(update_fields=["place", "walk_until"])
    return camera


def end(user: User) -> None:
    Camera.objects.filter(officer=user, walk_until__gt=timezone.now()).update(walk_until=timezone.now())


def under_way(user: User) -> Camera:
    """Raises `NoWalk`, also where the officer may search no more."""
    try:
        may_compare(user, WALK)
    except SearchRefused as refusal:
        raise NoWalk(str(refusal)) from refusal
    camera = camera_of(user)
    if camera is None or camera.walk_until is None or camera.walk_until <= timezone.now():
        raise NoWalk("The walk has ended. Begin another to go on.")
    if camera.revoked_at is not None:
        raise NoWalk("This camera was revoked. An administrator lets it in again.")
    return camera


def see_frame(camera: Camera, uid: uuid.UUID, content: bytes) -> int:
    """Every face of a frame as a capture of the camera; the same frame sent again is the same captures.

    Returns how many faces. Raises `ImageRefused`, `NoFaceModel`, `EngineUnavailable`.
    """
    opened = images.open_image(content)
    found = face_models.engine(face_models.active()).detect(opened.rgb, thorough=True)
    wanted = [one for one in found if one.detection_score >= LEAST_SCORE and one.quality.size >= LEAST_SIZE]
    height, width = opened.rgb.shape[:2]
    for number, face in enumerate(wanted[:MOST_FACES]):
        left, top, right, bottom = face.relative_box(opened.rgb)
        crop = images.crop(opened.rgb, (left, top, right, bottom))
        # Where the face lies in its crop, which ends where the frame does.
        x = min((right - left) * 0.5, left) * width
        y = min((bottom - top) * 0.5, top) * height
        captures.receive_capture(
            camera,
            images.to_jpeg(crop, quality=92),
            uid=uuid.uuid5(uid, str(number)),
            captured_at=timezone.now(),
            detection_score=face.detection_score,
            box=[x, y, x + (right - left) * width, y + (bottom - top) * height],
        )
    Camera.objects.filter(pk=camera.pk).update(last_seen_at=timezone.now())
    return len(wanted)


def _free_name(user: User) -> str:
    """Of an account that is gone the walks stay, so another of its name may find the name taken."""
    name = f"Walk of {user.get_username()}"[:90]
    return f"{name} ({user.pk})" if Camera.objects.filter(name=name).exists() else name
