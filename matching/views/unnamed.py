"""People whom cameras saw and nobody has named."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Count, Max
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cases import audit
from cases.forms import BeginForm, problems
from cases.models import Case, Collection
from cases.visibility import visible
from matching.models import Alert, UnnamedFace, UnnamedPerson
from matching.unnamed import by_hand, seen
from matching.unnamed_forms import MergeForm, PeopleForm, SayForm, SplitForm, VisitsForm

PAGE_SIZE, VISITS_SHOWN = 24, 60


def unnamed_list(request: HttpRequest) -> HttpResponse:
    form = PeopleForm(request.GET, user=request.user)
    query = request.GET.copy()
    query.pop("page", None)
    found = form.people() if form.is_valid() else UnnamedPerson.objects.none()
    context = {
        "form": form,
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "query": query.urlencode(),
        "keeping": visible(Collection, request.user).filter(unnamed_days__gt=0),
        "narrowed": any(request.GET.get(name) for name in ("who", "camera")),
    }
    return render(request, "unnamed/list.html", context, status=422 if form.errors else 200)


def unnamed_person(request: HttpRequest, pk: int) -> HttpResponse:
    user = audit.signed_in(request)
    person = get_object_or_404(seen.people(user).select_related("case", "model"), pk=pk)
    faces, alike = visible(UnnamedFace, user).filter(person=person), seen.alike(person, user)
    context = {
        **_visits(person, user),
        "alike": [one for one in alike if one.strength.word != "weak"],
        "less_alike": [one for one in alike if one.strength.word == "weak"],
        "companions": seen.companions(person, user),
        "pictured_with": seen.pictured_with(person, user),
        "joined": faces.exclude(joined_from=None).order_by().values("joined_from").annotate(faces=Count("pk")),
        "alerts": visible(Alert, user).filter(captures__probe__unnamed__person=person, case__isnull=False).distinct(),
        "say": SayForm(instance=person),
        "begin": BeginForm(user=user),
        "case": visible(Case, user).filter(pk=person.case_id or 0).first(),
    }
    return render(request, "unnamed/person.html", context)


def unnamed_seen(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of their page that changes as captures join them; 204 while none has."""
    user = audit.signed_in(request)
    if request.GET.get("last") == _last(get_object_or_404(visible(UnnamedPerson, user), pk=pk), user):
        return HttpResponse(status=204)
    return render(request, "unnamed/_seen.html", _visits(get_object_or_404(seen.people(user), pk=pk), user))


def _visits(person: UnnamedPerson, user: User) -> dict[str, Any]:
    last, visits = _last(person, user), seen.visits(person, user)
    return {"person": person, "visits": visits[:VISITS_SHOWN], "more": len(visits) - VISITS_SHOWN, "last": last}


def _last(person: UnnamedPerson, user: User) -> str:
    """Tells whether faces have come or gone since; asked every few seconds, so it looks at no more."""
    faces = visible(UnnamedFace, user).filter(person=person).aggregate(count=Count("pk"), last=Max("pk"))
    return f"{faces['count']}-{faces['last']}"


def unnamed_visits(request: HttpRequest) -> HttpResponse:
    """Visitors by day and hour: new, returning, and how long they stayed."""
    form = VisitsForm(request.GET, user=request.user)
    days = form.days_asked() if form.is_valid() else []
    hours = [sum(day.hours[hour] for day in days) for hour in range(24)]
    context = {"form": form, "days": days, "hours": list(enumerate(hours)), "busiest": max(hours, default=0)}
    return render(request, "unnamed/visits.html", context, status=422 if form.errors else 200)


def _person(request: HttpRequest, pk: int) -> UnnamedPerson:
    return get_object_or_404(visible(UnnamedPerson, request.user), pk=pk)


@contextmanager
def _refusals_said(request: HttpRequest) -> Iterator[None]:
    """What cannot be done is said on the next page."""
    try:
        yield
    except by_hand.HandRefused as refusal:
        messages.error(request, str(refusal))


def _check(form: BaseForm) -> None:
    if not form.is_valid():
        raise by_hand.HandRefused(problems(form))


@require_POST
def unnamed_merge(request: HttpRequest, pk: int) -> HttpResponse:
    person, form = _person(request, pk), MergeForm(request.POST, user=request.user)
    with _refusals_said(request):
        _check(form)
        name = str(form.cleaned_data["other"])
        by_hand.merge(person, form.cleaned_data["other"])
        audit.record(request, "merged", person, f"with {name}")
        messages.success(request, f"The two are one now. {name.capitalize()} can be taken apart again below.")
    return redirect(person)


@require_POST
def unnamed_split(request: HttpRequest, pk: int) -> HttpResponse:
    person = _person(request, pk)
    form = SplitForm(request.POST, user=request.user, person=person)
    with _refusals_said(request):
        _check(form)
        other = by_hand.split(person, form.chosen())
        audit.record(request, "split", person, f"into {other}")
        messages.success(request, f"These faces are {other} now. Where that was wrong, make the two one again there.")
    return redirect(person)


@require_POST
def unnamed_say(request: HttpRequest, pk: int) -> HttpResponse:
    person = _person(request, pk)
    form = SayForm(request.POST, instance=person)
    with _refusals_said(request):
        _check(form)
        by_hand.say(person, form.cleaned_data["mark"], form.cleaned_data["note"])
        audit.record(request, "marked", person, f"{person.get_mark_display()} {person.note}".strip())
        messages.success(request, f"Kept: {person.get_mark_display().lower()}.")
    return redirect(person)


@require_POST
def unnamed_case(request: HttpRequest, pk: int) -> HttpResponse:
    """A case made of their pictures, or a known person."""
    person, form = _person(request, pk), BeginForm(request.POST, user=request.user)
    with _refusals_said(request):
        _check(form)
        case = by_hand.begin_case(person, form.cleaned_data["collection"], audit.signed_in(request))
        audit.record(request, "created", case, f"from {person}")
        messages.success(request, f"The case is open as {case.number}. Now type what is known.")
        return redirect("case-edit", case.pk)
    return redirect(person)
