"""Whether this instance runs, and whether it can do its work, for whoever looks after it or sends people here."""

import json
import shutil

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from cases import stores
from cases.models import ProcessBeat
from matching.models import FaceModel

LEAST_FREE = 500 * 2**20


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """For a supervisor: 200 where the database and Redis answer, else 503 and which does not."""
    problems = []
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
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
        problems += [f"{kind} silent" for kind in ProcessBeat.silent()]
        if shutil.disk_usage(settings.DATA_DIR).free < LEAST_FREE:
            problems.append("disk")
        if stores.problem():
            problems.append("files")
    return JsonResponse({"ok": not problems, "problems": problems}, status=503 if problems else 200)
