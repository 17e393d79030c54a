"""What is said on the live socket is what its schema says; the scripts' side is tests/js."""

from __future__ import annotations

import re

import jsonschema
import pytest

from tests.plugins.live_hints import FROM_CLIENT, FROM_SERVER, SCHEMA, problem_with
from tracking import live_protocol
from tracking.consumers import LiveConsumer
from tracking.live_protocol import FILE, Closing, schema, written

DOCUMENT = (FILE.parent / "live.md").read_text(encoding="utf-8")


def test_the_file_is_what_the_types_say():
    assert FILE.read_bytes() == written(schema()), (
        "docs/live.schema.json is not what tracking/live_protocol.py says. Run: "
        "python -m tracking.live_protocol, and look at what changes for the pages and for others."
    )


def test_it_is_a_schema_and_tells_messages_apart():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    FROM_SERVER.validate({"type": "events", "seq": 4})
    for wrong in ({"type": "events"}, {"type": "events", "seq": -1}, {"type": "hint", "seq": 1},
                  {"type": "hello", "seq": 1, "more": 1}, [], "events"):  # fmt: skip
        assert not FROM_SERVER.is_valid(wrong)
        assert problem_with(wrong)


def test_a_client_may_say_what_the_consumer_answers_and_nothing_else():
    assert set(FROM_CLIENT) == set(LiveConsumer.answers)
    for kind, answer in LiveConsumer.answers.items():
        FROM_CLIENT[kind].validate({"type": kind})
        assert problem_with(answer) is None


def test_the_document_names_every_message_field_and_closing_code():
    kinds = SCHEMA["$defs"]["server"] | SCHEMA["$defs"]["client"]
    named = set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE))
    codes = {str(int(code)) for code in Closing}
    assert named == set(kinds) | codes
    for kind, rules in kinds.items():
        (row,) = re.findall(rf"^\| `{kind}` \| (.*?) \|", DOCUMENT, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", row)) == set(rules["properties"]) - {"type"}, kind


@pytest.mark.parametrize("code", Closing)
def test_every_closing_code_is_told_in_words(code):
    assert live_protocol.WORDS[code].endswith(".")
