"""Cameras that this machine watches itself: found, an address tried, given and taken back."""

import base64

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cases import audit
from cases.forms import problems
from cases.visibility import visible
from edge_client import streams
from matching.camera_forms import FindForm, SourceForm
from matching.models import Camera
from matching.watching import here


@require_POST
def camera_try(request: HttpRequest) -> HttpResponse:
    """What a stream shows, before anything of it is saved; or why it shows nothing."""
    form = SourceForm(request.POST)
    if not form.is_valid():
        return render(request, "cameras/_tried.html", {"problem": " ".join(map(str, form.errors["source"]))})
    source = form.cleaned_data["source"]
    audit.record_path(request, "looked at source", "camera-try", streams.shown(source))
    try:
        jpeg = here.picture(source)
    except here.NoPicture as problem:
        return render(request, "cameras/_tried.html", {"problem": str(problem)})
    return render(request, "cameras/_tried.html", {"jpeg": base64.b64encode(jpeg).decode()})


@require_POST
def camera_find(request: HttpRequest) -> HttpResponse:
    """Cameras in this network that speak ONVIF, or the streams of one of them. Nothing is saved."""
    form = FindForm(request.POST)
    if not form.is_valid():
        return render(request, "cameras/_found.html", {"problem": problems(form)})
    device = form.cleaned_data["device"]
    audit.record_path(request, "looked for cameras", "camera-find", device)
    try:
        found = here.streams_of(form.address) if device else here.cameras()
    except here.NoPicture as problem:
        return render(request, "cameras/_found.html", {"problem": str(problem)})
    return render(request, "cameras/_found.html", {"device": device, "streams" if device else "devices": found})


@require_POST
def camera_source(request: HttpRequest, pk: int) -> HttpResponse:
    """Let this machine watch a camera at an address, or no more."""
    camera = get_object_or_404(visible(Camera, request.user), pk=pk)
    if "end" in request.POST:
        here.watch(camera, "")
        audit.record(request, "ended watching", camera)
        messages.success(request, f"This machine watches {camera} no more. Pair a client of its own, or revoke it.")
        return redirect("camera", pk)
    form = SourceForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["source"])))
        return redirect("camera", pk)
    here.watch(camera, form.cleaned_data["source"])
    audit.record(request, "began watching", camera, camera.source_words)
    messages.success(
        request, f"This machine watches {camera}: {camera.source_words}. Its first report comes in some seconds."
    )
    return redirect("camera", pk)
