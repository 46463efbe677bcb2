"""Whom places on the web showed that are looked at for a case, and who is yet to hear of it."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from cases.models import Case
from cases.visibility import visible
from matching.models import Batch, Candidate, WebSource
from matching.searching.workbench import WORDS
from matching.signals import candidate_found


def settle(batch: Batch) -> None:
    """What a source's batch found of its case is announced."""
    if batch.source is None:
        return
    met = Candidate.objects.filter(probe__search=batch.search, case=batch.source.case, strength__in=WORDS)
    with transaction.atomic():
        for candidate in met.filter(found_at=None).select_related("probe__search", "case"):
            candidate.found_at = timezone.now()
            candidate.save(update_fields=["found_at"])
            candidate_found.send(Candidate, candidate=candidate)


def met(case: Case, user: User) -> QuerySet[Candidate]:
    """The faces from its sources that are like a case's person, as somebody sees them; the latest first."""
    seen = visible(Candidate, user).filter(case=case, probe__search__batch__source__case=case, found_at__isnull=False)
    return seen.select_related("probe__search__batch__source", "case").order_by("-found_at", "-similarity")


def fresh(user: User) -> QuerySet[WebSource]:
    """Somebody's sources that found their case's person since they last looked, with how often (`likenesses`)."""
    candidates = "batches__search__probes__candidates"
    came = Q(**{f"{candidates}__found_at__gt": F("seen_at"), f"{candidates}__case": F("case")})
    mine = WebSource.objects.filter(user=user).select_related("case")
    return mine.annotate(likenesses=Count(candidates, filter=came, distinct=True)).filter(likenesses__gt=0)


def seen(case: Case, user: User) -> None:
    """Its owner has looked at what came until now."""
    WebSource.objects.filter(case=case, user=user).update(seen_at=timezone.now())
