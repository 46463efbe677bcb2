"""Batches over HTTP: begun, filled, started; how far one is, whom it met, and the pictures behind that."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from cases import audit, exports
from cases.filters import SearchedCases
from cases.private_files import picture
from cases.visibility import SearchRefused, visible
from matching.faces import images
from matching.faces.face_models import NoFaceModel
from matching.forms import BatchForm, BeganForm
from matching.models import Batch, BatchPicture, HashList, Probe, Search, Shot
from matching.searching import batch_persons, batch_results, batches, evidence, known_files, shots, tasks
from matching.unnamed import seen, sources

PAGE_SIZE = 30


def visible_batches(request: HttpRequest) -> QuerySet[Batch]:
    """One's own, and everybody's by permission."""
    found = Batch.objects.filter(search__in=Search.listed(audit.signed_in(request)))
    return found.select_related("search__user", "search__model", "search__measurement")


def batch_list(request: HttpRequest) -> HttpResponse:
    """Batches, and the form that begins one: its answer says where the files go."""
    form, narrowed = BatchForm(request.POST or None, user=request.user), SearchedCases(request.POST or None)
    if request.method == "POST":
        if not (form.is_valid() and narrowed.is_valid()):
            errors = [
                str(error) for found in (*form.errors.values(), *narrowed.form.errors.values()) for error in found
            ]
            return JsonResponse({"errors": errors}, status=422)
        try:
            batch = batches.begin(user=audit.signed_in(request), narrowed=narrowed, **form.cleaned_data)
        except (NoFaceModel, SearchRefused) as problem:
            return JsonResponse({"errors": [str(problem)]}, status=422)
        audit.record(request, "began batch", batch.search, batch.search.purpose)
        urls = {name: reverse(f"batch-{name}", args=[batch.pk]) for name in ("files", "start")}
        return JsonResponse({"page": batch.get_absolute_url(), **urls}, status=201)
    page = Paginator(visible_batches(request), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "batches/list.html",
        {"form": BatchForm(user=request.user), "narrowed": SearchedCases(None), "page": page},
    )


@require_POST
def batch_files(request: HttpRequest, pk: str) -> HttpResponse:
    """Takes files, and addresses on the web; says of each that it does not take why."""
    batch = get_object_or_404(visible_batches(request), pk=pk)
    errors = []
    try:
        errors += batches.add_addresses(batch, request.POST.get("addresses", "").splitlines(), audit.signed_in(request))
    except batches.BatchRefused as refusal:
        errors.append(str(refusal))
    for upload in request.FILES.getlist("files"):
        try:
            batches.add(batch, upload, upload.name or "file", audit.signed_in(request))
        except batches.BatchRefused as refusal:
            errors.append(str(refusal))
    return JsonResponse({"files": batch.files.count(), "errors": errors})


@require_POST
def batch_start(request: HttpRequest, pk: str) -> HttpResponse:
    batch = get_object_or_404(visible_batches(request), pk=pk)
    try:
        batches.start(batch)
    except (batches.BatchRefused, SearchRefused) as refusal:
        return JsonResponse({"errors": [str(refusal)]}, status=409)
    audit.record(request, "searched batch", batch.search, batch.search.purpose)
    transaction.on_commit(lambda: tasks.run_batch.delay(str(batch.pk)), robust=True)
    return JsonResponse({"page": batch.get_absolute_url()})


def batch_detail(request: HttpRequest, pk: str) -> HttpResponse:
    batch = get_object_or_404(visible_batches(request), pk=pk)
    if getattr(request, "htmx", False):
        answer = render(request, "batches/_progress.html", {"batch": batch})
        if batch.is_over:
            answer["HX-Refresh"] = "true"
        return answer
    audit.record(request, "viewed", batch.search, batch.search.purpose)
    if (
        batch.one_person
        and batch.status == Batch.Status.DONE
        and not batch.problems
        and not batch_persons.unlike(batch)
    ):
        return redirect(batch.search)
    order = "met" if request.GET.get("order") == "met" else "alike"
    page = Paginator(batch_results.probes(batch, audit.signed_in(request), order), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context: dict[str, Any] = {
        "batch": batch,
        "page": page,
        "order": order,
        "people": batch_results.people(list(page), seen.among(page, audit.signed_in(request))),
    }
    if batch.status == Batch.Status.DONE:
        context |= {
            "not_searched": batch_persons.not_searched(batch),
            "unlike": batch_persons.unlike(batch) if batch.one_person else [],
        }
    return render(request, "batches/detail.html", context)


@require_POST
def batch_move(request: HttpRequest, pk: str, how: str) -> HttpResponse:
    """Pause, go on, cancel or remove."""
    batch = get_object_or_404(visible_batches(request), pk=pk)
    if how == "remove":
        try:
            audit.record(request, "removed batch", batch.search, batch.search.purpose)
            batches.remove(batch)
        except batches.BatchRefused as refusal:
            messages.error(request, str(refusal))
            return redirect(batch)
        messages.success(request, "The batch is removed, with its files and faces.")
        return redirect("batches")
    move = {"pause": batches.pause, "resume": batches.resume, "cancel": batches.cancel}.get(how)
    if move is None:
        raise Http404
    try:
        is_moved = move(batch)
    except SearchRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(batch)
    if is_moved:
        audit.record(request, f"{how} batch", batch.search)
        if how == "resume":
            transaction.on_commit(lambda: tasks.run_batch.delay(str(batch.pk)), robust=True)
    return redirect(batch)


def batch_csv(request: HttpRequest, pk: str) -> StreamingHttpResponse:
    batch = get_object_or_404(visible_batches(request), pk=pk)
    audit.record(request, "exported", batch.search, batch.search.purpose)
    name = slugify(batch.search.purpose) or "batch"
    rows = batch_results.rows(batch, audit.signed_in(request))
    return exports.as_csv(f"{name}.csv", batch_results.COLUMNS, rows)


def batch_files_csv(request: HttpRequest, pk: str) -> StreamingHttpResponse:
    """Every picture of a batch with its hash, and of each that was not looked at why."""
    batch = get_object_or_404(visible_batches(request), pk=pk)
    audit.record(request, "exported", batch.search, f"files of {batch.search.purpose}"[:300])
    rows = BatchPicture.objects.filter(file__batch=batch).values_list(
        "file__name", "name", "sha256", "faces", "why", "file__address", "file__found_on", "file__fetched_at"
    )
    columns = ["sent as", "picture", "sha256", "faces", "to know", "address", "found on", "fetched"]
    return exports.as_csv("files.csv", columns, rows.iterator(chunk_size=2000))


def known_file_lists(request: HttpRequest) -> HttpResponse:
    """Lists of hashes of files that are never opened; a new one is taken whole."""
    if request.method == "POST":
        upload = request.FILES.get("file")
        try:
            if upload is None or upload.file is None:
                raise known_files.ListRefused("Choose the list's file.")
            kept = known_files.add(request.POST.get("name", ""), upload.file, audit.signed_in(request))
        except known_files.ListRefused as refusal:
            messages.error(request, str(refusal))
        else:
            audit.record(request, "added hash list", kept, f"{kept.hashes} hashes")
            messages.success(
                request, f"{kept}: hashes known now: {kept.hashes:,}. Batches that begin later leave such files closed."
            )
        return redirect("known-files")
    return render(request, "batches/known_files.html", {"lists": HashList.objects.select_related("added_by")})


@require_POST
def known_files_remove(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(HashList, pk=pk)
    audit.record(request, "removed hash list", found, f"{found.hashes} hashes")
    found.delete()
    messages.success(request, f"{found.name} is removed.")
    return redirect("known-files")


def shot_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture or moment of a clip in which somebody was met; `t` moves to another second."""
    shot = get_object_or_404(visible(Shot.objects.select_related("file__batch__search", "probe"), request.user), pk=pk)
    second = shot.second
    if second is not None:
        try:
            second = max(0.0, float(request.GET.get("t", second)))
        except ValueError:
            second = shot.second
    context: dict[str, Any] = {"shot": shot, "second": second, "is_moment": second == shot.second}
    context |= {"at": shot.file.at(second), "picture": shot.file.pictures.filter(place=shot.place).first()}
    if second is not None:
        context["steps"] = [(label, round(second + by, 2)) for label, by in STEPS if second + by >= 0]
    return render(request, "batches/shot.html", context)


