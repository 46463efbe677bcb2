from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cases import audit
from cases.private_files import picture
from matching.evaluating import evaluation as evaluating
from matching.evaluating import figures, tasks
from matching.evaluating.labelled import NothingToEvaluate
from matching.faces import face_models
from matching.forms import EvaluationForm
from matching.models import Evaluation, EvaluationPair
from matching.views import charts

PAGE_SIZE = 20
CROPS = ("crop", "own_crop", "other_crop")
WORST = [(EvaluationPair.Kind.MISS, "The worst misses"), (EvaluationPair.Kind.LOOKALIKE, "The worst look-alikes")]


def evaluation_list(request: HttpRequest) -> HttpResponse:
    form = EvaluationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            evaluation = evaluating.begin(
                Path(form.cleaned_data["folder"]),
                face_models.active(),
                user=audit.signed_in(request),
                note=form.cleaned_data["note"],
            )
        except (NothingToEvaluate, face_models.NoFaceModel) as problem:
            form.add_error("folder", str(problem))
        else:
            transaction.on_commit(lambda: tasks.evaluate.delay(evaluation.pk), robust=True)
            audit.record(request, "began", evaluation, evaluation.note)
            return redirect(evaluation)
    page = Paginator(Evaluation.objects.select_related("model"), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "evaluations/list.html", {"form": form, "page": page}, status=422 if form.errors else 200)


def evaluation_detail(request: HttpRequest, pk: int) -> HttpResponse:
    evaluation = get_object_or_404(Evaluation.objects.select_related("model", "user"), pk=pk)
    if getattr(request, "htmx", False):
        answer = render(request, "evaluations/_progress.html", {"evaluation": evaluation})
        if not evaluation.is_running:
            answer["HX-Refresh"] = "true"
        return answer
    before = evaluating.before(evaluation)
    context: dict[str, Any] = {"evaluation": evaluation, "before": before}
    if evaluation.figures:
        pairs = list(evaluation.pairs.all())
        context |= {
            "rows": figures.rows(evaluation, before),
            "banded": figures.banded(evaluation),
            "chart": charts.evaluation(evaluation.figures, before.figures if before else None),
            "worst": [(title, [pair for pair in pairs if pair.kind == kind]) for kind, title in WORST],
        }
    return render(request, "evaluations/detail.html", context)


@require_POST
def evaluation_stop(request: HttpRequest, pk: int) -> HttpResponse:
    evaluation = get_object_or_404(Evaluation, pk=pk)
    if evaluating.stop(evaluation):
        audit.record(request, "stopped", evaluation)
    return redirect(evaluation)


@require_POST
def evaluation_remove(request: HttpRequest, pk: int) -> HttpResponse:
    evaluation = get_object_or_404(Evaluation, pk=pk)
    if evaluation.is_running:
        messages.error(request, "It is running; stop it first.")
        return redirect(evaluation)
    audit.record(request, "removed", evaluation)
    evaluating.remove(evaluation)
    messages.success(request, "The evaluation is removed.")
    return redirect("evaluations")


def evaluation_crop(request: HttpRequest, pk: int, which: str) -> HttpResponse:
    if which not in CROPS:
        raise Http404
    return picture(getattr(get_object_or_404(EvaluationPair, pk=pk), which))
