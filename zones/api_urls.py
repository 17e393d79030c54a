"""API addresses of `zones`."""

from django.urls import path

from zones.api import CameraMapView
from zones.camera_api import CamerasView, CameraView
from zones.shape_api import (
    LinesView,
    LineVersionsView,
    LineView,
    ZonesView,
    ZoneVersionsView,
    ZoneView,
)
from zones.source_api import CameraSourceView

CAMERA, ZONE, LINE = "cameras/<uuid:camera_id>/", "zones/<uuid:zone_id>/", "lines/<uuid:line_id>/"

urlpatterns = [
    path("stores/<uuid:store_id>/cameras/", CamerasView.as_view(), name="store-cameras"),
    path(CAMERA, CameraView.as_view(), name="camera"),
    path(f"{CAMERA}source/", CameraSourceView.as_view(), name="camera-source"),
    path(f"{CAMERA}map/", CameraMapView.as_view(), name="camera-map"),
    path(f"{CAMERA}zones/", ZonesView.as_view(), name="camera-zones"),
    path(f"{CAMERA}lines/", LinesView.as_view(), name="camera-lines"),
    path(ZONE, ZoneView.as_view(), name="zone"),
    path(f"{ZONE}versions/", ZoneVersionsView.as_view(), name="zone-versions"),
    path(LINE, LineView.as_view(), name="line"),
    path(f"{LINE}versions/", LineVersionsView.as_view(), name="line-versions"),
]
