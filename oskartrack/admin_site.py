"""The stock Django admin with our name on it."""

from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse

from accounts.models import User
from accounts.services import audit_record

METHODS = ("GET", "HEAD", "POST")
NOT_STAFF = "This page is for administrators."


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
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        asked_for = request.GET.get("next", reverse("admin:index"))
        if self.has_permission(request):
            return redirect_to_login(asked_for, login_url=reverse("admin:index"))
        if request.user.is_authenticated:
            raise PermissionDenied(NOT_STAFF)
        return redirect_to_login(asked_for, login_url=reverse("login"))

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Let staff change their own password, and note that they did."""
        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            actor = request.user if isinstance(request.user, User) else None
            audit_record(action="user.password_changed", actor=actor, subject=str(actor))
        return response

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Return a page's view for staff alone, by the methods that pages are asked with.

        Django's pages take any other method for a GET. Whoever is logged in and no staff is told
        so here; Django would lead them to a log-in that they have behind them.
        """
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.method not in METHODS:
                return HttpResponseNotAllowed(METHODS)
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied(NOT_STAFF)
            return guarded(request, *args, **kwargs)

        return page
