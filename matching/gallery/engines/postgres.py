"""The reference: PostgreSQL looks through all of the gallery as bits. Triggers keep it true in each transaction."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from django.db.models import F, FloatField, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Greatest, Least
from numpy.typing import NDArray
from pgvector.django import HammingDistance

from cases.models import Case
from matching.gallery import calibration, signs
from matching.gallery.engines.base import Entry, Wanted
from matching.models import FaceModel, GalleryBits


class Postgres:
    """`Gallery`, of the database itself."""

    def nearest(self, wanted: Wanted, cases: QuerySet[Case] | None = None) -> Sequence[QuerySet[GalleryBits, int]]:
        """As `Gallery.nearest`, asked when they are read. cases: only of these."""
        bits = held(wanted) if cases is None else held(wanted).filter(case__in=cases)
        return [
            bits.order_by(_order(one, float(poorest))).values_list("template", flat=True)[: wanted.count]
            for one, poorest in zip(signs.signs(wanted.embeddings), wanted.poorness, strict=True)
        ]

    def count(self, model: FaceModel) -> int:
        return GalleryBits.objects.filter(model=model).count()

    def fingerprints(self, model: FaceModel) -> Iterator[tuple[int, int]]:
        yield from ((one.template, one.fingerprint) for one in entries(GalleryBits.objects.filter(model=model)))


def held(wanted: Wanted) -> QuerySet[GalleryBits]:
    """The open cases' templates that are looked through."""
    bits = GalleryBits.objects.filter(model=wanted.model)
    if wanted.collections is not None:
        bits = bits.filter(collection__in=wanted.collections)
    if wanted.most is not None:
        bits = bits.filter(poorness__lte=wanted.most)
    return bits


def entries(bits: QuerySet[GalleryBits]) -> Iterator[Entry]:
    """As another engine holds them."""
    rows = bits.values_list("template", "collection", "poorness", "template__embedding")
    for template, collection, poorness, embedding in rows.iterator(chunk_size=1000):
        yield Entry(template, collection, poorness, np.asarray(embedding, np.float32))


def is_poor(poorness: float) -> bool:
    return poorness > calibration.POOR_FROM


def allowance(poorness: Value | RawSQL) -> Greatest:
    """As `calibration.allowance`, for the database: of a probe's and the rows' own poorness. 0 unless both are poor."""
    poorer = Least(F("poorness"), poorness)
    return Greatest((poorer - calibration.POOR_FROM) * calibration.POOR_SLOPE, Value(0.0))


def _order(bits: NDArray[np.bool_], poorness: float) -> HammingDistance:
    order = HammingDistance("bits", signs.text(bits))
    if is_poor(poorness):
        # About a right angle, where faces of different people lie, a cosine of pi / SIGNS is one bit.
        order = order + allowance(Value(poorness, FloatField())) * Value(signs.SIGNS / math.pi)
    return order
