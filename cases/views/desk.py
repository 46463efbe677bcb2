"""Who sees to a case, its notes and its tasks; each answers with the part of the page that changed."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from cases import audit, desk
from cases.forms import AssignForm, NoteForm, TaskForm, problems
from cases.models import Case, CaseNote, CaseTask
from cases.visibility import visible

PAGE_SIZE = 50
LISTS = [("mine", "Mine"), ("nobody", "Nobody's"), ("all", "All"), ("done", "Done")]


def case_desk(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the case page: who sees to it, what is to be done, what is noted."""
    return _desk(request, get_object_or_404(visible(Case.objects.select_related("collection"), request.user), pk=pk))


def _desk(request: HttpRequest, case: Case, problem: str = "") -> HttpResponse:
    context = {
        "case": case,
        "problem": problem,
        "tasks": case.tasks.select_related("assigned_to", "done_by", "made_by"),
        "notes": case.notes.select_related("user"),
        "may_have": desk.who_may_have(case),
        "may_do": desk.who_may_do(case),
    }
    answer = render(request, "cases/_desk.html", context)
    if request.method == "POST" and not problem:
        answer["HX-Trigger"] = "case-changed"
    return answer


@require_POST
def case_assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a case to somebody: `to` is a username, empty for nobody."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    form = AssignForm(request.POST, people=desk.who_may_have(case))
    if not form.is_valid():
        return _desk(request, case, problems(form))
    to = form.cleaned_data["to"]
    desk.assign(case, to)
    audit.record(request, "assigned", case, f"to {to.username if to else 'nobody'}")
    return _desk(request, case)


@require_POST
def case_note(request: HttpRequest, pk: int) -> HttpResponse:
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _desk(request, case, problems(form))
    CaseNote.objects.create(case=case, user=audit.signed_in(request), text=form.cleaned_data["text"])
    audit.record(request, "noted", case, form.cleaned_data["text"])
    return _desk(request, case)


@require_POST
def note_strike(request: HttpRequest, pk: int) -> HttpResponse:
    """Strike one's own note out, or have it stand again."""
    note = get_object_or_404(visible(CaseNote.objects.select_related("case"), request.user), pk=pk)
    try:
        desk.strike(note, audit.signed_in(request))
    except desk.NotYours as refusal:
        return _desk(request, note.case, str(refusal))
    audit.record(request, "struck out" if note.struck_at else "noted again", note.case, note.text)
    return _desk(request, note.case)


@require_POST
def case_task(request: HttpRequest, pk: int) -> HttpResponse:
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    form = TaskForm(request.POST, people=desk.who_may_do(case))
    if not form.is_valid():
        return _desk(request, case, problems(form))
    said = form.cleaned_data
    task = CaseTask.objects.create(
        case=case, text=said["text"], due_on=said["due_on"], assigned_to=said["to"], made_by=audit.signed_in(request)
    )
    audit.record(request, "asked for", case, desk.words(task))
    return _desk(request, case)


@require_POST
def task_done(request: HttpRequest, pk: int) -> HttpResponse:
    """A task is done, or to be done after all; answers with the list that it stands in."""
    task = get_object_or_404(visible(CaseTask.objects.select_related("case"), request.user), pk=pk)
    desk.settle(task, audit.signed_in(request))
    audit.record(request, "did" if task.done_at else "reopened task", task.case, task.text)
    if "list" in request.POST:
        return render(request, "cases/_task.html", {"task": task, "in_list": True})
    return _desk(request, task.case)


@require_POST
def task_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """A task that was a mistake goes; that it was there stays in the trail."""
    task = get_object_or_404(visible(CaseTask.objects.select_related("case"), request.user), pk=pk)
    audit.record(request, "removed task", task.case, task.text)
    task.delete()
    return _desk(request, task.case)


def task_list(request: HttpRequest) -> HttpResponse:
    """What is to be done, for all cases that somebody sees."""
    lists = desk.tasks(audit.signed_in(request))
    which = request.GET.get("list", "mine")
    if which not in lists:
        which = "mine"
    context = {
        "page": Paginator(lists[which], PAGE_SIZE).get_page(request.GET.get("page")),
        "which": which,
        "query": f"list={which}",
        "lists": [(name, label, lists[name].count() if name != "done" else 0) for name, label in LISTS],
    }
    return render(request, "cases/tasks.html", context)
