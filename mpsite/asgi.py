"""ASGI entry point: HTTP through Django, websockets through Channels."""

import os
import warnings

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

# Static files are small and read by a thread; that Django would rather stream them is no news to anybody.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mpsite.settings")
django_application = get_asgi_application()

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
        "http": django_application,
        # A camera's client is no browser: it has no origin, and a token instead of a session.
        "websocket": URLRouter([path("ws/camera/", CameraConsumer.as_asgi()), re_path("", people)]),
    }
)
