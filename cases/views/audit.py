"""The audit trail for those who audit, and their questions for those who are asked."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cases import audit, exports
from cases.filters import AuditFilter
from cases.forms import AnswerForm, QuestionForm
from cases.models import AuditEvent

PAGE_SIZE = 60
COLUMNS = ["id", "at", "who", "action", "type", "target", "label", "why", "address", "hash"]


def audit_list(request: HttpRequest) -> HttpResponse:
    narrowed = AuditFilter(request.GET, queryset=AuditEvent.objects.select_related("question__asked_by"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "filter": narrowed,
        "page": Paginator(narrowed.qs, PAGE_SIZE).get_page(request.GET.get("page")),
        "query": query.urlencode(),
    }
    return render(request, "audit/_list.html" if getattr(request, "htmx", False) else "audit/list.html", context)


def audit_csv(request: HttpRequest) -> StreamingHttpResponse:
    """What the filters leave, oldest first, with each row's hash: enough to check the chain elsewhere."""
    found = AuditFilter(request.GET, queryset=AuditEvent.objects.order_by("pk"))
    audit.record(request, "exported", audit.signed_in(request), f"audit trail {request.GET.urlencode()}"[:300])

    rows = (
        [
            one.pk, one.at.isoformat(), one.username, one.action, one.target_type, one.target_id,
            one.target_label, one.why, one.address or "", one.hash,
        ]
        for one in found.qs.iterator(chunk_size=1000)
    )  # fmt: skip
    return exports.as_csv("audit.csv", COLUMNS, rows)


@require_POST
def audit_ask(request: HttpRequest, pk: int) -> HttpResponse:
    event = get_object_or_404(AuditEvent, pk=pk)
    form = QuestionForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for error in form.errors["text"]))
    elif event.user_id is None:
        messages.error(request, "Nobody who has an account did that.")
    else:
        question = audit.ask(event, form.cleaned_data["text"], audit.signed_in(request))
        audit.record(request, "asked why", question, str(event)[:300])
        messages.success(request, f"{event.username} is asked on every page until they answer.")
    return redirect(f"{request.META.get('HTTP_REFERER') or '/audit/'}".split("#")[0])


def questions(request: HttpRequest) -> HttpResponse:
    """What auditors ask of whoever looks."""
    return render(request, "audit/questions.html", {"questions": audit.open_questions(audit.signed_in(request))})


@require_POST
def question_answer(request: HttpRequest, pk: int) -> HttpResponse:
    question = get_object_or_404(audit.open_questions(audit.signed_in(request)), pk=pk)
    form = AnswerForm(request.POST)
    if form.is_valid():
        audit.answer(question, form.cleaned_data["answer"])
        audit.record(request, "answered", question, form.cleaned_data["answer"])
        messages.success(request, "Thank you. The answer stands beside the entry.")
    else:
        messages.error(request, " ".join(str(error) for error in form.errors["answer"]))
    return redirect("questions")
