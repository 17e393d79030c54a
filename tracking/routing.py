"""Socket addresses of `tracking`."""

from django.urls import URLPattern, path

from tracking.consumers import LiveConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/stores/<uuid:store_id>/", LiveConsumer.as_asgi()),  # type: ignore[arg-type]
]
