"""The map, and beside it the same as a list."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cases import audit
from cases.visibility import visible
from matching import places
from matching.map_forms import MapForm
from matching.models import Camera


def map_page(request: HttpRequest) -> HttpResponse:
    user = audit.signed_in(request)
    form = MapForm(request.GET, user=user)
    asked = form.asked() if form.is_valid() else places.Asked()
    context = {
        "form": form,
        "case": asked.case,
        "plan": asked.plan,
        # The list says the rest: by what they stand there.
        "kinds": {kind: places.KINDS[kind].partition(",")[0] for kind in places.Asked(plan=asked.plan).stands},
        "shown": asked.kinds,
        "unplaced": {} if asked.plan else places.unplaced(user),
        "not_on_it": visible(Camera, user).filter(plan=asked.plan, plan_x=None) if asked.plan else [],
    }
    return render(request, "map/page.html", context)


def look(request: HttpRequest, form: MapForm) -> None:
    """A row in the trail for each region that somebody looks at, and not for each move."""
    window, said = form.window(), form.cleaned_data
    sides = [round(side) for side in (window.west, window.south, window.east, window.north)]
    where = {"plan": said["plan"].pk} if said["plan"] else {"window": ",".join(map(str, sides))}
    words = {"case": said["case"].pk if said["case"] else "", **where}
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
        "steps": places.path(user, asked),
        "case": asked.case,
        "plan": asked.plan,
        "plans": places.plans(user, asked.case) if asked.case and not asked.plan else [],
    }
    return render(request, "map/_list.html", context)
