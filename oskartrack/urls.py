"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from analytics.views import overview
from oskartrack import views
from oskartrack.api_docs import api_docs
from oskartrack.style_page import style_page

urlpatterns = [
    path("", overview, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("health/", views.health_page, name="health"),
    path("style/", style_page, name="style"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("metrics", views.metrics_text, name="metrics"),
    path("admin/", admin.site.urls),
    path("api-docs/", api_docs, name="api-docs"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/", include("accounts.api_urls")),
    path("api/v1/", include("zones.api_urls")),
    path("api/v1/", include("tracking.api_urls")),
    path("api/v1/", include("analytics.api_urls")),
    path("", include("accounts.urls")),
    path("", include("tracking.urls")),
    path("", include("analytics.urls")),
]

# Below /api/ these answer with problem details, elsewhere with a page for people.
handler400 = "oskartrack.exception_handler.bad_request"
handler403 = "oskartrack.exception_handler.forbidden"
handler404 = "oskartrack.exception_handler.not_found"
handler500 = "oskartrack.exception_handler.server_error"
