"""What every page of the console shows: how many alerts wait, and a standing notice where one is due."""

from typing import Any

from django.http import HttpRequest

from cases import audit
from cases.visibility import visible
from matching.models import Alert, FaceModel
from matching.searching import deciding, standing


def console(request: HttpRequest) -> dict[str, Any]:
    if not getattr(request, "user", None) or not request.user.is_authenticated or request.path.startswith("/admin/"):
        return {}
    leads = deciding.decided(request.user)["waiting"].count()
    fresh = standing.fresh(request.user).count()
    return {
        "waiting_alerts": visible(Alert, request.user).filter(status=Alert.Status.NEW).count(),
        "questions": audit.open_questions(audit.signed_in(request)).count(),
        "waiting_leads": leads,
        "fresh_standing": fresh,
        "waiting_search": leads + fresh,
        "active_model": FaceModel.objects.filter(is_active=True).first(),
    }
