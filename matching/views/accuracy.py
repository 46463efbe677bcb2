"""What a likeness is worth here, and whether the alert levels are right."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cases import audit
from cases.visibility import collections_counted, counts_all
from matching.gallery import calibration, measuring
from matching.gallery import search as gallery
from matching.gallery.curves import Curve
from matching.models import FaceModel, Measurement
from matching.telling import board
from matching.views import charts
from matching.watching import levels


def system_accuracy(request: HttpRequest) -> HttpResponse:
    user = audit.signed_in(request)
    model = FaceModel.objects.filter(is_active=True).first()
    context = {
        "model": model,
        **(_error_rates(model, user) if model else {}),
        "counts_all": counts_all(user),
        "judged": board.judged(user),
    }
    return render(request, "system/accuracy.html", context)


def _error_rates(model: FaceModel, user: User) -> dict[str, Any]:
    measurement, cases = calibration.latest(model), gallery.size(model, collections_counted(user))
    captures = levels.captures_a_day(user)
    calibrated = calibration.by(model, measurement)
    chart, meanings = charts.error_rates(calibrated), levels.meanings(calibrated, cases, captures)
    return {
        "calibration": calibrated,
        "measurement": measurement,
        "check": [(n, round(share * measurement.probes), share) for n, share in measurement.check_of]
        if measurement and counts_all(user)
        else [],
        "missed_by": _missed_by(measurement, meanings) if measurement and counts_all(user) else [],
        "cases": cases,
        "enough": measuring.ENOUGH,
        "chart": chart,
        "meanings": meanings,
        "marks": chart.marks((meaning.threshold, meaning.label) for meaning in meanings),
        "captures": captures,
    }


def _missed_by(measurement: Measurement, meanings: list[levels.Meaning]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Of photos of one person here, the share below each alert level, by age and by years between."""
    headings = {"ages": "Age on the case's photo", "years": "Years between the photos"}
    found = []
    for kind, heading in headings.items():
        curves = [(name, Curve.from_json(kept)) for name, kept in measurement.mates_by.get(kind, [])]
        rows = [
            {"name": name, "pairs": curve.pairs, "missed": [(m.label, 1 - curve.share(m.threshold)) for m in meanings]}
            for name, curve in curves
        ]
        if rows:
            found.append((heading, rows))
    return found
