"""Which cases a camera's face resembles enough: those over the level of their own collection."""

import math
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from cases.models import Case, Collection
from matching.gallery import calibration
from matching.gallery import search as gallery
from matching.models import FaceModel

# Of a face like more cases than this each collection is searched by itself, so that none crowds another out.
LIKE_MANY = 20


@dataclass(frozen=True)
class Levels:
    """What a likeness must be worth in each collection, by its id. among: all asked, also those without cases."""

    thresholds: dict[int, float]
    among: list[int]


def of(model: FaceModel, collections: QuerySet[Collection]) -> Levels:
    calibrated, sizes = calibration.of(model), gallery.sizes(model)
    levels = dict(collections.filter(alert_level__in=calibration.LEVELS).values_list("pk", "alert_level"))
    thresholds = {
        collection: calibrated.threshold(calibration.LEVELS[Collection.AlertLevel(level)], sizes[collection])
        for collection, level in levels.items()
        if sizes.get(collection)
    }
    return Levels(thresholds, list(levels))


def over(model: FaceModel, embeddings: NDArray[np.float32], levels: Levels) -> list[list[gallery.Hit]]:
    """Of each face the cases over their own collection's threshold, most alike first.

    embeddings: (n, d) float32, unit length.
    """
    if not levels.thresholds:
        return [[] for _ in embeddings]
    # One search for all collections, for most faces are like nobody's in any.
    found = nearest(model, embeddings, list(levels.thresholds), min(levels.thresholds.values()))
    like = {hit.case_id for hits in found for hit in hits}
    whose = dict(Case.objects.filter(pk__in=like).values_list("pk", "collection")) if like else {}
    return [_over(model, embedding, hits, whose, levels) for embedding, hits in zip(embeddings, found, strict=True)]


def nearest(
    model: FaceModel, embeddings: NDArray[np.float32], collections: list[int], at_least: float = -2.0
) -> list[list[gallery.Hit]]:
    """The cases most like each face. A template that is too poor is like anybody: it is for people to look at, never a
    reason to wake them."""
    return gallery.search_all(
        model, embeddings, collections=collections, limit=LIKE_MANY, at_least=at_least, reliable=True
    )


def _over(
    model: FaceModel, embedding: NDArray[np.float32], hits: list[gallery.Hit], whose: dict[int, int], levels: Levels
) -> list[gallery.Hit]:
    if len(hits) == LIKE_MANY:
        each = [nearest(model, embedding[None], [one], least)[0] for one, least in levels.thresholds.items()]
        found = [hit for some in each for hit in some]
    else:
        # A case may have been moved or deleted meanwhile.
        least = {case: levels.thresholds.get(collection, math.inf) for case, collection in whose.items()}
        found = [hit for hit in hits if hit.worth >= least.get(hit.case_id, math.inf)]
    return sorted(found, key=lambda hit: hit.worth, reverse=True)
