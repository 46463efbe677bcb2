"""The phone page of an officer's walk."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from cases import audit
from cases.forms import problems
from cases.visibility import SearchRefused
from matching.camera_forms import FrameForm, WalkForm
from matching.faces.engines import EngineUnavailable
from matching.faces.face_models import NoFaceModel
from matching.faces.images import ImageRefused
from matching.models import Camera
from matching.views.alerts import alert_cards
from matching.watching import walking

SHOWN = 10


def walk(request: HttpRequest) -> HttpResponse:
    """Begin a walk, or go on with the one that is under way."""
    user = audit.signed_in(request)
    form = WalkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            begun = walking.begin(user, **form.cleaned_data)
        except SearchRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            said = filter(None, [form.cleaned_data["reference"], form.cleaned_data["purpose"]])
            audit.record(request, "began walk", begun, ": ".join(said))
            return redirect("walk")
    camera = _under_way(request)
    context = {"form": form, "camera": camera, **_alerts(request, walking.camera_of(user))}
    if camera is not None and camera.walk_until is not None:
        context["left"] = int((camera.walk_until - timezone.now()).total_seconds())
    return render(request, "cameras/walk.html", context, status=422 if form.errors else 200)


@require_POST
def walk_frame(request: HttpRequest) -> HttpResponse:
    """One frame. Answers how many faces it has and how many seconds are left."""
    form = FrameForm(request.POST, request.FILES)
    if not form.is_valid():
        return JsonResponse({"detail": problems(form)}, status=400)
    try:
        camera = walking.under_way(audit.signed_in(request))
        faces = walking.see_frame(camera, form.cleaned_data["id"], form.cleaned_data["image"].read())
    except walking.NoWalk as problem:
        return JsonResponse({"detail": str(problem)}, status=409)
    except ImageRefused as refusal:
        return JsonResponse({"detail": str(refusal)}, status=400)
    except (NoFaceModel, EngineUnavailable) as problem:
        return JsonResponse({"detail": str(problem)}, status=503)
    left = (camera.walk_until - timezone.now()).total_seconds() if camera.walk_until else 0
    return JsonResponse({"faces": faces, "left": max(0, int(left))})


def walk_alerts(request: HttpRequest) -> HttpResponse:
    """A part of the page: whom the walk has met."""
    return render(request, "cameras/_walk_alerts.html", _alerts(request, walking.camera_of(audit.signed_in(request))))


@require_POST
def walk_end(request: HttpRequest) -> HttpResponse:
    user = audit.signed_in(request)
    camera = _under_way(request)
    walking.end(user)
    if camera is not None:
        audit.record(request, "ended walk", camera)
    return redirect("walk")


def _under_way(request: HttpRequest) -> Camera | None:
    try:
        return walking.under_way(audit.signed_in(request))
    except walking.NoWalk:
        return None


def _alerts(request: HttpRequest, camera: Camera | None) -> dict[str, object]:
    day = timezone.now() - timedelta(days=1)
    return {
        "alerts": alert_cards(request.user).filter(camera=camera, last_captured_at__gte=day)[:SHOWN] if camera else []
    }
