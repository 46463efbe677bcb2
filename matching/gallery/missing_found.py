"""People who are missing compared with people found without a name: by their faces and by what is written of them.

Each found person keeps the likeliest missing ones as `CasePair`s, a work list for people. What somebody decided stays
for good, whatever is compared later.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max, Q, QuerySet

from cases import locks
from cases.models import Case, Collection, ImportedCase, Photo
from cases.names import plain
from matching.gallery import calibration, descriptions
from matching.gallery import search as gallery
from matching.gallery.descriptions import Described, Point
from matching.models import CasePair, FaceModel, MissingFoundRun, Template

LOCK = "missing and found"
# The least that must speak for a pair before it is shown, and how many a case keeps.
LEAST, KEPT = 1.5, 10
# How many are read whole: the best by measures alone, and the most alike by face.
SHORTLIST, FACES = 200, 30
# Of a face: no likeness says more than this, and one to a sketch or of the dead half.
MOST_OF_A_FACE = 6.0
# About a similarity, the width in which pairs are counted.
NEAR = 0.02
# It then makes room for others' photos, and goes on at the next turn.
SECONDS = 60

MISSING, FOUND = Collection.Kind.SOUGHT, Collection.Kind.UNIDENTIFIED


@dataclass(frozen=True)
class FaceLikeness:
    """own, other: ids of the faces that are most alike. weight: as `descriptions.Point` has it."""

    own: int | None
    other: int | None
    similarity: float
    weight: float
    strength: calibration.Strength


def between() -> Q:
    """Pairs of a missing and a found person."""
    one_way = Q(first__collection__kind=MISSING, second__collection__kind=FOUND)
    return one_way | Q(first__collection__kind=FOUND, second__collection__kind=MISSING)


def compare(must_stop: Callable[[], bool] = lambda: False, *, everything: bool = False) -> int:
    """Compare whoever is new or changed with all of the other kind; returns how many were compared.

    everything: every found person anew, for whom rules or other cases changed. Stopped or killed, it goes on where it
    was. Two at once do it once.
    """
    with locks.held(LOCK) as mine:
        if not mine:
            return 0
        missing, found = _open(MISSING), _open(FOUND)
        if not found.exists() or not missing.exists():
            return 0
        model = FaceModel.objects.filter(is_active=True).first()
        last = MissingFoundRun.objects.exclude(reached=None).first()
        since = None if everything or last is None else last.reached
        due = _due(found, missing, model, since)
        if not due:
            return 0
        described = {MISSING: _described(missing), FOUND: _described(found)}
        run = MissingFoundRun(missing=len(described[MISSING]), found=len(described[FOUND]))
        run.reached = last.reached if last else None
        # Comparing every found person covers whoever is there by now.
        newest = max(filter(None, (rows.aggregate(newest=Max("updated_at"))["newest"] for rows in (missing, found))))
        until = time.monotonic() + SECONDS
        for case in due:
            if must_stop() or (time.monotonic() > until and since is not None):
                break
            other = MISSING if case.collection.kind == FOUND else FOUND
            _compare(case, described[other], model)
            Template.objects.filter(case=case, model=model).update(compared=True)
            run.compared += 1
            if since is not None:
                run.reached = max(since, case.updated_at)
        else:
            run.reached = newest if since is None else run.reached
        run.save()
        return run.compared


def is_due() -> bool:
    """Whether somebody came or changed since the last comparison."""
    missing, found = _open(MISSING), _open(FOUND)
    if not found.exists():
        return False
    last = MissingFoundRun.objects.exclude(reached=None).first()
    model = FaceModel.objects.filter(is_active=True).first()
    return bool(_due(found, missing, model, last.reached if last else None, most=1)) and locks.is_free(LOCK)


def _open(kind: str) -> QuerySet[Case]:
    return Case.objects.filter(status=Case.Status.OPEN, collection__kind=kind)


def _due(
    found: QuerySet[Case],
    missing: QuerySet[Case],
    model: FaceModel | None,
    since: datetime | None,
    most: int | None = None,
) -> list[Case]:
    """Those to compare, as they changed. since: None for every found person, which covers all pairs."""
    found = found.select_related("collection").order_by("updated_at", "pk")
    if since is None:
        return list(found[:most])
    changed = Q(updated_at__gt=since)
    if model is not None:
        new = Template.objects.filter(model=model, compared=False)
        changed |= Q(pk__in=new.values("case"))
    both = Case.objects.filter(Q(pk__in=found.values("pk")) | Q(pk__in=missing.values("pk")))
    return list(both.filter(changed).select_related("collection").order_by("updated_at", "pk")[:most])


def _described(cases: QuerySet[Case]) -> Described:
    return Described.of(cases.values(*descriptions.COLUMNS).iterator(chunk_size=5000))


def _compare(case: Case, others: Described, model: FaceModel | None) -> None:
    """Bring one case's pairs up to date."""
    is_found = case.was_found
    own = Described.of([case])
    said = descriptions.weigh(others, own) if is_found else descriptions.weigh(own, others)
    sums = np.sum(list(said.values()), axis=0)
    faces = _faces(case, model)
    known = {pair.other(case.pk).pk: pair for pair in _pairs_of(case)}
    possible = np.flatnonzero(np.isfinite(sums))
    first = others.cases[possible[np.argsort(-sums[possible])[:SHORTLIST]]]
    wanted = {*map(int, first), *faces, *(pk for pk, pair in known.items() if not pair.decision)}
    there = set(map(int, others.cases))
    ranked = []
    for other in Case.objects.filter(pk__in=wanted & there).select_related("collection"):
        points = descriptions.points(*((other, case) if is_found else (case, other)))
        face = faces.get(other.pk)
        weight = descriptions.total(points) + (face.weight if face else 0.0)
        if weight >= LEAST:
            ranked.append((weight, other, face))
    ranked.sort(key=lambda one: (-one[0], one[1].pk))
    with transaction.atomic():
        _respect_exclusions(case)
        kept = {other.pk for _, other, _ in ranked[:KEPT]}
        for weight, other, face in ranked[:KEPT]:
            _write(case, other, weight, face)
        # A missing person's best may not be the best of each found one: those are trimmed from the other side.
        worthy = kept if is_found else {other.pk for _, other, _ in ranked}
        stale = [pair.pk for pk, pair in known.items() if not pair.decision and pk not in worthy]
        CasePair.objects.filter(pk__in=stale, decision="", said_by="").delete()


