"""Embeddings in, candidates out: an exhaustive, exact search of the open cases' faces in PostgreSQL."""

from collections.abc import Collection as Among
from dataclasses import dataclass

from django.db.models import QuerySet
from pgvector import HalfVector
from pgvector.django import MaxInnerProduct

from cases.models import Case
from matching.models import Face, FaceModel


@dataclass(frozen=True)
class Hit:
    """The face of a case that is most like the probe. similarity: cosine, -1..1."""

    case_id: int
    face_id: int
    similarity: float


def searched_faces(model: FaceModel, collections: Among[int] | None = None) -> QuerySet[Face]:
    """The gallery: each open case's own faces under one model. collections: ids, or None for all."""
    faces = Face.objects.filter(model=model, is_subject=True)
    if collections is not None:
        faces = faces.filter(case__collection__in=collections)
    # Leaving out the few closed cases costs a third of what joining the many open ones does.
    return faces.exclude(case__in=Case.objects.filter(status=Case.Status.CLOSED))


def size(model: FaceModel, collections: Among[int] | None = None) -> int:
    """How many cases a search compares with."""
    return searched_faces(model, collections).values("case").distinct().count()


def search(model: FaceModel, embedding: object, *, collections: Among[int] | None = None, limit: int = 20) -> list[Hit]:
    """The cases most like a probe, best first, each once with its best face.

    embedding: (d,) float32, unit length, of the same model. Both sides have unit length, so their inner product is
    the cosine.
    """
    # pgvector's operator is the negative inner product; ordered by the very column, it is computed once a row.
    distance = MaxInnerProduct("embedding", HalfVector(embedding))
    faces = searched_faces(model, collections).annotate(distance=distance).order_by("distance")
    fetched = limit * 4
    while True:
        rows = list(faces.values_list("case_id", "pk", "distance")[:fetched])
        best: dict[int, Hit] = {}
        for case_id, face_id, negative in rows:
            best.setdefault(case_id, Hit(case_id, face_id, -float(negative)))
        if len(best) >= limit or len(rows) < fetched:
            return list(best.values())[:limit]
        # Cases with many photos fill the list: look further down.
        fetched *= 4
