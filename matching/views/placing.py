"""Cameras placed by a file, and put back."""

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from cases import audit
from cases.visibility import visible
from matching.models import Camera
from matching.watching import placing

SALT = "camera-places"


def camera_places(request: HttpRequest) -> HttpResponse:
    """A GPX or a table, and which cameras stand where it says."""
    upload = request.FILES.get("file")
    if request.method != "POST":
        return render(request, "cameras/places.html")
    try:
        if upload is None:
            raise placing.FileRefused("Choose a file first.")
        places = placing.read(str(upload.name), upload.read(placing.MOST_BYTES + 1))
    except placing.FileRefused as refusal:
        return render(request, "cameras/places.html", {"problem": str(refusal)}, status=422)
    placed, left = placing.place(visible(Camera, request.user), places)
    for one in placed:
        audit.record(request, "placed", one.camera, f"{one.camera.latitude}, {one.camera.longitude} from {upload.name}")
    before = signing.dumps([(one.camera.pk, *one.before) for one in placed], salt=SALT, compress=True)
    return render(request, "cameras/places.html", {"placed": placed, "left": left, "before": before})


@require_POST
def camera_places_undo(request: HttpRequest) -> HttpResponse:
    """Cameras that a file moved, back to where they stood."""
    try:
        before = signing.loads(request.POST.get("before", ""), salt=SALT, max_age=3600)
    except signing.BadSignature:
        messages.error(request, "That cannot be undone any more: put the places right on the cameras' pages.")
        return redirect("camera-places")
    cameras = visible(Camera, request.user).in_bulk([pk for pk, *_ in before])
    for pk, latitude, longitude in before:
        if pk in cameras:
            placing.move(cameras[pk], latitude, longitude)
            audit.record(request, "placed", cameras[pk], f"back at {latitude}, {longitude}")
    messages.success(
        request, f"Put back where they stood: {', '.join(camera.name for camera in cameras.values())[:300]}."
    )
    return redirect("camera-places")
