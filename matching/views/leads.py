"""Candidates on which somebody has decided: what waits for a second reviewer, and what came of it."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from cases import audit
from cases.models import Case
from cases.visibility import visible
from matching.models import Candidate, Search
from matching.searching import deciding, sheets

PAGE_SIZE = 24
LISTS = [
    ("waiting", "Waits for your word"),
    ("proposed", "Proposed by you"),
    ("disputed", "Disagreements"),
    ("confirmed", "Confirmed leads"),
]


def lead_list(request: HttpRequest) -> HttpResponse:
    lists = deciding.decided(audit.signed_in(request))
    which = request.GET.get("list", "waiting")
    if which not in lists:
        which = "waiting"
    context = {
        "page": Paginator(lists[which], PAGE_SIZE).get_page(request.GET.get("page")),
        "which": which,
        "lists": [(name, label, lists[name].count()) for name, label in LISTS],
    }
    return render(request, "leads/list.html", context)


def case_leads(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the case page: the faces that somebody took for this person's."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    decisions = Candidate.Decision
    leads = (
        visible(Candidate, request.user)
        .filter(case=case, probe__search__isnull=False)
        .filter(decision__in=[decisions.CONFIRMED, decisions.POSSIBLE, decisions.DISPUTED])
        .select_related("probe__search__model", "probe__search__measurement", "case")
        .order_by("-pk")[:12]
    )
    return render(request, "leads/_of_case.html", {"leads": leads})


def lead_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    lead = get_object_or_404(
        visible(
            Candidate.objects.select_related(
                "probe__search__model", "probe__search__measurement", "case__collection", "face__model"
            ),
            request.user,
        ),
        pk=pk,
        decision=Candidate.Decision.CONFIRMED,
        probe__search__isnull=False,
    )
    row = audit.record(request, "printed lead", lead.case, f"candidate {lead.pk}")
    return _pdf(sheets.lead_sheet(lead, audit.signed_in(request), str(row.pk)), f"lead-{lead.pk}.pdf")


def search_sheet(request: HttpRequest, pk: str) -> HttpResponse:
    search = get_object_or_404(
        visible(Search.objects.select_related("model", "measurement", "user"), request.user), pk=pk
    )
    row = audit.record(request, "printed candidates", search, search.purpose)
    return _pdf(sheets.candidate_list(search, audit.signed_in(request), str(row.pk)), f"candidates-{search.pk}.pdf")


def _pdf(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        content, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )
