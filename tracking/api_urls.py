"""Addresses of `tracking`."""

from django.urls import URLPattern, URLResolver, path

from tracking import live_api

urlpatterns: list[URLPattern | URLResolver] = [
    path("stores/<uuid:store_id>/events/", live_api.EventsView.as_view(), name="store-events"),
    path("stores/<uuid:store_id>/visits/", live_api.VisitsView.as_view(), name="store-visits"),
    path(
        "recordings/<uuid:recording_id>/overlay/",
        live_api.OverlayView.as_view(),
        name="recording-overlay",
    ),
    path(
        "recordings/<uuid:recording_id>/picture/",
        live_api.PictureView.as_view(),
        name="recording-picture",
    ),
]
