"""What a person sees instead of a page: what happened, in plain words, and a way back.

These pages ask nothing of the database or of the session: they must stand when those do not.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


class Words(NamedTuple):
    """The heading and the sentence of an error page."""

    title: str
    text: str


WORDS: Final[dict[HTTPStatus, Words]] = {
    HTTPStatus.BAD_REQUEST: Words(
        "That did not arrive whole",
        "Your browser sent something that we could not read. Go back and try once more.",
    ),
    HTTPStatus.FORBIDDEN: Words(
        "You may not see this page",
        "It needs rights that you do not have. Ask the person who runs OskarTrack in your company.",
    ),
    HTTPStatus.NOT_FOUND: Words(
        "There is no such page",
        "The address may be mistyped, the page may have moved, or it is not yours to see.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: Words(
        "Something broke on our side",
        "Your recordings and numbers are safe. Try again in a minute. If it happens again, "
        "tell the person who runs OskarTrack the number below.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: Words(
        "Back in a moment",
        "The database does not answer just now. Nothing was lost: what was sent is kept, and the "
        "counting goes on by itself. Wait a few seconds, then load the page again. If this stays, "
        "tell the person who runs OskarTrack in your company.",
    ),
    HTTPStatus.INSUFFICIENT_STORAGE: Words(
        "The disk is full",
        "Nothing can be saved until there is room again. What was counted is kept, and the "
        "counting goes on by itself. Tell the person who runs OskarTrack in your company.",
    ),
}
TOO_OLD: Final = Words(
    "This page was open for too long",
    "Nothing was changed, because we could not be sure that it was you. Go back, load the page "
    "again and try once more. Cookies must be allowed.",
)


def error_page(
    request: HttpRequest, status: HTTPStatus, words: Words | None = None
) -> HttpResponse:
    """Return the page of an error, the same for everybody."""
    title, text = words or WORDS[status]
    context = {
        "title": title,
        "text": text,
        "status": int(status),
        "request_id": getattr(request, "request_id", ""),
    }
    return HttpResponse(render_to_string("error.html", context), status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """Answer a form that came without its token (Django's ``CSRF_FAILURE_VIEW``)."""
    return error_page(request, HTTPStatus.FORBIDDEN, TOO_OLD)
