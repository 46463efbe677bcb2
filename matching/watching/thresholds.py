"""Which cases a camera's face resembles enough: those over the level of their own collection."""

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from cases.models import Case, Collection
from matching.gallery import calibration
from matching.gallery import search as gallery
from matching.models import FaceModel

# Of a face like more cases than this each collection is searched by itself, so that none crowds another out.
LIKE_MANY = 20


def over(
    model: FaceModel, embedding: NDArray[np.float32], collections: QuerySet[Collection]
) -> tuple[list[gallery.Hit], list[int]]:
    """The cases over their own collection's threshold, most alike first, and the collections that were searched.

    embedding: (d,) float32, unit length.
    """
    calibrated, sizes = calibration.of(model), gallery.sizes(model)
    levels = dict(collections.filter(alert_level__in=calibration.LEVELS).values_list("pk", "alert_level"))
    thresholds = {
        collection: calibrated.threshold(calibration.LEVELS[Collection.AlertLevel(level)], sizes[collection])
        for collection, level in levels.items()
        if sizes.get(collection)
    }
    hits = nearest(model, embedding, list(thresholds), min(thresholds.values())) if thresholds else []
    if hits:
        # One search for all of them, for most faces are like nobody's in any.
        whose = dict(Case.objects.filter(pk__in=[hit.case_id for hit in hits]).values_list("pk", "collection"))
        found = [hit for hit in hits if hit.worth >= thresholds[whose[hit.case_id]]]
        if len(hits) == LIKE_MANY:
            found = [hit for one, least in thresholds.items() for hit in nearest(model, embedding, [one], least)]
        hits = sorted(found, key=lambda hit: hit.worth, reverse=True)
    return hits, list(levels)


def nearest(
    model: FaceModel, embedding: NDArray[np.float32], collections: list[int], at_least: float = -2.0
) -> list[gallery.Hit]:
    """The cases most like a face. A template that is too poor is like anybody: it is for people to look at, never a
    reason to wake them."""
    return gallery.search(model, embedding, collections=collections, limit=LIKE_MANY, at_least=at_least, reliable=True)
