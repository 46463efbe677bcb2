"""The ten seconds around an alert, on its page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from cases import audit, private_files
from cases.visibility import visible
from matching.models import Alert, AlertClip


def alert_clip(request: HttpRequest, pk: int) -> HttpResponse:
    """Whether it has come: the page asks while it is on its way."""
    alert = get_object_or_404(visible(Alert.objects.select_related("clip", "case__collection"), request.user), pk=pk)
    return render(request, "alerts/_clip.html", {"alert": alert})


def alert_clip_video(request: HttpRequest, pk: int) -> HttpResponse:
    """The clip itself. Browsers ask for it in parts; the trail has it once an hour for each person."""
    clip = get_object_or_404(visible(AlertClip.objects.select_related("alert"), request.user), alert=pk)
    answer = private_files.video(request, clip.file)
    audit.record_once(request, "played clip", clip.alert, f"SHA-256 {clip.sha256}", of="clip")
    return answer
