"""The stock Django admin with our name on it."""

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse


class OskarTrackAdminSite(AdminSite):
    """Django's admin; colours come from `templates/admin/base_site.html`."""

    site_header = "OskarTrack"
    site_title = "OskarTrack"
    index_title = "Stores, cameras and people"
    site_url = "/"

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Send people to the one log-in page: a second door would have tries of its own."""
        del extra_context
        asked_for = request.GET.get("next", reverse("admin:index"))
        if self.has_permission(request):
            return redirect_to_login(asked_for, login_url=reverse("admin:index"))
        if request.user.is_authenticated:
            raise PermissionDenied("This page is for administrators.")
        return redirect_to_login(asked_for, login_url=reverse("login"))
