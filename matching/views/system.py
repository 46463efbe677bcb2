"""How the installation is: what it holds, what runs, what failed."""

import shutil

import redis
from celery import current_app
from django.conf import settings
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from cases import audit, exports, importing, signing, stores, work
from cases.models import AuditEvent, Case, Photo, ProcessBeat
from cases.visibility import SearchRefused, collections_counted, visible
from matching import set_aside
from matching.gallery import feeding
from matching.gallery import search as gallery
from matching.models import Capture, FaceModel, GalleryChange, GalleryEngine
from matching.telling import notifying


def system(request: HttpRequest) -> HttpResponse:
    user = audit.signed_in(request)
    model = FaceModel.objects.filter(is_active=True).first()
    running = ProcessBeat.running()
    context = {
        "version": settings.VERSION,
        "running": running,
        "versions": sorted({settings.VERSION} | {one.version for one in running if not one.is_silent}),
        "faces": gallery.searched(model, collections_counted(user)).count() if model else 0,
        "photos": [
            (label, visible(Photo, request.user).filter(status=value).count()) for value, label in Photo.Status.choices
        ],
        "open_cases": visible(Case, request.user).filter(status=Case.Status.OPEN).count(),
        "captures_waiting": visible(Capture, request.user).filter(status=Capture.Status.PENDING).count(),
        "workers": _workers(),
        "postgres": _server_version(),
        "stores": [str(store) for store in stores.all_()],
        "files_problem": stores.problem(),
        "engine": GalleryEngine.objects.first(),
        "engine_waits": GalleryChange.objects.count(),
        "engine_away": feeding.were_away(),
        "disk_free": shutil.disk_usage(settings.DATA_DIR).free,
        "failed": set_aside.shown(user),
        "most_attempts": work.MOST_ATTEMPTS,
        "given_up": notifying.given_up(user)[:20],
        "audit": AuditEvent.objects.all()[:8] if request.user.has_perm("cases.view_auditevent") else None,
    }
    return render(request, "system/status.html", context)


@require_POST
def work_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Take up again what was set aside; 0: all of it."""
    rows = [row for row in set_aside.shown(audit.signed_in(request)) if pk in (0, row.pk)]
    if not rows and pk:
        raise Http404("There is no such piece of work.")
    for row in rows:
        try:
            set_aside.take_up(row)
        except (importing.ImportBusy, SearchRefused) as refusal:
            messages.error(request, f"{row.label}: {refusal}")
        else:
            audit.record(request, "took up again", row, row.error)
    return redirect("system")


def signing_key(request: HttpRequest) -> HttpResponse:
    """The public half of the key by which leads that leave are signed."""
    return exports.whole("public-key.pem", signing.public_key(), "application/x-pem-file")


def _workers() -> list[str]:
    try:
        return sorted(current_app.control.inspect(timeout=0.5).ping() or {})
    except (redis.RedisError, OSError):
        return []


def _server_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), extversion FROM pg_extension WHERE extname = 'vector'"
        )
        row = cursor.fetchone()
    return f"PostgreSQL {row[0]}, pgvector {row[1]}" if row else "PostgreSQL without pgvector"
