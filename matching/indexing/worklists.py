"""What waits for people in the gallery, list by list, and what they decide there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from cases import locating
from cases.models import Case, Photo, change_photos
from matching.gallery import missing_found, templates
from matching.models import CasePair, Face, FaceModel, OddPhoto, Template

# Of a missing and a found person, while nobody knows.
MAY_BE = (CasePair.Decision.OPEN, CasePair.Decision.PURSUED)
OPEN = Q(case__status=Case.Status.OPEN)


def pairs(decision: str = CasePair.Decision.OPEN) -> QuerySet[CasePair]:
    """Pairs of open cases that may be one person, most alike first; their faces are still searched."""
    both_there = Q(first_face__is_subject=True, second_face__is_subject=True)
    if not decision:
        both_there &= Q(first__status=Case.Status.OPEN, second__status=Case.Status.OPEN)
    found = CasePair.objects.filter(both_there, decision=decision).exclude(missing_found.between())
    return found.select_related("first__collection", "second__collection", "first_face", "second_face", "decided_by")


def missing_and_found(decisions: Iterable[str] = MAY_BE) -> QuerySet[CasePair]:
    """Pairs of a missing person and one found without a name, those first for which most speaks."""
    return missing_found.pairs(decisions).order_by(F("weight").desc(nulls_last=True), "pk")


def odd_photos(decision: str = OddPhoto.Decision.OPEN) -> QuerySet[OddPhoto]:
    """Photos that may show another person than their case's, those that name whom first."""
    found = OddPhoto.objects.filter(decision=decision, photo__case__status=Case.Status.OPEN)
    if not decision:
        found = found.filter(face__is_subject=True, own_face__is_subject=True)
    found = found.select_related("photo__case", "face", "own_face", "other_face__case", "decided_by")
    return found.order_by(F("other_similarity").desc(nulls_last=True), "own_similarity", "pk")


def photos(status: str) -> QuerySet[Photo]:
    """Open cases' photos whose indexing ended so."""
    return Photo.objects.filter(OPEN, status=status).select_related("case").order_by("pk")


def unconfirmed(model: FaceModel | None) -> QuerySet[Photo]:
    """Open cases' photos whose subject nobody has confirmed, the most doubtful first."""
    taken = Face.objects.filter(photo=OuterRef("pk"), model=model, is_subject=True, chosen_by__in=Face.UNCONFIRMED)
    doubt = taken.order_by("-doubt").values("doubt")[:1]
    found = Photo.objects.filter(OPEN, status=Photo.Status.INDEXED).annotate(doubt=Subquery(doubt))
    return found.filter(doubt__isnull=False).select_related("case").order_by("-doubt", "pk")


def too_poor_cases(model: FaceModel | None) -> QuerySet[Case]:
    """Open cases whose every template is too poor to rely on."""
    if model is None or model.poor_limit is None:
        return Case.objects.none()
    searched_by = Template.objects.filter(case=OuterRef("pk"), model=model)
    good = searched_by.filter(poorness__lte=model.poor_limit)
    cases = Case.objects.filter(Exists(searched_by), ~Exists(good), status=Case.Status.OPEN)
    return cases.select_related("collection").order_by("pk")


def poor_faces(model: FaceModel | None) -> QuerySet[Face]:
    """The searched faces whose likenesses are worth less, smallest first."""
    faces = Face.objects.filter(OPEN, Face.has_weaknesses(), model=model, is_subject=True)
    return faces.select_related("photo", "case").order_by("size", "pk")


def unusable_cases(model: FaceModel | None) -> QuerySet[Case]:
    """Open cases that no search can find: without a searched face."""
    searched = Face.objects.filter(case=OuterRef("pk"), model=model, is_subject=True)
    return Case.objects.filter(~Exists(searched), status=Case.Status.OPEN).select_related("collection").order_by("pk")


@dataclass(frozen=True)
class WorkList:
    """title: for the tab. what: one sentence on why it matters. rows: what waits, given the active model."""

    title: str
    what: str
    rows: Callable[[FaceModel | None], QuerySet[Any]]


