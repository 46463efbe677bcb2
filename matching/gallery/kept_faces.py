"""What cameras and searches saw: every kept probe, as bits first and exactly then, as a large gallery is searched."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray
from pgvector.django import HammingDistance

from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.gallery import calibration, copying, signs, templates
from matching.models import FaceModel, Probe, ProbeBits

# Seen more often than this, somebody is shown by the most alike of their pictures.
MOST = 500
# Where it may lie deeper, so many times as many are looked at.
DEEPER = 16
# So many faces are counted; of more the number is reckoned.
COUNTED = 100_000
# So many faces are compared with many at once.
BLOCK = 8192
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
    """How many faces there are to look back at; beyond `COUNTED` as the planner reckons, to three figures."""
    kept = ProbeBits.objects.filter(model=model)
    counted = kept[: COUNTED + 1].count()
    if counted <= COUNTED:
        return counted
    reckoned: int = json.loads(kept.explain(format="json"))[0]["Plan"]["Plan Rows"]
    return max(COUNTED, round(reckoned, 3 - len(str(reckoned))))


def former(model: FaceModel) -> int:
    """How many faces another face model embedded, which cannot be compared with this one's."""
    others = FaceModel.objects.exclude(pk=model.pk).values_list("pk", flat=True)
    return sum(ProbeBits.objects.filter(model=other).count() for other in others)


def look_back(
    model: FaceModel,
    embedding: Embeddings,
    poorness: float,
    *,
    least: float,
    common: float = 0.0,
    only: QuerySet[Probe] | None = None,
) -> list[Seen]:
    """The probes at least so alike, most alike first, `MOST` at most.

    embedding: (d,) float32, unit length, without the model's poor direction; poorness: what it had of it. least: what
    a likeness must be worth. common: the face's commonness. only: what is looked through; all if None.
    """
    bits = HammingDistance("bits", signs.text(signs.signs(embedding[None])[0]))
    near = ProbeBits.objects.filter(model=model).order_by(bits).values_list("probe", bits)
    looked_through, count = Probe.objects.all() if only is None else only, MOST
    while True:
        # Others may have been seen so often that whoever is looked through lies behind all of them.
        first = list(near[:count])
        found = _alike(model, embedding, poorness, looked_through.filter(pk__in=[pk for pk, _ in first]), least, common)
        is_all = len(first) < count or math.cos(first[-1][1] * math.pi / signs.SIGNS) < least - ROUGH
        if is_all or len(found) == MOST:
            return found
        count *= DEEPER


_ALL = """
SELECT probe.id, halfvec_send(probe.embedding) FROM matching_probebits bits
JOIN matching_probe probe ON probe.id = bits.probe_id
WHERE bits.model_id = %(model)s AND probe.capture_id IS NOT NULL
"""


def look_back_all(
    model: FaceModel,
    embeddings: Embeddings,
    poorness: NDArray[np.float32],
    *,
    least: NDArray[np.float32],
    since: Sequence[datetime],
    must_stop: Callable[[], bool],
) -> list[list[Seen]] | None:
    """What cameras saw that is like many faces, for each as of `look_back`: all of it gone through once, and exactly.

    embeddings: (n, d); poorness, least: (n,); since: n moments, from which on captures count. None: it had to stop.
    """
    wire = [("length", ">i2"), ("unused", ">i2"), ("numbers", ">f2", model.dimensions)]
    row = copying.row(("probe", ">i8"), ("embedding", wire))
    found: list[list[Seen]] = [[] for _ in embeddings]
    # All is read before anything else is asked: a connection does one thing at a time.
    for read in copying.blocks(_ALL, {"model": model.pk}, row, BLOCK):
        if must_stop():
            return None
        cleaned, others = poor.without(read["embedding"]["numbers"].astype(np.float32), model.direction)
        alike = cleaned @ embeddings.T
        places, of = np.nonzero(alike >= least)
        for place, face, allowance in zip(places, of, calibration.allowance(others[places], poorness[of]), strict=True):
            one = Seen(int(read["probe"][place]), float(alike[place, face]), float(allowance))
            if one.worth >= least[face]:
                found[face].append(one)
    return [_of_then(own, then) for own, then in zip(found, since, strict=True)]


def _of_then(seen: list[Seen], since: datetime) -> list[Seen]:
    """Those of captures from then on, the most alike first, `MOST` at most."""
    kept: list[Seen] = []
    best = sorted(seen, key=lambda one: -one.worth)
    for start in range(0, len(best), BLOCK):
        some = best[start : start + BLOCK]
        then = Probe.objects.filter(pk__in=[one.probe_id for one in some], capture__captured_at__gte=since)
        of_then = set(then.values_list("pk", flat=True))
        kept += [one for one in some if one.probe_id in of_then]
        if len(kept) >= MOST:
            break
    return kept[:MOST]


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
