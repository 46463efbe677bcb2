"""How much more than most faces a probe is like everybody: taken off its similarities before they are judged.

A curve is the average person's. Among people who are alike strangers reach what it says far more often, so what a probe
has in common with all of them is measured in the very search: by its mean similarity to the gallery, which says much
where the gallery is large, and by the candidates that follow the best one, which say more where it is small. It is
never below 0, so that no likeness is worth more for it, and ranks stay as they are. Measured in docs/accuracy.md,
"Among people who are alike".
"""

from collections.abc import Collection as Among
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Avg, Count, QuerySet, Sum
from django.db.models.functions import Cast
from numpy.typing import NDArray
from pgvector.django import VectorField

from matching.faces.engines import Embeddings
from matching.gallery import calibration, templates
from matching.models import FaceModel, GalleryCount, Template

# The mean weighs as much as the candidates that follow in a gallery of so many cases.
EVEN = 200
# Where the candidates that follow weigh less than this they are not asked.
LEAST_WEIGHT = 0.05
# The ranks that tell. The first is left out: it may be the very person.
FOLLOWING = range(2, 7)
# So many of the first rows are looked at, for some may be of one person.
LOOKED_AT = 12
# More alike than all but this share of strangers, two cases are taken for one person here, and count once.
ONE_PERSON = 1e-6


@dataclass(frozen=True)
class Population:
    """What a search compares with. cases: how many. mean: (d,) float32, of their main templates; None without any."""

    cases: int
    mean: NDArray[np.float32] | None


def population(
    model: FaceModel, collections: Among[int] | None, narrowed: QuerySet[Template] | None = None
) -> Population:
    """collections: ids, or None for all. narrowed: main templates, counted anew, where filters leave some out."""
    if narrowed is not None:
        mean = Avg(Cast("embedding", VectorField()), output_field=VectorField())
        found = narrowed.aggregate(cases=Count("pk"), mean=mean)
        return Population(found["cases"], np.asarray(found["mean"], np.float32) if found["cases"] else None)
    counts = GalleryCount.objects.filter(model=model)
    if collections is not None:
        counts = counts.filter(collection__in=collections)
    found = counts.aggregate(cases=Sum("cases", default=0), total=Sum("total", output_field=VectorField()))
    cases = int(found["cases"])
    mean_of_all = np.asarray(np.asarray(found["total"], np.float32) / cases, np.float32) if cases else None
    return Population(cases, mean_of_all)


def of(
    model: FaceModel,
    cleaned: Embeddings,
    among: Population,
    following: Sequence[Sequence[tuple[int, float]]],
) -> NDArray[np.float32]:
    """What to take off each probe's similarities, (n,), 0 or more.

    cleaned: (n, d) float32, unit length, the poor direction taken out. following: for each the first cases of its
    search with what their likeness is worth so far, best first.
    """
    if among.mean is None:
        return np.zeros(len(cleaned), np.float32)
    calibrated = calibration.of(model)
    by_mean = cleaned @ among.mean - calibrated.non_mates.mean
    if 1 - mean_weight(calibrated, among.cases) < LEAST_WEIGHT:
        return np.asarray(np.maximum(by_mean, 0), np.float32)
    one_person = calibration.shipped(model).non_mates.similarity(ONE_PERSON)
    persons = _once_each(model, following, one_person)
    by_following = np.array([beyond_expected(calibrated, worth, among.cases) for worth in persons])
    return together(calibrated, among.cases, by_mean, by_following)


def among_these(calibrated: calibration.Calibration, similarities: NDArray[np.float32]) -> float:
    """The same of one probe whose similarities to everybody, (m,), are at hand, each a person of their own."""
    if not len(similarities):
        return 0.0
    by_mean = np.array(float(similarities.mean()) - calibrated.non_mates.mean)
    first = -np.sort(-similarities)[:LOOKED_AT]
    by_following = np.array(beyond_expected(calibrated, first.tolist(), len(similarities)))
    return float(together(calibrated, len(similarities), by_mean, by_following))


def mean_weight(calibrated: calibration.Calibration, cases: int, even: float = EVEN) -> float:
    """What the mean counts for among so many, 0..1; the candidates that follow count for the rest."""
    return calibrated.mean_tells * cases / (cases + even)


def together(
    calibrated: calibration.Calibration,
    cases: int,
    by_mean: NDArray[np.floating],
    by_following: NDArray[np.floating],
    even: float = EVEN,
) -> NDArray[np.float32]:
    """One commonness of the two, 0 or more. even: among how many both weigh the same."""
    weight = mean_weight(calibrated, cases, even)
    both = weight * by_mean + (1 - weight) * calibrated.following_tell * by_following
    return np.asarray(np.maximum(both, 0), np.float32)


def beyond_expected(calibrated: calibration.Calibration, worth: Sequence[float], cases: int) -> float:
    """How much more alike than at large the candidates are that follow the first. worth: best first."""
    ranks = [rank for rank in FOLLOWING if rank <= len(worth)]
    if not ranks:
        return 0.0
    expected = [calibrated.non_mates.similarity(min((rank - 0.5) / cases, 0.99)) for rank in ranks]
    return float(np.mean([worth[rank - 1] for rank in ranks]) - np.mean(expected))


def _once_each(
    model: FaceModel, following: Sequence[Sequence[tuple[int, float]]], one_person: float
) -> list[list[float]]:
    """Each probe's likenesses, without those of cases that are like one before them: one person may have two cases."""
    wanted = {case for found in following for case, _ in found}
    rows = Template.objects.filter(model=model, case__in=wanted, is_main=True).annotate(wire=templates.wire())
    wires = dict(rows.values_list("case_id", "wire"))
    places = {case: place for place, case in enumerate(wires)}
    embeddings = templates.numbers(wires.values()) if wires else np.zeros((0, model.dimensions), np.float32)
    persons = []
    for found in following:
        kept: list[int] = []
        worth = []
        for case, likeness in found:
            place = places.get(case)
            if place is not None:
                if kept and float((embeddings[kept] @ embeddings[place]).max()) >= one_person:
                    continue
                kept.append(place)
            worth.append(likeness)
        persons.append(worth)
    return persons
