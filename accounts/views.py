"""Log in and log out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpResponse

from accounts.forms import LogInForm
from accounts.selectors import newcomer_name
from accounts.throttle import WINDOW_S


class LogInView(auth_views.LoginView):
    """The log-in page; after five wrong tries in a minute it answers 429."""

    authentication_form = LogInForm
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the name to log in with at a first look; production tells no names."""
        newcomer = "" if settings.PRODUCTION else newcomer_name()
        return super().get_context_data(newcomer=newcomer, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show what was wrong."""
        response = super().form_invalid(form)
        if isinstance(form, LogInForm) and form.throttled:
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response["Retry-After"] = str(WINDOW_S)
        return response
