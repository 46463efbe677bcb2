from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from cases import audit
from cases.visibility import SearchRefused, visible
from matching.forms import CloseStandingForm
from matching.models import Search, StandingSearch
from matching.searching import standing, web_found


def standing_list(request: HttpRequest) -> HttpResponse:
    user = audit.signed_in(request)
    kept = standing.kept_open(user).prefetch_related("search__probes")
    closed, unseen = list(standing.closed_lately(user)), standing.closed_unseen(user)
    answer = render(request, "standing/list.html", {"kept": kept, "closed": closed})
    unseen.update(looked_at=timezone.now())
    return answer


def standing_notice(request: HttpRequest) -> HttpResponse:
    """A part of the alerts' page: this person's standing searches, and places on the web, that found somebody since
    they last looked."""
    user = audit.signed_in(request)
    context = {
        "fresh": standing.kept_open(user).filter(pk__in=standing.fresh(user)),
        "closed": standing.closed_unseen(user),
        "on_the_web": web_found.fresh(user),
    }
    return render(request, "standing/_notice.html", context)


@require_POST
def standing_open(request: HttpRequest, pk: str) -> HttpResponse:
    search = get_object_or_404(visible(Search, request.user), pk=pk)
    try:
        is_new = standing.keep_open(search, audit.signed_in(request))
    except SearchRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(search)
    if is_new:
        audit.record(request, "kept open", search, search.purpose)
        messages.success(request, "You watch for these faces: each new case is compared with them.")
    return redirect(search)


@require_POST
def standing_close(request: HttpRequest, pk: int) -> HttpResponse:
    one = get_object_or_404(StandingSearch.objects.select_related("search"), pk=pk, user=request.user)
    form = CloseStandingForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for error in form.errors["reason"]))
    elif standing.close(one, form.cleaned_data["reason"]):
        audit.record(request, "closed standing search", one.search, form.cleaned_data["reason"])
        messages.success(request, "You no longer watch for these faces; the search itself stays in the history.")
    return redirect("standing")