def _pairs_of(case: Case) -> QuerySet[CasePair]:
    mine = CasePair.objects.filter(between()).filter(Q(first=case) | Q(second=case))
    return mine.select_related("first__collection", "second__collection")


def _faces(case: Case, model: FaceModel | None) -> dict[int, FaceLikeness]:
    """The most alike of the other kind by face, by their cases' ids."""
    templates = list(case.templates.filter(model=model)) if model else []
    if model is None or not templates:
        return {}
    other = MISSING if case.was_found else FOUND
    among = list(Collection.objects.filter(kind=other).values_list("pk", flat=True))
    embeddings = np.array([template.embedding for template in templates], np.float32)
    calibrated, size = calibration.of(model), gallery.size(model, among)
    found: dict[int, FaceLikeness] = {}
    for template, embedding, hits in zip(
        templates, embeddings, gallery.search_all(model, embeddings, collections=among, limit=FACES), strict=True
    ):
        own = gallery.likest_face(model, embedding, case.pk, template.kind)
        for hit in hits:
            kind = hit.found_by if template.kind == Photo.Kind.PHOTOGRAPH else template.kind
            strength = calibration.strength(
                calibrated, hit.similarity, size, hit.allowance, hit.commonness, found_by=kind
            )
            weight = face_weight(calibrated, hit.worth) / (1 if kind == Photo.Kind.PHOTOGRAPH else 2)
            known = found.get(hit.case_id)
            if known is None or known.weight < weight:
                found[hit.case_id] = FaceLikeness(own, hit.face_id, hit.similarity, weight, strength)
    return found


def face_weight(calibrated: calibration.Calibration, similarity: float) -> float:
    """How much oftener mates than non-mates are as alike, as a power of ten, 0..`MOST_OF_A_FACE`.

    An unlike face speaks against nobody: years lie between the pictures, and death.
    """
    if calibrated.mates is None:
        return min(max(-math.log10(calibrated.non_mates.share(similarity)) - 2, 0.0), MOST_OF_A_FACE)
    mates, others = (
        max(curve.share(similarity - NEAR) - curve.share(similarity + NEAR), 1e-12)
        for curve in (calibrated.mates, calibrated.non_mates)
    )
    return min(max(math.log10(mates / others), 0.0), MOST_OF_A_FACE)


