"""What cameras and searches saw: every kept probe, as bits first and exactly then, as a large gallery is searched."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet
from pgvector.django import HammingDistance

from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.gallery import calibration, signs, templates
from matching.gallery.search import shortlist
from matching.models import FaceModel, Probe, ProbeBits

# Seen more often than this, somebody is shown by the most alike of their pictures.
MOST = 500
# By so much the cosine that bits tell may be wrong: two and a half standard deviations at a right angle.
ROUGH = 0.12


@dataclass(frozen=True)
class Seen:
    """A probe that was seen. similarity: cosine, -1..1; allowance, commonness: what to take off it before it is
    judged."""

    probe_id: int
    similarity: float
    allowance: float
    commonness: float = 0.0

    @property
    def worth(self) -> float:
        return self.similarity - self.allowance - self.commonness


def keep(probe: Probe) -> None:
    """Have a probe found when somebody looks back. One that is too poor is like anybody, and is left out."""
    keep_all([probe])


def keep_all(probes: Sequence[Probe]) -> None:
    """The same of several under one model."""
    usable = [probe for probe in probes if not probe.is_too_poor]
    if not usable:
        return
    raw = np.array([np.asarray(probe.embedding, np.float32) for probe in usable])
    cleaned, _ = poor.without(raw, usable[0].model.direction)
    ProbeBits.objects.bulk_create(
        ProbeBits(probe=probe, model=probe.model, bits=signs.text(bits))
        for probe, bits in zip(usable, signs.signs(cleaned), strict=True)
    )


def size(model: FaceModel) -> int:
    """How many faces there are to look back at."""
    return ProbeBits.objects.filter(model=model).count()


def look_back(
    model: FaceModel,
    embedding: Embeddings,
    poorness: float,
    *,
    among: int,
    least: float,
    common: float = 0.0,
    only: QuerySet[Probe] | None = None,
) -> list[Seen]:
    """The probes at least so alike, most alike first, `MOST` at most.

    embedding: (d,) float32, unit length, without the model's poor direction; poorness: what it had of it. among: how
    many there are, as `size` says. least: what a likeness must be worth. common: the face's commonness. only: what is
    looked through; all if None.
    """
    bits = HammingDistance("bits", signs.text(signs.signs(embedding[None])[0]))
    near = ProbeBits.objects.filter(model=model).order_by(bits)
    count = max(MOST, shortlist(among))
    if only is None:
        probes = Probe.objects.filter(pk__in=near.values("probe")[:count])
        return _alike(model, embedding, poorness, probes, least, common)
    while True:
        # Others may have been seen so often that whoever is looked through lies behind all of them.
        first = list(near.values_list("probe", bits)[:count])
        found = _alike(model, embedding, poorness, only.filter(pk__in=[pk for pk, _ in first]), least, common)
        is_all = len(first) < count or math.cos(first[-1][1] * math.pi / signs.SIGNS) < least - ROUGH
        if is_all or len(found) == MOST:
            return found
        count *= 4


def _alike(
    model: FaceModel,
    embedding: Embeddings,
    poorness: float,
    probes: QuerySet[Probe],
    least: float,
    common: float,
) -> list[Seen]:
    rows = list(probes.annotate(wire=templates.wire()).values_list("pk", "wire"))
    if not rows:
        return []
    cleaned, others = poor.without(templates.numbers(wire for _, wire in rows), model.direction)
    allowances = calibration.allowance(others, np.float32(poorness))  # type: ignore[arg-type]
    found = [
        Seen(pk, float(similarity), float(allowance), common)
        for (pk, _), similarity, allowance in zip(rows, cleaned @ embedding, allowances, strict=True)
        if similarity - allowance - common >= least
    ]
    return sorted(found, key=lambda one: -one.worth)[:MOST]
