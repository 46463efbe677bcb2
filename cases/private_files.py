"""Pictures that are kept as files, sent by views that check who asks. Nothing there has an address of its own."""

import re

from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest, HttpResponse

# Kept by the browser for a while, never by a proxy: the next request must be checked again.
HEADERS = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


def picture(file: FieldFile) -> HttpResponse:
    """A JPEG that Sightline made itself. Raises `Http404` where there is none yet or it is gone."""
    return HttpResponse(_content(file, "picture"), content_type="image/jpeg", headers=HEADERS)


def video(request: HttpRequest, file: FieldFile) -> HttpResponse:
    """A short clip that Sightline made itself, or the part of it that a browser asks for: some play nothing else.

    Raises `Http404` where there is none yet or it is gone.
    """
    content = _content(file, "clip")
    answer = HttpResponse(content, content_type="video/webm", headers={**HEADERS, "Accept-Ranges": "bytes"})
    asked = re.fullmatch(r"bytes=(\d{1,12})-(\d{0,12})", request.headers.get("Range", ""))
    if asked is None:
        return answer
    begin, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if begin > end:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{len(content)}"})
    answer.content, answer.status_code = content[begin : end + 1], 206
    answer["Content-Range"] = f"bytes {begin}-{end}/{len(content)}"
    return answer


def _content(file: FieldFile, what: str) -> bytes:
    if not file:
        raise Http404(f"There is no {what}.")
    try:
        with file.open() as opened:
            content: bytes = opened.read()
    except FileNotFoundError:
        raise Http404(f"The {what} is missing from where files are kept.") from None
    return content
