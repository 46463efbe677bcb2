from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from cases import audit
from cases.models import Collection
from cases.visibility import visible
from matching.gallery import calibration
from matching.gallery import search as gallery
from matching.models import FaceModel
from matching.watching import levels


def collection_levels(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the collection's page: what each alert level means for its cases as they are now."""
    collection = get_object_or_404(visible(Collection, request.user), pk=pk)
    model = FaceModel.objects.filter(is_active=True).first()
    context: dict[str, object] = {"collection": collection, "level": collection.alert_level}
    if model is not None:
        calibrated, cases = calibration.of(model), gallery.size(model, [pk])
        captures = levels.captures_a_day(audit.signed_in(request))
        context |= {
            "calibration": calibrated,
            "cases": cases,
            "meanings": levels.meanings(calibrated, cases, captures),
            "captures": captures,
        }
    return render(request, "collections/_levels.html", context)
