from collections.abc import Iterable
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from cases import audit, exports, gazetteer, locating
from cases.models import Case, Photo, Town
from cases.visibility import visible
from matching.gallery import missing_found
from matching.indexing import choosing, worklists
from matching.models import CasePair, Face, FaceModel, MissingFoundRun, OddPhoto

PAGE_SIZE = 24
MOST_TOWNS = 8
SUBJECTS_A_PAGE = 60  # small pictures, a key each


def worklist(request: HttpRequest) -> HttpResponse:
    name = request.GET.get("list", "")
    model = FaceModel.objects.filter(is_active=True).first()
    rows = {key: visible(chosen.rows(model), request.user) for key, chosen in worklists.LISTS.items()}
    counts = {key: found.count() for key, found in rows.items()}
    # Without a wish: the first list in which something waits.
    name = name or next((key for key, count in counts.items() if count), "duplicates")
    if name not in worklists.LISTS:
        raise Http404("There is no such list.")
    size = SUBJECTS_A_PAGE if name == "subject" else PAGE_SIZE
    page = Paginator(rows[name], size).get_page(request.GET.get("page"))
    if name == "subject":
        _show_faces(page, model)
    if name == "missing-found":
        _show_points(page, model)
    if name == "places":
        for case in page:
            case.towns = gazetteer.find(case.last_seen_place)[:MOST_TOWNS]
    tabs = [(key, chosen.title, counts[key]) for key, chosen in worklists.LISTS.items()]
    context = {"name": name, "chosen": worklists.LISTS[name], "tabs": tabs, "page": page}
    context |= {"views": Photo.View.choices, "kinds": Photo.Kind.choices, "means": CasePair.Means.choices}
    context |= {"last_run": MissingFoundRun.objects.first() if name == "missing-found" else None}
    return render(request, "worklists/list.html", context)


@require_POST
def place_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Which town the words for a case's place mean; "none": none of these; empty: that is taken back."""
    case = get_object_or_404(visible(Case.objects.select_related("collection"), request.user), pk=pk)
    wanted = request.POST.get("town", "")
    if not wanted:
        locating.locate(case)
    else:
        town = Town.objects.filter(pk=wanted).first() if wanted.isdigit() else None
        if town is None and wanted != "none":
            return HttpResponse("There is no such town. Load the page again.", status=400)
        locating.say(case, town)
    said = case.town or ("none" if wanted else "undone")
    audit.record(request, "said place", case, f"{case.last_seen_place}: {said}")
    case.towns = gazetteer.find(case.last_seen_place)[:MOST_TOWNS]  # type: ignore[attr-defined]
    return render(request, "worklists/_place.html", {"case": case})


