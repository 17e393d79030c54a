"""Socket addresses of `tracking`."""

from django.urls import URLPattern, path, re_path

from tracking.consumers import LiveConsumer, NoSuchSocket

websocket_urlpatterns: list[URLPattern] = [
    path("ws/stores/<uuid:store_id>/", LiveConsumer.as_asgi()),  # type: ignore[arg-type]
    re_path(r"", NoSuchSocket.as_asgi()),  # type: ignore[arg-type]
]
