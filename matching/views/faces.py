"""Faces and their pictures, and the part of the case page that shows what indexing found in each photo."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cases import audit
from cases.models import Case, Photo
from cases.private_files import picture
from cases.visibility import visible
from matching.indexing import choosing
from matching.models import Face, Probe, Search


def face_crop(request: HttpRequest, pk: int) -> HttpResponse:
    return picture(get_object_or_404(visible(Face, request.user), pk=pk).crop)


def probe_crop(request: HttpRequest, pk: int) -> HttpResponse:
    """Of an alert's capture; or of a search, for those who may read searches."""
    probe = get_object_or_404(visible(Probe, request.user), pk=pk)
    reads = ("matching.add_search", "matching.view_search")
    if probe.search_id and not any(audit.signed_in(request).has_perm(one) for one in reads):
        raise PermissionDenied
    return picture(probe.crop)


def search_image(request: HttpRequest, pk: str) -> HttpResponse:
    return picture(get_object_or_404(visible(Search, request.user), pk=pk).display)


def case_photos(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the case page: its photos with their faces as boxes. It asks again while one waits."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    photos = list(case.photos.all())
    faces = Face.objects.filter(case=case, model__is_active=True).select_related("model").defer("embedding")
    for photo in photos:
        boxes = [face for face in faces if face.photo_id == photo.pk]
        photo.boxes = boxes  # type: ignore[attr-defined]
        photo.unconfirmed = any(face.is_unconfirmed for face in boxes)  # type: ignore[attr-defined]
        photo.too_poor = any(face.is_subject and face.is_too_poor for face in boxes)  # type: ignore[attr-defined]
    waiting = any(photo.status == Photo.Status.PENDING for photo in photos)
    choices = {"views": Photo.View.choices, "kinds": Photo.Kind.choices}
    return render(request, "cases/_photos.html", {"case": case, "photos": photos, "waiting": waiting, **choices})


@require_POST
def face_choose(request: HttpRequest, pk: int) -> HttpResponse:
    face = get_object_or_404(
        visible(Face.objects.select_related("photo", "case", "model"), request.user), pk=pk, model__is_active=True
    )
    try:
        choosing.choose_subject(face)
    except choosing.NotAFaceOfThePhoto as problem:
        return HttpResponse(str(problem), status=409)
    audit.record(request, "chose face", face.case, str(face))
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Trigger": "photos-changed"})
    return redirect(face.case)
