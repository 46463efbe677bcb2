from functools import partial
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cases import audit, erased, exports, import_reader, importing, tasks
from cases.forms import LiftForm
from cases.import_forms import ColumnsForm, ReadingForm, form_for
from cases.models import ImportDoubt, ImportProblem, ImportRun, ImportSource, Tombstone
from cases.sources import KINDS, SourceUnavailable, encodings, spreadsheet, tables
from cases.visibility import visible

PREVIEW = 10
# Of each column, how many doubts a source's page shows.
DOUBTS = 10
PAGE_SIZE = 50


def import_list(request: HttpRequest) -> HttpResponse:
    open_problems = Count("problems", filter=Q(problems__ended_at=None))
    sources = visible(ImportSource, request.user).select_related("collection").annotate(problem_count=open_problems)
    sources = sources.prefetch_related(Prefetch("runs", ImportRun.objects.order_by("-pk")))
    template = "imports/_sources.html" if getattr(request, "htmx", False) else "imports/list.html"
    return render(request, template, {"sources": sources, "kinds": KINDS})


def import_new(request: HttpRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    if kind not in KINDS:
        raise Http404("There is no such kind of source.")
    return _form(request, ImportSource(kind=kind))


def import_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _form(request, get_object_or_404(visible(ImportSource, request.user), pk=pk))


@require_POST
def import_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a source and its runs. The cases that it brought stay."""
    source = get_object_or_404(visible(ImportSource, request.user), pk=pk)
    try:
        importing.remove(source)
    except importing.ImportBusy as busy:
        messages.error(request, str(busy))
        return redirect(source)
    audit.record(request, "removed", source)
    messages.success(request, f"{source.name} is removed; its cases stay.")
    return redirect("imports")


def _form(request: HttpRequest, source: ImportSource) -> HttpResponse:
    is_new = source.pk is None
    form = form_for(source.kind)(
        request.POST or None, request.FILES or None, instance=source, kind=source.kind, user=audit.signed_in(request)
    )
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        audit.record(request, "created" if is_new else "changed", saved, ", ".join(form.changed_data))
        messages.success(request, f"{saved.name} is saved.")
        return redirect("import-columns" if saved.kind == "spreadsheet" else "import-source", saved.pk)
    return render(request, "imports/form.html", {"form": form, "source": source, "kind": KINDS[source.kind]})


def import_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """A table's columns mapped, with the first records as they would be read."""
    source = get_object_or_404(visible(ImportSource, request.user), pk=pk, kind="spreadsheet")
    path, options = Path(source.options["file"]), source.options
    try:
        table = tables.open_table(path, spreadsheet.reading_of(options))
    except SourceUnavailable as problem:
        messages.error(request, str(problem))
        return redirect("import-edit", pk)
    how = ReadingForm(request.POST or options, table=table)
    problem_text = ""
    if how.is_valid() and request.POST:
        try:
            table = tables.open_table(path, spreadsheet.reading_of(how.options))
        except SourceUnavailable as problem:
            problem_text = str(problem)
    form = ColumnsForm(request.POST or _columns(request, source, table), header=table.columns)
    if request.POST and not form.is_valid() and not getattr(request, "htmx", False) and "number" not in form.errors:
        # Another sheet or line has other columns.
        form = ColumnsForm(spreadsheet.guess(table), header=table.columns)
    preview: list[import_reader.WouldBe] = []
    if how.is_valid() and form.is_valid() and not problem_text:
        chosen = {**_but_reading(options), **how.options, "columns": form.columns}
        if request.method == "POST" and not getattr(request, "htmx", False):
            source.options = chosen
            source.save()
            audit.record(request, "changed", source, "columns")
            messages.success(request, "The columns are saved.")
            return redirect(source)
        try:
            preview = [import_reader.would_be(item) for item in spreadsheet.preview(chosen, PREVIEW)]
        except SourceUnavailable as problem:
            problem_text = str(problem)
    template = "imports/_preview.html" if getattr(request, "htmx", False) else "imports/columns.html"
    context = {"form": form, "how": how, "table": table, "source": source, "preview": preview, "problem": problem_text}
    if form.is_valid():
        context["unread"] = spreadsheet.unread(table, form.columns.values())
    context["encoding"] = encodings.ENCODINGS.get(table.reading.encoding, table.reading.encoding)
    return render(request, template, context)


def _columns(request: HttpRequest, source: ImportSource, table: tables.Table) -> dict[str, str]:
    """The mapping that was saved, or one that was saved for another table with these very columns, or a guess."""
    if saved := source.options.get("columns"):
        return dict(saved)
    others = visible(ImportSource, request.user).filter(kind="spreadsheet").exclude(pk=source.pk).order_by("-pk")
    for options in others.values_list("options", flat=True)[:50]:
        columns = options.get("columns") or {}
        if "number" in columns and set(columns.values()) <= set(table.columns):
            return dict(columns)
    return spreadsheet.guess(table)


def _but_reading(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ("encoding", "sheet", "line")}


def import_source(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(visible(ImportSource.objects.select_related("collection"), request.user), pk=pk)
    problems = source.problems.filter(ended_at=None)
    context = {
        "source": source,
        "kind": KINDS[source.kind],
        "run": source.runs.first(),
        "runs": source.runs.select_related("started_by")[:20],
        "page": Paginator(problems, PAGE_SIZE).get_page(request.GET.get("page")),
        "erased": visible(Tombstone, request.user).filter(collection=source.collection_id).exists(),
        "doubts": _doubts(source),
        "stray": ImportDoubt.STRAY,
        "retrying": problems.filter(status=ImportProblem.Status.RETRYING).exists(),
    }
    template = "imports/_source.html" if getattr(request, "htmx", False) else "imports/source.html"
    return render(request, template, context)


def _doubts(source: ImportSource) -> list[tuple[str, int, list[ImportDoubt]]]:
    """What could not be read, by column: how often, and the first of them."""
    counted = source.doubts.order_by().values_list("column").annotate(count=Count("pk")).order_by("-count", "column")
    return [(column, count, list(source.doubts.filter(column=column)[:DOUBTS])) for column, count in counted]


def import_doubts(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """All of it as CSV."""
    source = get_object_or_404(visible(ImportSource, request.user), pk=pk)
    audit.record(request, "exported", source, "what could not be read")

    rows = source.doubts.values_list("key", "column", "text", "why").iterator(chunk_size=2000)
    return exports.as_csv("not-understood.csv", ["record", "column", "as written", "why"], rows)


@require_POST
def doubt_attach(request: HttpRequest, pk: int) -> HttpResponse:
    """A photo that belongs to no row said to be of a case."""
    doubt = get_object_or_404(visible(ImportDoubt, request.user), pk=pk)
    source, name = doubt.source, doubt.key
    try:
        case = importing.attach(doubt, request.POST.get("number", ""))
    except importing.NotAttached as problem:
        messages.error(request, str(problem))
    else:
        audit.record(request, "attached photo", case, name)
        messages.success(request, f"{name} is of {case}: the next run brings it.")
    return redirect(source)


@require_POST
def import_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Let somebody who was erased come back, by the number that the source knows them by."""
    source = get_object_or_404(visible(ImportSource, request.user), pk=pk)
    form = LiftForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Type the number, and why it may come back.")
    elif erased.lift(source.kind, source.collection_id, form.cleaned_data["number"]):
        audit.record(request, "lifted erasure", source, form.cleaned_data["why"])
        messages.success(request, "The next run brings it again.")
    else:
        messages.error(request, "Nobody of this number was erased here.")
    return redirect(source)


@require_POST
def import_start(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(visible(ImportSource, request.user), pk=pk)
    try:
        run = importing.start(source, check_photos=bool(request.POST.get("check_photos")), by=audit.signed_in(request))
    except importing.ImportBusy as busy:
        messages.error(request, str(busy))
    else:
        transaction.on_commit(lambda: tasks.run_import.delay(run.pk), robust=True)
        audit.record(request, "started import", source)
    return redirect(source)


@require_POST
def import_pause(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(visible(ImportRun, request.user), pk=pk)
    if importing.pause(run):
        audit.record(request, "paused import", run.source)
    return redirect(run.source)


@require_POST
def import_stop(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(visible(ImportRun, request.user), pk=pk)
    if importing.stop(run):
        audit.record(request, "stopped import", run.source)
    return redirect(run.source)


@require_POST
def problem_retry(request: HttpRequest, pk: int) -> HttpResponse:
    problem = get_object_or_404(visible(ImportProblem, request.user), pk=pk, ended_at=None)
    _retry(request, ImportProblem.objects.filter(pk=problem.pk))
    return redirect(problem.source)


@require_POST
def problems_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Every open problem of a source but the one that closes cases: that one is asked for by itself."""
    source = get_object_or_404(visible(ImportSource, request.user), pk=pk)
    _retry(request, source.problems.filter(ended_at=None).exclude(key=ImportProblem.ALL))
    return redirect(source)


def _retry(request: HttpRequest, problems: QuerySet[ImportProblem]) -> None:
    for problem in problems:
        ImportProblem.objects.filter(pk=problem.pk).update(status=ImportProblem.Status.RETRYING)
        transaction.on_commit(partial(tasks.retry_problem.delay, problem.pk), robust=True)
        audit.record(request, "retried", problem, problem.reason[:300])


@require_POST
def problem_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    problem = get_object_or_404(visible(ImportProblem, request.user), pk=pk, ended_at=None)
    importing.dismiss(problem)
    audit.record(request, "dismissed", problem, problem.reason[:300])
    return redirect(problem.source)
