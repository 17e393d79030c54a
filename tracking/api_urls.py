"""Addresses of `tracking`."""

from django.urls import URLPattern, URLResolver, path

from tracking import (
    client_api,
    counter_api,
    erase_api,
    links_api,
    live_api,
    recording_api,
    run_api,
    upload_views,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path(
        "stores/<uuid:store_id>/events/", counter_api.StoreEventsView.as_view(), name="store-events"
    ),
    path("events/<uuid:event_id>/", live_api.EventView.as_view(), name="event"),
    path(
        "stores/<uuid:store_id>/socket-tickets/",
        live_api.SocketTicketsView.as_view(),
        name="socket-tickets",
    ),
    path("stores/<uuid:store_id>/visits/", live_api.VisitsView.as_view(), name="store-visits"),
    path("visits/<uuid:visit_id>/", live_api.VisitView.as_view(), name="visit"),
    path("stores/<uuid:store_id>/clients/", client_api.ClientsView.as_view(), name="store-clients"),
    path("clients/<uuid:client_id>/", client_api.ClientView.as_view(), name="client"),
    path(
        "clients/<uuid:client_id>/export/",
        erase_api.ClientExportView.as_view(),
        name="client-export",
    ),
    path(
        "clients/<uuid:client_id>/erase/", erase_api.ClientEraseView.as_view(), name="client-erase"
    ),
    path(
        "visits/<uuid:visit_id>/export/", erase_api.VisitExportView.as_view(), name="visit-export"
    ),
    path("visits/<uuid:visit_id>/erase/", erase_api.VisitEraseView.as_view(), name="visit-erase"),
    path("stores/<uuid:store_id>/coverage/", run_api.CoverageView.as_view(), name="store-coverage"),
    path("recordings/<uuid:recording_id>/runs/", run_api.RunsView.as_view(), name="runs"),
    path("runs/<uuid:run_id>/", run_api.RunView.as_view(), name="run"),
    path("runs/<uuid:run_id>/tracks/", run_api.TracksView.as_view(), name="run-tracks"),
    path("tracks/<uuid:track_id>/", run_api.TrackView.as_view(), name="track"),
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
    path(
        "cameras/<uuid:camera_id>/track-ends/",
        live_api.TrackEndsView.as_view(),
        name="camera-track-ends",
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
        "recordings/<uuid:recording_id>/links/undone/",
        links_api.RecordingUndoneLinksView.as_view(),
        name="recording-undone-links",
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
