"""Every error of the API in one shape: problem details (RFC 9457) with a code and field errors.

``{"type", "title", "status", "detail", "code", "errors": {field: [sentence]}, "request_id"}``.
REST framework calls :func:`problem`; Django calls the page functions for what never reaches a
view of the API, such as an unknown address below ``/api/``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import NON_FIELD_ERRORS, BadRequest, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig as DjangoRequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from oskartrack.error_pages import error_page
from tracking.outages import DATABASE_RETRY_S, database_away, disk_full
from tracking.problems import Problem

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/"

NOT_FOUND = "There is nothing here, or it is not yours to see."
BROKEN = "Something broke on our side. It was noted; the request id helps to find it."


class RequestTooBig(exceptions.APIException):
    """The body is larger than this address takes."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is larger than this address takes."
    default_code = "too_big"


class DatabaseAway(exceptions.APIException):
    """The database does not answer at the moment; nothing was changed."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = (
        "The database does not answer at the moment. Nothing was lost; try again in a moment."
    )
    default_code = "database_away"
    wait = DATABASE_RETRY_S


class Unexpected(exceptions.APIException):
    """A fault of ours: logged in full, told without its details."""

    status_code = HTTPStatus.INTERNAL_SERVER_ERROR
    default_detail = BROKEN
    default_code = "error"


# --- REST framework ------------------------------------------------------------------------------


def problem(error: Exception, context: Mapping[str, Any]) -> Response:
    """Return the answer to an exception raised in an API view."""
    request = context.get("request")
    known = _as_api_exception(error)
    if isinstance(known, Unexpected):
        log.error("api_error", exc_info=error, path=getattr(request, "path", ""))
    set_rollback()
    response = Response(
        _body(
            status=known.status_code,
            detail=_detail(known),
            code=_code(known),
            errors=_errors(known),
            request=request,
        )
        | getattr(known, "extras", {}),
        status=known.status_code,
        headers=_headers(known),
        content_type=CONTENT_TYPE,
    )
    response.exception = True
    return response


def _as_api_exception(error: Exception) -> exceptions.APIException:
    """Return the error as one of REST framework's own."""
    match error:
        case exceptions.APIException():
            return error
        case _ if (outage := _as_outage(error)) is not None:
            return outage
        case Http404():
            found: exceptions.APIException = exceptions.NotFound()
        case DjangoPermissionDenied():
            found = exceptions.PermissionDenied()
        case DjangoValidationError():
            found = exceptions.ValidationError(_django_errors(error))
        case DjangoRequestDataTooBig():
            found = RequestTooBig()
        case SuspiciousOperation() | BadRequest() | MultiPartParserError() | UnreadablePostError():
            found = exceptions.ParseError("The request could not be read.")
        case _:
            found = Unexpected()
    return found


def _as_outage(error: BaseException) -> exceptions.APIException | None:
    """Return what to answer while a part below us is away or full; None for anything else."""
    if disk_full(error):
        return Problem("disk_full")
    return DatabaseAway() if database_away(error) else None


def _django_errors(error: DjangoValidationError) -> dict[str, list[str]]:
    """Return a Django validation error as sentences by field."""
    if not hasattr(error, "error_dict"):
        return {api_settings.NON_FIELD_ERRORS_KEY: error.messages}
    return {
        api_settings.NON_FIELD_ERRORS_KEY if field == NON_FIELD_ERRORS else field: messages
        for field, messages in error.message_dict.items()
    }


def _errors(error: exceptions.APIException) -> dict[str, list[str]]:
    """Return the sentences by field of a validation error; nested fields are joined by dots."""
    if not isinstance(error, exceptions.ValidationError):
        return {}
    found: dict[str, list[str]] = {}
    _collect(error.detail, "", found)
    return found


