"""Addresses of `tracking`."""

from django.urls import URLPattern, URLResolver, path

from tracking import live_api, recording_api, upload_views

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
    path(
        "cameras/<uuid:camera_id>/still/",
        live_api.StillView.as_view(),
        name="camera-still",
    ),
    path("stores/<uuid:store_id>/uploads/", upload_views.UploadsView.as_view(), name="uploads"),
    path("uploads/<uuid:upload_id>/", upload_views.UploadView.as_view(), name="upload"),
    path(
        "stores/<uuid:store_id>/recordings/",
        recording_api.RecordingsView.as_view(),
        name="store-recordings",
    ),
    path("stores/<uuid:store_id>/room/", recording_api.RoomView.as_view(), name="store-room"),
    path(
        "recordings/<uuid:recording_id>/",
        recording_api.RecordingView.as_view(),
        name="recording",
    ),
    path(
        "recordings/<uuid:recording_id>/cancel/",
        recording_api.RecordingCancelView.as_view(),
        name="recording-cancel",
    ),
    path(
        "recordings/<uuid:recording_id>/retry/",
        recording_api.RecordingRetryView.as_view(),
        name="recording-retry",
    ),
    path(
        "recordings/<uuid:recording_id>/recount/",
        recording_api.RecordingRecountView.as_view(),
        name="recording-recount",
    ),
    path(
        "recordings/<uuid:recording_id>/links/",
        recording_api.RecordingLinksView.as_view(),
        name="recording-links",
    ),
    path(
        "recordings/<uuid:recording_id>/links/<int:track>/",
        recording_api.RecordingLinkView.as_view(),
        name="recording-link",
    ),
    path(
        "recordings/<uuid:recording_id>/remove-video/",
        recording_api.RecordingRemoveVideoView.as_view(),
        name="recording-remove-video",
    ),
]
