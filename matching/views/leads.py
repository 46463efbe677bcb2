"""Candidates on which somebody has decided: what waits for a second reviewer, and what came of it."""

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render

from cases import audit, exports
from cases.models import Case
from cases.visibility import visible
from matching.models import Candidate, Search
from matching.searching import candidate_tables, deciding, lead_file, sheets

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


def leads_export(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    """One of the lists as a table."""
    which, lists = request.GET.get("list", "confirmed"), deciding.decided(audit.signed_in(request))
    if which not in lists:
        raise Http404("There is no such list.")
    audit.record(request, "exported", audit.signed_in(request), f"leads as {kind}: {which}")
    return _candidates(f"leads-{which}", kind, lists[which])


def search_export(request: HttpRequest, pk: str, kind: str) -> StreamingHttpResponse:
    """A search's candidates as a table."""
    search = get_object_or_404(visible(Search, request.user), pk=pk)
    audit.record(request, "exported", search, search.purpose)
    return _candidates(f"candidates-{search.pk}", kind, visible(Candidate, request.user).filter(probe__search=search))


def _candidates(name: str, kind: str, found: QuerySet[Candidate]) -> StreamingHttpResponse:
    found = found.select_related("probe__search", "case__collection").prefetch_related("opinions__user")
    rows = map(candidate_tables.row, found.order_by("probe__position", "rank", "pk").iterator(chunk_size=500))
    return exports.as_table(name, kind, candidate_tables.COLUMNS, rows)


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


def _confirmed(request: HttpRequest, pk: int) -> Candidate:
    return get_object_or_404(
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


def lead_zip(request: HttpRequest, pk: int) -> HttpResponse:
    """A confirmed lead as one signed file."""
    lead = _confirmed(request, pk)
    row = audit.record(request, "took along lead", lead.case, f"candidate {lead.pk}")
    content = lead_file.packed(lead, audit.signed_in(request), str(row.pk))
    return exports.whole(f"lead-{lead.pk}.zip", content, "application/zip")


def lead_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    lead = _confirmed(request, pk)
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