def _collect(detail: object, path: str, found: dict[str, list[str]]) -> None:
    if isinstance(detail, Mapping):
        for field, inner in detail.items():
            _collect(inner, f"{path}.{field}" if path else str(field), found)
    elif isinstance(detail, list | tuple):
        for number, inner in enumerate(detail):
            plain = not isinstance(inner, Mapping | list | tuple)
            _collect(inner, path if plain else f"{path}.{number}".lstrip("."), found)
    else:
        found.setdefault(path or api_settings.NON_FIELD_ERRORS_KEY, []).append(str(detail))


def _detail(error: exceptions.APIException) -> str:
    """Return one sentence that says what is wrong."""
    if isinstance(error, exceptions.ValidationError):
        errors = _errors(error)
        return next((each for texts in errors.values() for each in texts), "The input is wrong.")
    if isinstance(error, exceptions.NotFound):
        return NOT_FOUND
    if isinstance(error.detail, Mapping):
        return str(error.detail.get("detail", error.default_detail))
    return str(error.detail)


def _code(error: exceptions.APIException) -> str:
    """Return the machine's word for the problem."""
    if isinstance(error, exceptions.ValidationError):
        return "invalid"
    if isinstance(error.detail, Mapping):
        return str(error.detail.get("code", error.default_code))
    codes = error.get_codes()
    return codes if isinstance(codes, str) else str(error.default_code)


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers: dict[str, str] = dict(getattr(error, "headers", {}))
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = f"{wait:.0f}"
    return headers


def _body(
    *,
    status: int,
    detail: str,
    code: str,
    errors: dict[str, list[str]] | None = None,
    request: object = None,
) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        "errors": errors or {},
        "request_id": getattr(request, "request_id", ""),
    }


# --- Django --------------------------------------------------------------------------------------


def _problem_page(request: HttpRequest, status: int, detail: str, code: str) -> HttpResponse:
    body = _body(status=status, detail=detail, code=code, request=request)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that Django itself refused (Django's ``handler400``)."""
    if not request.path.startswith(API_PREFIX):
        return error_page(request, HTTPStatus.BAD_REQUEST)
    known = _as_api_exception(exception)
    if known.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        known = exceptions.ParseError("The request could not be read.")
    return _problem_page(request, known.status_code, _detail(known), _code(known))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:  # noqa: ARG001
    """Answer a refused request (Django's ``handler403``)."""
    if not request.path.startswith(API_PREFIX):
        return error_page(request, HTTPStatus.FORBIDDEN)
    refused = exceptions.PermissionDenied()
    return _problem_page(request, HTTPStatus.FORBIDDEN, str(refused.detail), refused.default_code)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:  # noqa: ARG001
    """Answer an unknown address (Django's ``handler404``)."""
    if not request.path.startswith(API_PREFIX):
        return error_page(request, HTTPStatus.NOT_FOUND)
    return _problem_page(request, HTTPStatus.NOT_FOUND, NOT_FOUND, "not_found")


def outage_answer(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """Return the answer to a request that met an outage: a problem, or a page in words.

    The page asks nothing of the database: neither who looks at it nor which shops there are.
    None when the error was no outage.
    """
    outage = _as_outage(error) if error is not None else None
    if outage is None:
        return None
    log.warning("outage", code=_code(outage), path=request.path, why=str(error))
    if request.path.startswith(API_PREFIX):
        response = _problem_page(request, outage.status_code, _detail(outage), _code(outage))
    else:
        response = error_page(request, HTTPStatus(outage.status_code))
    for name, value in _headers(outage).items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer after a fault of ours (Django's ``handler500``), or of a part that is away.

    An error outside a view, such as in reading the session, comes only here.
    """
    if (outage := outage_answer(request, sys.exc_info()[1])) is not None:
        return outage
    if not request.path.startswith(API_PREFIX):
        return error_page(request, HTTPStatus.INTERNAL_SERVER_ERROR)
    return _problem_page(request, HTTPStatus.INTERNAL_SERVER_ERROR, BROKEN, "error")