LISTS = {
    "duplicates": WorkList(
        "Same person?", "Two cases whose faces are very much alike. Compare, then say what they are.", lambda m: pairs()
    ),
    "missing-found": WorkList(
        "Missing and found",
        "People found without a name beside the missing ones whom they may be, by face and by description.",
        lambda m: missing_and_found(),
    ),
    "odd": WorkList(
        "Wrong person?",
        "Photos unlike their own case's others, or more like another case's. A mislabelled photo poisons every search.",
        lambda m: odd_photos(),
    ),
    "subject": WorkList(
        "Which face?", "Photos with several faces. One is searched as the person: confirm it, or say which it is.",
        unconfirmed,
    ),
    "better": WorkList(
        "A better photo is needed",
        "All that shows these people is too poor to rely on: they are searched, but raise no alert.", too_poor_cases,
    ),
    "places": WorkList(
        "Which place?",
        "Words that may mean several towns, or none that is known. Until somebody says which, the case is on no map.",
        lambda m: locating.unsure(),
    ),
    "no-face": WorkList(
        "No face", "No face was found. Another photo helps, or the right view.", lambda m: photos(Photo.Status.NO_FACE)
    ),
    "unreadable": WorkList(
        "Unreadable", "The file could not be read. Fetch it again or send it anew.",
        lambda m: photos(Photo.Status.UNREADABLE),
    ),
    "poor": WorkList("Poor quality", "These photos are searched, but a likeness to them says less.", poor_faces),
    "unusable": WorkList(
        "Cases without a face", "These cases have no usable face: no search and no camera finds them.", unusable_cases
    ),
}  # fmt: skip


class CannotLink(Exception):
    """What is said of two cases cannot be; the text says why."""


def decide_pair(pair: CasePair, decision: str, user: User, means: str = "", reason: str = "") -> None:
    """Say whether two cases are one person; an empty decision takes it back.

    means: a `CasePair.Means`; reason: in words. Raises `CannotLink` where somebody is ruled out without a word on why.
    """
    if decision == CasePair.Decision.RULED_OUT and not (means or reason.strip()):
        raise CannotLink("Say by what the person was ruled out: choose it, or write why.")
    pair.decision = CasePair.Decision(decision)
    pair.decided_by, pair.decided_at = (user, timezone.now()) if decision else (None, None)
    pair.means, pair.reason = CasePair.Means(means if decision else ""), reason.strip()[:500] if decision else ""
    if decision:
        pair.said_by = ""
    pair.save(update_fields=["decision", "decided_by", "decided_at", "means", "reason", "said_by"])


def link(case: Case, other: Case | None, decision: str, user: User, means: str = "", reason: str = "") -> CasePair:
    """Say of two cases, alike or not, that they are one person, siblings, or not the same. Raises `CannotLink`."""
    if other is None or other == case:
        raise CannotLink("Give the number of another case." if other else "There is no such case.")
    if decision not in (CasePair.Decision.SAME, CasePair.Decision.RELATED, CasePair.Decision.RULED_OUT):
        raise CannotLink("Say whether they are the same person, siblings, or ruled out.")
    first, second = sorted([case, other], key=lambda one: one.pk)
    with transaction.atomic():
        pair, _ = CasePair.objects.get_or_create(first=first, second=second)
        decide_pair(pair, decision, user, means, reason)
    return pair


def decide_odd(odd: OddPhoto, decision: str, user: User) -> None:
    """Say whether a photo shows its case's person. One that does not is kept, but searched no more.

    An empty decision takes it back.
    """
    with transaction.atomic():
        before, odd.decision = odd.decision, OddPhoto.Decision(decision)
        odd.decided_by, odd.decided_at = (user, timezone.now()) if decision else (None, None)
        odd.save(update_fields=["decision", "decided_by", "decided_at"])
        if odd.decision == OddPhoto.Decision.WRONG:
            change_photos([odd.photo], view=Photo.View.OTHER)
        elif before == OddPhoto.Decision.WRONG:
            change_photos([odd.photo], view=Photo.View.FRONT)
        if odd.decision == OddPhoto.Decision.RIGHT and odd.own_face is not None:
            # Of two photos that are unlike each other, each is on the list: one answer does for both.
            twins = OddPhoto.objects.filter(photo=odd.own_face.photo_id, own_face__photo=odd.photo, other_face=None)
            twins.filter(decision="").update(decision=decision, decided_by=user, decided_at=odd.decided_at)
        if odd.face is not None:
            # From now on it counts in its case's template, or no more.
            templates.rebuild(odd.face.model, [odd.photo.case_id])
