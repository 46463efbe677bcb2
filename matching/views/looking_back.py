from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from cases import audit
from cases.models import Case
from cases.visibility import visible
from matching.faces.face_models import NoFaceModel, active
from matching.models import Probe
from matching.searching import looking_back
from matching.views import charts


def seen_probe(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the face of a search was seen before."""
    probe = get_object_or_404(
        visible(Probe.objects.select_related("search", "model"), request.user), pk=pk, search__isnull=False
    )
    audit.record(request, "looked back", probe.search or probe, probe.search.purpose if probe.search else "")
    return _seen(request, {"probe": probe, "found": looking_back.for_probe(probe, audit.signed_in(request))})


def seen_case(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a case's person may have been seen before."""
    case = get_object_or_404(visible(Case.objects.select_related("collection"), request.user), pk=pk)
    audit.record(request, "looked back", case)
    try:
        found = looking_back.for_case(case, active(), audit.signed_in(request))
    except NoFaceModel:
        found = looking_back.LookedBack(0, [])
    return _seen(request, {"case": case, "found": found})


def _seen(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    found = context["found"]
    if isinstance(found, looking_back.LookedBack):
        context |= {
            "better": [one for one in found.visits if one.strength.word != "weak"],
            "weaker": [one for one in found.visits if one.strength.word == "weak"],
        }
        context["line"] = charts.time_line([(one.last, one.similarity, one) for one in found.visits])
    return render(request, "search/seen.html", context)
