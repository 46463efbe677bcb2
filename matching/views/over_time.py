"""Time lines from years to seconds: of a case, a camera, a place, an unnamed person."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from cases import audit
from cases.visibility import visible
from matching import over_time
from matching.forms import WindowForm
from matching.views import charts


def of_one(request: HttpRequest, pk: int, model: Any) -> HttpResponse:
    return _answer(request, get_object_or_404(visible(model, request.user), pk=pk))


def of_place(request: HttpRequest) -> HttpResponse:
    """place: its words, as its cameras have them; without it the places that there are."""
    there = over_time.places(audit.signed_in(request))
    words = request.GET.get("place", "")
    if not words:
        return render(request, "over_time/places.html", {"places": there})
    if words.lower() not in {place.lower() for place, _ in there}:
        raise Http404
    return _answer(request, over_time.Place(words))


def _answer(request: HttpRequest, subject: over_time.Subject) -> HttpResponse:
    words = {"place": subject.words} if isinstance(subject, over_time.Place) else {}
    # Who looked is written once for all windows of it.
    audit.tell(request)
    route = request.resolver_match.view_name if request.resolver_match else ""
    audit.record_path_once(request, "viewed", route, f"{request.path}?{urlencode(words)}".rstrip("?"))
    form = WindowForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    found = over_time.look(subject, audit.signed_in(request), asked.get("since"), asked.get("until"))
    window = {"since": found.window.since, "until": found.window.until}
    context = {
        "subject": subject,
        "found": found,
        "drawn": charts.stacked(found),
        "kinds": [(name, over_time.KINDS[name], number) for name, number in found.totals.items()],
        "number": sum(found.totals.values()),
        "errors": form.errors,
        "form": WindowForm(initial=window),
        "place": words.get("place", ""),
        "also": f"&{urlencode(words)}" if words else "",
    }
    return render(request, "over_time/page.html", context, status=422 if form.errors else 200)
