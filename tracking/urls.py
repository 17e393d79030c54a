"""Addresses of the pages of `tracking`."""

from django.urls import include, path

from tracking import views

pages = [
    path("stores/<slug:store_slug>/live/", views.live, name="live"),
    path("stores/<slug:store_slug>/cameras/", views.cameras, name="cameras"),
    path("stores/<slug:store_slug>/cameras/<uuid:camera_id>/", views.camera, name="camera"),
    path("stores/<slug:store_slug>/events/<uuid:event_id>/", views.event, name="event"),
    path("stores/<slug:store_slug>/recordings/", views.recordings, name="recordings"),
    path(
        "stores/<slug:store_slug>/recordings/<uuid:recording_id>/links/",
        views.recording_links,
        name="links",
    ),
]
urlpatterns = [path("", include((pages, "tracking")))]
