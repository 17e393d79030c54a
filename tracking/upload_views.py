"""Uploads over HTTP: the tus 1.0 protocol, core with creation and termination.

https://tus.io/protocols/resumable-upload. A part is read from the request in small pieces and
never held as a whole here; multipart forms are not taken at all (Daphne was measured to hold a
1 GB one as 12.6 GB).
"""

from __future__ import annotations

import base64
import binascii
import uuid
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone as clock
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import ask_manager
from accounts.doors import DoorView
from tracking.live_api import store_of
from tracking.models import Upload
from tracking.problems import Problem, in_bytes
from tracking.recording_serializers import UploadSerializer
from tracking.uploads import (
    suggested_start,
    upload_append,
    upload_check,
    upload_create,
    upload_finish,
    upload_remove,
)

TUS_VERSION = "1.0.0"
PART_TYPE = "application/offset+octet-stream"
LARGEST_LENGTH = 2**62
REFUSED = OpenApiResponse(description="A problem with its code (RFC 9457).")
PART_REFUSED = dict.fromkeys((409, 410, 411, 413, 415, 423, 507), REFUSED)
TUS_HEADERS = [
    OpenApiParameter("Tus-Resumable", str, "header", required=True, enum=[TUS_VERSION]),
]


class PartParser(BaseParser):
    """Leaves a part unread: the view takes it from the request piece by piece."""

    # Any type: the check of the CSRF token looks for a form first and must not stumble; a part's
    # own type is checked where parts are taken.
    media_type = "*/*"

    def parse(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Return nothing: there are no fields in a part."""
        return {}


class TusView(DoorView):
    """What every tus address does: the version is checked and told."""

    parser_classes = [PartParser]
    # The protocol has its own way of going on after a lost answer.
    keyed = False

    def check_version(self, request: Request) -> None:
        """Refuse another version of the protocol."""
        if request.headers.get("Tus-Resumable") != TUS_VERSION:
            raise Problem("wrong_tus_version", headers={"Tus-Version": TUS_VERSION})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add what the protocol wants on every answer, refusals too."""
        response["Tus-Resumable"] = TUS_VERSION
        response["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)

    @extend_schema(exclude=True)
    def options(self, *_: Any, **__: Any) -> Response:
        """Say what this server can."""
        return Response(
            status=status.HTTP_204_NO_CONTENT,
            headers={
                "Tus-Version": TUS_VERSION,
                "Tus-Extension": "creation,termination",
                "Tus-Max-Size": str(settings.UPLOAD_MAX_BYTES),
            },
        )


class UploadsView(TusView):
    """Announce a file."""

    @extend_schema(
        operation_id="upload_create",
        request=None,
        responses={201: None, 413: REFUSED, 422: REFUSED, 429: REFUSED, 507: REFUSED},
        parameters=[
            *TUS_HEADERS,
            OpenApiParameter("Upload-Length", int, "header", required=True),
            OpenApiParameter("Upload-Metadata", str, "header"),
        ],
    )
    def post(self, request: Request, store_id: uuid.UUID) -> HttpResponse:
        """Make an upload; its address comes back as Location."""
        store = store_of(request, store_id)
        manager = ask_manager(request, store)
        self.check_version(request)
        upload = upload_create(
            store=store,
            user=manager,
            filename=_filename(request.headers.get("Upload-Metadata", "")),
            size_bytes=_number(request, "Upload-Length"),
        )
        address = reverse("upload", args=[upload.public_id])
        return HttpResponse(status=status.HTTP_201_CREATED, headers={"Location": address})


class UploadView(TusView):
    """Go on with a file, ask about it, or drop it."""

    def upload_of(self, request: Request, upload_id: uuid.UUID) -> Upload:
        """Return the upload, for managers of its store; for strangers there is none."""
        uploads = Upload.objects.for_user(request.user).select_related("store")
        upload = get_object_or_404(uploads, public_id=upload_id)
        ask_manager(request, upload.store)
        return upload

    @extend_schema(
        operation_id="upload_offset",
        responses={200: None},
        parameters=TUS_HEADERS,
    )
    def head(self, request: Request, upload_id: uuid.UUID) -> HttpResponse:
        """Say how much of the file is here."""
        upload = self.upload_of(request, upload_id)
        self.check_version(request)
        headers = {
            "Upload-Offset": str(upload.offset_bytes),
            "Upload-Length": str(upload.size_bytes),
        }
        return HttpResponse(headers=headers)

    @extend_schema(
        operation_id="upload_append",
        request={PART_TYPE: OpenApiTypes.BINARY},
        responses={204: None, **PART_REFUSED},
        parameters=[
            *TUS_HEADERS,
            OpenApiParameter("Upload-Offset", int, "header", required=True),
        ],
    )
    def patch(self, request: Request, upload_id: uuid.UUID) -> HttpResponse:
        """Take the next part, at most 8 MiB."""
        upload = self.upload_of(request, upload_id)
        self.check_version(request)
        if request.headers.get("Content-Type") != PART_TYPE:
            raise Problem("wrong_part_type")
        length = _part_length(request)
        offset = _number(request, "Upload-Offset")
        here = upload_append(upload=upload, offset=offset, length=length, read=request.read)
        headers = {"Upload-Offset": str(here)}
        return HttpResponse(status=status.HTTP_204_NO_CONTENT, headers=headers)

    @extend_schema(operation_id="upload_remove", responses={204: None}, parameters=TUS_HEADERS)
    def delete(self, request: Request, upload_id: uuid.UUID) -> HttpResponse:
        """Drop the file."""
        upload = self.upload_of(request, upload_id)
        self.check_version(request)
        upload_remove(upload=upload, user=ask_manager(request, upload.store))
        return HttpResponse(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="upload_override",
        request=None,
        responses={200: None, 204: None, 405: REFUSED, **PART_REFUSED},
        parameters=[
            *TUS_HEADERS,
            OpenApiParameter(
                "X-HTTP-Method-Override", str, "header", required=True,
                enum=["PATCH", "DELETE", "HEAD"],
            ),
        ],
    )  # fmt: skip
    def post(self, request: Request, upload_id: uuid.UUID) -> HttpResponse:
        """Do what X-HTTP-Method-Override says, for senders that know only GET and POST."""
        methods = {"PATCH": self.patch, "DELETE": self.delete, "HEAD": self.head}
        wanted = request.headers.get("X-HTTP-Method-Override", "")
        if wanted not in methods:
            raise exceptions.MethodNotAllowed("POST")
        return methods[wanted](request, upload_id)

    @extend_schema(operation_id="upload", responses={200: UploadSerializer, 403: REFUSED})
    def get(self, request: Request, upload_id: uuid.UUID) -> Response:
        """Say what the file is and when it says it was made."""
        upload = self.upload_of(request, upload_id)
        upload_finish(upload=upload)
        return Response(UploadSerializer(describe(upload)).data)


def describe(upload: Upload) -> dict[str, Any]:
    """Return an upload with what the gate found in it once it is complete."""
    told: dict[str, Any] = {"upload": upload}
    if upload.completed_at is None:
        return told
    try:
        checked = upload_check(upload=upload)
    except Problem as problem:
        return told | {"problem": problem}
    suggestion = suggested_start(checked, upload.store, clock.now())
    return told | {"checked": checked, "suggestion": suggestion}


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < LARGEST_LENGTH):
        raise Problem("bad_header", name=name, want="a whole number of bytes")
    return int(text)


def _part_length(request: Request) -> int:
    """Return the part's length; one too large is refused unread."""
    text = request.headers.get("Content-Length", "")
    if not text.isdigit():
        raise Problem("length_required")
    length, most = int(text), settings.TUS_PART_BYTES
    if length > most:
        raise Problem("part_too_large", size=in_bytes(length), most=in_bytes(most))
    return length


def _filename(metadata: str) -> str:
    """Return the file name out of tus's `Upload-Metadata`: pairs of a key and base64."""
    for pair in metadata.split(","):
        key, _, value = pair.strip().partition(" ")
        if key != "filename":
            continue
        try:
            return base64.b64decode(value, validate=True).decode(errors="replace")
        except binascii.Error as error:
            raise Problem("bad_header", name="Upload-Metadata", want="values in base64") from error
    return ""
