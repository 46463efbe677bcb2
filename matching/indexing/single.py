"""Walk 1, index: a case's photo becomes faces in the gallery, in two steps: prepare, keep.

`prepare` is the slow one and touches no row; the bulk indexing runs it in many threads and keeps many photos together.
A single photo goes through the same steps alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.db.models import Q

from cases import locks, names, work
from cases.models import Photo
from matching.faces import face_models, images, looking, poor
from matching.faces.engines import DetectedFace, Embeddings, Engine, EngineUnavailable
from matching.faces.images import Box
from matching.faces.regions import Region
from matching.faces.rows import detection_columns, jpeg_file
from matching.gallery import comparing, templates
from matching.indexing import choosing, subject
from matching.models import Face, FaceModel

Status = Photo.Status
# Held by all who write faces, and alone by who changes the face model.
WRITING = "writing faces"
# Nothing is wrong with a photo while there is no face model.
WAITS = (face_models.NoFaceModel, EngineUnavailable)
NO_FACE_NOTE = "Send a photo in which the face is larger, sharper or less turned away."


@dataclass
class Prepared:
    """A photo looked at.

    refusal: why it cannot be read. error: what broke on it. faces: columns of `Face`, but for model and embedding.
    embeddings: (n, d) float32, unit length, one for each face.
    """

    photo: Photo
    refusal: str = ""
    error: Exception | None = None
    picture_hash: str = ""
    display: ContentFile[bytes] | None = None
    note: str = ""
    turned: int = 0
    origin: images.Origin = field(default_factory=images.Origin)
    regions: Sequence[Region] = ()
    faces: list[dict[str, Any]] = field(default_factory=list)
    embeddings: Embeddings = field(default_factory=lambda: np.empty((0, 0), np.float32))


def prepare(photo: Photo, engine: Engine) -> Prepared:
    """Decode a photo, find and embed its faces; no row is read or written, so any thread may do it.

    Raises `FileNotFoundError`: a file that is not here is no verdict, it may be on its way or on another machine.
    """
    try:
        with photo.image.open() as file:
            content = file.read()
        opened = images.turned(images.open_image(content), photo.turned)
        found = face_models.find_faces(engine, opened.rgb) if photo.is_searched else []
        degrees = _turned(photo, engine, opened, found)
        if degrees:
            opened = images.turned(opened, degrees)
            found = face_models.find_faces(engine, opened.rgb)
        not_all = ""
        if photo.is_searched and not found:
            found, not_all = looking.far_faces(engine, opened, content, (photo.turned + degrees) % 360)
    except images.ImageRefused as refusal:
        return Prepared(photo, str(refusal))
    prepared = Prepared(
        photo,
        picture_hash=images.picture_hash(opened.rgb),
        turned=(photo.turned + degrees) % 360,
        display=None if photo.display and not degrees else jpeg_file(opened.rgb, max_side=1600),
        note=" ".join(filter(None, [opened.note, looking.turned_note(degrees) if degrees else "", not_all])),
        origin=opened.origin,
        regions=opened.marked,
        faces=[detection_columns(opened.rgb, face, opened.scale) for face in found],
    )
    if found:
        prepared.embeddings = np.stack([face.embedding for face in found])
    return prepared


def _turned(photo: Photo, engine: Engine, opened: images.OpenedImage, found: Sequence[DetectedFace]) -> int:
    """By how many degrees to turn a waiting photo in which nothing sure stands upright. One that is embedded with
    another model stays as it is shown."""
    if not photo.is_searched or photo.status != Status.PENDING:
        return 0
    with face_models.analysing(opened.rgb):
        degrees, _ = looking.best_turn(engine, opened, found)
    return degrees


def prepare_or_fail(photo: Photo, engine: Engine) -> Prepared:
    """The same among many, of which one that breaks must not hold up the others."""
    try:
        return prepare(photo, engine)
    except Exception as error:
        if work.is_the_machines(error):
            raise
        return Prepared(photo, error=error)


def set_aside(photo: Photo, error: str) -> None:
    """Leave a photo out until a person takes it up again."""
    Photo.objects.filter(pk=photo.pk, status=Status.PENDING).update(
        status=Status.UNREADABLE, status_note=f"Set aside after {work.MOST_ATTEMPTS} attempts. {error}"[:300]
    )


def keep(batch: Sequence[Prepared], model: FaceModel) -> list[Photo]:
    """Write photos' faces and what follows for their cases; what an earlier indexing wrote is replaced.

    Under the active model only waiting photos are written, with how their indexing ended; under another one faces and
    templates alone, for what is shown stays the active model's. Returns the photos that were written.
    """
    looked_at = {prepared.photo.pk: prepared for prepared in batch if prepared.error is None}
    with transaction.atomic():
        locks.share(WRITING)
        model.refresh_from_db(fields=["is_active", "is_next", "is_second"])
        if not (model.is_active or model.is_next or model.is_second):
            # Another model took its place meanwhile: the photos wait on, for that one.
            return []
        # One at a time for each photo.
        photos = Photo.objects.select_for_update().filter(pk__in=looked_at).order_by("pk")
        if model.is_active:
            photos = photos.filter(status=Status.PENDING)
        # One that was given another picture or view meanwhile waits on, to be looked at again.
        kept = [photo for photo in photos if _is_what(photo, looked_at[photo.pk].photo)]
        # Of a picture that was replaced nobody has said anything yet.
        said = _said([photo for photo in kept if photo.picture_hash or not model.is_active])
        cases = {photo.case_id for photo in kept}
        # What is being embedded for a change-over is no longer true of a photo that is indexed anew.
        others = list(FaceModel.objects.filter(Q(is_next=True) | Q(is_second=True))) if model.is_active else []
        Face.objects.filter(photo__in=kept, model__in=[model, *others]).delete()
        Face.objects.bulk_create(
            face for photo in kept for face in _faces(photo, looked_at[photo.pk], said.get(photo.pk), model)
        )
        if model.is_active:
            _write_outcomes([(photo, *_outcome(photo, looked_at[photo.pk])) for photo in kept])
        choosing.settle(model, cases, fresh=[photo.pk for photo in kept])
        for other in others:
            templates.rebuild(other, cases)
    return kept


def index_photo(photo_id: int) -> Photo | None:
    """Index one waiting photo and compare it with the gallery. May run twice.

    Returns None where there is nothing to do, or where it failed. Raises `NoFaceModel`, `EngineUnavailable`.
    """
    photo = Photo.objects.filter(pk=photo_id, status=Status.PENDING).first()
    if photo is None:
        return None
    model = face_models.active()
    kept: list[Photo] = []
    with work.attempt("photo", photo.pk, f"{photo} of {photo.case}", WAITS) as tried:
        kept = keep([prepare(photo, face_models.engine(model))], model)
    if tried.is_set_aside:
        set_aside(photo, tried.error)
    if not kept:
        return None
    for face in Face.objects.filter(photo=photo, model=model, is_subject=True).select_related("model"):
        comparing.compare_face(face)
    photo.refresh_from_db()
    return photo


def _is_what(photo: Photo, looked_at: Photo) -> bool:
    return (photo.sha256, photo.shows) == (looked_at.sha256, looked_at.shows)


def _said(photos: Sequence[Photo]) -> dict[int, Box]:
    """Where the face lies, in each photo, that a person chose under whatever model."""
    chosen = Face.objects.filter(photo__in=photos, chosen_by=Face.ChosenBy.PERSON).order_by("pk")
    return {
        photo: (left, top, right, bottom)
        for photo, left, top, right, bottom in chosen.values_list("photo", "left", "top", "right", "bottom")
    }


def _faces(photo: Photo, prepared: Prepared, said: Box | None, model: FaceModel) -> list[Face]:
    """A photo's rows; whose subject is not sure yet has none."""
    if not prepared.faces:
        return []
    boxes = [(f["left"], f["top"], f["right"], f["bottom"]) for f in prepared.faces]
    whose = [photo.case.name, *names.each(photo.case.other_names)] if prepared.regions else []
    sure = subject.sure(boxes, said, subject.named(prepared.regions, whose))
    _, poorness = poor.without(prepared.embeddings, model.direction)
    return [
        Face(
            photo=photo,
            case_id=photo.case_id,
            model=model,
            position=position,
            is_subject=position in sure.faces,
            chosen_by=sure.by if position in sure.faces else "",
            embedding=embedding,
            poorness=None if model.direction is None else float(poorness[position]),
            **columns,
        )
        for position, (columns, embedding) in enumerate(zip(prepared.faces, prepared.embeddings, strict=True))
    ]


