"""The poor direction of a face model that ships none: made from the gallery's own photos, once there are enough."""

import logging

import numpy as np
from django.db import transaction
from django.db.models import QuerySet
from numpy.typing import NDArray

from cases.models import Photo
from matching.faces import face_models, images, poor
from matching.faces.engines import Engine
from matching.gallery import templates
from matching.models import Face, FaceModel

logger = logging.getLogger(__name__)

# Of smaller faces nothing is left to be made poor.
AT_LEAST = 60
BATCH = 2000


def is_due(model: FaceModel) -> bool:
    """Whether the model's direction is not known and the gallery has the faces to make it from."""
    known = model.poor_limit is not None or model.is_fallback
    return not known and _material(model)[poor.ENOUGH - 1 : poor.ENOUGH].exists()


def find_direction(model: FaceModel) -> bool:
    """Make the model's poor direction and take it out of every template. Returns False where too few faces would do."""
    engine = face_models.engine(model)
    made, clean = [], []
    for face in _material(model).select_related("photo").iterator(chunk_size=100):
        if (embedding := _made_poor(face, engine)) is not None:
            made.append(embedding)
            clean.append(np.asarray(face.embedding, np.float32))
        if len(made) == poor.ENOUGH:
            break
    else:
        logger.warning("Too few faces can still be found when made poor: %s stays without a poor direction.", model)
        # Not to be tried again: no face is too poor.
        model.poor_limit = 1.0
        model.save(update_fields=["poor_limit"])
        return False
    direction, limit = poor.direction_and_limit(np.stack(made), np.stack(clean))
    with transaction.atomic():
        model.poor_direction, model.poor_limit = direction.tolist(), limit
        model.save(update_fields=["poor_direction", "poor_limit"])
        _measure(model)
        templates.rebuild_all(model)
    return True


def _material(model: FaceModel) -> QuerySet[Face]:
    return Face.objects.filter(
        model=model, is_subject=True, size__gte=AT_LEAST, photo__kind=Photo.Kind.PHOTOGRAPH
    ).order_by("pk")


def _made_poor(face: Face, engine: Engine) -> NDArray[np.float32] | None:
    """The embedding of a face made poor, (d,) float32; None where it is not found any more or its file is gone."""
    try:
        with face.photo.image.open() as file:
            rgb = images.turned(images.open_image(file.read()), face.photo.turned).rgb
        far = poor.make_poor(rgb, (face.left, face.top, face.right, face.bottom))
        found = face_models.find_faces(engine, far)
    except (FileNotFoundError, images.ImageRefused):
        return None
    return max(found, key=lambda f: f.quality.size).embedding if found else None


def _measure(model: FaceModel) -> None:
    """Each face's poorness, a portion at a time."""
    last = 0
    faces = Face.objects.filter(model=model).order_by("pk").annotate(wire=templates.wire())
    while portion := list(faces.filter(pk__gt=last).values_list("pk", "wire")[:BATCH]):
        last = portion[-1][0]
        _, poorness = poor.without(templates.numbers(wire for _, wire in portion), model.direction)
        measured = [Face(pk=pk, poorness=float(value)) for (pk, _), value in zip(portion, poorness, strict=True)]
        Face.objects.bulk_update(measured, ["poorness"])
