from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from cases import audit
from cases.models import Case
from cases.visibility import visible
from matching.models import Alert, Review
from matching.telling import notifying

PAGE_SIZE = 24


def alert_cards(user: Any) -> QuerySet[Alert]:
    """Alerts that this person sees, with all that a card shows."""
    return with_card(visible(Alert, user))


def with_card(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    return alerts.select_related(
        "case__collection", "camera", "best_capture__probe", "best_face__model", "model", "measurement"
    ).prefetch_related("reviews__user")


def alert_list(request: HttpRequest) -> HttpResponse:
    status = request.GET.get("status", Alert.Status.NEW)
    alerts = alert_cards(request.user)
    if status in Alert.Status.values:
        alerts = alerts.filter(status=status)
    context = {
        "page": Paginator(alerts, PAGE_SIZE).get_page(request.GET.get("page")),
        "status": status,
        "statuses": [
            *((value, label, _waiting(request, value)) for value, label in Alert.Status.choices),
            ("all", "All", 0),
        ],
        "now": timezone.now().isoformat(),
    }
    return render(request, "alerts/list.html", context)


def _waiting(request: HttpRequest, status: str) -> int:
    """How many wait for somebody's word; the new ones have their badge."""
    waits = status in (Alert.Status.PROPOSED, Alert.Status.DISPUTED)
    return visible(Alert, request.user).filter(status=status).count() if waits else 0


def alert_detail(request: HttpRequest, pk: int) -> HttpResponse:
    alert = get_object_or_404(alert_cards(request.user), pk=pk)
    audit.record(request, "viewed", alert.case, f"alert {alert.pk} at {alert.camera}")
    entries = alert.entries.select_related("capture__probe").order_by("-similarity")[:24]
    spoken = {review.user_id for review in alert.reviews.all()}
    hidden = alert.status == Alert.Status.PROPOSED and request.user.pk not in spoken
    return render(request, "alerts/detail.html", {"alert": alert, "entries": entries, "hidden": hidden})


@require_POST
def alert_review(request: HttpRequest, pk: int) -> HttpResponse:
    alert = get_object_or_404(visible(Alert, request.user), pk=pk)
    status, note = request.POST.get("status", ""), request.POST.get("note", "").strip()
    if status not in Review.Word.values:
        return HttpResponse("Choose confirm, dismiss or undo.", status=400)
    notifying.review(alert, status, note, audit.signed_in(request))
    audit.record(request, {"new": "reopened"}.get(status, status), alert, note)
    if getattr(request, "htmx", False):
        alert = alert_cards(request.user).get(pk=pk)
        return render(request, "alerts/_alert.html", {"alert": alert})
    return redirect(alert)


def case_sightings(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the case page: where cameras saw somebody like this person."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    alerts = alert_cards(request.user).filter(case=case)[:12]
    return render(request, "alerts/_sightings.html", {"alerts": alerts})
