"""ASGI entry point: HTTP through Django, websockets through Channels."""

import os
import warnings

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

# Static files are small and read by a thread; that Django would rather stream them is no news to anybody.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mpsite.settings")
django_application = get_asgi_application()

from matching.consumers import AlertConsumer  # noqa: E402  (models need the application registry)

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter([path("ws/alerts/", AlertConsumer.as_asgi())]))
        ),
    }
)
