import csv
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import segno
from django.conf import settings
from django.contrib import messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from cases import audit, gazetteer
from cases.forms import problems
from cases.models import Case, Collection
from cases.visibility import visible
from matching import demo
from matching.camera_forms import CameraEditForm, CameraForm, CameraSettingsForm, FindForm
from matching.forms import QuietForm
from matching.models import Alert, Camera, Capture, SitePlan, Trouble
from matching.telling import board
from matching.views import charts
from matching.watching import fleet, here, live, seeing, tokens

# What each setting is called on the page.
SETTINGS = {
    "fps": "Frames a second", "min_score": "Detection threshold", "min_size": "Smallest face", "detector": "Detector",
    "turn": "Turned, degrees", "zones": "Zones", "sleep": "Sleeps",
}  # fmt: skip
SPANS = [("hour", "Hour"), ("day", "Day"), ("week", "Week"), ("month", "Month")]


def camera_list(request: HttpRequest) -> HttpResponse:
    return _page(request, CameraForm(user=request.user))


def camera_detail(request: HttpRequest, pk: int, **extra: object) -> HttpResponse:
    """How one camera is, what it runs, and how many people it sees."""
    camera = get_object_or_404(visible(Camera.objects.select_related("plan"), request.user), pk=pk)
    span = request.GET.get("span", "day")
    if span not in fleet.SPANS:
        span = "day"
    parts = fleet.counts(camera, span)
    context = {
        "camera": camera,
        "report": camera.report,
        "sees": seeing.of(camera),
        "by_place": seeing.BY_PLACE,
        "holds_last_minute": live.holds_its_last_minute(camera),
        "town": gazetteer.near(*camera.point) if camera.point else None,
        "span": span,
        "spans": SPANS,
        "parts": parts,
        "busiest": fleet.busiest(parts),
        "bars": charts.bars([(part.at, part.people) for part in parts], short=span in ("hour", "day")),
        "troubles": camera.troubles.all()[:10],
        "greets": visible(Collection, request.user).filter(greeted_at=camera),
        "known": visible(Case, request.user)
        .filter(collection__in=camera.compares_with().filter(kind=Collection.Kind.KNOWN), status=Case.Status.OPEN)
        .count(),
        "alerts": visible(Alert, request.user).filter(camera=camera).select_related("case")[:8],
        "runs": [
            (label, _said(camera.asked_settings.get(name)), _said((camera.report.get("runs") or {}).get(name)))
            for name, label in SETTINGS.items()
        ],
        **extra,
    }
    return render(request, "cameras/detail.html", context)


@require_POST
def camera_quiet(request: HttpRequest, pk: int) -> HttpResponse:
    """Nobody is told of its alerts for some hours; 0 ends that."""
    camera = get_object_or_404(visible(Camera, request.user), pk=pk)
    form = QuietForm(request.POST)
    if not form.is_valid():
        messages.error(request, problems(form))
        return redirect("camera", pk)
    hours, reason = form.cleaned_data["hours"], form.cleaned_data["reason"]
    board.make_camera_quiet(camera, audit.signed_in(request), hours, reason)
    audit.record(request, "made quiet" if hours else "ended quiet", camera, f"{hours} h: {reason}" if hours else "")
    said = f"{camera} is quiet for {hours} h: its alerts stand on the board, and nobody is told of them."
    messages.success(request, said if hours else f"Of what {camera} sees people are told again.")
    return redirect("camera", pk)


def camera_counts(request: HttpRequest, pk: int) -> HttpResponse:
    """Its counts as CSV."""
    camera = get_object_or_404(visible(Camera, request.user), pk=pk)
    audit.record(request, "exported", camera, "counts")
    span = request.GET.get("span", "day")
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="counts-{camera.pk}.csv"'
    table = csv.writer(answer)
    table.writerow(["at", "people in view", "most in one frame", "came into view", "frames"])
    for part in fleet.counts(camera, span if span in fleet.SPANS else "day"):
        table.writerow([part.at.isoformat(), round(part.people, 3), part.most, part.tracks, part.frames])
    return answer


@require_POST
def camera_new(request: HttpRequest) -> HttpResponse:
    form = CameraForm(request.POST, user=request.user)
    if not form.is_valid():
        return _page(request, form, status=422)
    camera = form.save(commit=False)
    camera.created_by_id = request.user.pk
    token = camera.issue_token()
    form.save_m2m()
    audit.record(request, "added", camera)
    if source := form.cleaned_data["source"]:
        here.watch(camera, source)
        audit.record(request, "began watching", camera, camera.source_words)
        messages.success(request, f"This machine watches {camera}. Its first report comes in some seconds.")
        return redirect("camera", camera.pk)
    return _page(request, CameraForm(user=request.user), token=token, token_of=camera)


