"""Standing searches: one that found nobody is kept open, and whoever comes into the gallery is compared with it."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from cases.fair_use import may_compare, may_search
from cases.filters import SearchedCases
from cases.models import Case
from cases.visibility import SearchRefused, searchable
from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.faces.images import ImageRefused
from matching.gallery import calibration, strengths, templates
from matching.gallery import search as gallery
from matching.models import Candidate, FaceModel, Probe, Search, StandingSearch, Template, WebSource
from matching.searching import pictures

# Somebody who came is shown where strangers' best candidates are as alike in so large a share of searches: strong and
# half of the fair ones.
FPIR = 0.05
LATELY = timedelta(days=30)


def keep_open(search: Search, user: User) -> bool:
    """Compare whoever comes with this search's faces from now on; False where this person does so already.

    Raises `SearchRefused`.
    """
    may_search(user, search.collections.all(), purpose=search.purpose, reference=search.reference)
    try:
        with transaction.atomic():
            StandingSearch.objects.create(search=search, user=user)
    except IntegrityError:
        return False
    return True


def close(standing: StandingSearch, reason: str, *, by_owner: bool = True) -> bool:
    """End it, with the reason; False where it was closed already. by_owner: else its owner has yet to hear of it."""
    now = timezone.now()
    seen = {"looked_at": now} if by_owner else {}
    open_ = StandingSearch.objects.filter(pk=standing.pk, closed_at=None)
    return bool(open_.update(closed_at=now, closed_reason=reason[:300], **seen))


def close_lapsed() -> list[StandingSearch]:
    """Close those whose owner may search no more, each with that reason; returns them."""
    closed = []
    for one in StandingSearch.objects.filter(closed_at=None).select_related("user", "search"):
        try:
            may_compare(one.user)
            searchable(one.user, one.search.collections.all())
        except SearchRefused as refusal:
            if close(one, str(refusal), by_owner=False):
                one.refresh_from_db()
                closed.append(one)
    return closed


def closed_lately(user: User) -> QuerySet[StandingSearch]:
    """This person's that were closed in the last month, the latest first."""
    since = timezone.now() - LATELY
    closed = StandingSearch.objects.filter(user=user, closed_at__gte=since).select_related("search")
    return closed.order_by("-closed_at")


def closed_unseen(user: User) -> QuerySet[StandingSearch]:
    """Those of them that ended by themselves, and that this person has not seen on their list."""
    return closed_lately(user).filter(closed_at__gt=F("looked_at"))


def kept_open(user: User) -> QuerySet[StandingSearch]:
    """This person's, the oldest first, each with how many likenesses came since they last looked (`fresh`)."""
    came = Q(search__probes__candidates__found_at__gt=F("looked_at"))
    mine = StandingSearch.objects.filter(user=user, closed_at=None).select_related("search")
    return mine.annotate(
        fresh=Count("search__probes__candidates", filter=came, distinct=True),
        came=Count(
            "search__probes__candidates",
            filter=Q(search__probes__candidates__found_at__isnull=False),
            distinct=True,
        ),
    ).order_by("opened_at", "pk")


def fresh(user: User) -> QuerySet[StandingSearch]:
    """Those of them that found somebody since this person last looked."""
    came = Candidate.objects.filter(probe__search=OuterRef("search"), found_at__gt=OuterRef("looked_at"))
    return StandingSearch.objects.filter(Exists(came), user=user, closed_at=None)


def looked_at(search: Search, user: User) -> None:
    """Its owner has seen what came until now."""
    StandingSearch.objects.filter(search=search, user=user, closed_at=None).update(looked_at=timezone.now())


def bring_over(model: FaceModel) -> list[Candidate]:
    """Search again, by the model that came into use, what is kept open under a former one; it then stands for the old.

    Returns whom the former one had not found. A batch, whose files would have to be looked at anew, stays as it is and
    the list says so.
    """
    found: list[Candidate] = []
    behind = StandingSearch.objects.filter(closed_at=None, search__batch=None).exclude(search__model=model)
    for one in behind.select_related("search", "user"):
        with transaction.atomic():
            found += _bring_over(one, model)
    return found


def _bring_over(one: StandingSearch, model: FaceModel) -> list[Candidate]:
    old = one.search
    try:
        with old.image.open() as file:
            new = pictures.search_image(
                file.read(),
                old.filename,
                user=one.user,
                purpose=old.purpose,
                reference=old.reference,
                collections=list(old.collections.all()),
                narrowed=SearchedCases(old.filters) if old.filters else None,
            )
    except (FileNotFoundError, ImageRefused, SearchRefused) as problem:
        close(one, f"It could not be searched with {model}: {problem}", by_owner=False)
        return []
    StandingSearch.objects.filter(pk=one.pk).update(search=new)
    return _not_found_before(old, new)


