from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from cases import audit
from cases.filters import SearchedCases
from cases.models import Collection
from cases.visibility import SearchRefused, visible
from matching import demo
from matching.faces import estimates
from matching.faces.engines import EngineUnavailable
from matching.faces.face_models import NoFaceModel
from matching.faces.images import ImageRefused
from matching.filters import SearchFilter
from matching.forms import AdjustForm, AgainForm, BoxForm, MarkForm, SearchForm
from matching.gallery import calibration
from matching.models import Batch, Candidate, Face, Mark, Opinion, Search
from matching.searching import adjusting, batch_results, by_hand, deciding, pictures, second_opinion, standing
from matching.searching.workbench import workbench
from matching.unnamed import seen

RECENT, PAGE_SIZE = 12, 40
# What a search is refused with, in words for whoever asked.
REFUSALS = (FileNotFoundError, ImageRefused, NoFaceModel, EngineUnavailable, SearchRefused, by_hand.NotAFace,
            second_opinion.NoSecondModel)  # fmt: skip
SAYS_ITSELF = ("image", "purpose", "__all__")


def search_new(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.POST or None, request.FILES or None, user=request.user)
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
                    reference=form.cleaned_data["reference"],
                    collections=form.cleaned_data["collections"],
                    narrowed=narrowed,
                )
            except ImageRefused as refusal:
                errors = [f"{upload.name}: {refusal}"]
            except (NoFaceModel, EngineUnavailable, SearchRefused) as problem:
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
    recent = _listed(Search.listed(request.user), request)[:RECENT]
    context = {
        "form": form,
        "narrowed": narrowed,
        "errors": errors,
        "recent": recent,
        "has_demo": demo.is_seen_by(request.user),
    }
    return render(request, "search/new.html", context, status=422 if errors else 200)


@require_POST
def search_sample(request: HttpRequest) -> HttpResponse:
    """The sample photo, searched among whatever there is: for somebody who has none at hand."""
    try:
        sample = demo.sample()
        search = pictures.search_image(
            sample.read_bytes(),
            sample.name,
            user=audit.signed_in(request),
            purpose="A first try, with the sample photo",
            reference="sample",
        )
    except (NoFaceModel, EngineUnavailable, SearchRefused, demo.NothingToPlay, OSError) as problem:
        messages.error(request, str(problem))
        return redirect("search-new")
    audit.record(request, "searched", search, search.purpose)
    return redirect(search)