@require_POST
def camera_token(request: HttpRequest, pk: int) -> HttpResponse:
    camera = get_object_or_404(visible(Camera, request.user), pk=pk)
    token = camera.issue_token()
    audit.record(request, "gave new token", camera)
    return _page(request, CameraForm(user=request.user), token=token, token_of=camera)


@require_POST
def camera_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    camera = get_object_or_404(visible(Camera, request.user), pk=pk)
    camera.revoke()
    audit.record(request, "revoked", camera)
    messages.success(request, f"{camera} can send nothing more. A new token lets it in again.")
    return redirect("cameras")


def camera_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Its name, its place, and what people should know of it."""
    camera = get_object_or_404(visible(Camera, request.user), pk=pk)
    form = CameraEditForm(request.POST or None, instance=camera, user=request.user)
    if form.is_valid():
        form.save()
        live.announce_settings(camera)
        audit.record(request, "changed", camera, ", ".join(form.changed_data))
        return redirect("camera", pk)
    context = {"camera": Camera.objects.get(pk=pk), "form": form, "title": "Place and notes"}
    return render(request, "cameras/form.html", context, status=422 if form.errors else 200)


def camera_settings(request: HttpRequest, pk: int) -> HttpResponse:
    """What its client is asked to run; it takes it up without a restart."""
    camera = get_object_or_404(visible(Camera, request.user), pk=pk)
    form = CameraSettingsForm(request.POST if request.method == "POST" else None, camera=camera)
    if form.is_valid():
        fleet.change_settings(camera, form.settings())
        audit.record(request, "changed settings", camera, json.dumps(camera.asked_settings))
        messages.success(request, "A client that is connected takes it up at once, another with its next report.")
        return redirect("camera", pk)
    context = {"camera": camera, "form": form, "title": "Settings", "is_settings": True}
    return render(request, "cameras/form.html", context, status=422 if form.errors else 200)


@require_POST
def camera_pair(request: HttpRequest, pk: int) -> HttpResponse:
    """A one-time code, also to be held before the camera, by which a client gets its token itself."""
    camera = get_object_or_404(visible(Camera, request.user), pk=pk)
    code, server = tokens.begin_pairing(camera), _server(request)
    audit.record(request, "gave pairing code", camera)
    shown = segno.make(f"sightline:{server}#{code}", micro=False)
    qr = shown.svg_inline(scale=6, border=4, dark="#000", light="#fff", omitsize=True)
    minutes = tokens.PAIRING.seconds // 60
    return camera_detail(request, pk, code=code, qr=qr, server=server, is_own=_is_own(server), minutes=minutes)


def _server(request: HttpRequest) -> str:
    """Sightline's address as a device beside a camera reaches it: the one that was set, else the browser's."""
    if settings.PUBLIC_URL and not _is_own(settings.PUBLIC_URL):
        return settings.PUBLIC_URL.rstrip("/")
    return request.build_absolute_uri("/").rstrip("/")


def _is_own(address: str) -> bool:
    """Whether an address leads each machine to itself."""
    host = urlsplit(address).hostname or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"


@require_POST
def camera_demo(request: HttpRequest) -> HttpResponse:
    try:
        demo.play_camera(request.build_absolute_uri("/"))
    except demo.NothingToPlay as problem:
        messages.error(request, str(problem))
        return redirect("cameras")
    messages.success(request, "The demo camera plays for about ten seconds. Its alert appears below by itself.")
    return redirect("alerts")


def _page(request: HttpRequest, form: CameraForm, status: int = 200, **extra: object) -> HttpResponse:
    day = timezone.now() - timedelta(days=1)
    cameras = visible(Camera, request.user).annotate(
        captures_today=_number(Capture.objects.filter(received_at__gte=day)),
        waiting=_number(Capture.objects.filter(status=Capture.Status.PENDING)),
        alerts_today=_number(visible(Alert, request.user).filter(last_captured_at__gte=day)),
    )
    troubles = visible(Trouble, request.user).filter(ended_at=None).select_related("camera")
    context = {
        "troubles": troubles,
        "cameras": cameras,
        "has_plans": visible(SitePlan, request.user).exists(),
        "form": form,
        "find": FindForm(),
        "server": _server(request),
        "is_own": _is_own(_server(request)),
        **extra,
    }
    return render(request, "cameras/list.html", context, status=status)


def _said(value: object) -> str:
    if value in (None, "", []):
        return ""
    if isinstance(value, list) and value and isinstance(value[0], list):
        return f"{len(value)}"
    return " to ".join(str(one) for one in value) if isinstance(value, list) else f"{value}"


def _number(rows: QuerySet[Any]) -> Coalesce:
    """How many of these rows are the camera's; a query of its own, for a join would count some twice."""
    mine = rows.filter(camera=OuterRef("pk")).order_by().values("camera").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(mine), 0)
