"""An installation's own error rates, counted in its own gallery: how alike its cases are, and each case's photos.

Faces of the gallery are each compared with every other case's template, as a search compares a stranger. Pairs of
cases that are one person, or may be, are left out: a duplicate would pass for a stranger who is very much alike.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Window
from django.utils import timezone
from numpy.typing import NDArray

from cases import locks
from cases.models import Photo
from cases.models.photo import OF_AGE, ages_on
from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.faces.engines.base import unit_length
from matching.gallery import bands, calibration, commonness, comparing, templates
from matching.gallery import search as gallery
from matching.gallery.curves import Curve, TooFewPairs, binned, no_counts
from matching.gallery.engines import memory
from matching.models import CasePair, Face, FaceModel, GalleryCount, IndexRun, Measurement, OddPhoto

# With fewer cases the shipped curves are nearer to the truth; docs/accuracy.md, "What a similarity is worth".
ENOUGH = 1000
# More faces than these, each with every case, would not move the curves.
PROBES = 3000
BLOCK = 5000
CHECKED = (3, 10, 30, 100)
GROWN, MISSED = 1.5, timedelta(hours=25)
LOCK = "measuring"


@dataclass
class Probes:
    """Faces that stand for strangers. cases: (n,) ids. embeddings: (n, d) float32, unit length. poorness: (n,)."""

    cases: NDArray[np.int64]
    embeddings: Embeddings
    poorness: NDArray[np.float32]


@dataclass
class Mates:
    """Counts of mates in the bins between EDGES: all; by the youngest age on the case's other photos; by the years to
    the nearest of them."""

    all: NDArray[np.int64]
    ages: dict[str, NDArray[np.int64]]
    years: dict[str, NDArray[np.int64]]


def is_due(model: FaceModel) -> bool:
    """Whether curves are wanted at once: the first ones, so after a change of model; those of a gallery that has grown
    by half since; last night's, where nobody was there to make them."""
    cases = gallery.size(model)
    # Until new faces were compared with the others, duplicates among them are not known.
    is_comparing = not model.compared_to or IndexRun.objects.filter(finished_at=None).exists()
    if cases < ENOUGH or is_comparing:
        return False
    known = calibration.latest(model)
    return known is None or cases >= known.cases * GROWN or timezone.now() - known.measured_at > MISSED


def is_idle() -> bool:
    """Whether nobody is measuring."""
    return locks.is_free(LOCK)


def measure_alone(model: FaceModel, *, nightly: bool = False) -> None:
    """Measure where it is due and nobody else is at it. nightly: it is due whatever has changed."""
    with locks.held(LOCK) as mine:
        if mine and (nightly or is_due(model)):
            measure(model)
            tidy_counts()
            memory.tidy_log()


def measure(model: FaceModel, probes: int = PROBES) -> Measurement | None:
    """Count the gallery's similarities and keep the curves; None where it says too little.

    probes: how many faces, each of another case, to compare with all cases.
    """
    cases = gallery.size(model)
    if cases < ENOUGH:
        return None
    with transaction.atomic(), connection.cursor() as cursor:
        # Whole tables are joined. While a gallery has no statistics yet the planner would go through one of them for
        # each row of another, which takes many minutes.
        cursor.execute("SET LOCAL enable_nestloop = off")
        return _measured(model, cases, probes)


def _measured(model: FaceModel, cases: int, probes: int) -> Measurement | None:
    sample = _probes(model, probes)
    shipped = calibration.shipped(model)
    one_person = shipped.non_mates.similarity(comparing.ONE_PERSON) if shipped.measured_on else 2.0
    counts, first, left_out = _non_mates(model, sample, _may_be_one(), one_person)
    try:
        non_mates = Curve.of(counts)
    except TooFewPairs:
        # A gallery of one picture over and over: all its pairs may be one person.
        return None
    mates = _mates(model)
    calibrated = calibration.Calibration(non_mates, None, "")
    # By the rule of a search: what a face has in common with everybody is taken off first.
    best = first[:, 0] - _common(replace(shipped, non_mates=non_mates), model, sample, first)
    fpirs = np.array([calibrated.fpir(float(worth), cases) for worth in best[first[:, 0] > -1]])
    return Measurement.objects.create(
        model=model,
        cases=cases,
        probes=len(sample.cases),
        left_out=left_out,
        non_mates=non_mates.to_json(),
        mates=_kept(mates.all),
        mates_by={
            kind: [[name, kept] for _, name in among if name in found and (kept := _kept(found[name]))]
            for kind, among, found in (("ages", bands.AGES, mates.ages), ("years", bands.YEARS, mates.years))
        },
        check_of=[[searches, float(np.mean(fpirs <= 1 / searches))] for searches in CHECKED],
    )


