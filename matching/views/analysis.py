"""Questions in SQL: asked, taken along, kept."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from cases import audit, exports
from cases.visibility import sees_all, visible
from matching import analysis
from matching.models import Report
from matching.report_forms import KeepReportForm, SqlForm

SEES_ALL = "Views hold what all teams have, so only somebody who sees all teams asks in SQL. Reports are for everybody."


def report_sql(request: HttpRequest) -> HttpResponseBase:
    """One SELECT, and its answer as a table or as a file; and those that were kept, each asked anew as it is opened."""
    user = audit.signed_in(request)
    if not sees_all(user):
        raise PermissionDenied(SEES_ALL)
    kept = _kept(request)
    said = request.POST if request.method == "POST" else {"question": kept.sql} if kept else None
    form, way = SqlForm(said), request.POST.get("as", "")
    own = kept if kept is not None and kept.user == user else None
    keep = KeepReportForm(request.POST if way in ("keep", "change") else None, instance=None if way == "keep" else own)
    context: dict[str, Any] = {"form": form, "keep": keep, "kept": kept}
    if form.is_valid() and not (keep.is_bound and not keep.is_valid()):
        question = form.cleaned_data["question"]
        audit.record(request, "asked in SQL", user, question)
        try:
            answer = analysis.ask(question)
        except analysis.QuestionRefused as refusal:
            form.add_error("question", str(refusal))
        else:
            if keep.is_bound:
                report = keep.save(commit=False)
                report.user, report.sql = user, question
                report.save()
                audit.record(request, "kept report", report, question)
                messages.success(request, f"“{report}” is kept.")
                return redirect("report", report.pk)
            if way in exports.KINDS:
                return exports.as_table("answer", way, answer.headings, answer.rows)
            context["answer"] = answer
    columns = analysis.columns()
    context["views"] = [(name, analysis.VIEWS[name][0], columns[name]) for name in analysis.VIEWS if name in columns]
    context["saved"] = visible(Report, user).exclude(sql="").select_related("user")
    return render(request, "reports_sql.html", context, status=422 if form.errors or keep.errors else 200)


def _kept(request: HttpRequest) -> Report | None:
    """The kept question that was opened. Raises `Http404`."""
    asked = request.POST.get("kept") or request.GET.get("kept")
    if not asked:
        return None
    return get_object_or_404(visible(Report, request.user).exclude(sql=""), pk=asked if asked.isdecimal() else 0)
