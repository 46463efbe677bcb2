"""A part of the case page: what happened to the case."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.dateparse import parse_datetime

from cases import audit
from cases.models import Case
from cases.visibility import visible
from matching import timeline

A_PAGE = 30


def case_timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """kind: of what; before: a moment, as ISO 8601: what happened earlier, to stand below what is there."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    kind, before = request.GET.get("kind", ""), _moment(request.GET.get("before", ""))
    if kind not in timeline.KINDS:
        kind = ""
    happened = timeline.of(case, audit.signed_in(request), kind, before, A_PAGE)
    more = happened[-1].at.isoformat() if len(happened) >= A_PAGE else ""
    context = {"case": case, "happened": happened, "kind": kind, "kinds": timeline.KINDS.items(), "more": more}
    template = "cases/_happened.html" if before else "cases/_timeline.html"
    return render(request, template, context)


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and found.tzinfo else None
