"""The document of the API: what drf-spectacular reads off the views, and what all of them share.

Parameters come from a view's `asks`, so what is documented is what is checked. Every operation gets
the refusals that can come back from it, in the one shape they have, and examples that fit.
"""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from accounts.doors import KEY_HEADER, WRITES
from oskartrack.api_examples import add_examples

PROBLEM: Final = "Problem"
PROBLEM_TYPE: Final = "application/problem+json"
PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What is wrong, in one shape for every refusal (RFC 9457). `code` is stable and "
    "made for programs, `detail` is for people; `errors` has sentences by field.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "request_id": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
}
REFUSALS: Final[dict[str, str]] = {
    "400": "What was sent is wrong; `errors` says where.",
    "401": "No log-in, or one that is no longer good.",
    "403": "Only managers of the store may do this, or the token was made for something else.",
    "404": "There is nothing here, or it is not yours to see.",
    "406": "No such form of the answer: it is JSON.",
    "409": "Something else is in the way.",
    "411": "The part comes without its length.",
    "412": "Somebody else wrote since this was read, or the protocol is another one.",
    "413": "The body is larger than this address takes.",
    "415": "Bodies are JSON.",
    "422": "It can be read and cannot be done.",
    "429": "Too much at once; `Retry-After` says how long to wait.",
    "503": "The database does not answer at the moment; nothing was changed.",
}
KEY = OpenApiParameter(
    KEY_HEADER, str, "header", pattern=r"^[!-~]{1,100}$",
    description="Any text of yours. Sent again with the same request within 24 hours it returns "
    "the first answer and does nothing; with another request it is refused.",
)  # fmt: skip
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, "header",
    description="An `ETag` from before: 304 without a body while nothing changed.",
)  # fmt: skip
IF_MATCH = OpenApiParameter(
    "If-Match", str, "header",
    description="The `ETag` that was read: 412 where somebody else wrote since.",
)  # fmt: skip


class DoorSchema(AutoSchema):
    """Reads an address of the API."""

    def get_override_parameters(self) -> list[Any]:
        """Return the parameters that the view says it knows."""
        found: list[Any] = list(super().get_override_parameters())
        if asked := getattr(self.view, "asks", {}).get(self.method):
            found.append(asked)
        if self.method in WRITES and getattr(self.view, "keyed", False):
            found.append(KEY)
        if self.method in getattr(self.view, "conditional", ()):
            found.append(IF_NONE_MATCH if self.method == "GET" else IF_MATCH)
        return found


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add what every operation shares: refusals, request ids, examples (a spectacular hook)."""
    schemas = result["components"].setdefault("schemas", {})
    schemas[PROBLEM] = PROBLEM_SCHEMA
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            _add_refusals(path, operation)
            _add_headers(method.upper(), operation)
            # One line for lists of operations; the whole is told where one is opened.
            operation.setdefault("summary", operation.get("description", "").partition("\n")[0])
    add_examples(result)
    return result


def _add_refusals(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for status in _refusals(path, operation):
        responses.setdefault(status, {})
    for status, response in responses.items():
        if status.startswith(("4", "5")):
            response["description"] = response.get("description") or REFUSALS[status]
            told = {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}
            response.setdefault("content", {PROBLEM_TYPE: told})


def _refusals(path: str, operation: dict[str, Any]) -> list[str]:
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    log_in = {} not in operation.get("security", [{}])
    found = ["400", "503"]
    if "/auth/" in path:
        found += ["401", "429"]
    if "Tus-Resumable" in names:
        found.append("412")
    if "image/jpeg" not in operation["responses"].get("200", {}).get("content", {}):
        found.append("406")
    if log_in:
        found += ["401", "403"]
    if "{" in path or "cursor" in names:
        found.append("404")
    if "requestBody" in operation:
        found += ["413", "415"]
    if KEY_HEADER in names:
        found += ["409", "422"]
    if "If-Match" in names:
        found.append("412")
    return found


def _add_headers(method: str, operation: dict[str, Any]) -> None:
    """Tell the headers of answers: 304 and ETag where a state has a name."""
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    told = {"ETag": {"schema": {"type": "string"}, "description": "The name of this state."}}
    if method == "GET" and "If-None-Match" in names:
        operation["responses"]["200"]["headers"] = told
        operation["responses"]["304"] = {"description": "Nothing changed.", "headers": told}
