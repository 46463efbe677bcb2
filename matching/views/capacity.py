"""What cameras, cases and searches need, and cost a month."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from cases import audit
from cases.visibility import counts_all
from matching import capacity
from matching.faces.engines import EngineUnavailable
from matching.faces.face_models import NoFaceModel
from matching.forms import CapacityForm


def system_capacity(request: HttpRequest) -> HttpResponse:
    usual = {name: field.initial for name, field in CapacityForm.base_fields.items()}
    form = CapacityForm({**usual, **request.GET.dict()})
    rate = capacity.rates()
    lines = capacity.need(*form.said(), rate) if form.is_valid() else []
    now = urlencode(capacity.present()) if counts_all(audit.signed_in(request)) else ""
    context = {"form": form, "lines": lines, "now": now, "where_from": capacity.where_from(rate)}
    return render(request, "system/capacity.html", context, status=422 if form.errors else 200)


@require_POST
def system_capacity_measure(request: HttpRequest) -> HttpResponse:
    try:
        audit.record(request, "measured", capacity.measure())
    except (capacity.NothingToMeasure, NoFaceModel, EngineUnavailable) as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, "What work costs here was measured.")
    return redirect("system-capacity")
