"""Questions in SQL."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from cases import audit, exports
from cases.visibility import sees_all
from matching import analysis
from matching.report_forms import SqlForm

SEES_ALL = "Views hold what all teams have, so only somebody who sees all teams asks in SQL. Reports are for everybody."


def report_sql(request: HttpRequest) -> HttpResponseBase:
    """One SELECT, and its answer as a table or as a file."""
    user = audit.signed_in(request)
    if not sees_all(user):
        raise PermissionDenied(SEES_ALL)
    form = SqlForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form, "refused": False}
    if form.is_valid():
        audit.record(request, "asked in SQL", user, form.cleaned_data["question"])
        try:
            answer = analysis.ask(form.cleaned_data["question"])
        except analysis.QuestionRefused as refusal:
            form.add_error("question", str(refusal))
        else:
            if request.POST.get("as") in exports.KINDS:
                return exports.as_table("answer", request.POST["as"], answer.headings, answer.rows)
            context["answer"] = answer
    columns = analysis.columns()
    context["views"] = [(name, analysis.VIEWS[name][0], columns[name]) for name in analysis.VIEWS if name in columns]
    return render(request, "reports_sql.html", context, status=422 if form.errors else 200)
