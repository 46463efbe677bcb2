"""The map, and beside it the same as a list."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cases import audit
from matching import places
from matching.map_forms import MapForm


def map_page(request: HttpRequest) -> HttpResponse:
    user = audit.signed_in(request)
    form = MapForm(request.GET, user=user)
    case = form.cleaned_data["case"] if form.is_valid() else None
    context = {
        "form": form,
        "case": case,
        # The list says the rest: by what they stand there.
        "kinds": {kind: words.partition(",")[0] for kind, words in places.KINDS.items()},
        "shown": request.GET.getlist("show") or list(places.KINDS),
        "unplaced": places.unplaced(user),
    }
    return render(request, "map/page.html", context)


def look(request: HttpRequest, form: MapForm) -> None:
    """A row in the trail for each region that somebody looks at, and not for each move."""
    window, said = form.window(), form.cleaned_data
    sides = [round(side) for side in (window.west, window.south, window.east, window.north)]
    words = {"case": said["case"].pk if said["case"] else "", "window": ",".join(map(str, sides))}
    audit.tell(request)
    route = request.resolver_match.view_name if request.resolver_match else "map"
    audit.record_path_once(request, "viewed", route, f"{request.path}?{urlencode(words)}")


def map_list(request: HttpRequest) -> HttpResponse:
    user = audit.signed_in(request)
    form = MapForm(request.GET, user=user)
    if not form.is_valid():
        return render(request, "map/_list.html", {"errors": form.errors}, status=422)
    asked = form.asked()
    look(request, form)
    context = {
        "groups": places.listed(user, form.window(), asked),
        "most": places.LISTED,
        "steps": places.path(user, asked.case) if asked.case else [],
        "case": asked.case,
    }
    return render(request, "map/_list.html", context)
