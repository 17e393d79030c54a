"""Examples in the document of the API: of every body, of every answer, of every parameter.

An example is put together from the schema itself: what a field is called says what usually stands
in it, what it may hold decides where no name does. So an example cannot fall behind its schema;
``tests/house/test_api_document.py`` holds every one against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ID: Final = "3f2b8c1e-5a4d-4c7b-9e21-0d6f8a7b5c43"
MOMENT: Final = "2026-07-01T09:30:00Z"
OUTLINE: Final = [[0.1, 0.9], [0.5, 0.1], [0.9, 0.9]]
# What stands in a field that is called so, wherever its schema takes that.
USUAL: Final[dict[str, tuple[Any, ...]]] = {
    "name": ("Front door",),
    "slug": ("corner-shop",),
    "timezone": ("Europe/Berlin",),
    "username": ("alice",),
    "notes": ("Asks for the newspaper.",),
    "vertices": (OUTLINE,),
    "a": ([0.2, 0.6],),
    "b": ([0.8, 0.6],),
    "colour": (3,),
    "kind": ("display", "entrance", "entered"),
    "detector": ("auto",),
    "source": ("rtsp://camera.example/1", "door-sensor", "upload"),
    "min_dwell_s": (3.0,),
    "grace_s": (2.0,),
    "at": ("2026-07-01T09:30:00+02:00",),
    "from": ("2026-06-01", "2026-07-01T09:00:00+02:00"),
    "to": ("2026-06-30", "2026-07-01T10:00:00+02:00"),
    "business_day_start": ("04:00:00",),
    "opening_hours": ({"mon": [["09:00", "18:00"]], "tue": [["09:00", "18:00"]]},),
    "special_days": ({"2026-12-24": {"spans": [["09:00", "14:00"]], "name": "Christmas Eve"}},),
    "client_key": ("door-7-000123",),
    "direction": ("in",),
    "entries": (42,),
    "exits": (40,),
    "observed": (0.98,),
    "next": ("https://shop.example/api/v1/stores/?cursor=cD0yMDI2",),
    "previous": (None,),
    "bounce_s": (60,),
    "Tus-Resumable": ("1.0.0",),
    "Upload-Length": (1_048_576,),
    "Upload-Offset": (0,),
    "Upload-Metadata": ("filename c2hvcC5tcDQ=",),
    "Idempotency-Key": ("order-2026-07-01-17",),
    "If-None-Match": ('"9f86d081884c7d659a2feaa0c55ad015"',),
    "If-Match": ('"9f86d081884c7d659a2feaa0c55ad015"',),
}
FORMATS: Final[dict[str, Any]] = {
    "uuid": ID,
    "date-time": MOMENT,
    "date": "2026-07-01",
    "time": "04:00:00",
    "uri": "https://shop.example/api/v1/stores/",
    "decimal": "12.50",
    "binary": "",
    "byte": "",
}
PROBLEMS: Final[dict[str, tuple[str, str, str]]] = {
    "400": ("Bad Request", "invalid", "This field is required."),
    "401": ("Unauthorized", "not_authenticated", "Authentication credentials were not provided."),
    "403": ("Forbidden", "permission_denied", "Only managers of the store may do this."),
    "404": ("Not Found", "not_found", "There is nothing here, or it is not yours to see."),
    "406": ("Not Acceptable", "not_acceptable", "Could not satisfy the request Accept header."),
    "409": ("Conflict", "conflict", "Something else is in the way."),
    "410": ("Gone", "upload_gone", "This upload was removed."),
    "411": ("Length Required", "length_required", "The part comes without its length."),
    "412": ("Precondition Failed", "changed_meanwhile", "This was changed since you read it."),
    "413": ("Request Entity Too Large", "too_big", "The body is larger than this address takes."),
    "415": ("Unsupported Media Type", "unsupported_media_type", "Bodies are JSON."),
    "422": ("Unprocessable Entity", "idempotency_key_reused", "This key was sent before."),
    "423": ("Locked", "upload_locked", "Another part of this upload is being written."),
    "429": ("Too Many Requests", "throttled", "Too many tries. Wait a minute."),
    "503": ("Service Unavailable", "database_away", "The database does not answer just now."),
    "507": ("Insufficient Storage", "disk_full", "There is no room left on the disk."),
}
DEEPEST: Final = 8


def add_examples(document: dict[str, Any]) -> None:
    """Give every parameter, body and answer of a document an example."""
    schemas = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                # Pages fill examples in: one of an optional parameter would be sent unasked.
                if parameter.get("required"):
                    told = example_of(parameter["schema"], schemas, parameter["name"])
                    parameter.setdefault("example", told)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content.setdefault("example", example_of(content["schema"], schemas))
            for status, response in operation["responses"].items():
                for content in response.get("content", {}).values():
                    content.setdefault("example", _answer(status, content["schema"], schemas))


def _answer(status: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    if status not in PROBLEMS:
        return example_of(schema, schemas)
    title, code, detail = PROBLEMS[status]
    return {
        "type": "about:blank", "title": title, "status": int(status), "detail": detail,
        "code": code, "errors": {}, "request_id": "0f8fad5bd9cb469fa165708677289501",
    }  # fmt: skip


def example_of(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "", depth: int = 0
) -> Any:
    """Return a value that fits a schema."""
    if reference := schema.get("$ref"):
        return example_of(schemas[reference.rsplit("/", 1)[-1]], schemas, name, depth)
    if "example" in schema:
        return schema["example"]
    usual = [value for value in USUAL.get(name, ()) if _fits(value, schema)]
    many = next((word for word in ("allOf", "oneOf", "anyOf") if word in schema), "")
    if usual:
        return usual[0]
    if many:
        return example_of(schema[many][0], schemas, name, depth)
    said = [schema["default"]] if "default" in schema else schema.get("enum", [])
    return said[0] if said else _by_type(schema, schemas, depth)


def _by_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> Any:
    found: Any = {}
    match schema.get("type"):
        case "object" if depth <= DEEPEST:
            told = schema.get("properties", {})
            found = {key: example_of(each, schemas, key, depth + 1) for key, each in told.items()}
        case "array":
            least = max(1, schema.get("minItems", 1))
            found = [example_of(schema["items"], schemas, "", depth + 1) for _ in range(least)]
        case "integer":
            found = max(schema.get("minimum", 1), 1)
        case "number":
            found = float(max(schema.get("minimum", 0), 0))
        case "boolean":
            found = True
        case "string":
            found = FORMATS.get(schema.get("format", ""), "text")
    return found


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a usual value is of the kind that a schema takes."""
    if "enum" in schema:
        return value in schema["enum"]
    if value is None:
        return bool(schema.get("nullable"))
    kinds = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    kind = schema.get("type")
    if kind != kinds[type(value)] and not (kind == "number" and isinstance(value, int)):
        return kind is None and not {"$ref", "allOf", "oneOf", "anyOf"} & set(schema)
    form = schema.get("format", "")
    if form in ("date", "date-time"):
        return isinstance(value, str) and ("T" in value) == (form == "date-time")
    return form not in ("uuid", "decimal", "binary", "uri") or value.startswith("https:")
