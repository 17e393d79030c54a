"""Addresses of `analytics`."""

from django.urls import URLPattern, URLResolver, path

from analytics import (
    api,
    export_api,
    insight_api,
    kpi_api,
    map_api,
    movement_api,
    overview_api,
    proof_api,
    tell_api,
    week_api,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("overview/", overview_api.OverviewView.as_view(), name="overview"),
    path("stores/<uuid:store_id>/live/", api.LiveView.as_view(), name="store-live"),
    path("stores/<uuid:store_id>/summaries/", api.SummariesView.as_view(), name="store-summaries"),
    path("stores/<uuid:store_id>/history/", api.HistoryView.as_view(), name="store-history"),
    path("cameras/<uuid:camera_id>/today/", map_api.MapTodayView.as_view(), name="camera-today"),
    path(
        "cameras/<uuid:camera_id>/what-if/", map_api.MapWhatIfView.as_view(), name="camera-what-if"
    ),
    path("stores/<uuid:store_id>/kpis/", kpi_api.KpisView.as_view(), name="store-kpis"),
    path(
        "stores/<uuid:store_id>/verifications/",
        proof_api.VerificationsView.as_view(),
        name="store-verifications",
    ),
    path(
        "stores/<uuid:store_id>/verifications/put-right/",
        proof_api.PutRightView.as_view(),
        name="store-put-right",
    ),
    path(
        "stores/<uuid:store_id>/kpi-settings/",
        tell_api.KpiSettingsView.as_view(),
        name="store-kpi-settings",
    ),
    path(
        "stores/<uuid:store_id>/occupancy/",
        tell_api.OccupancyView.as_view(),
        name="store-occupancy",
    ),
    path(
        "stores/<uuid:store_id>/transactions/",
        tell_api.TransactionsView.as_view(),
        name="store-transactions",
    ),
    path(
        "stores/<uuid:store_id>/insights/",
        insight_api.InsightsView.as_view(),
        name="store-insights",
    ),
    path(
        "stores/<uuid:store_id>/zone-stays/",
        week_api.ZoneStaysView.as_view(),
        name="store-zone-stays",
    ),
    path(
        "stores/<uuid:store_id>/usual-week/",
        week_api.UsualWeekView.as_view(),
        name="store-usual-week",
    ),
    path(
        "stores/<uuid:store_id>/exports/<slug:what>.<slug:ending>",
        export_api.ExportView.as_view(),
        name="store-export",
    ),
    path(
        "stores/<uuid:store_id>/movement/",
        movement_api.MovementView.as_view(),
        name="store-movement",
    ),
    path(
        "stores/<uuid:store_id>/movement/visits/",
        movement_api.MovementVisitsView.as_view(),
        name="store-movement-visits",
    ),
    path(
        "stores/<uuid:store_id>/heatmap/",
        movement_api.HeatmapView.as_view(),
        name="store-heatmap",
    ),
]