def search_history(request: HttpRequest) -> HttpResponse:
    narrowed = SearchFilter(request.GET, queryset=_listed(Search.listed(request.user), request), request=request)
    page = Paginator(narrowed.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    template = "search/_history.html" if getattr(request, "htmx", False) else "search/history.html"
    return render(request, template, {"filter": narrowed, "page": page, "query": query.urlencode()})


def _listed(searches: QuerySet[Search], request: HttpRequest) -> QuerySet[Search]:
    """Searches with what a line about each shows: the first candidate, and what was decided."""
    seen = visible(Candidate.objects.select_related("case"), request.user)
    return searches.select_related("user").prefetch_related(Prefetch("probes__candidates", seen))


def _errors(form: Form) -> list[str]:
    """Each error with the field that it is about, unless it names that itself."""
    return [
        str(error) if name in SAYS_ITSELF or ":" in str(error) else f"{form.fields[name].label}: {error}"
        for name, found in form.errors.items()
        for error in found
    ]


def search_detail(request: HttpRequest, pk: str) -> HttpResponse:
    search = get_object_or_404(
        visible(Search.objects.select_related("user", "model", "measurement"), request.user), pk=pk
    )
    if not search.probes.exists() and (batch := Batch.objects.filter(search=search).first()):
        return redirect(batch)
    # Going from face to face and candidate to candidate is one visit.
    if not getattr(request, "htmx", False):
        audit.record(request, "viewed", search, search.purpose)
        standing.looked_at(search, audit.signed_in(request))
    return render(request, "search/detail.html", _context(search, request.GET, audit.signed_in(request)))


def _context(search: Search, chosen: QueryDict, user: User) -> dict[str, Any]:
    batch = Batch.objects.filter(search=search).first()
    bench = workbench(search, user, *(_id(chosen.get(name, "")) for name in ("face", "candidate", "photo")))
    return {
        "search": search,
        "bench": bench,
        **(_said(bench.shown.candidate, user) if bench and bench.shown else {}),
        "adjustment": adjusting.of(search),
        "second_model": None if batch else second_opinion.model(),
        "second": second_opinion.of(bench.shown.candidate, search, bench.shown.strength)
        if bench and bench.shown
        else None,
        "batch": batch,
        "shown_faces": [] if bench is None else bench.around if batch else bench.faces,
        "estimate": estimates.of(bench.face) if bench else None,
        "places": batch_results.places(bench.face) if bench and batch else [],
        "unnamed": next(iter(seen.among([bench.face], user).values()), None) if bench and batch else None,
        "standing": search.standing.filter(user=user, closed_at=None).first(),
        "collections": visible(Collection, user),
        "chosen": set(search.collections.values_list("pk", flat=True)),
        "narrowed": SearchedCases(search.filters),
        "asked": [(f.label, search.filters[n]) for n, f in SearchedCases.base_filters.items() if n in search.filters],
        "calibration": calibration.by(search.model, search.measurement),
    }


def _id(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


@require_POST
def search_again(request: HttpRequest, pk: str) -> HttpResponse:
    """The same picture and purpose, among other collections or today's gallery: a search of its own."""
    old = get_object_or_404(visible(Search, request.user), pk=pk, batch=None)
    form, narrowed = AgainForm(request.POST, user=request.user), SearchedCases(request.POST)
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
            reference=old.reference,
            collections=form.cleaned_data["collections"],
            narrowed=narrowed,
        )
    except REFUSALS as problem:
        messages.error(request, f"The search could not be run again: {problem}")
        return redirect(old)
    audit.record(request, "searched", search, search.purpose)
    return redirect(search)


@require_POST
def face_add(request: HttpRequest, pk: str) -> HttpResponse:
    """A box that somebody drew, as fractions of the picture: searched as a face."""
    search = get_object_or_404(visible(Search.objects.select_related("model"), request.user), pk=pk)
    form = BoxForm(request.POST)
    if not form.is_valid():
        return HttpResponse("Draw a box inside the picture.", status=400)
    try:
        probe = by_hand.add_face(search, form.box, audit.signed_in(request))
    except REFUSALS as problem:
        return HttpResponse(str(problem), status=409)
    audit.record(request, "added face", search, f"face at {form.box[0]:.0%}, {form.box[1]:.0%}")
    return HttpResponseClientRedirect(f"{search.get_absolute_url()}?face={probe.pk}")


@require_POST
def face_leave_out(request: HttpRequest, pk: int) -> HttpResponse:
    search = get_object_or_404(visible(Search, request.user), probes=pk)
    try:
        by_hand.leave_out(search.probes.get(pk=pk))
    except by_hand.NotAFace as problem:
        return HttpResponse(str(problem), status=409)
    audit.record(request, "left out face", search, search.purpose)
    return HttpResponseClientRedirect(search.get_absolute_url())


@require_POST
def candidate_decide(request: HttpRequest, pk: int) -> HttpResponse:
    candidate = get_object_or_404(
        visible(
            Candidate.objects.select_related("probe__search__model", "probe__search__measurement", "case__collection"),
            request.user,
        ),
        pk=pk,
    )
    word, note = request.POST.get("decision", ""), request.POST.get("note", "").strip()
    search = candidate.probe.search
    if word not in Opinion.Word.values or search is None:
        return HttpResponse("Choose possible match, not this person or undo.", status=400)
    user = audit.signed_in(request)
    deciding.say(candidate, word, user, note)
    why = ": ".join(filter(None, [f"search {search.pk}", note if word else ""]))
    audit.record(request, Opinion.Word(word).label.lower(), candidate.case, why)
    return _bench(request, candidate, photo=None, decided=True)


def _bench(request: HttpRequest, candidate: Candidate, photo: int | None, **context: Any) -> HttpResponse:
    """The part of the page in which one candidate is compared."""
    search = candidate.probe.search
    if search is None:
        raise Http404
    bench = workbench(search, audit.signed_in(request), candidate.probe_id, candidate.pk, photo)
    context |= {"search": search, "bench": bench, **_said(candidate, audit.signed_in(request))}
    if bench is not None and bench.shown is not None:
        context["second"] = second_opinion.of(candidate, search, bench.shown.strength)
        context["estimate"] = estimates.of(bench.face)
    return render(request, "search/_bench.html", context)


def _said(candidate: Candidate, user: User) -> dict[str, Any]:
    """What this person may see of what was said, with the marks that go with it."""
    said = deciding.said_of(candidate, user)
    marks = candidate.marks.select_related("user")
    return {"said": said, "marks": marks.filter(user=user) if said.hidden else marks}


@require_POST
def mark_add(request: HttpRequest, pk: int) -> HttpResponse:
    """A point on one of the two pictures, with words."""
    candidate = get_object_or_404(
        visible(Candidate.objects.select_related("probe__search", "case__collection"), request.user), pk=pk
    )
    form = MarkForm(request.POST)
    if not form.is_valid():
        return HttpResponse(" ".join(_errors(form)), status=400)
    said = form.cleaned_data
    face = (
        get_object_or_404(visible(Face, request.user), pk=said["photo"], case=candidate.case_id)
        if said["photo"]
        else None
    )
    user = audit.signed_in(request)
    Mark.objects.create(candidate=candidate, face=face, x=said["x"], y=said["y"], text=said["text"], user=user)
    audit.record(request, "marked", candidate.case, f"candidate {candidate.pk}: {said['text']}")
    return _bench(request, candidate, said["shown"])


@require_POST
def mark_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """One's own only."""
    mark = get_object_or_404(Mark.objects.select_related("candidate__probe__search"), pk=pk, user=request.user)
    candidate, photo = mark.candidate, mark.face_id
    mark.delete()
    audit.record(request, "removed mark", candidate.case, f"candidate {candidate.pk}: {mark.text}")
    return _bench(request, candidate, photo)


@require_POST
def search_second(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask the second face model as well."""
    search = get_object_or_404(visible(Search, request.user), pk=pk, batch=None)
    try:
        second_opinion.ask(search, audit.signed_in(request))
    except REFUSALS as problem:
        messages.error(request, str(problem))
    else:
        audit.record(request, "asked second model", search, f"{search.second}: {search.purpose}")
    return redirect(search)


@require_POST
def search_adjust(request: HttpRequest, pk: str) -> HttpResponse:
    """The same picture, adjusted: a search of its own, which says so and shows both."""
    old = get_object_or_404(visible(Search, request.user), pk=pk, batch=None)
    form = AdjustForm(request.POST)
    if not form.is_valid():
        for error in _errors(form):
            messages.error(request, error)
        return redirect(old)
    try:
        search = adjusting.search_adjusted(old, form.adjustment, audit.signed_in(request))
    except REFUSALS as problem:
        messages.error(request, f"The adjusted picture could not be searched: {problem}")
        return redirect(old)
    audit.record(request, "searched", search, f"{search.purpose} ({form.adjustment.words})")
    return redirect(search)
