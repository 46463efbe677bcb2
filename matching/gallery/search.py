"""Embeddings in, candidates out: an exhaustive search of the open cases' templates in PostgreSQL.

A gallery is scanned exactly while that is quick. A larger one is looked through by a gallery engine first, all of it,
and the most alike so found are compared exactly (docs/architecture.md, "Search").
"""

from collections.abc import Collection as Among
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import F, QuerySet, Sum, Value
from django.db.models.expressions import RawSQL
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.django import MaxInnerProduct

from cases.models import Case, Photo
from matching.faces import poor
from matching.gallery import commonness, feeding
from matching.gallery.engines import MEMORY, POSTGRES, Wanted
from matching.gallery.engines.postgres import allowance, is_poor
from matching.models import Face, FaceModel, GalleryCount, Template

# Beyond so many numbers in the gallery's embeddings, looking at bits first is quicker than an exact scan.
EXACT_TO = 5_000_000
# Up to so many cases a process holds the gallery's bits in memory, some 150 bytes for each.
HELD_TO = 2_000_000
# The fewest of a large gallery to compare exactly.
SHORTEST = 300
# Probes that are searched for in one statement.
TOGETHER = 10
# A case, and of one of its templates the negative similarity, the allowance and the kind.
_Row = tuple[int, float, float, str]


@dataclass(frozen=True)
class Hit:
    """A case with its face that is most like the probe.

    similarity: cosine to the case's template, -1..1. allowance: what to take off it before it is judged, because both
    pictures are poor; commonness: and because the probe is like everybody there. found_by: the kind of picture that it
    was found by.
    """

    case_id: int
    face_id: int | None
    similarity: float
    allowance: float
    commonness: float = 0.0
    found_by: str = Photo.Kind.PHOTOGRAPH

    @property
    def worth(self) -> float:
        return self.similarity - self.allowance - self.commonness


def searched(
    model: FaceModel, collections: Among[int] | None = None, cases: QuerySet[Case] | None = None
) -> QuerySet[Template]:
    """The gallery: each open case's templates under one model. collections: ids, or None for all; cases: only these."""
    templates = Template.objects.filter(model=model)
    if collections is not None:
        templates = templates.filter(case__collection__in=collections)
    if cases is not None:
        templates = templates.filter(case__in=cases)
    # Leaving out the few closed cases costs a third of what joining the many open ones does.
    return templates.exclude(case__in=Case.objects.filter(status=Case.Status.CLOSED))


def size(model: FaceModel, collections: Among[int] | None = None, cases: QuerySet[Case] | None = None) -> int:
    """How many cases a search compares with. Only narrowed to some cases is it counted anew."""
    if cases is not None:
        return searched(model, collections, cases).filter(is_main=True).count()
    counts = GalleryCount.objects.filter(model=model)
    if collections is not None:
        counts = counts.filter(collection__in=collections)
    return int(counts.aggregate(sum=Sum("cases", default=0))["sum"])


def sizes(model: FaceModel) -> dict[int, int]:
    """The same for each collection, by its id."""
    counts = GalleryCount.objects.filter(model=model).values("collection").annotate(sum=Sum("cases"))
    return dict(counts.values_list("collection", "sum"))


