"""A part of the case page: places on the web that are looked at for it, and what they showed."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from cases import audit
from cases.models import Case
from cases.visibility import SearchRefused, visible
from matching.forms import WebSourceForm
from matching.models import WebSource
from matching.searching import tasks, web, web_found, web_sources

SHOWN = 12


def case_web(request: HttpRequest, pk: int) -> HttpResponse:
    """The case's sources; one that is sent is added, and looked at at once."""
    user = audit.signed_in(request)
    case = get_object_or_404(visible(Case, user), pk=pk)
    form = WebSourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            source = web_sources.add(case, form.cleaned_data["address"], form.cleaned_data["every"], user)
        except (web.AddressRefused, SearchRefused) as refusal:
            form.add_error("address", str(refusal))
        else:
            audit.record(request, "added web source", case, source.address[:300])
            _look_soon(source)
            form = WebSourceForm()
    sources = list(web_sources.of_case(case))
    context = {
        "case": case,
        "form": form,
        "sources": sources,
        "is_waiting": any(one.looked_at is None for one in sources),
        "met": web_found.met(case, user)[:SHOWN],
    }
    answer = render(request, "web_sources/_of_case.html", context)
    web_found.seen(case, user)
    return answer


@require_POST
def web_source_move(request: HttpRequest, pk: int, how: str) -> HttpResponse:
    """Look at it now, or no more."""
    source = get_object_or_404(visible(WebSource.objects.select_related("case"), request.user), pk=pk)
    if how == "look":
        WebSource.objects.filter(pk=source.pk).update(next_at=timezone.now(), looked_at=None)
        _look_soon(source)
    elif how == "remove":
        audit.record(request, "removed web source", source.case, source.address[:300])
        source.delete()
        messages.success(request, f"{source.address} is looked at no more. What it showed is kept.")
    return redirect(source.case)


def _look_soon(source: WebSource) -> None:
    transaction.on_commit(lambda: tasks.look_at_source.delay(source.pk), robust=True)
