"""Log in, and what a person does with their own account."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone as clock
from django.utils.timesince import timesince
from django.views.decorators.http import require_http_methods

from accounts.forms import LogInForm, PasswordForm
from accounts.models import ApiLogin, User
from accounts.selectors import newcomer_name
from accounts.services import audit_record
from accounts.throttle import client_address
from accounts.tokens import log_out_everywhere, login_end_by_owner, open_logins

DONE = {
    "password": "The password is changed. Every other log-in of yours has ended.",
    "end": "That program's log-in has ended.",
}


class LogInView(auth_views.LoginView):
    """The log-in page; after five wrong tries in a minute it answers 429."""

    authentication_form = LogInForm
    template_name = "registration/login.html"
    http_method_names = ["get", "head", "post", "options"]  # Django's takes PUT for POST
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer; by no other method does whoever is logged in get led on either."""
        if (request.method or "").lower() not in self.http_method_names:
            return self.http_method_not_allowed(request)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the name to log in with at a first look; production tells no names."""
        newcomer = "" if settings.PRODUCTION else newcomer_name()
        return super().get_context_data(newcomer=newcomer, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show what was wrong."""
        response = super().form_invalid(form)
        if isinstance(form, LogInForm) and form.throttled:
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response["Retry-After"] = str(form.wait_s)
        return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show a person their password and programs; change, end, log out everywhere."""
    user = request.user
    assert isinstance(user, User)
    wanted = request.POST.get("form", "")
    told = PasswordForm(user, client_address(request), request.POST or None)
    if wanted == "everywhere":
        log_out_everywhere(user)
        logout(request)
        return redirect("login")
    if wanted == "end":
        # One that is not there, or not theirs, has ended as well as may be.
        login_end_by_owner(user, request.POST.get("login", ""))
        return _done("end")
    if wanted == "password" and told.is_valid():
        update_session_auth_hash(request, told.save())
        audit_record(action="user.password_changed", actor=user, subject=str(user))
        return _done("password")
    refused = wanted == "password"
    context = {
        "form": PasswordForm(user, ""),
        "wrong": told.sentences if refused else [],
        "done": DONE.get(request.GET.get("done", "")),
        "logins": [_row(login) for login in open_logins(user)],
    }
    status = 200 if not refused else HTTPStatus.BAD_REQUEST
    status = HTTPStatus.TOO_MANY_REQUESTS if told.throttled else status
    response = render(request, "accounts/account.html", context, status=status)
    if told.throttled:
        response["Retry-After"] = str(told.wait_s)
    return response


def _row(login: ApiLogin) -> dict[str, str]:
    """Return what the page says of a program."""
    return {
        "public_id": str(login.public_id),
        "client_name": login.client_name,
        "words": login.words,
        "made": _ago(login.made_at),
        "used": _ago(login.used_at),
    }


def _ago(moment: datetime) -> str:
    recent = clock.now() - moment < timedelta(minutes=1)
    return "just now" if recent else f"{timesince(moment)} ago"


def _done(what: str) -> HttpResponse:
    return redirect(f"{reverse('account')}?done={what}")
