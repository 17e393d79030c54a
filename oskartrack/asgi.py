"""HTTP and sockets as one ASGI application."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oskartrack.settings")
http_application = get_asgi_application()

# Django must be set up before anything below imports a model.
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import SessionMiddlewareStack
from django.conf import settings

from oskartrack.turns import Turns
from tracking.origins import OriginGate
from tracking.routing import websocket_urlpatterns

# Each has a thread and a connection to the database while it is worked.
REQUESTS_AT_ONCE = 32

application = ProtocolTypeRouter(
    {
        "http": Turns(http_application, REQUESTS_AT_ONCE),
        # Nothing on the way asks the database: a handshake has five seconds, and where two hundred
        # clients come back at once, whoever waited for a turn was cut, came again, and the crowd
        # kept itself going for minutes. Who somebody is, the consumer asks once they are in.
        "websocket": OriginGate(
            SessionMiddlewareStack(URLRouter(websocket_urlpatterns)),  # type: ignore[arg-type]
            settings.ALLOWED_HOSTS,
        ),
    }
)
