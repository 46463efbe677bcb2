from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from cases import audit
from cases.models import Case, Photo
from matching.indexing import worklists
from matching.models import CasePair, Face, FaceModel, OddPhoto

PAGE_SIZE = 24


def worklist(request: HttpRequest) -> HttpResponse:
    name = request.GET.get("list", "")
    model = FaceModel.objects.filter(is_active=True).first()
    counts = {key: chosen.rows(model).count() for key, chosen in worklists.LISTS.items()}
    # Without a wish: the first list in which something waits.
    name = name or next((key for key, count in counts.items() if count), "duplicates")
    if name not in worklists.LISTS:
        raise Http404("There is no such list.")
    page = Paginator(worklists.LISTS[name].rows(model), PAGE_SIZE).get_page(request.GET.get("page"))
    if name in ("several", "no-face", "unreadable"):
        faces = Face.objects.filter(photo__in=[photo.pk for photo in page], model=model)
        for photo in page:
            photo.boxes = [face for face in faces if face.photo_id == photo.pk]
    tabs = [(key, chosen.title, counts[key]) for key, chosen in worklists.LISTS.items()]
    context = {"name": name, "chosen": worklists.LISTS[name], "tabs": tabs, "page": page, "views": Photo.View.choices}
    return render(request, "worklists/list.html", context)


@require_POST
@permission_required("cases.change_case", raise_exception=True)
def pair_decide(request: HttpRequest, pk: int) -> HttpResponse:
    pair = get_object_or_404(CasePair.objects.select_related("first__collection", "second__collection"), pk=pk)
    decision = request.POST.get("decision", "")
    if decision not in CasePair.Decision.values:
        return HttpResponse("Choose same person, different people or undo.", status=400)
    worklists.decide_pair(pair, decision, audit.signed_in(request))
    for case in (pair.first, pair.second):
        audit.record(request, "compared", case, f"{pair}: {pair.get_decision_display().lower()}")
    return render(request, "worklists/_pair.html", {"pair": pair})


@require_POST
@permission_required("cases.change_photo", raise_exception=True)
def odd_decide(request: HttpRequest, pk: int) -> HttpResponse:
    odd = get_object_or_404(OddPhoto.objects.select_related("photo__case", "own_face", "other_face__case"), pk=pk)
    decision = request.POST.get("decision", "")
    if decision not in OddPhoto.Decision.values:
        return HttpResponse("Choose the right person, another person or undo.", status=400)
    worklists.decide_odd(odd, decision, audit.signed_in(request))
    audit.record(request, "checked photo", odd.photo.case, f"{odd.photo}: {odd.get_decision_display().lower()}")
    return render(request, "worklists/_odd.html", {"odd": odd})


def case_linked(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the case page: cases that people say are the same person, and those that may be."""
    case = get_object_or_404(Case, pk=pk)
    found = CasePair.objects.filter(Q(first=case) | Q(second=case)).exclude(decision=CasePair.Decision.DIFFERENT)
    rows = [(pair, pair.other(case.pk)) for pair in found.select_related("first", "second")]
    return render(request, "worklists/_linked.html", {"rows": rows})
