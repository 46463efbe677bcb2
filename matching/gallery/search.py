"""Embeddings in, candidates out: an exhaustive search of the open cases' templates in PostgreSQL.

A gallery is scanned exactly while that is quick. A larger one is looked through by a gallery engine first, all of it,
and the most alike so found are compared exactly (docs/architecture.md, "Search").
"""

from collections import defaultdict
from collections.abc import Collection as Among
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, FloatField, QuerySet, Sum, Value
from django.db.models.expressions import RawSQL
from numpy.typing import NDArray
from pgvector import HalfVector

from cases.models import Case, Photo
from matching.faces import poor
from matching.gallery import commonness, feeding, templates
from matching.gallery.engines import MEMORY, POSTGRES, Wanted
from matching.gallery.engines.postgres import allowance, is_poor
from matching.models import Face, FaceModel, GalleryCount, Template

# Beyond so many numbers in the gallery's embeddings, looking at bits first is quicker than an exact scan.
EXACT_TO = 5_000_000
# Up to so many cases a process holds the gallery's bits in memory, some 150 bytes for each.
HELD_TO = 2_000_000
# The fewest of a large gallery to compare exactly.
SHORTEST = 300
# Probes that are searched for in one statement: of so many PostgreSQL does not think that compiling it would pay.
TOGETHER = 10
# A case, and of one of its templates the negative similarity, the allowance and the kind.
_Row = tuple[int, float, float, str]
# Read once, not for each row. Ids as texts: PostgreSQL has no lists of lists of several lengths.
_PROBES = """
    WITH probe AS MATERIALIZED (
        SELECT number, embedding::halfvec, poorness, among::bigint[] AS among
        FROM unnest(%s::int[], %s::text[], %s::float8[], %s::text[]) AS given (number, embedding, poorness, among)
    )"""


@dataclass(frozen=True)
class _Asked:
    """A probe as the database is asked for it. embedding: (d,) float32, unit length. among: a large gallery's
    shortlist, the ids of templates."""

    embedding: NDArray[np.float32]
    poorness: float
    among: list[int] | None


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
    found = Template.objects.filter(model=model)
    if collections is not None:
        found = found.filter(case__collection__in=collections)
    if cases is not None:
        found = found.filter(case__in=cases)
    # Leaving out the few closed cases costs a third of what joining the many open ones does.
    return found.exclude(case__in=Case.objects.filter(status=Case.Status.CLOSED))


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
    within, asked = _worth_a_look(wanted, among.cases, cases)
    first = max(limit * 2, commonness.LOOKED_AT)
    found: list[list[tuple[int, float, float, str]]] = []
    for rows, one in zip(_first(within, asked, first), asked, strict=True):
        best = _best(rows)
        fetched = first
        while len(best) < limit and len(rows) == fetched:
            # Cases with several templates fill the list: look further down.
            fetched *= 4
            (rows,) = _first(within, [one], fetched)
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


def _worth_a_look(wanted: Wanted, in_all: int, cases: QuerySet[Case] | None) -> tuple[QuerySet[Template], list[_Asked]]:
    """The templates to compare exactly: a small gallery's all, of a large one those on each probe's shortlist."""
    near: Sequence[Iterable[int] | None] = [None for _ in wanted.embeddings]
    if in_all * wanted.model.dimensions <= EXACT_TO:
        compared = searched(wanted.model, wanted.collections, cases)
        if wanted.most is not None:
            compared = compared.filter(poorness__lte=wanted.most)
    else:
        compared = Template.objects.filter(pk__in=RawSQL("SELECT unnest(probe.among)", []))
        # What cases say only PostgreSQL knows.
        if cases is not None:
            near = POSTGRES.nearest(wanted, cases)
        else:
            near = feeding.shortlists(wanted) or (MEMORY if in_all <= HELD_TO else POSTGRES).nearest(wanted)
    return compared, [
        _Asked(embedding, float(poorness), None if among is None else list(among))
        for embedding, poorness, among in zip(wanted.embeddings, wanted.poorness, near, strict=True)
    ]


def _first(compared: QuerySet[Template], probes: Sequence[_Asked], count: int) -> list[list[_Row]]:
    """Of each probe the first of the templates that it is compared with.

    Django writes the statement once for all of them, for that takes it longer than PostgreSQL takes to answer.
    """
    # pgvector's operator is the negative inner product.
    distance = RawSQL('"matching_template"."embedding" <#> probe.embedding', [], FloatField())
    is_any_poor = any(is_poor(one.poorness) for one in probes)
    taken_off = allowance(RawSQL("probe.poorness", [], FloatField())) if is_any_poor else Value(0.0)
    rows = compared.annotate(distance=distance, allowance=taken_off)
    rows = rows.order_by(F("distance") + F("allowance") if is_any_poor else "distance")
    found: list[list[_Row]] = [[] for _ in probes]
    try:
        each, values = rows.values_list("case_id", "distance", "allowance", "kind")[:count].query.sql_with_params()
    except EmptyResultSet:
        return found
    with connection.cursor() as cursor:
        for start in range(0, len(probes), TOGETHER):
            some = probes[start : start + TOGETHER]
            cursor.execute(
                f"{_PROBES} SELECT probe.number, found.* FROM probe CROSS JOIN LATERAL ({each}) AS found",  # noqa: S608
                [*_columns(some, start), *values],
            )
            for number, case, negative, off, kind in cursor:
                found[number].append((case, negative, float(off), kind))
    return [sorted(of_one, key=lambda row: row[1] + row[2]) for of_one in found]


def _columns(probes: Sequence[_Asked], first: int) -> list[list[Any]]:
    """As `_PROBES` reads them. first: the number of the first of them."""
    return [
        list(range(first, first + len(probes))),
        [HalfVector(one.embedding).to_text() for one in probes],
        [one.poorness for one in probes],
        [None if one.among is None else f"{{{','.join(map(str, one.among))}}}" for one in probes],
    ]


def _best(rows: Sequence[_Row]) -> dict[int, tuple[float, float, str]]:
    """Each case once, with its most alike template's similarity, allowance and kind."""
    best: dict[int, tuple[float, float, str]] = {}
    for case, negative, taken_off, kind in rows:
        best.setdefault(case, (-negative, taken_off, kind))
    return best


def likest_face(model: FaceModel, embedding: NDArray[np.float32], case_id: int, found_by: str) -> int | None:
    """A case's subject face that is most like a probe, among its pictures of one kind: the one to show beside it."""
    return _likest(model, embedding[None], [{case_id: found_by}])[0].get(case_id)


def _likest(model: FaceModel, embeddings: NDArray[np.float32], cases: Sequence[dict[int, str]]) -> list[dict[int, int]]:
    """The same for several probes, each with its cases and the kind by which each was found."""
    wanted = set().union(*cases)
    faces = Face.objects.filter(model=model, is_subject=True, case__in=wanted).annotate(wire=templates.wire())
    rows = list(faces.order_by("pk").values_list("pk", "case_id", "photo__kind", "wire")) if wanted else []
    if not rows:
        return [{} for _ in cases]
    similar = embeddings @ templates.numbers(wire for *_, wire in rows).T
    pictures: dict[tuple[int, str], list[int]] = defaultdict(list)
    for place, (_, case, kind, _) in enumerate(rows):
        pictures[case, kind].append(place)
    return [
        {
            case: rows[max(places, key=own.__getitem__)][0]
            for case, kind in found.items()
            if (places := pictures.get((case, kind)))
        }
        for found, own in zip(cases, similar, strict=True)
    ]