@require_POST
def shot_began(request: HttpRequest, pk: int) -> HttpResponse:
    """When the moment that is shown was, so when its clip began: all times of the clip then show as such."""
    shot = get_object_or_404(visible(Shot.objects.select_related("file__batch__search"), request.user), pk=pk)
    form = BeganForm(request.POST)
    if shot.second is None or not form.is_valid():
        messages.error(request, "Give the day and time of this moment, as 2026-03-05 14:05:07.")
        return redirect("shot", pk)
    second, at = form.cleaned_data["t"], form.cleaned_data["at"]
    shot.file.began_at = at - timedelta(seconds=second) if at else None
    shot.file.save(update_fields=["began_at"])
    sources.date_anew(shot.file)
    said = f"{shot.file}: second {second:g} was at {at.isoformat(' ')}" if at else f"{shot.file}: not known when"
    audit.record(request, "dated clip", shot.file.batch.search, said[:300])
    messages.success(request, f"{shot.file}: its times are shown by " + ("that." if at else "the clip's own clock."))
    return redirect(f"{reverse('shot', args=[pk])}?t={second!r}")


STEPS = [("−5 s", -5.0), ("−1 s", -1.0), ("−0.2 s", -0.2), ("+0.2 s", 0.2), ("+1 s", 1.0), ("+5 s", 5.0)]


def shot_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """That picture, or that moment, as JPEG."""
    shot = get_object_or_404(visible(Shot.objects.select_related("file"), request.user), pk=pk)
    try:
        rgb = shots.picture(shot, float(request.GET["t"]) if "t" in request.GET else None)
    except (evidence.EvidenceRefused, images.ImageRefused, OSError, ValueError) as problem:
        return HttpResponse(str(problem), status=404, content_type="text/plain")
    return HttpResponse(
        images.to_jpeg(rgb), content_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"}
    )


def shot_crop(request: HttpRequest, pk: int) -> HttpResponse:
    return picture(get_object_or_404(visible(Shot, request.user), pk=pk).crop)


def probe_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole picture that stands for a person of a batch."""
    probe = get_object_or_404(visible(Probe, request.user), pk=pk, search__batch__isnull=False)
    shot = shots.best([probe.pk]).get(probe.pk)
    return redirect("shot-picture", shot.pk) if shot else HttpResponse("Its picture is gone.", status=404)
