from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from cases import audit
from cases.forms import CollectionForm
from cases.models import Case, Collection
from cases.visibility import visible


def collection_list(request: HttpRequest) -> HttpResponse:
    collections = (
        visible(Collection, request.user)
        .prefetch_related("teams")
        .annotate(open_cases=Count("cases", filter=Q(cases__status=Case.Status.OPEN)), all_cases=Count("cases"))
    )
    return render(request, "collections/list.html", {"collections": collections})


def collection_new(request: HttpRequest) -> HttpResponse:
    return _form(request, None)


def collection_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _form(request, get_object_or_404(visible(Collection, request.user), pk=pk))


def _form(request: HttpRequest, collection: Collection | None) -> HttpResponse:
    form = CollectionForm(request.POST or None, instance=collection, user=request.user)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        audit.record(request, "changed" if collection else "created", saved, ", ".join(form.changed_data))
        messages.success(request, f"{saved.name} is saved.")
        return redirect("collections")
    return render(request, "collections/form.html", {"form": form, "collection": collection})