def tidy_counts() -> None:
    """Fold the comings and goings of cases into one row a model and collection."""
    with transaction.atomic(), connection.cursor() as cursor:
        table = GalleryCount._meta.db_table
        cursor.execute(
            f"WITH gone AS (DELETE FROM {table} RETURNING *) "  # noqa: S608 (the table's own name)
            f"INSERT INTO {table} (model_id, collection_id, cases, total) "
            "SELECT model_id, collection_id, sum(cases), sum(total) FROM gone GROUP BY 1, 2 HAVING sum(cases) <> 0"
        )


def _usable(model: FaceModel) -> QuerySet[Face]:
    """Subject faces that are taken for the case's person without a doubt."""
    odd = OddPhoto.objects.filter(photo=OuterRef("photo"), decision="")
    faces = Face.objects.filter(model=model, is_subject=True, case__status="open", photo__kind=Photo.Kind.PHOTOGRAPH)
    return faces.exclude(chosen_by=Face.ChosenBy.EITHER).exclude(Exists(odd))


def _probes(model: FaceModel, wanted: int) -> Probes:
    """One face a case, evenly from the whole gallery."""
    ids = list(_usable(model).order_by("case_id", "pk").distinct("case_id").values_list("pk", flat=True))
    chosen = [ids[i] for i in np.unique(np.linspace(0, len(ids) - 1, min(wanted, len(ids))).astype(int))]
    rows = _usable(model).filter(pk__in=chosen).annotate(wire=templates.wire()).values_list("case_id", "wire")
    cases, wires = zip(*rows, strict=True)
    return Probes(np.array(cases), *poor.without(templates.numbers(wires), model.direction))


def _may_be_one() -> dict[int, list[int]]:
    """For each case the others that it is linked with, or that people have yet to decide on."""
    found: dict[int, list[int]] = defaultdict(list)
    pairs = CasePair.objects.exclude(decision=CasePair.Decision.DIFFERENT)
    for first, second in pairs.values_list("first_id", "second_id").iterator():
        found[first].append(second)
        found[second].append(first)
    return found


def _non_mates(
    model: FaceModel, probes: Probes, may_be_one: dict[int, list[int]], one_person: float
) -> tuple[NDArray[np.int64], NDArray[np.float32], int]:
    """Counts of pairs in the bins between EDGES, each probe's most alike cases' similarities, best first, (n, k), and
    how many pairs were left out.

    one_person: pairs this alike belong on the work list of cases that may be one person, where only the first few of
    each face stand.
    """
    counts = no_counts()
    first = np.full((len(probes.cases), commonness.LOOKED_AT), -1, np.float32)
    left_out = 0
    alone = {row: others for row, case in enumerate(probes.cases) if (others := may_be_one.get(int(case)))}
    for block in _gallery(model):
        similarities = _judged(probes.embeddings, probes.poorness, block.embeddings, block.poorness)
        skipped = similarities >= one_person
        for row, others in alone.items():
            skipped[row] |= np.isin(block.cases, others)
        own = probes.cases[:, None] == block.cases[None, :]
        left_out += int((skipped & ~own).sum())
        similarities[skipped | own] = np.nan
        known = np.concatenate([first, np.nan_to_num(similarities, nan=-1.0)], axis=1)
        first = -np.partition(-known, commonness.LOOKED_AT - 1, axis=1)[:, : commonness.LOOKED_AT]
        # Two probes meet twice, each as the other's case: such a pair counts once.
        again = np.isin(block.cases, probes.cases) & (block.cases > probes.cases[:, None])
        similarities[again] = np.nan
        counts += binned(similarities)
    return counts, -np.sort(-first, axis=1), left_out


