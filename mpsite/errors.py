"""What is answered where nothing could be: a database that starts anew, or files that are out of reach, are no fault,
and whoever sent comes again."""

import logging
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

from cases import stores

WORDS = "{} for a moment, so nothing of this was kept. Send it again in some seconds."
# Seconds after which whoever sent should come again: PostgreSQL is up again in two to ten.
AGAIN = 5
# What PostgreSQL says when it cannot be reached, shuts down, starts, or has no connection left.
AWAY = ("08", "57P", "53300")

logger = logging.getLogger(__name__)


def handler500(request: HttpRequest) -> HttpResponse:
    """503 with `Retry-After` while the database is away, else the page of a fault."""
    error = sys.exc_info()[1]
    what = "The place of the files is out of reach" if isinstance(error, stores.Away) else "The database is away"
    if not isinstance(error, stores.Away) and not is_away(error):
        return server_error(request)
    words = WORDS.format(what)
    logger.warning("%s: %s %s is to come again. %s", what, request.method, request.path, error)
    headers = {"Retry-After": str(AGAIN)}
    if request.headers.get("HX-Request"):
        return HttpResponse(words, status=503, headers=headers, content_type="text/plain; charset=utf-8")
    if "text/html" not in request.headers.get("Accept", ""):
        return JsonResponse({"detail": words, "error": words, "errors": [words]}, status=503, headers=headers)
    # Without the request: what pages know of who is signed in stands in the database.
    return HttpResponse(render_to_string("503.html", {"words": words, "again": AGAIN}), status=503, headers=headers)


def is_away(error: BaseException | None) -> bool:
    """Whether the error says that the database cannot be reached, not that it refuses what was asked of it."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return not state or state.startswith(AWAY)
