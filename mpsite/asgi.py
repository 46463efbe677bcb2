"""ASGI entry point: HTTP through Django, websockets through Channels."""

import os
import warnings
from typing import Any

import django
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path

# Static files are small and read by a thread; that Django would rather stream them is no news to anybody.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")


class OneThreadHandler(ASGIHandler):
    """Serves a request in one thread from its beginning to its end.

    No view or middleware here is asynchronous, but Django's own handler changes threads for some that could be: under
    load each change waits its turn (docs/performance.md, "A peak"). Bodies are still read, and answers sent, by the
    event loop, so that a slow client holds no thread.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponse:
        response: Any = await sync_to_async(self.get_response, thread_sensitive=True)(request)
        return response  # type: ignore[no-any-return]


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mpsite.settings")
django.setup(set_prefix=False)

from matching.consumers.alerts import AlertConsumer  # noqa: E402  (models need the application registry)
from matching.consumers.cameras import CameraConsumer, LiveConsumer  # noqa: E402
from mpsite import addresses  # noqa: E402

people = AllowedHostsOriginValidator(
    AuthMiddlewareStack(
        URLRouter(
            [path("ws/alerts/", AlertConsumer.as_asgi()), path("ws/cameras/<int:pk>/live/", LiveConsumer.as_asgi())]
        )
    )
)


def with_address(inner: Any) -> Any:
    """Each websocket with the address that it comes from, as requests have it."""

    async def router(scope: Any, receive: Any, send: Any) -> Any:
        return await inner({**scope, "address": addresses.of_scope(scope)}, receive, send)

    return router


application = ProtocolTypeRouter(
    {
        "http": OneThreadHandler(),
        # A camera's client is no browser: it has no origin, and a token instead of a session.
        "websocket": with_address(URLRouter([path("ws/camera/", CameraConsumer.as_asgi()), re_path("", people)])),
    }
)
