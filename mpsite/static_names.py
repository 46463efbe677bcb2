"""Static files are named by what they hold: an upgrade is seen at once, and until the next nothing is asked for again.

All of them share one part of their address, so scripts find each other by names of their own (`./shared.js`).
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static

LENGTH = 12


def fingerprint(folder: Path, others: Iterable[Path]) -> str:
    """Of all files in a folder by name and content, and of others that decide about more: packages bring static files
    too, so the lock file is one."""
    found = hashlib.sha256()
    for path in [*sorted(one for one in folder.rglob("*") if one.is_file()), *others]:
        found.update(path.name.encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:LENGTH]


@login_not_required
def renamed(request: HttpRequest, before: str, name: str) -> HttpResponse:
    """What a page of another version asks for, while it is still open or while two versions run beside each other."""
    now = static(name)
    is_ours = now.startswith(f"/{settings.STATIC_URL.lstrip('/')}")
    if now == request.path or not is_ours or not re.fullmatch(rf"[0-9a-f]{{{LENGTH}}}", before):
        raise Http404("There is no such file.")
    return redirect(now)
