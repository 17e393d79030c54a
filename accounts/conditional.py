"""Answers that need not be sent again, and writes that overwrite nobody's unseen.

An answer's `ETag` names what is in it. `If-None-Match` with that name is answered with 304 and no
body while nothing changed; a write with `If-Match` is refused with 412 once something did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.utils.http import parse_etags
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response


class ChangedMeanwhile(exceptions.APIException):
    """Somebody else wrote since this was read."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_detail = (
        "This was changed since you read it, and nothing was overwritten. Read it again, then "
        "write what is still missing."
    )
    default_code = "changed_meanwhile"


def etag_of(data: Mapping[str, Any], leave_out: tuple[str, ...] = ()) -> str:
    """Return the name of an answer; what moves by itself, as a clock does, is left out of it."""
    told = {name: value for name, value in data.items() if name not in leave_out}
    return f'"{hashlib.sha256(JSONRenderer().render(told)).hexdigest()[:32]}"'


def unless_known(
    request: Request, data: Mapping[str, Any], leave_out: tuple[str, ...] = ()
) -> Response:
    """Return the answer with its ETag, or 304 without it where the asker has it already."""
    etag = etag_of(data, leave_out)
    headers = {"ETag": etag}
    known = _named(request, "If-None-Match")
    if "*" in known or etag in known:
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(data, headers=headers)


def with_etag(
    data: Mapping[str, Any], status: int = HTTPStatus.OK, leave_out: tuple[str, ...] = ()
) -> Response:
    """Return the answer to a write with the ETag of what is there now."""
    return Response(data, status=status, headers={"ETag": etag_of(data, leave_out)})


def ask_unchanged(
    request: Request, data: Mapping[str, Any], leave_out: tuple[str, ...] = ()
) -> None:
    """Refuse a write upon a state that is no more; ask with the row held, so that it stays so.

    Raises
    ------
    ChangedMeanwhile
        `If-Match` names another state than the one in `data`. Without the header nothing is asked.
    """
    if "If-Match" not in request.headers:
        return
    named = _named(request, "If-Match")
    if "*" not in named and etag_of(data, leave_out) not in named:
        raise ChangedMeanwhile


def _named(request: Request, header: str) -> list[str]:
    """Return the states that a header names.

    An answer that was compressed on its way has a weak name, `W/"…"`; its state is the same.
    """
    return [one.removeprefix("W/") for one in parse_etags(request.headers.get(header, ""))]