def _common(
    calibrated: calibration.Calibration, model: FaceModel, probes: Probes, first: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Each probe's commonness, (n,), as a search among all cases would find it. first: as `_non_mates` gives it."""
    among = commonness.population(model, None)
    if among.mean is None:
        return np.zeros(len(first), np.float32)
    by_mean = probes.embeddings @ among.mean - calibrated.non_mates.mean
    by_following = [commonness.beyond_expected(calibrated, row[row > -1].tolist(), among.cases) for row in first]
    return commonness.together(calibrated, among.cases, by_mean, np.array(by_following))


def _mates(model: FaceModel) -> Mates:
    """Similarities of a face to the mean of its case's others."""
    number = Window(Count("pk"), partition_by=F("case"))
    several = _usable(model).annotate(number=number, wire=templates.wire()).filter(number__gt=1)
    dates = [f"photo__{name}" for name in ("taken_on", *(f"case__{name}" for name in OF_AGE))]
    rows = several.order_by("case_id", "pk").values_list("case_id", "wire", *dates)
    counts = Mates(no_counts(), defaultdict(no_counts), defaultdict(no_counts))
    by_case: dict[int, list[tuple[bytes, date | None, list[int]]]] = defaultdict(list)
    for case, wire, taken_on, *known in rows.iterator(chunk_size=BLOCK):
        by_case[case].append((wire, taken_on, ages_on(taken_on, *known)))
    for photos in by_case.values():
        faces, poorness = poor.without(templates.numbers([wire for wire, *_ in photos]), model.direction)
        rest = unit_length(faces.sum(axis=0) - faces)
        rest_poorness = (poorness.sum() - poorness) / (len(photos) - 1)
        similarities = np.sum(rest * faces, axis=1) - calibration.allowance(poorness, rest_poorness)
        counts.all += binned(similarities)
        for at, similarity in enumerate(similarities):
            one = binned(np.array([similarity]))
            others_of = photos[:at] + photos[at + 1 :]
            if ages := [age for _, _, known in others_of for age in known]:
                counts.ages[bands.name(bands.AGES, min(ages))] += one
            day = photos[at][1]
            if day and (days := [abs((day - other).days) for _, other, _ in others_of if other]):
                counts.years[bands.name(bands.YEARS, min(days) / 365.25)] += one
    return counts


def _kept(counts: NDArray[np.int64]) -> dict[str, Any] | None:
    """As a curve; None where they are too few."""
    try:
        return Curve.of(counts).to_json()
    except TooFewPairs:
        return None


def _gallery(model: FaceModel) -> Iterator[Probes]:
    """All templates of open cases that are made of photographs, a block at a time."""
    last = 0
    rows = gallery.searched(model).filter(kind=Photo.Kind.PHOTOGRAPH).annotate(wire=templates.wire()).order_by("pk")
    columns = rows.values_list("pk", "case_id", "poorness", "wire")
    while portion := list(columns.filter(pk__gt=last)[:BLOCK]):
        ids, cases, poorness, wires = zip(*portion, strict=True)
        last = ids[-1]
        yield Probes(np.array(cases), templates.numbers(wires), np.array(poorness, np.float32))


def _judged(
    a: Embeddings, a_poorness: NDArray[np.float32], b: Embeddings, b_poorness: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(n, m) similarities less the allowance for poor pictures, which few pairs need."""
    similarities = a @ b.T
    both = np.ix_(
        np.flatnonzero(a_poorness > calibration.POOR_FROM), np.flatnonzero(b_poorness > calibration.POOR_FROM)
    )
    similarities[both] -= calibration.allowance(a_poorness[both[0]], b_poorness[both[1]])
    return np.asarray(similarities, np.float32)
