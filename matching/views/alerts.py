from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from cases import audit
from cases.forms import problems
from cases.models import Case
from cases.visibility import visible
from matching import demo
from matching.filters import BoardFilter
from matching.forms import CommentForm, QuietForm, ReviewForm
from matching.models import Alert, Review
from matching.telling import board, notifying
from matching.views.first_steps import first_steps

PAGE_SIZE = 24
# Alerts that get one word together.
MOST_TOGETHER = 100


def alert_cards(user: Any) -> QuerySet[Alert]:
    """Alerts that this person sees, with all that a card shows."""
    return board.with_unread(with_card(visible(Alert, user)), user)


def with_card(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    return alerts.select_related(
        "case__collection",
        "camera",
        "best_capture__probe",
        "best_face__model",
        "model",
        "measurement",
        "assigned_to",
        "clip__capture",
    ).prefetch_related("reviews__user")


def alert_list(request: HttpRequest) -> HttpResponse:
    status = request.GET.get("status", Alert.Status.NEW)
    alerts = alert_cards(request.user)
    if status in Alert.Status.values:
        alerts = alerts.filter(status=status)
    narrowed = BoardFilter(request.GET, queryset=alerts, request=request)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "filter": narrowed,
        "cameras_near": narrowed.cameras_near(),
        "narrowed": any(request.GET.get(name) for name in BoardFilter.base_filters),
        "page": Paginator(narrowed.qs, PAGE_SIZE).get_page(request.GET.get("page")),
        "query": query.urlencode(),
        "status": status,
        "statuses": [
            *((value, label, _waiting(request, value)) for value, label in Alert.Status.choices),
            ("all", "All", 0),
        ],
        "now": timezone.now().isoformat(),
        "reasons": Review.Reason.choices,
        "steps": first_steps(request.user) if status == Alert.Status.NEW else [],
        "quiet_cameras": board.quiet_cameras(audit.signed_in(request)),
        "has_demo": demo.is_seen_by(request.user),
    }
    return render(request, "alerts/list.html", context)


def _waiting(request: HttpRequest, status: str) -> int:
    """How many wait for somebody's word; the new ones have their badge."""
    waits = status in (Alert.Status.PROPOSED, Alert.Status.DISPUTED)
    return visible(Alert, request.user).filter(status=status).count() if waits else 0


def alert_detail(request: HttpRequest, pk: int) -> HttpResponse:
    joined = Alert.everything.filter(pk=pk, joined_to__in=visible(Alert, request.user)).first()
    if joined is not None:
        # Messages that were sent lead here still.
        return redirect("alert", joined.joined_to_id)
    alert = get_object_or_404(alert_cards(request.user), pk=pk)
    user = audit.signed_in(request)
    audit.record(request, "viewed", alert.case or alert.camera, f"alert {alert.pk} at {alert.camera}")
    board.read(alert, user)
    spoken = {review.user_id for review in alert.reviews.all()}
    context = {
        "alert": alert,
        "entries": alert.entries.select_related("capture__probe").order_by("-similarity")[:24],
        "hidden": alert.status == Alert.Status.PROPOSED and user.pk not in spoken,
        "deliveries": alert.deliveries.select_related("subscription__user").order_by("pk"),
        "comments": alert.comments.select_related("user"),
        "quiet": board.quiet_at(alert).first(),
        "people": board.people(alert) if user.has_perm("matching.add_review") else [],
    }
    return render(request, "alerts/detail.html", context)


@require_POST
def alert_review(request: HttpRequest, pk: int) -> HttpResponse:
    alert = get_object_or_404(visible(Alert, request.user), pk=pk)
    return _reviewed(request, [alert]) or _card(request, alert)


