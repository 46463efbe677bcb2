from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from cases import audit
from cases.filters import SearchedCases
from cases.models import Collection
from matching.faces.engines import EngineUnavailable
from matching.faces.face_models import NoFaceModel
from matching.faces.images import ImageRefused
from matching.forms import AgainForm, SearchForm
from matching.gallery import calibration
from matching.models import Candidate, Search
from matching.searching import pictures

RECENT = 12
SAYS_ITSELF = ("image", "purpose", "__all__")


def search_new(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.POST or None, request.FILES or None)
    narrowed = SearchedCases(request.POST or None)
    errors: list[str] = []
    if request.method == "POST":
        if form.is_valid() and narrowed.is_valid():
            upload = form.cleaned_data["image"]
            try:
                search = pictures.search_image(
                    upload.read(),
                    upload.name,
                    user=audit.signed_in(request),
                    purpose=form.cleaned_data["purpose"],
                    collections=form.cleaned_data["collections"],
                    narrowed=narrowed,
                )
            except ImageRefused as refusal:
                errors = [f"{upload.name}: {refusal}"]
            except (NoFaceModel, EngineUnavailable) as problem:
                errors = [str(problem)]
            else:
                audit.record(request, "searched", search, search.purpose)
                if getattr(request, "htmx", False):
                    return HttpResponseClientRedirect(search.get_absolute_url())
                return redirect(search)
        else:
            errors = _errors(form) + _errors(narrowed.form)
        if getattr(request, "htmx", False):
            return render(request, "search/_errors.html", {"errors": errors}, status=422)
    recent = Search.objects.select_related("user").prefetch_related("probes__candidates__case")[:RECENT]
    context = {"form": form, "narrowed": narrowed, "errors": errors, "recent": recent}
    return render(request, "search/new.html", context, status=422 if errors else 200)


def _errors(form: Form) -> list[str]:
    """Each error with the field that it is about, unless it names that itself."""
    return [
        str(error) if name in SAYS_ITSELF or ":" in str(error) else f"{form.fields[name].label}: {error}"
        for name, found in form.errors.items()
        for error in found
    ]


def search_detail(request: HttpRequest, pk: str) -> HttpResponse:
    search = get_object_or_404(Search.objects.select_related("user", "model", "measurement"), pk=pk)
    probes = search.probes.prefetch_related("candidates__case__collection", "candidates__face__model")
    audit.record(request, "viewed", search, search.purpose)
    context = {
        "search": search,
        "probes": probes,
        "collections": Collection.objects.all(),
        "chosen": set(search.collections.values_list("pk", flat=True)),
        "narrowed": SearchedCases(search.filters),
        "asked": [
            (f.label, search.filters[name]) for name, f in SearchedCases.base_filters.items() if name in search.filters
        ],
        "calibration": calibration.by(search.model, search.measurement),
    }
    return render(request, "search/detail.html", context)


@require_POST
def search_again(request: HttpRequest, pk: str) -> HttpResponse:
    """The same picture and purpose, among other collections or today's gallery: a search of its own."""
    old = get_object_or_404(Search, pk=pk)
    form, narrowed = AgainForm(request.POST), SearchedCases(request.POST)
    if not (form.is_valid() and narrowed.is_valid()):
        for error in _errors(form) + _errors(narrowed.form):
            messages.error(request, error)
        return redirect(old)
    try:
        with old.image.open() as file:
            content = file.read()
        search = pictures.search_image(
            content,
            old.filename,
            user=audit.signed_in(request),
            purpose=old.purpose,
            collections=form.cleaned_data["collections"],
            narrowed=narrowed,
        )
    except (FileNotFoundError, ImageRefused, NoFaceModel, EngineUnavailable) as problem:
        messages.error(request, f"The search could not be run again: {problem}")
        return redirect(old)
    audit.record(request, "searched", search, search.purpose)
    return redirect(search)


@require_POST
def candidate_decide(request: HttpRequest, pk: int) -> HttpResponse:
    candidate = get_object_or_404(
        Candidate.objects.select_related("probe__search__model", "probe__search__measurement", "case"), pk=pk
    )
    decision = request.POST.get("decision", "")
    search = candidate.probe.search
    if decision not in Candidate.Decision.values or search is None:
        return HttpResponse("Choose possible match, not this person or undo.", status=400)
    pictures.decide(candidate, decision, audit.signed_in(request))
    audit.record(request, candidate.get_decision_display().lower(), candidate.case, f"search {search.pk}")
    return render(request, "search/_candidate.html", {"candidate": candidate, "probe": candidate.probe})
