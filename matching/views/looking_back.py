from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from cases import audit
from cases.models import Case
from cases.visibility import SearchRefused, visible
from matching.faces.face_models import NoFaceModel, active
from matching.forms import LookBackForm
from matching.models import Alert, Probe
from matching.searching import around, looking_back
from matching.views import charts


def seen_probe(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the face of a search was seen before."""
    probe = get_object_or_404(
        visible(Probe.objects.select_related("search", "model"), request.user), pk=pk, search__isnull=False
    )
    try:
        found = looking_back.for_probe(probe, audit.signed_in(request))
    except SearchRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(probe.search or "search-history")
    audit.record(request, "looked back", probe.search or probe, probe.search.purpose if probe.search else "")
    return _seen(request, {"probe": probe, "found": found})


def alert_around(request: HttpRequest, pk: int) -> HttpResponse:
    """Which cameras somebody can have passed before or after an alert, who was like them there, where to look first."""
    alert = get_object_or_404(visible(Alert.objects.select_related("case__collection", "camera"), request.user), pk=pk)
    asked = request.GET.get("hours", "")
    hours = int(asked) if asked.isdecimal() and int(asked) in around.HOURS else around.HOURS[1]
    try:
        found = around.around(alert, audit.signed_in(request), hours)
    except SearchRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(alert)
    audit.record(request, "looked around", alert.case or alert.camera, around.words(alert, hours))
    context = {"alert": alert, "found": found, "hours": hours, "choices": around.HOURS, "drawn": _drawn(alert, found)}
    return render(request, "alerts/around.html", context)


def _drawn(alert: Alert, found: around.Around) -> dict[str, object] | None:
    """What the map of it shows; None where nobody knows where the sighting was."""
    if alert.camera.point is None:
        return None
    cameras = [
        {
            "number": number,
            "at": one.camera.point,
            "title": one.camera.name,
            "pk": one.camera.pk,
            "first": bool(one.best),
        }
        for number, one in enumerate(found.near, 1)
        if one.camera.point
    ]
    return {"at": alert.camera.point, "title": alert.camera.name, "rings": around.rings(), "cameras": cameras}


def seen_case(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a case's person may have been seen before, once it is said what for."""
    case = get_object_or_404(visible(Case.objects.select_related("collection"), request.user), pk=pk)
    form = LookBackForm(request.GET if "purpose" in request.GET else None)
    user = audit.signed_in(request)
    if form.is_valid():
        try:
            found = looking_back.for_case(case, active(), user, **form.cleaned_data)
        except NoFaceModel:
            found = looking_back.LookedBack(0, [])
        except SearchRefused as refusal:
            form.add_error(None, str(refusal))
        if not form.errors:
            audit.record(request, "looked back", case, form.why)
            return _seen(request, {"case": case, "found": found})
    context = {"case": case, "form": form}
    return render(request, "search/look_back.html", context, status=422 if form.errors else 200)


def _seen(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    found = context["found"]
    if isinstance(found, looking_back.LookedBack):
        context |= {
            "better": [one for one in found.visits if one.strength.word != "weak"],
            "weaker": [one for one in found.visits if one.strength.word == "weak"],
        }
        context["line"] = charts.time_line([(one.last, one.similarity, one) for one in found.visits])
    return render(request, "search/seen.html", context)
