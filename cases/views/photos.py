from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from cases import audit, importing, stores
from cases.forms import ChangePhotosForm, TakenForm, problems
from cases.models import Case, Photo, PhotoAlreadyThere, add_photo, change_photos, remove_photo
from cases.private_files import picture
from cases.visibility import visible


@require_POST
def photo_upload(request: HttpRequest, pk: int) -> HttpResponse:
    """One photo a request, so that the page can show each one's progress and outcome."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    upload = request.FILES.get("photo")
    view = request.POST.get("view", Photo.View.FRONT)
    kind = request.POST.get("kind", Photo.Kind.PHOTOGRAPH)
    if upload is None or view not in Photo.View.values or kind not in Photo.Kind.values:
        return JsonResponse({"error": "Send a photo, with a view and a kind that are on the list."}, status=400)
    who = audit.signed_in(request)
    try:
        photo = add_photo(case, upload.read(), upload.name or "", view=view, kind=kind, uploaded_by=who)
    except PhotoAlreadyThere as there:
        return JsonResponse({"error": str(there)}, status=409)
    audit.record(request, "added photo", case, photo.filename)
    return JsonResponse({"id": photo.pk}, status=201)


@require_POST
def photo_delete(request: HttpRequest, pk: int) -> HttpResponse:
    photo = get_object_or_404(visible(Photo.objects.select_related("case"), request.user), pk=pk)
    if photo.case.held_at:
        return HttpResponse(f"The case is under a legal hold: {photo.case.held_reason}", status=409)
    audit.record(request, "removed photo", photo.case, photo.filename)
    remove_photo(photo)
    return HttpResponse(status=204, headers={"HX-Trigger": "photos-changed"})


@require_POST
def photos_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Another view or kind for some of a case's photos."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    form = ChangePhotosForm(request.POST, case=case, user=request.user)
    if not form.is_valid():
        return HttpResponse(problems(form), status=400)
    for photo in change_photos(
        form.cleaned_data["photo"], view=form.cleaned_data["view"], kind=form.cleaned_data["kind"]
    ):
        said = f"{photo.filename}: {photo.get_kind_display()}, {photo.get_view_display()}"
        audit.record(request, "changed photo", case, said)
    return HttpResponse(status=204, headers={"HX-Trigger": "photos-changed"})


@require_POST
def photo_taken(request: HttpRequest, pk: int) -> HttpResponse:
    """When a photo was taken; empty: not known."""
    photo = get_object_or_404(visible(Photo.objects.select_related("case"), request.user), pk=pk)
    form = TakenForm(request.POST, instance=photo)
    if not form.is_valid():
        return HttpResponse(" ".join(str(error) for error in form.errors["taken_on"]), status=400)
    form.save()
    audit.record(
        request, "changed photo", photo.case, f"{photo.filename}: taken {photo.taken_on or 'on a day not known'}"
    )
    return HttpResponse(status=204, headers={"HX-Trigger": "photos-changed"})


@require_POST
def photo_fetch(request: HttpRequest, pk: int) -> HttpResponse:
    """Get an imported photo from its source again, and have it indexed anew."""
    photo = get_object_or_404(visible(Photo.objects.select_related("case"), request.user), pk=pk)
    try:
        importing.fetch_again(photo)
    except (importing.ImportBusy, importing.NotImported) as problem:
        return HttpResponse(str(problem), status=409)
    audit.record(request, "fetched again", photo.case, photo.filename)
    photo.refresh_from_db()
    if photo.status != Photo.Status.PENDING:
        return HttpResponse("The source still has the same file, which cannot be read.", status=409)
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})


def photo_image(request: HttpRequest, pk: int) -> HttpResponse:
    photo = get_object_or_404(visible(Photo.objects.select_related("case"), request.user), pk=pk)
    audit.record_once(request, "saw photo", photo.case, photo.filename or f"photo {pk}", of=f"photo {pk}")
    return picture(photo.display)


def photo_original(request: HttpRequest, pk: int) -> FileResponse:
    """The file as it came, always as a download: a browser must not run what somebody sent."""
    photo = get_object_or_404(visible(Photo.objects.select_related("case"), request.user), pk=pk)
    audit.record(request, "downloaded photo", photo.case, photo.filename)
    try:
        return FileResponse(
            photo.image.open(), as_attachment=True, filename=photo.filename, content_type="application/octet-stream"
        )
    except FileNotFoundError:
        raise Http404(stores.MISSING) from None
