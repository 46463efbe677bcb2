"""Questions and their answers: on the page, as files, kept."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from cases import audit, exports
from cases.forms import problems
from cases.visibility import visible
from matching import reports
from matching.models import Report
from matching.report_forms import KeepReportForm, ReportForm


def report_list(request: HttpRequest) -> HttpResponse:
    """A question, its answer, and those that were kept."""
    user = audit.signed_in(request)
    form = ReportForm(_chosen(request.GET), user=user)
    table = reports.answer(form.asked(), user) if form.is_valid() else None
    may = reports.subjects_of(user)
    if table is not None:
        audit.record_once(request, "read report", user, _words(form), of=request.GET.urlencode())
    context = {
        "form": form,
        "table": table,
        "shown": _largest(table),
        "drawn": reports.drawn(table) if table else None,
        "query": urlencode(form.kept()),
        "saved": visible(Report, user).select_related("user"),
        "seeds": [
            (name, f"{reverse('reports')}?{urlencode(asked)}")
            for name, asked in reports.SEEDS.items()
            if asked["subject"] in may
        ],
        "keep": KeepReportForm(),
    }
    return render(request, "reports.html", context, status=422 if form.errors else 200)


def report_table(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The same as a file. kind: csv, json or parquet."""
    user = audit.signed_in(request)
    form = ReportForm(_chosen(request.GET), user=user)
    if not form.is_valid() or kind not in (*exports.KINDS, "parquet"):
        raise Http404("There is no such report.")
    table = reports.answer(form.asked(), user)
    audit.record(request, "exported", user, f"report: {_words(form)}")
    if kind == "parquet":
        return exports.whole("report.parquet", reports.parquet(table), "application/vnd.apache.parquet")
    return exports.as_table("report", kind, table.headings, table.rows)


def report_open(request: HttpRequest, pk: int) -> HttpResponse:
    report = get_object_or_404(visible(Report, request.user), pk=pk)
    if report.sql:
        return redirect(f"{reverse('report-sql')}?kept={report.pk}")
    return redirect(f"{reverse('reports')}?{urlencode(report.asked)}")


@require_POST
def report_save(request: HttpRequest) -> HttpResponse:
    """Keep the question that is on the page."""
    user = audit.signed_in(request)
    query = request.POST.get("query", "")
    asked, keep = ReportForm(QueryDict(query), user=user), KeepReportForm(request.POST)
    if not asked.is_valid() or not keep.is_valid():
        messages.error(request, problems(asked, keep))
        return redirect(f"{reverse('reports')}?{query}")
    report = keep.save(commit=False)
    report.user, report.asked = user, asked.kept()
    report.save()
    audit.record(request, "kept report", report, _words(asked))
    messages.success(request, f"“{report}” is kept.")
    return redirect("report", report.pk)


@require_POST
def report_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Its name, who finds it, and whether it is mailed; only its owner's to change."""
    report = get_object_or_404(Report, pk=pk, user=request.user.pk)
    form = KeepReportForm(request.POST, instance=report)
    if form.is_valid():
        form.save()
        audit.record(request, "changed", report, ", ".join(form.changed_data))
    else:
        messages.error(request, problems(form))
    return redirect("report", pk)


@require_POST
def report_remove(request: HttpRequest, pk: int) -> HttpResponse:
    report = get_object_or_404(Report, pk=pk, user=request.user.pk)
    audit.record(request, "removed", report, report.sql or urlencode(report.asked))
    report.delete()
    messages.success(request, f"“{report}” is kept no more.")
    return redirect(f"{reverse('reports')}?{urlencode(report.asked)}")


def _chosen(said: QueryDict) -> QueryDict:
    """A question as it came; without one, days. Where another thing is counted than before, by what and how it was
    drawn is not asked of it."""
    chosen = said.copy()
    if "subject" not in chosen:
        chosen.setdefault("step", "day")
    if said.get("was", said.get("subject")) != said.get("subject"):
        for name in ("by", "measure"):
            chosen.pop(name, None)
    return chosen


def _largest(table: reports.Table | None) -> float:
    """Of the measure that is drawn, for the bars in the table."""
    if table is None or table.times:
        return 0
    return max((float(row[table.drawn_place] or 0) for row in table.rows), default=0.0)


def _words(form: ReportForm) -> str:
    return urlencode(form.kept())[:300]
