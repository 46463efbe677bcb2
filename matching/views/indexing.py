from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from cases.models import Photo
from matching.indexing import bulk, tasks
from matching.models import IndexRun


def indexing(request: HttpRequest) -> HttpResponse:
    """A part of the Imports page: how far the bulk indexing is, and what became of the photos."""
    run = IndexRun.objects.first()
    labels = dict(Photo.Status.choices)
    context = {
        "run": run,
        "waiting": Photo.objects.filter(status=Photo.Status.PENDING).count(),
        "counts": [(labels[status], count) for status, count in sorted(run.counts.items())] if run else [],
    }
    return render(request, "imports/_indexing.html", context)


@require_POST
def indexing_pause(request: HttpRequest) -> HttpResponse:
    run = IndexRun.objects.filter(finished_at=None).first()
    if run is not None:
        bulk.pause(run)
    return indexing(request)


@require_POST
def indexing_resume(request: HttpRequest) -> HttpResponse:
    if IndexRun.objects.filter(finished_at=None).exists():
        bulk.resume()
    transaction.on_commit(tasks.index_waiting.delay, robust=True)
    return indexing(request)
