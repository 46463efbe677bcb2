"""What every page of the console shows: how many alerts wait, and a standing notice where one is due."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from cases import audit, desk, stores
from cases.models import FailedWork
from cases.visibility import sees_all, visible
from matching.gallery import feeding
from matching.models import Alert, Capture, Delivery, FaceModel
from matching.searching import deciding, standing

LATE = timedelta(minutes=1)


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
        "due_tasks": desk.due(audit.signed_in(request)).count(),
        "behind": _behind(request),
        "active_model": FaceModel.objects.filter(is_active=True).first(),
        "map_tiles": settings.MAP_TILES,
        "map_credit": settings.MAP_CREDIT,
    }


def _behind(request: HttpRequest) -> list[str]:
    """What is behind just now, in words, for a line on every page."""
    late = Capture.objects.filter(status=Capture.Status.PENDING, received_at__lt=timezone.now() - LATE)
    behind = ["pictures are out of reach just now, and come back by themselves"] if stores.were_away() else []
    if feeding.were_away():
        behind.append("searches take longer just now, for the gallery engine is out of reach")
    if number := _seen(late, request):
        behind.append(f"{number} captures wait longer than a minute")
    tried = Delivery.objects.filter(status=Delivery.Status.WAITING, attempts__gte=2)
    if number := _seen(tried, request):
        behind.append(f"{number} messages were refused and are tried again")
    sees_to_it = request.user.has_perm("cases.add_importrun") and sees_all(request.user)
    if sees_to_it and (number := FailedWork.objects.filter(set_aside_at__isnull=False).count()):
        behind.append(f"{number} piece{'' if number == 1 else 's'} of work could not be done, for you to see to")
    return behind


def _seen(rows: QuerySet[Any], request: HttpRequest) -> int:
    """How many of them this person sees. Mostly there is none at all, which is asked at a tenth of the cost."""
    return visible(rows, request.user).count() if rows.exists() else 0