def _write(case: Case, other: Case, weight: float, face: FaceLikeness | None) -> None:
    first, second = sorted([case, other], key=lambda one: one.pk)
    values: dict[str, Any] = {"weight": weight}
    if face is not None:
        faces = (face.own, face.other) if first == case else (face.other, face.own)
        values |= {
            "first_face_id": faces[0], "second_face_id": faces[1], "similarity": face.similarity,
            "strength": face.strength.word, "strength_why": face.strength.why,
        }  # fmt: skip
    CasePair.objects.update_or_create(first=first, second=second, defaults=values)


def _respect_exclusions(case: Case) -> None:
    """Whom a source says that a found person is not is ruled out by its word, unless somebody here said otherwise."""
    if case.was_found:
        for excluded in case.exclusions:
            for other in _open(MISSING).filter(name__iexact=excluded["name"]):
                _exclude(case, other, excluded)
        return
    for other in _open(FOUND).exclude(exclusions=[]).filter(exclusions__contains=[{"name": case.name}]):
        for excluded in other.exclusions:
            _exclude(other, case, excluded)


def _exclude(found: Case, missing: Case, excluded: dict[str, object]) -> None:
    born = excluded.get("born")
    if plain(str(excluded["name"])) != plain(missing.name):
        return
    earliest, latest = missing.born_in
    if str(born or "").isdigit() and not (earliest or 0) <= int(str(born)) <= (latest or 9999):
        return
    first, second = sorted([found, missing], key=lambda one: one.pk)
    pair, _ = CasePair.objects.get_or_create(first=first, second=second)
    if pair.decision or pair.said_by:
        return  # decided here, or taken back here
    source = ImportedCase.objects.filter(case=found).select_related("source").first()
    pair.decision, pair.said_by = CasePair.Decision.RULED_OUT, source.source.name if source else "The case's source"
    pair.reason = f"Its list of people who are not {found.number} names {excluded['name']}" + (
        f", born {born}." if born else "."
    )
    pair.save(update_fields=["decision", "said_by", "reason"])


def points(pair: CasePair) -> Sequence[Point]:
    """What speaks for and against a pair, what says most first."""
    said = descriptions.points(pair.missing, pair.found)
    if pair.similarity is not None and pair.strength:
        worth = calibration.LABELS.get(pair.strength, pair.strength).lower()
        face = max((pair.weight or 0.0) - descriptions.total(said), 0.0)
        if face > 0.05:
            said.insert(0, Point(f"Faces are alike: {pair.similarity:.2f}, {worth}", face))
    return said


def pairs(decisions: Iterable[str]) -> QuerySet[CasePair]:
    """Pairs of a missing and a found person by what was decided; undecided ones while both cases are open."""
    found = CasePair.objects.filter(between(), decision__in=list(decisions))
    both_open = Q(first__status=Case.Status.OPEN, second__status=Case.Status.OPEN)
    undecided = [CasePair.Decision.OPEN, CasePair.Decision.PURSUED]
    found = found.filter(~Q(decision__in=undecided) | both_open)
    return found.select_related("first__collection", "second__collection", "first_face", "second_face", "decided_by")


COLUMNS = [
    "missing", "missing name", "found", "found on", "weight", "similarity", "strength", "for", "against", "decision",
    "by means", "why", "decided by", "decided at",
]  # fmt: skip


def row(pair: CasePair) -> list[object]:
    """A pair as it is taken along, headed `COLUMNS`."""
    said = points(pair)
    return [
        pair.missing.number, pair.missing.display_name, pair.found.number, pair.found.last_seen_on or "",
        "" if pair.weight is None else round(pair.weight, 2),
        "" if pair.similarity is None else round(pair.similarity, 4), pair.strength,
        "; ".join(one.words for one in said if one.weight > 0),
        "; ".join(one.words for one in said if one.weight < 0),
        pair.get_decision_display(), pair.get_means_display() if pair.means else "", pair.reason,
        pair.who if pair.decision else "", pair.decided_at.isoformat() if pair.decided_at else "",
    ]  # fmt: skip
