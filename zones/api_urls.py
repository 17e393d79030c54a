"""API addresses of `zones`."""

from django.urls import path

from zones.api import CamerasView

urlpatterns = [
    path("stores/<uuid:store_id>/cameras/", CamerasView.as_view(), name="store-cameras"),
]
