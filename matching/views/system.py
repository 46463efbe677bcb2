import json
import shutil
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from cases import audit, exports, importing, signing, work
from cases.models import AuditEvent, Case, Collection, Photo
from cases.visibility import SearchRefused, sees_all, visible
from matching import set_aside
from matching.faces import packs
from matching.faces.engines import Recipe
from matching.gallery import calibration, measuring
from matching.gallery import search as gallery
from matching.gallery.curves import Curve
from matching.indexing import changing_over
from matching.models import Capture, EstimatesPurpose, FaceModel, KeepingRun, Measurement
from matching.telling import board, notifying
from matching.views import charts
from matching.watching import levels

LEAST_FREE = 500 * 2**20


def system(request: HttpRequest) -> HttpResponse:
    user = audit.signed_in(request)
    model = FaceModel.objects.filter(is_active=True).first()
    disk = shutil.disk_usage(settings.DATA_DIR)
    context = {
        "model": model,
        **(_error_rates(model, user) if model else {}),
        "models": FaceModel.objects.order_by("name"),
        "packs": packs.installed(),
        "recipe": _recipe_words(model) if model else "",
        "faces": gallery.searched(model, _own(user)).count() if model else 0,
        "next": _next_model(),
        "photos": [
            (label, visible(Photo, request.user).filter(status=value).count()) for value, label in Photo.Status.choices
        ],
        "open_cases": visible(Case, request.user).filter(status=Case.Status.OPEN).count(),
        "captures_waiting": visible(Capture, request.user).filter(status=Capture.Status.PENDING).count(),
        "workers": _workers(),
        "postgres": _server_version(),
        "disk_free": disk.free,
        "second": _second_model(),
        "estimates": EstimatesPurpose.objects.select_related("user").first(),
        "kept": KeepingRun.objects.first() if _counts_all(user) else None,
        "counts_all": _counts_all(user),
        "judged": board.judged(user),
        "failed": set_aside.shown(user),
        "most_attempts": work.MOST_ATTEMPTS,
        "given_up": notifying.given_up(user)[:20],
        "audit": AuditEvent.objects.all()[:8] if request.user.has_perm("cases.view_auditevent") else None,
    }
    return render(request, "system/detail.html", context)


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
    return redirect(reverse("system") + "#estimates")


def signing_key(request: HttpRequest) -> HttpResponse:
    """The public half of the key by which leads that leave are signed."""
    return exports.whole("public-key.pem", signing.public_key(), "application/x-pem-file")


def system_next(request: HttpRequest) -> HttpResponse:
    """A part of the System page: how far the gallery is embedded with the next model."""
    context = {"next": _next_model(), "counts_all": _counts_all(audit.signed_in(request))}
    return render(request, "system/_next_model.html", context)


def _counts_all(user: User) -> bool:
    """Whether there is no collection that this person does not see: only then are all cases theirs to count."""
    return sees_all(user) or visible(Collection, user).count() == Collection.objects.count()


def _own(user: User) -> list[int] | None:
    """The collections whose cases are counted for somebody; None: all."""
    return None if _counts_all(user) else list(visible(Collection, user).values_list("pk", flat=True))


def _error_rates(model: FaceModel, user: User) -> dict[str, Any]:
    measurement, cases = calibration.latest(model), gallery.size(model, _own(user))
    captures = levels.captures_a_day(user)
    calibrated = calibration.by(model, measurement)
    chart, meanings = charts.error_rates(calibrated), levels.meanings(calibrated, cases, captures)
    return {
        "calibration": calibrated,
        "measurement": measurement,
        "check": [(n, round(share * measurement.probes), share) for n, share in measurement.check_of]
        if measurement and _counts_all(user)
        else [],
        "missed_by": _missed_by(measurement, meanings) if measurement and _counts_all(user) else [],
        "cases": cases,
        "enough": measuring.ENOUGH,
        "chart": chart,
        "meanings": meanings,
        "marks": chart.marks((meaning.threshold, meaning.label) for meaning in meanings),
        "captures": captures,
    }


def _missed_by(measurement: Measurement, meanings: list[levels.Meaning]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Of photos of one person here, the share below each alert level, by age and by years between."""
    headings = {"ages": "Age on the case's photo", "years": "Years between the photos"}
    found = []
    for kind, heading in headings.items():
        curves = [(name, Curve.from_json(kept)) for name, kept in measurement.mates_by.get(kind, [])]
        rows = [
            {"name": name, "pairs": curve.pairs, "missed": [(m.label, 1 - curve.share(m.threshold)) for m in meanings]}
            for name, curve in curves
        ]
        if rows:
            found.append((heading, rows))
    return found


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
    return f"{looks}; {'the mean of the face and its mirror image' if recipe.mirror else 'the face as it is'}"


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """For a supervisor: 200 where the database and Redis answer, else 503 and which does not."""
    problems = []
    try:
        _server_version()
    except DatabaseError:
        problems.append("database")
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
            client.ping()
    except redis.RedisError:
        problems.append("redis")
    return JsonResponse({"ok": not problems, "problems": problems}, status=503 if problems else 200)


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether the work can be done: 503 and what is missing, for whoever sends people or captures here."""
    problems = json.loads(healthz(request).content)["problems"]
    if not problems:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            problems.append("migrations")
        elif not FaceModel.objects.filter(is_active=True).exists():
            problems.append("face model")
        if shutil.disk_usage(settings.DATA_DIR).free < LEAST_FREE:
            problems.append("disk")
    return JsonResponse({"ok": not problems, "problems": problems}, status=503 if problems else 200)


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
