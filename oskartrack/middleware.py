"""A request id on every request, in every answer and every log line; outages told as such."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from oskartrack.exception_handler import outage_answer

log = structlog.get_logger(__name__)

_SAFE = re.compile(r"[A-Za-z0-9_.-]{8,64}")


class RequestIdMiddleware:
    """Take the caller's `X-Request-Id` when it is well formed, else make one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bind the id for the logs and return it to the caller."""
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _SAFE.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        began = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            if settings.LOG_REQUESTS:
                # Never the query: it may hold what somebody typed.
                log.info(
                    "request",
                    method=request.method,
                    path=request.path,
                    status=response.status_code,
                    ms=round((time.monotonic() - began) * 1000),
                )
        response["X-Request-Id"] = request_id
        return response


class HeadersFirstMiddleware(SecurityMiddleware):
    """Django's headers on the answers that its own redirect to HTTPS and a wrong host get, too.

    Django's middleware follows further in and redirects: what it answers by itself passes all
    that adds headers on the way out.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Redirect nobody yet."""


class OwnPagesAloneMiddleware:
    """Tell browsers to hand what we answer to our own pages alone, and what they may keep of it.

    Pages are not kept: nothing of them stays behind for whoever uses the same browser after a
    log-out. Answers with an ETag are, maybe on the browser's disk, and asked for again before each
    use, which after a log-out is refused. What may be kept for longer says so itself, as scripts
    and styles do. Pages are offered no devices.

    A site on the list of origins reads the API with CORS, which needs no leave of this kind.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the headers."""
        response = self.get_response(request)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        # What has an ETag may be kept by whom it was told to, and is asked for again each time.
        kept = "private, no-cache" if response.has_header("ETag") else "private, no-store"
        response.setdefault("Cache-Control", kept)
        return response


class OutageMiddleware:
    """Answer a page that met an outage of the database or the disk in words, before it is a 500.

    API views answer for themselves; what fails outside a view reaches ``handler500``, which gives
    the same answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the answer to an outage; leave anything else to Django."""
        return outage_answer(request, error)
