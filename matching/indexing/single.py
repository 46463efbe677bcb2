"""Walk 1, index: a case's photo becomes faces in the gallery, in three steps: prepare, embed, keep.

`prepare` is the slow one and touches no row; the bulk indexing runs it in many threads and embeds many photos' faces
at once. A single photo goes through the same steps alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.db import transaction
from numpy.typing import NDArray

from cases.models import Photo
from matching.faces import face_models, images
from matching.faces.engines import Embeddings, Engine
from matching.faces.rows import detection_columns, jpeg_file
from matching.gallery import comparing
from matching.models import Face, FaceModel

# Two photos of a case are one picture where their faces are this alike and so few of the 64 bits of their hashes
# differ: a picture that was saved anew, at another size or quality, differs in up to four.
SAME_FACE = 0.95
SAME_BITS = 4


class NotAFaceOfThePhoto(Exception):
    """A face cannot be the case's person; the text says why."""


@dataclass
class Prepared:
    """A photo looked at. refusal: why it cannot be read. faces: columns of `Face`, but for model and embedding.

    chips: the faces made ready for the recogniser, in the same order.
    """

    photo: Photo
    refusal: str = ""
    picture_hash: str = ""
    display: ContentFile[bytes] | None = None
    faces: list[dict[str, Any]] = field(default_factory=list)
    chips: list[NDArray[np.uint8]] = field(default_factory=list)


def prepare(photo: Photo, engine: Engine) -> Prepared:
    """Decode a photo and find its faces; no row is read or written, so any thread may do it."""
    try:
        with photo.image.open() as file:
            opened = images.open_image(file.read())
        found = face_models.detect(engine, opened.rgb) if photo.is_searched else []
    except FileNotFoundError:
        return Prepared(photo, "The file is missing from the data folder.")
    except images.ImageRefused as refusal:
        return Prepared(photo, str(refusal))
    return Prepared(
        photo,
        picture_hash=images.picture_hash(opened.rgb),
        display=None if photo.display else jpeg_file(opened.rgb, max_side=1600),
        faces=[detection_columns(opened.rgb, face, opened.scale) for face in found],
        chips=[face.chip for face in found],
    )


def keep(prepared: Prepared, embeddings: Embeddings, model: FaceModel) -> Photo | None:
    """Write a photo's faces and how its indexing ended; what an earlier indexing wrote is replaced.

    embeddings: (n, d) float32, unit length, one for each face. Returns None where the photo is gone meanwhile.
    """
    with transaction.atomic():
        # One at a time for each photo.
        photo = Photo.objects.select_for_update().filter(pk=prepared.photo.pk).first()
        if photo is None:
            return None
        photo.duplicate_of = None
        if prepared.refusal:
            photo.faces.filter(model=model).delete()
            return _finish(photo, Photo.Status.UNREADABLE, prepared.refusal)
        photo.picture_hash = prepared.picture_hash
        if prepared.display is not None:
            photo.display.save("", prepared.display, save=False)
        subject = _subject(photo, prepared.faces)
        photo.faces.filter(model=model).delete()
        if subject is not None and (twin := _twin(photo, embeddings[subject], model)):
            photo.duplicate_of = twin
            return _finish(photo, Photo.Status.DUPLICATE, f"The same picture as {twin}; it is searched once.")
        Face.objects.bulk_create(
            Face(
                photo=photo,
                case_id=photo.case_id,
                model=model,
                position=position,
                is_subject=position == subject,
                embedding=embedding,
                **columns,
            )
            for position, (columns, embedding) in enumerate(zip(prepared.faces, embeddings, strict=True))
        )
        return _finish(photo, *_outcome(photo, prepared.faces, subject))


def index_photo(photo_id: int) -> Photo | None:
    """Index one waiting photo and compare it with the gallery. May run twice.

    Returns None where there is nothing to do. Raises `NoFaceModel`, `EngineUnavailable`.
    """
    photo = Photo.objects.filter(pk=photo_id, status=Photo.Status.PENDING).first()
    if photo is None:
        return None
    model = face_models.active()
    engine = face_models.engine(model)
    prepared = prepare(photo, engine)
    kept = keep(prepared, engine.embed(prepared.chips) if prepared.chips else np.empty((0, 0), np.float32), model)
    if kept is not None and (face := kept.faces.filter(model=model, is_subject=True).first()):
        comparing.compare_face(face)
    return kept


def choose_subject(face: Face) -> None:
    """Say which face of a photo is the case's person, or change what was said."""
    with transaction.atomic():
        photo = Photo.objects.select_for_update().get(pk=face.photo_id)
        if not photo.is_searched:
            raise NotAFaceOfThePhoto("This photo is kept, not searched. Change its view first.")
        photo.faces.filter(model=face.model, is_subject=True).update(is_subject=False)
        photo.faces.filter(pk=face.pk).update(is_subject=True)
        _finish(photo, Photo.Status.INDEXED, "")
    face.refresh_from_db()
    comparing.compare_face(face)


def word_outcome(photo: Photo, model: FaceModel) -> None:
    """Say on a photo how its indexing ended under a model that has embedded it."""
    faces = list(photo.faces.filter(model=model))
    subject = next((face.position for face in faces if face.is_subject), None)
    _finish(photo, *_outcome(photo, faces, subject))


def _subject(photo: Photo, faces: Sequence[dict[str, Any]]) -> int | None:
    """Which face is the case's person: the one chosen before, else the only one."""
    chosen = photo.faces.filter(is_subject=True).order_by("-pk").first()
    if chosen is not None and faces:
        before = (chosen.left, chosen.top, chosen.right, chosen.bottom)
        overlaps = [_overlap((f["left"], f["top"], f["right"], f["bottom"]), before) for f in faces]
        if max(overlaps) > 0.3:
            return overlaps.index(max(overlaps))
    return 0 if len(faces) == 1 else None


def _twin(photo: Photo, embedding: NDArray[np.float32], model: FaceModel) -> Photo | None:
    """Another photo of the case that is the same picture, if any."""
    others = Face.objects.filter(case=photo.case_id, model=model, is_subject=True, photo__status=Photo.Status.INDEXED)
    for face in others.exclude(photo=photo.pk).select_related("photo").order_by("photo"):
        same_picture = images.bits_apart(face.photo.picture_hash, photo.picture_hash) <= SAME_BITS
        if same_picture and float(np.array(face.embedding, np.float32) @ embedding) > SAME_FACE:
            return face.photo
    return None


def _outcome(photo: Photo, faces: Sequence[object], subject: int | None) -> tuple[str, str]:
    if not photo.is_searched:
        return Photo.Status.NOT_SEARCHED, ""
    if not faces:
        return Photo.Status.NO_FACE, "Send a photo in which the face is larger, sharper or less turned away."
    if subject is None:
        return Photo.Status.SEVERAL_FACES, f"{len(faces)} faces: choose which one is the person."
    return Photo.Status.INDEXED, ""


def _finish(photo: Photo, status: str, note: str) -> Photo:
    photo.status, photo.status_note = status, note[:300]
    photo.save(update_fields=["status", "status_note", "display", "picture_hash", "duplicate_of"])
    return photo


def _overlap(a: images.Box, b: images.Box) -> float:
    """Intersection over union of two boxes."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    return both / max((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both, 1e-9)
