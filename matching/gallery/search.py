"""Embeddings in, candidates out: an exhaustive, exact search of the open cases' templates in PostgreSQL."""

from collections.abc import Collection as Among
from dataclasses import dataclass

import numpy as np
from django.db.models import F, FloatField, QuerySet, Value
from django.db.models.functions import Greatest, Least
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.django import MaxInnerProduct

from cases.models import Case
from matching.faces import poor
from matching.gallery import calibration
from matching.models import Face, FaceModel, Template


@dataclass(frozen=True)
class Hit:
    """A case with its face that is most like the probe.

    similarity: cosine to the case's template, -1..1. allowance: what to take off it before it is judged, because both
    pictures are poor.
    """

    case_id: int
    face_id: int | None
    similarity: float
    allowance: float


def searched(model: FaceModel, collections: Among[int] | None = None) -> QuerySet[Template]:
    """The gallery: each open case's templates under one model. collections: ids, or None for all."""
    templates = Template.objects.filter(model=model)
    if collections is not None:
        templates = templates.filter(case__collection__in=collections)
    # Leaving out the few closed cases costs a third of what joining the many open ones does.
    return templates.exclude(case__in=Case.objects.filter(status=Case.Status.CLOSED))


def size(model: FaceModel, collections: Among[int] | None = None) -> int:
    """How many cases a search compares with."""
    return searched(model, collections).filter(is_main=True).count()


def search(
    model: FaceModel,
    embedding: NDArray[np.float32],
    *,
    collections: Among[int] | None = None,
    limit: int = 20,
    at_least: float = -2.0,
    reliable: bool = False,
) -> list[Hit]:
    """The cases most like a probe, best first, each once with its most similar face.

    embedding: (d,) float32, unit length, of the same model. Both sides have unit length, so their inner product is the
    cosine. Ranked by the similarity less the allowance for poor pictures. at_least: what that must reach. reliable:
    leave out templates that are too poor to rely on.
    """
    cleaned, poorness = poor.without(np.asarray(embedding, np.float32)[None], model.direction)
    slope, start = calibration.of(model).poor_slope, calibration.of(model).poor_from
    # pgvector's operator is the negative inner product.
    distance = MaxInnerProduct("embedding", HalfVector(cleaned[0]))
    templates = searched(model, collections).annotate(distance=distance)
    if reliable and model.poor_limit is not None:
        templates = templates.filter(poorness__lte=model.poor_limit)
    if poorness[0] > start:
        poorer = Least(F("poorness"), Value(float(poorness[0]), FloatField()))
        templates = templates.annotate(allowance=slope * Greatest(poorer - start, Value(0.0)))
        templates = templates.annotate(order=F("distance") + F("allowance")).order_by("order")
    else:
        templates = templates.annotate(allowance=Value(0.0)).order_by("distance")
    fetched = limit * 2
    while True:
        rows = list(templates.values_list("case_id", "distance", "allowance")[:fetched])
        best: dict[int, tuple[float, float]] = {}
        for case_id, negative, allowance in rows:
            best.setdefault(case_id, (-float(negative), float(allowance)))
        if len(best) >= limit or len(rows) < fetched:
            break
        # Cases with several templates fill the list: look further down.
        fetched *= 4
    chosen = [(case, *worth) for case, worth in best.items() if worth[0] - worth[1] >= at_least][:limit]
    likest = _likest_faces(model, cleaned[0], [case for case, *_ in chosen]) if chosen else {}
    return [Hit(case, likest.get(case), similarity, allowance) for case, similarity, allowance in chosen]


def _likest_faces(model: FaceModel, embedding: NDArray[np.float32], case_ids: list[int]) -> dict[int, int]:
    """Each case's subject face that is most like a probe: the one to show beside it."""
    faces = Face.objects.filter(model=model, is_subject=True, case__in=case_ids)
    order = faces.annotate(distance=MaxInnerProduct("embedding", HalfVector(embedding))).order_by("-distance")
    # Farthest first: the last row of a case is its nearest.
    return dict(order.values_list("case_id", "pk"))
