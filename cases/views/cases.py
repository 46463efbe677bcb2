from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from cases import audit, exports, locating, taken_along
from cases.filters import CaseFilter
from cases.forms import BeginForm, CaseForm, CloseForm, problems
from cases.models import Case, Photo, PhotoAlreadyThere, add_photo
from cases.visibility import visible

PAGE_SIZE = 48


def case_list(request: HttpRequest) -> HttpResponse:
    shown = Photo.objects.exclude(display="").order_by("view", "pk")
    cases = visible(Case, request.user).select_related("collection")
    cases = cases.prefetch_related(Prefetch("photos", shown, to_attr="shown"))
    narrowed = CaseFilter(request.GET, queryset=cases, request=request)
    page = Paginator(narrowed.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    template = "cases/_list.html" if getattr(request, "htmx", False) else "cases/list.html"
    return render(request, template, {"filter": narrowed, "page": page, "query": query.urlencode()})


def cases_export(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    """What the filters leave, as a table, or on the map those whose place is known."""
    cases = visible(Case, request.user).select_related("collection")
    found = CaseFilter(request.GET, queryset=cases, request=request).qs
    audit.record(request, "exported", audit.signed_in(request), f"cases as {kind} {request.GET.urlencode()}"[:300])
    if kind == "geojson":
        placed = found.exclude(latitude=None).exclude(longitude=None).iterator(chunk_size=1000)
        return exports.as_file("cases.geojson", "application/geo+json", taken_along.geojson(placed))
    rows = map(taken_along.row, found.iterator(chunk_size=1000))
    return exports.as_table("cases", kind, taken_along.COLUMNS, rows)


def case_nist(request: HttpRequest, pk: int) -> HttpResponse:
    """A case's photos as ANSI/NIST-ITL records."""
    case = get_object_or_404(visible(Case.objects.select_related("collection"), request.user), pk=pk)
    photos = taken_along.faces(case)
    if not photos:
        messages.error(request, "The case has no photo of a face that could be read: there is nothing to exchange.")
        return redirect(case)
    event = audit.record(request, "exported", case, f"{len(photos)} photos as ANSI/NIST-ITL")
    name = f"{slugify(case.number) or case.pk}.an2"
    return exports.whole(name, taken_along.nist(case, photos, str(event.pk)))


def case_detail(request: HttpRequest, pk: int) -> HttpResponse:
    rows = Case.objects.select_related("collection", "closed_by", "town")
    case = get_object_or_404(visible(rows, request.user), pk=pk)
    audit.record(request, "viewed", case, request.GET.get("why", "")[:300])
    context = {"case": case, "views": Photo.View.choices, "kinds": Photo.Kind.choices}
    context |= {"outcomes": Case.Outcome.choices[1:], "today": timezone.localdate()}
    return render(request, "cases/detail.html", context)


def case_new(request: HttpRequest) -> HttpResponse:
    form = CaseForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        case = form.save()
        locating.keep_up(case)
        audit.record(request, "created", case)
        messages.success(request, "The case is open. Now add its photos.")
        return redirect(case)
    return render(request, "cases/form.html", {"form": form, "begin": BeginForm(user=request.user)})


@require_POST
def case_begin(request: HttpRequest) -> HttpResponse:
    """A case begun by dropping its photos; its facts are typed after."""
    form, uploads = BeginForm(request.POST, user=request.user), request.FILES.getlist("photos")
    if not form.is_valid() or not uploads:
        messages.error(request, "Choose a collection and at least one photo.")
        return redirect("case-new")
    case = Case.begin(form.cleaned_data["collection"])
    audit.record(request, "created", case)
    for upload in uploads:
        try:
            photo = add_photo(case, upload.read(), upload.name or "", uploaded_by=audit.signed_in(request))
        except PhotoAlreadyThere as there:
            messages.error(request, f"{upload.name}: {there}")
        else:
            audit.record(request, "added photo", case, photo.filename)
    messages.success(request, f"The case is open as {case.number}. Now type what is known.")
    return redirect("case-edit", case.pk)


def case_edit(request: HttpRequest, pk: int) -> HttpResponse:
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    form = CaseForm(request.POST or None, instance=case, user=request.user)
    if request.method == "POST" and form.is_valid():
        locating.keep_up(form.save())
        audit.record(request, "changed", case, ", ".join(form.changed_data))
        return redirect(case)
    return render(request, "cases/form.html", {"form": form, "case": case})


@require_POST
def case_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a case, or put right what became of one that is closed."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    form = CloseForm(request.POST)
    if not form.is_valid():
        messages.error(request, problems(form))
        return redirect(case)
    said, user = form.cleaned_data, audit.signed_in(request)
    if case.close(said["reason"], said["outcome"], said["ended_on"], user):
        audit.record(request, "closed", case, form.words)
        messages.success(request, "The case is closed; no search finds it now. Reopen brings it back.")
    else:
        case.say_outcome(said["reason"], said["outcome"], said["ended_on"], user)
        audit.record(request, "changed outcome", case, form.words)
    return redirect(case)


@require_POST
def case_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    if case.reopen():
        audit.record(request, "reopened", case)
        messages.success(request, "The case is open again and searched.")
    return redirect(case)
