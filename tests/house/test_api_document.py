"""The document of the API is valid, has examples of every operation, and can be read on a page."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from drf_spectacular.validation import validate_schema

from accounts.doors import WRITES
from oskartrack.access import DOORS
from tests.access.contract import document
from tests.cast import make_cast


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return document()


def operations(told):
    for path, found in told["paths"].items():
        for method, operation in found.items():
            yield f"{method.upper()} {path}", operation


def test_the_document_is_valid(told):
    validate_schema(told)


def test_every_door_of_the_api_is_in_it(told):
    import re

    known = {label for label, _ in operations(told)}
    missing = []
    for door in DOORS:
        if door.pattern.startswith("api/v1/") and door.pattern != "api/v1/schema/":
            path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", door.pattern)
            missing += [
                f"{method} {path}"
                for method in door.methods.split()
                if f"{method} {path}" not in known
            ]
    assert not missing


def as_json_schema(schema: Any) -> Any:
    """Return a schema of OpenAPI 3.0 as JSON Schema: there null is a type of its own."""
    if isinstance(schema, list):
        return [as_json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: as_json_schema(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") is True else made


def test_every_parameter_body_and_answer_has_an_example_that_fits(told):
    components = as_json_schema(told["components"])
    wrong, seen = [], 0

    def look(where, part):
        nonlocal seen
        seen += 1
        if "example" not in part:
            wrong.append(f"{where}: no example")
            return
        schema = as_json_schema(part["schema"]) | {"components": components}
        check = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
        # As it leaves the server: a schema says nothing of Python's own types.
        example = json.loads(json.dumps(part["example"]))
        wrong.extend(f"{where}: {error.message[:200]}" for error in check.iter_errors(example))

    for label, operation in operations(told):
        assert operation["summary"], label
        for parameter in operation.get("parameters", ()):
            if parameter.get("required"):
                look(f"{label} {parameter['name']}", parameter)
            else:
                assert "example" not in parameter, "pages would send it unasked"
        for content in operation.get("requestBody", {}).get("content", {}).values():
            look(f"{label} body", content)
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values():
                look(f"{label} {status}", content)
    assert not wrong, "\n".join(wrong[:30])
    assert seen > 500


def test_an_example_that_does_not_fit_would_be_found(told):
    broken = json.loads(json.dumps(told))
    broken["paths"]["/api/v1/stores/"]["get"]["responses"]["200"]["content"]["application/json"][
        "example"
    ] = {"results": 7}
    with pytest.raises(AssertionError):
        test_every_parameter_body_and_answer_has_an_example_that_fits(broken)


def test_every_refusal_has_the_one_shape_and_every_write_takes_a_key(told):
    for label, operation in operations(told):
        for status, response in operation["responses"].items():
            if status >= "400":
                (kind,) = response["content"]
                assert kind == "application/problem+json", (label, status)
                schema = response["content"][kind]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        writes = label.split()[0] in WRITES
        own_way = any(part in label for part in ("uploads/", "/auth/", "socket-tickets/"))
        assert ("Idempotency-Key" in names) is (writes and not own_way), label


# --- The page -------------------------------------------------------------------------------------


@pytest.mark.db
@pytest.mark.once
def test_the_page_is_for_whoever_is_logged_in_and_stands_in_the_menu(client):
    cast = make_cast()
    assert client.get("/api-docs/")["Location"].startswith("/login/")
    client.force_login(cast.bob)
    page = client.get("/api-docs/")
    assert page.status_code == 200
    text = page.content.decode()
    assert 'href="/api-docs/"' in text
    assert "<style" not in text
    assert "<script>" not in text
    assert "https://" not in text