def _not_found_before(old: Search, new: Search) -> list[Candidate]:
    threshold = calibration.by(new.model, new.measurement).threshold(FPIR, new.gallery_size)
    known = Candidate.objects.filter(probe__search=old).values("case")
    fresh = Candidate.objects.filter(probe__search=new, similarity__gte=threshold + F("allowance") + F("commonness"))
    fresh.exclude(case__in=known).update(found_at=timezone.now())
    return list(Candidate.objects.filter(probe__search=new, found_at__isnull=False))


@dataclass(frozen=True)
class Faces:
    """The faces of all searches that are kept open. embeddings: (n, d) float32, unit length, poor direction out."""

    probes: list[Probe]
    embeddings: Embeddings
    poorness: NDArray[np.float32]


def faces(model: FaceModel) -> Faces:
    kept = Probe.objects.filter(model=model, search__standing__closed_at=None, search__standing__isnull=False)
    probes = list(kept.select_related("search", "model").distinct())
    usable = [probe for probe in probes if not probe.is_too_poor]
    wires = dict(
        Probe.objects.filter(pk__in=[p.pk for p in usable]).annotate(w=templates.wire()).values_list("pk", "w")
    )
    raw = templates.numbers(wires[p.pk] for p in usable) if usable else np.empty((0, model.dimensions), np.float32)
    return Faces(usable, *poor.without(raw, model.direction))


def compare(template: Template, kept: Faces) -> list[Candidate]:
    """Who of a case's template are like the faces that are kept open: as new candidates of those searches."""
    if not kept.probes:
        return []
    model, case = template.model, template.case
    threshold = calibration.of(model).threshold(FPIR, gallery.size(model))
    allowances = calibration.allowance(kept.poorness, np.float32(template.poorness))  # type: ignore[arg-type]
    similarities = kept.embeddings @ np.asarray(template.embedding, np.float32)
    found = []
    for place in np.flatnonzero(similarities - allowances >= threshold):
        probe = kept.probes[place]
        if probe.search is None or not _is_among(case, probe.search):
            continue
        hit = gallery.Hit(
            case.pk,
            gallery.likest_face(model, kept.embeddings[place], case.pk, template.kind),
            float(similarities[place]),
            float(allowances[place]),
            probe.commonness,
            template.kind,
        )
        if hit.worth >= threshold:
            candidate = _found(probe, hit, threshold)
            found += [candidate] if candidate else []
    return found


def _is_among(case: Case, search: Search) -> bool:
    collections = list(search.collections.values_list("pk", flat=True))
    if collections and case.collection_id not in collections:
        return False
    return not search.filters or SearchedCases(search.filters).qs.filter(pk=case.pk).exists()


def _found(probe: Probe, hit: gallery.Hit, threshold: float) -> Candidate | None:
    """The case as a candidate of the face, where nobody has seen it as one that much alike."""
    with transaction.atomic():
        Probe.objects.select_for_update().get(pk=probe.pk)
        known = Candidate.objects.filter(probe=probe, case=hit.case_id).first()
        if known is not None and (known.decision or known.worth >= threshold):
            return None
        last = Candidate.objects.filter(probe=probe).aggregate(last=Max("rank"))["last"] or 0
        candidate = known or Candidate(probe=probe, case_id=hit.case_id, rank=last + 1)
        candidate.similarity, candidate.allowance, candidate.face_id = hit.similarity, hit.allowance, hit.face_id
        candidate.commonness, candidate.found_by, candidate.found_at = hit.commonness, hit.found_by, timezone.now()
        strengths.judge(candidate, calibration.of(probe.model), _searched(probe))
        candidate.save()
    return candidate


def _searched(probe: Probe) -> int:
    """How many cases its search goes through as they are now."""
    search = probe.search
    among = list(search.collections.values_list("pk", flat=True)) if search else []
    narrowed = SearchedCases(search.filters).qs if search and search.filters else None
    return gallery.size(probe.model, among or None, narrowed)


def owners(candidate: Candidate) -> list[int]:
    """The users who keep a candidate's search open, and whose place on the web it was found on."""
    search = candidate.probe.search_id
    open_ = StandingSearch.objects.filter(search=search, closed_at=None).values_list("user", flat=True)
    return list(open_.union(WebSource.objects.filter(batches__search=search).values_list("user", flat=True)))