@require_POST
def alerts_review(request: HttpRequest) -> HttpResponse:
    """One word on several alerts, `alert` times their ids: on all of them or on none. Answers with their cards."""
    asked = [int(one) for one in request.POST.getlist("alert") if one.isdecimal()]
    if not 0 < len(asked) <= MOST_TOGETHER:
        return HttpResponse(f"Mark between one and {MOST_TOGETHER} alerts.", status=400)
    alerts = list(visible(Alert, request.user).filter(pk__in=asked).select_related("case__collection"))
    if len(alerts) < len(set(asked)):
        return HttpResponse("One of them is gone. Load the page again.", status=404)
    refusal = _reviewed(request, alerts)
    cards = alert_cards(request.user).filter(pk__in=asked)
    return refusal or render(request, "alerts/_cards.html", {"page": cards})


def _reviewed(request: HttpRequest, alerts: list[Alert]) -> HttpResponse | None:
    """Keep one word on alerts. Returns why not, where it is not kept."""
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return HttpResponse("Choose confirm, dismiss or undo.", status=400)
    said = form.cleaned_data
    why = ": ".join(filter(None, [form.reason_words, said["note"]]))
    try:
        with transaction.atomic():
            for alert in alerts:
                notifying.review(alert, said["status"], said["note"], audit.signed_in(request), said["reason"])
                audit.record(request, {"new": "reopened"}.get(said["status"], said["status"]), alert, why)
    except notifying.ReasonMissing as missing:
        return HttpResponse(str(missing), status=422)
    return None


@require_POST
def alert_take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an alert, give it to somebody, or give it back: `to` is a username, empty for nobody; left out: oneself."""
    alert = get_object_or_404(visible(Alert, request.user), pk=pk)
    to: User | None = audit.signed_in(request)
    if "to" in request.POST:
        to = next((one for one in board.people(alert) if one.username == request.POST["to"]), None)
        if to is None and request.POST["to"]:
            return HttpResponse("Nobody of that name may decide on this alert.", status=400)
    board.take(alert, to)
    audit.record(request, "assigned", alert, to.username if to else "to nobody")
    return _card(request, alert)


@require_POST
def alert_comment(request: HttpRequest, pk: int) -> HttpResponse:
    alert = get_object_or_404(visible(Alert, request.user), pk=pk)
    form = CommentForm(request.POST)
    if form.is_valid():
        board.comment(alert, audit.signed_in(request), form.cleaned_data["text"])
        audit.record(request, "commented", alert, form.cleaned_data["text"])
    else:
        messages.error(request, " ".join(str(error) for error in form.errors["text"]))
    return redirect(alert)


@require_POST
def alert_quiet(request: HttpRequest, pk: int) -> HttpResponse:
    """Its case wakes nobody at its camera for some hours; 0 ends that."""
    alert = get_object_or_404(visible(Alert, request.user).select_related("case", "camera"), pk=pk)
    form = QuietForm(request.POST)
    if not form.is_valid():
        messages.error(request, problems(form))
    elif hours := form.cleaned_data["hours"]:
        try:
            made = board.make_quiet(alert, audit.signed_in(request), hours, form.cleaned_data["reason"])
        except board.NobodysAlert as refusal:
            messages.error(request, str(refusal))
            return redirect(alert)
        audit.record(request, "made quiet", alert, f"{hours} h: {made.reason}")
        messages.success(request, f"Quiet at {alert.camera} for {hours} h; what is seen meanwhile joins this alert.")
    elif board.end_quiet(alert):
        audit.record(request, "ended quiet", alert)
        messages.success(request, "The next one is told again.")
    return redirect(alert)


def _card(request: HttpRequest, alert: Alert) -> HttpResponse:
    if getattr(request, "htmx", False):
        return render(request, "alerts/_alert.html", {"alert": alert_cards(request.user).get(pk=alert.pk)})
    return redirect(alert)


def case_sightings(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the case page: where cameras saw somebody like this person."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    alerts = alert_cards(request.user).filter(case=case)[:12]
    return render(request, "alerts/_sightings.html", {"alerts": alerts})
