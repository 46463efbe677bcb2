from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cases import audit
from cases.visibility import visible
from matching.forms import CloseStandingForm
from matching.models import Search, StandingSearch
from matching.searching import standing


def standing_list(request: HttpRequest) -> HttpResponse:
    kept = standing.kept_open(audit.signed_in(request)).prefetch_related("search__probes")
    return render(request, "standing/list.html", {"kept": kept})


def standing_notice(request: HttpRequest) -> HttpResponse:
    """A part of the alerts' page: standing searches of this person that found somebody since they last looked."""
    return render(request, "standing/_notice.html", {"fresh": standing.fresh(audit.signed_in(request))})


@require_POST
def standing_open(request: HttpRequest, pk: str) -> HttpResponse:
    search = get_object_or_404(visible(Search, request.user), pk=pk)
    if standing.keep_open(search, audit.signed_in(request)):
        audit.record(request, "kept open", search, search.purpose)
        messages.success(request, "Kept open: whoever comes into the gallery is compared with these faces.")
    return redirect(search)


@require_POST
def standing_close(request: HttpRequest, pk: int) -> HttpResponse:
    one = get_object_or_404(StandingSearch.objects.select_related("search"), pk=pk, user=request.user)
    form = CloseStandingForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for error in form.errors["reason"]))
    elif standing.close(one, form.cleaned_data["reason"]):
        audit.record(request, "closed standing search", one.search, form.cleaned_data["reason"])
        messages.success(request, "The standing search is closed; the search itself stays in the history.")
    return redirect("standing")
