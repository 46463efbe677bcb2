"""What makes the console a web app that a phone installs."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse

SIZES = (192, 512)


@login_not_required
def manifest(request: HttpRequest) -> HttpResponse:
    icons = [{"src": static(f"img/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"} for size in SIZES]
    said = {
        "name": "Sightline",
        "short_name": "Sightline",
        "description": "Face search and live alerts for missing persons.",
        "id": "/",
        "start_url": reverse("alerts"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#0f1317",
        "theme_color": "#0f1317",
        "icons": [*icons, {**icons[-1], "purpose": "maskable"}],
        "shortcuts": [
            {"name": name, "url": reverse(url)} for name, url in (("Search", "search-new"), ("Walk", "walk"))
        ],
    }
    return JsonResponse(said, content_type="application/manifest+json")


@login_not_required
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker. It keeps nothing but the page that says that there is no network."""
    answer = render(request, "web_app/worker.js", content_type="text/javascript")
    answer["Cache-Control"] = "no-cache"
    return answer


@login_not_required
def offline(request: HttpRequest) -> HttpResponse:
    return render(request, "web_app/offline.html")
