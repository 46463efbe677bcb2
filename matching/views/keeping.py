"""What is kept for how long; a person on request: all that is kept of them, their removal, and the legal hold that
forbids it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from cases import audit
from cases.forms import EraseForm, HoldForm
from cases.models import Case, Collection
from cases.visibility import counts_all, visible
from matching import keeping
from matching.models import KeepingRun


def system_keeping(request: HttpRequest) -> HttpResponse:
    """For how many days what is kept, what the last night removed, what is held."""
    user = audit.signed_in(request)
    context = {
        "counts_all": counts_all(user),
        "kept": KeepingRun.objects.first() if counts_all(user) else None,
        "collections": visible(Collection, user),
        "held": visible(Case, user).exclude(held_at=None).order_by("held_at"),
    }
    return render(request, "system/keeping.html", context)


@require_POST
def case_hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin a legal hold with its reason; without one, end it."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    form = HoldForm(request.POST)
    if form.is_valid():
        case.hold(form.cleaned_data["reason"])
        audit.record(request, "held" if case.held_at else "ended hold", case, case.held_reason)
        messages.success(request, "Nothing of it is removed now." if case.held_at else "The hold has ended.")
    else:
        messages.error(request, " ".join(str(error) for error in form.errors["reason"]))
    return redirect(case)


def case_export(request: HttpRequest, pk: int) -> HttpResponse:
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    audit.record(request, "exported", case, "all that is kept of the person")
    name = f"{slugify(case.number) or case.pk}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(keeping.export(case), content_type="application/zip", headers=headers)


def case_erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a case for good. Says what remains, and why."""
    case = get_object_or_404(visible(Case, request.user), pk=pk)
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["number"] != case.number:
            form.add_error("number", f"Type {case.number} to say that it is meant.")
        else:
            try:
                audit.record(request, "erased", case, form.cleaned_data["why"])
                remains = keeping.erase(case, audit.signed_in(request))
            except keeping.Held as held:
                form.add_error(None, str(held))
            else:
                return render(request, "cases/erased.html", {"number": case.number, "remains": remains})
    context = {"case": case, "form": form}
    return render(request, "cases/erase.html", context, status=422 if form.errors else 200)
