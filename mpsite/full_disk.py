"""A disk without room: said in words, with nothing kept by halves, so that whoever sent something sends it again."""

import errno
import logging
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

WORDS = "The server's disk is full, so nothing of this was kept. An administrator makes room; then send it again."
# What PostgreSQL says of its own disk.
DISK_FULL = "53100"

logger = logging.getLogger(__name__)


class FullDiskMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not is_full(exception):
            return None
        logger.error("The disk is full: %s %s was refused.", request.method, request.path)
        if request.headers.get("HX-Request"):
            return HttpResponse(WORDS, status=507, content_type="text/plain; charset=utf-8")
        if "text/html" not in request.headers.get("Accept", ""):
            # As the API, the photos' uploads and the batches' name what was refused.
            return JsonResponse({"detail": WORDS, "error": WORDS, "errors": [WORDS]}, status=507)
        return render(request, "507.html", {"words": WORDS}, status=507)


def is_full(exception: BaseException | None) -> bool:
    if isinstance(exception, OSError):
        return exception.errno in (errno.ENOSPC, errno.EDQUOT)
    if isinstance(exception, OperationalError):
        return getattr(exception.__cause__, "sqlstate", "") == DISK_FULL
    return False
