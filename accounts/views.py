"""Log in and log out."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpResponse

from accounts.forms import LogInForm
from accounts.throttle import WINDOW_S


class LogInView(auth_views.LoginView):
    """The log-in page; after five wrong tries in a minute it answers 429."""

    authentication_form = LogInForm
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show what was wrong."""
        response = super().form_invalid(form)
        if isinstance(form, LogInForm) and form.throttled:
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response["Retry-After"] = str(WINDOW_S)
        return response
