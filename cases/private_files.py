"""Pictures from the data folder, sent by views that have checked who asks. Nothing there has an address of its own."""

from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpResponse


def picture(file: FieldFile) -> HttpResponse:
    """A JPEG that Sightline made itself. Raises `Http404` where there is none yet or it is gone."""
    if not file:
        raise Http404("There is no picture.")
    try:
        with file.open() as opened:
            content = opened.read()
    except FileNotFoundError:
        raise Http404("The picture is missing from the data folder.") from None
    return HttpResponse(
        content,
        content_type="image/jpeg",
        # Kept by the browser for a while, never by a proxy: the next request must be checked again.
        headers={"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"},
    )
