"""Every hint that any test's work publishes is held to the schema of the live socket."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "docs/live.schema.json").read_text(encoding="utf-8")
)
FROM_SERVER = jsonschema.Draft202012Validator(SCHEMA)
FROM_CLIENT = {
    name: jsonschema.Draft202012Validator(rules)
    for name, rules in SCHEMA["$defs"]["client"].items()
}
# For tests that publish what no server of ours would, to see it go nowhere.
MARK = "strange_hints"


def problem_with(message: Any) -> str | None:
    """Return what is wrong with a message of the server, None when nothing is."""
    kind = message.get("type") if isinstance(message, dict) else None
    rules = SCHEMA["$defs"]["server"].get(kind)
    if rules is None:
        return f"There is no message like {message!r}."
    wrong = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(rules).iter_errors(message)
    )
    return None if wrong is None else f"{message!r}: {wrong.message}"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}: publishes hints that keep to no schema")


@pytest.fixture(autouse=True)
def _hints_keep_to_the_schema(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Generator[None]:
    """Fail a test whose work published a hint that the schema does not know."""
    from tracking.live import Publisher

    if request.node.get_closest_marker(MARK):
        yield
        return
    wrong: list[str] = []
    publish = Publisher.publish

    def checked(self: Publisher, store_id: str, message: Mapping[str, Any]) -> None:
        if (problem := problem_with(dict(message))) is not None:
            wrong.append(problem)
        publish(self, store_id, message)

    monkeypatch.setattr(Publisher, "publish", checked)
    yield
    # A hint is sent where an error is only noted, so it is told here.
    assert not wrong, wrong
