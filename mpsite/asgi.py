"""ASGI entry point: HTTP through Django, websockets through Channels.

A request is served by one thread from its beginning to its end (a2wsgi): under Django's own ASGI handler it changes
threads with each middleware that is not asynchronous, which took a fifth of the CPU under load (docs/performance.md).
"""

import os

from a2wsgi import WSGIMiddleware
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.wsgi import get_wsgi_application
from django.urls import path, re_path

# Requests served at once: the connections of PostgreSQL's pool, less two for websockets.
THREADS = 10

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mpsite.settings")
django_application = get_wsgi_application()

from matching.consumers.alerts import AlertConsumer  # noqa: E402  (models need the application registry)
from matching.consumers.cameras import CameraConsumer, LiveConsumer  # noqa: E402

people = AllowedHostsOriginValidator(
    AuthMiddlewareStack(
        URLRouter(
            [path("ws/alerts/", AlertConsumer.as_asgi()), path("ws/cameras/<int:pk>/live/", LiveConsumer.as_asgi())]
        )
    )
)
application = ProtocolTypeRouter(
    {
        "http": WSGIMiddleware(django_application, workers=THREADS),  # type: ignore[arg-type]
        # A camera's client is no browser: it has no origin, and a token instead of a session.
        "websocket": URLRouter([path("ws/camera/", CameraConsumer.as_asgi()), re_path("", people)]),
    }
)