def shortlist(cases: int) -> int:
    """How many of so many cases to compare exactly, so that none is lost that an exact scan would find first.

    Measured in docs/performance.md, "Vector search".
    """
    return max(SHORTEST, min(cases // 100, 1000), cases // 500)


def search(
    model: FaceModel,
    embedding: NDArray[np.float32],
    *,
    collections: Among[int] | None = None,
    cases: QuerySet[Case] | None = None,
    limit: int = 20,
    at_least: float = -2.0,
    reliable: bool = False,
    common: float | None = None,
) -> list[Hit]:
    """The cases most like a probe, best first, each once with its most similar face.

    embedding: (d,) float32, unit length, of the same model. Both sides have unit length, so their inner product is the
    cosine. Ranked by the similarity less the allowance for poor pictures. at_least: what a hit must be worth. reliable:
    leave out templates that are too poor to rely on. common: the probe's commonness, where it is known from a search of
    more than these cases; measured among them if None.
    """
    one = np.asarray(embedding, np.float32)[None]
    known = None if common is None else np.array([common], np.float32)
    return search_all(
        model,
        one,
        collections=collections,
        cases=cases,
        limit=limit,
        at_least=at_least,
        reliable=reliable,
        common=known,
    )[0]


def search_all(
    model: FaceModel,
    embeddings: NDArray[np.float32],
    *,
    collections: Among[int] | None = None,
    cases: QuerySet[Case] | None = None,
    limit: int = 20,
    at_least: float = -2.0,
    reliable: bool = False,
    common: NDArray[np.float32] | None = None,
) -> list[list[Hit]]:
    """The same for several probes, in few statements. embeddings: (n, d) float32, unit length."""
    if not len(embeddings):
        return []
    cleaned, poorness = poor.without(np.asarray(embeddings, np.float32), model.direction)
    most = model.poor_limit if reliable else None
    among = commonness.population(model, collections)
    wanted = Wanted(model, cleaned, poorness, shortlist(among.cases), collections, most)
    ranked = [
        _ranked(one, float(poorest), templates)
        for one, poorest, templates in zip(cleaned, poorness, _worth_a_look(wanted, among.cases, cases), strict=True)
    ]
    first = max(limit * 2, commonness.LOOKED_AT)
    found: list[list[tuple[int, float, float, str]]] = []
    for rows, whole in zip(_first(ranked, first), ranked, strict=True):
        best = _best(rows)
        fetched = first
        while len(best) < limit and len(rows) == fetched:
            # Cases with several templates fill the list: look further down.
            fetched *= 4
            rows = list(whole[:fetched])
            best = _best(rows)
        found.append([(case, *likeness) for case, likeness in best.items()])
    if common is None:
        if cases is not None:
            among = commonness.population(model, None, searched(model, collections, cases).filter(is_main=True))
        following = [[(case, s - a) for case, s, a, _ in one[: commonness.LOOKED_AT]] for one in found]
        common = commonness.of(model, cleaned, among, following)
    chosen = [
        [likeness for likeness in one if likeness[1] - likeness[2] - off >= at_least][:limit]
        for one, off in zip(found, common.tolist(), strict=True)
    ]
    likest = _likest(model, cleaned, [{case: kind for case, *_, kind in one} for one in chosen])
    return [
        [Hit(case, faces.get(case), similarity, taken_off, off, kind) for case, similarity, taken_off, kind in one]
        for one, faces, off in zip(chosen, likest, common.tolist(), strict=True)
    ]


def common(model: FaceModel, embedding: NDArray[np.float32]) -> float:
    """A face's commonness among all cases: of a case's template too, which is first in its own search.

    embedding: (d,) float32, unit length.
    """
    hits = search(model, embedding, limit=1)
    return hits[0].commonness if hits else 0.0


def _worth_a_look(wanted: Wanted, in_all: int, cases: QuerySet[Case] | None) -> list[QuerySet[Template]]:
    """For each probe the templates to compare exactly: a small gallery's all, a large one's shortlist."""
    if in_all * wanted.model.dimensions <= EXACT_TO:
        templates = searched(wanted.model, wanted.collections, cases)
        if wanted.most is not None:
            templates = templates.filter(poorness__lte=wanted.most)
        return [templates for _ in wanted.embeddings]
    # What cases say only PostgreSQL knows.
    if cases is not None:
        near: Sequence[Iterable[int]] = POSTGRES.nearest(wanted, cases)
    else:
        near = feeding.shortlists(wanted) or (MEMORY if in_all <= HELD_TO else POSTGRES).nearest(wanted)
    return [Template.objects.filter(pk__in=one if isinstance(one, QuerySet) else _array(one)) for one in near]


def _array(templates: Iterable[int]) -> RawSQL:
    """Their ids as one value: a thousand values for each of ten probes take longer to write down than to find."""
    return RawSQL("SELECT unnest(%s::bigint[])", [list(templates)])


def _ranked(embedding: NDArray[np.float32], poorness: float, templates: QuerySet[Template]) -> QuerySet[Template, _Row]:
    """Cases with a template's negative similarity, allowance and kind, the most alike first."""
    # pgvector's operator is the negative inner product.
    distance = MaxInnerProduct("embedding", HalfVector(embedding))
    templates = templates.annotate(distance=distance, allowance=allowance(poorness))
    templates = templates.order_by(F("distance") + F("allowance") if is_poor(poorness) else "distance")
    return templates.values_list("case_id", "distance", "allowance", "kind")


def _first(ranked: Sequence[QuerySet[Template, _Row]], count: int) -> list[list[_Row]]:
    """The first rows of each, asked for together."""
    found: list[list[_Row]] = [[] for _ in ranked]
    for start in range(0, len(ranked), TOGETHER):
        parts = [
            rows.annotate(probe=Value(number)).values_list("probe", "case_id", "distance", "allowance", "kind")[:count]
            for number, rows in enumerate(ranked[start : start + TOGETHER], start)
        ]
        for number, *row in parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]:
            found[number].append((row[0], row[1], row[2], row[3]))
    # A union promises no order of its own.
    return [sorted(rows, key=lambda row: row[1] + row[2]) for rows in found]


def _best(rows: Sequence[_Row]) -> dict[int, tuple[float, float, str]]:
    """Each case once, with its most alike template's similarity, allowance and kind."""
    best: dict[int, tuple[float, float, str]] = {}
    for case, negative, taken_off, kind in rows:
        best.setdefault(case, (-float(negative), float(taken_off), kind))
    return best


def likest_face(model: FaceModel, embedding: NDArray[np.float32], case_id: int, found_by: str) -> int | None:
    """A case's subject face that is most like a probe, among its pictures of one kind: the one to show beside it."""
    return _likest(model, embedding[None], [{case_id: found_by}])[0].get(case_id)


def _likest(model: FaceModel, embeddings: NDArray[np.float32], cases: Sequence[dict[int, str]]) -> list[dict[int, int]]:
    """The same for several probes, each with its cases and the kind by which each was found."""
    nearest: list[dict[int, tuple[float, int]]] = [{} for _ in cases]
    asked = [number for number, found in enumerate(cases) if found]
    for start in range(0, len(asked), TOGETHER):
        parts = [
            Face.objects.filter(model=model, is_subject=True, case__in=list(cases[number]))
            .annotate(probe=Value(number), distance=MaxInnerProduct("embedding", HalfVector(embeddings[number])))
            .order_by()
            .values_list("probe", "case_id", "distance", "pk", "photo__kind")
            for number in asked[start : start + TOGETHER]
        ]
        for number, case, distance, pk, kind in parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]:
            kept = nearest[number].get(case)
            if kind == cases[number][case] and (kept is None or distance < kept[0]):
                nearest[number][case] = (distance, pk)
    return [{case: pk for case, (_, pk) in found.items()} for found in nearest]
