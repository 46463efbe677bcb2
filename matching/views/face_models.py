"""The face model in use, the next one, the second; and estimates of age and sex."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from cases import audit
from cases.visibility import counts_all
from matching.faces import packs
from matching.faces.engines import Recipe, half
from matching.indexing import changing_over
from matching.models import EstimatesPurpose, FaceModel


def system_model(request: HttpRequest) -> HttpResponse:
    model = FaceModel.objects.filter(is_active=True).first()
    context = {
        "model": model,
        "packs": packs.installed(),
        "recipe": _recipe_words(model) if model else "",
        "next": _next_model(),
        "second": _second_model(),
        "estimates": EstimatesPurpose.objects.select_related("user").first(),
        "counts_all": counts_all(audit.signed_in(request)),
    }
    return render(request, "system/model.html", context)


@require_POST
def system_estimates(request: HttpRequest) -> HttpResponse:
    """Turn estimates of age and sex on for a purpose, or off."""
    purpose = request.POST.get("purpose", "").strip()[:300]
    if "off" in request.POST:
        for row in EstimatesPurpose.objects.all():
            audit.record(request, "turned off estimates", row)
            row.delete()
        messages.success(request, "Age and sex are estimated no more.")
    elif not purpose:
        messages.error(request, "Say for what purpose; the audit trail keeps it.")
    else:
        try:
            if packs.find(packs.AGE_AND_SEX) is None:
                packs.download(packs.AGE_AND_SEX)
        except packs.PackProblem as problem:
            messages.error(request, f"Nothing was turned on. {problem}")
        else:
            row = EstimatesPurpose.objects.create(purpose=purpose, user=audit.signed_in(request))
            audit.record(request, "turned on estimates", row, purpose)
            messages.success(request, "Age and sex are estimated of searched faces, for whoever looks at them.")
    return redirect("system-model")


def system_next(request: HttpRequest) -> HttpResponse:
    """A part of the page of the face model: how far the gallery is embedded with the next model."""
    context = {"next": _next_model(), "counts_all": counts_all(audit.signed_in(request))}
    return render(request, "system/_next_model.html", context)


def _next_model() -> dict[str, Any] | None:
    model = FaceModel.objects.filter(is_next=True).first()
    if model is None:
        return None
    done, total = changing_over.progress(model)
    return {"model": model, "done": done, "total": total}


def _second_model() -> dict[str, Any] | None:
    model = FaceModel.objects.filter(is_second=True).first()
    if model is None:
        return None
    done, total = changing_over.progress(model)
    return {"model": model, "done": done, "total": total}


def _recipe_words(model: FaceModel) -> str:
    recipe = Recipe.parse(model.recipe)
    looks = "a look at the size that its faces ask for" if recipe.passes else "the library's two sizes, always"
    embedded = "the mean of the face and its mirror image" if recipe.mirror else "the face as it is"
    here = "; in half precision on this machine" if half.is_here() and not model.is_fallback else ""
    return f"{looks}; {embedded}{here}"
