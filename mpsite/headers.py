"""What a browser is told that no other setting tells it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# A phone's camera is an officer's walk; nothing else of a device is ever asked for.
POLICY = "camera=(self), " + ", ".join(
    f"{feature}=()"
    for feature in ("accelerometer", "display-capture", "geolocation", "gyroscope", "microphone", "payment", "usb")
)


class PermissionsPolicyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        answer.headers.setdefault("Permissions-Policy", POLICY)
        return answer