@require_POST
def subject_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which face of a photo is the person, or take that back by an empty one."""
    photo = get_object_or_404(visible(Photo.objects.select_related("case"), request.user), pk=pk)
    model = get_object_or_404(FaceModel, is_active=True)
    wanted = request.POST.get("face", "")
    try:
        if wanted:
            choosing.choose_subject(photo.faces.select_related("model").get(pk=wanted, model=model))
        else:
            choosing.take_back(photo, model)
    except (Face.DoesNotExist, ValueError):
        return HttpResponse("The photo was indexed anew meanwhile. Load the page again.", status=409)
    except choosing.NotAFaceOfThePhoto as problem:
        return HttpResponse(str(problem), status=409)
    audit.record(request, "chose face", photo.case, f"{photo}: {'undone' if not wanted else 'face chosen'}")
    photo.refresh_from_db()
    _show_faces([photo], model)
    return render(request, "worklists/_subject.html", {"photo": photo})


def _show_faces(photos: Iterable[Any], model: FaceModel | None) -> None:
    """Give each photo its faces to draw, the one that is searched, and whether a person has confirmed it."""
    shown = list(photos)
    faces = Face.objects.filter(photo__in=[photo.pk for photo in shown], model=model).defer("embedding")
    for photo in shown:
        photo.boxes = [face for face in faces if face.photo_id == photo.pk]
        subjects = [(number, face) for number, face in enumerate(photo.boxes, start=1) if face.is_subject]
        photo.confirmed = any(face.chosen_by == Face.ChosenBy.PERSON for _, face in subjects)
        # Where nothing tells two apart there is none to confirm.
        photo.subject = {"number": subjects[0][0], "pk": subjects[0][1].pk} if len(subjects) == 1 else None


@require_POST
def pair_decide(request: HttpRequest, pk: int) -> HttpResponse:
    pair = get_object_or_404(
        visible(CasePair.objects.select_related("first__collection", "second__collection"), request.user), pk=pk
    )
    decision, means = request.POST.get("decision", ""), request.POST.get("means", "")
    if decision not in CasePair.Decision.values or means not in CasePair.Means.values:
        return HttpResponse("Choose one of the buttons, and by what from the list.", status=400)
    try:
        worklists.decide_pair(pair, decision, audit.signed_in(request), means, request.POST.get("reason", ""))
    except worklists.CannotLink as problem:
        return HttpResponse(str(problem), status=400)
    _record(request, pair)
    if not pair.is_missing_and_found:
        return render(request, "worklists/_pair.html", {"pair": pair})
    _show_points([pair], FaceModel.objects.filter(is_active=True).first())
    return render(request, "worklists/_missing_found.html", {"pair": pair, "means": CasePair.Means.choices})


def _record(request: HttpRequest, pair: CasePair) -> None:
    for case in (pair.first, pair.second):
        audit.record(request, "compared", case, f"{pair}: {pair.said}")


def _show_points(pairs: Iterable[Any], model: FaceModel | None) -> None:
    """Give each pair what speaks for and against it, and each case a face to show, the compared ones first."""
    shown = list(pairs)
    cases = {case.pk for pair in shown for case in (pair.first, pair.second)}
    faces = Face.objects.filter(case__in=cases, model=model, is_subject=True).order_by("-size")
    any_face: dict[int, int] = {}
    for pk, case in faces.values_list("pk", "case_id"):
        any_face.setdefault(case, pk)
    for pair in shown:
        points = missing_found.points(pair)
        pair.speak_for = [point for point in points if point.weight > 0]
        pair.speak_against = [point for point in points if point.weight < 0]
        compared = {pair.first_id: pair.first_face_id, pair.second_id: pair.second_face_id}
        pair.sides = [(case, compared[case.pk] or any_face.get(case.pk)) for case in (pair.missing, pair.found)]


def missing_found_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every pair of a missing and a found person that is kept, with what was decided, by whom and why."""
    rows = visible(worklists.missing_and_found(CasePair.Decision.values), request.user)
    audit.record(request, "exported", audit.signed_in(request), f"missing and found, {rows.count()} pairs")
    table = map(missing_found.row, rows.iterator(chunk_size=500))
    return exports.as_csv("missing-and-found.csv", missing_found.COLUMNS, table)


@require_POST
def odd_decide(request: HttpRequest, pk: int) -> HttpResponse:
    odd = get_object_or_404(
        visible(OddPhoto.objects.select_related("photo__case", "own_face", "other_face__case"), request.user), pk=pk
    )
    decision = request.POST.get("decision", "")
    if decision not in OddPhoto.Decision.values:
        return HttpResponse("Choose the right person, another person or undo.", status=400)
    worklists.decide_odd(odd, decision, audit.signed_in(request))
    audit.record(request, "checked photo", odd.photo.case, f"{odd.photo}: {odd.get_decision_display().lower()}")
    return render(request, "worklists/_odd.html", {"odd": odd})


def case_linked(request: HttpRequest, pk: int, problem: str = "") -> HttpResponse:
    """A part of the case page: cases that people say are the same person or siblings, and those that may be one."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    found = (
        visible(CasePair, request.user)
        .filter(Q(first=case) | Q(second=case))
        .exclude(decision=CasePair.Decision.DIFFERENT)
    )
    found = found.exclude(missing_found.between(), decision="").select_related(
        "first__collection", "second__collection", "decided_by"
    )
    rows = [(pair, pair.other(case.pk)) for pair in found]
    return render(request, "worklists/_linked.html", {"case": case, "rows": rows, "problem": problem})


@require_POST
def case_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Link a case with another by hand: by its number, in its own collection first."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    number = request.POST.get("number", "").strip()
    found = visible(Case, request.user).filter(number__iexact=number).exclude(pk=pk)
    other = found.filter(collection=case.collection_id).first() or found.first()
    try:
        pair = worklists.link(
            case,
            other,
            request.POST.get("decision", ""),
            audit.signed_in(request),
            reason=request.POST.get("reason", ""),
        )
    except worklists.CannotLink as problem:
        return case_linked(request, pk, f"{number or 'An empty number'}: {problem}")
    _record(request, pair)
    return case_linked(request, pk)