def _outcome(photo: Photo, prepared: Prepared) -> tuple[str, str]:
    """How a photo's indexing ended and a note on it, but for what its case has to say; keeps what is shown of it."""
    if prepared.refusal:
        return Status.UNREADABLE, prepared.refusal[:300]
    photo.picture_hash = prepared.picture_hash
    for name, value in prepared.origin.columns.items():
        setattr(photo, name, value)
    photo.file_note, photo.turned = prepared.note[:500], prepared.turned
    if prepared.display is not None:
        photo.display.save("", prepared.display, save=False)
    if not photo.is_searched:
        return Status.NOT_SEARCHED, ""
    return (Status.INDEXED, "") if prepared.faces else (Status.NO_FACE, NO_FACE_NOTE)


def _write_outcomes(outcomes: Sequence[tuple[Photo, str, str]]) -> None:
    """In one statement: Django's `bulk_update` would take longer than all the rest of writing."""
    columns = zip(
        *(
            (
                photo.pk,
                photo.display.name or "",
                photo.picture_hash,
                status,
                note,
                photo.own_time,
                photo.own_latitude,
                photo.own_longitude,
                photo.file_note,
                photo.turned,
            )
            for photo, status, note in outcomes
        ),
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE cases_photo SET display = new.display, picture_hash = new.picture_hash, status = new.status,
                status_note = new.status_note, duplicate_of_id = NULL, own_time = new.own_time,
                own_latitude = new.own_latitude, own_longitude = new.own_longitude, file_note = new.file_note,
                turned = new.turned
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::float[],
                %s::float[], %s::text[], %s::int[]) AS new (id, display, picture_hash, status, status_note, own_time,
                own_latitude, own_longitude, file_note, turned)
            WHERE cases_photo.id = new.id
            """,
            [list(column) for column in columns] or [[]] * 10,
        )
