"""What is said on the live socket: the types here, and the schema that is made of them.

`docs/live.schema.json` is this module's schema, written by `python -m tracking.live_protocol`. The
tests of both languages hold every message to it, so that neither side drifts from the other.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypedDict, get_args, get_origin, get_type_hints

import orjson

FILE: Final = Path(__file__).resolve().parent.parent / "docs/live.schema.json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Seq = Annotated[int, "How far the store's feed is: every event up to it can be fetched."]
RecordingId = Annotated[str, "Which recording, by its public id."]


class Closing(IntEnum):
    """Why the server closed a socket."""

    LOGGED_OUT = 4401
    NOT_A_MEMBER = 4403
    TOO_SLOW = 4408
    TICKET_REFUSED = 4410
    TOO_MANY = 4429


WORDS: Final = {
    Closing.LOGGED_OUT: "Nobody is logged in, or no longer: log-out, new password, account closed.",
    Closing.NOT_A_MEMBER: "There is no such store for this person, or no longer.",
    Closing.TOO_SLOW: "The client did not read. Connect again and catch up.",
    Closing.TICKET_REFUSED: "The ticket is unknown, used, too old or another store's.",
    Closing.TOO_MANY: "This person has too many sockets open. Try again later.",
}


# --- What the server says -------------------------------------------------------------------------


class Hello(TypedDict):
    """The first message: hints come from now on."""

    type: Literal["hello"]
    seq: Seq


class Events(TypedDict):
    """There are new events."""

    type: Literal["events"]
    seq: Seq


class Heartbeat(TypedDict):
    """Every 15 s; who missed a hint learns of it here."""

    type: Literal["heartbeat"]
    seq: Seq


class Progress(TypedDict):
    """A recording is further than it was."""

    type: Literal["progress"]
    recording: RecordingId
    state: Annotated[str, "The recording's state, as in the API."]
    progress: Annotated[float, "Share of the work that is done, 0 to 1."]


class Picture(TypedDict):
    """There is more, or something else, to draw over a recording."""

    type: Literal["picture"]
    recording: RecordingId
    from_ms: Annotated[int, "Media time from which it changed."]
    to_ms: Annotated[int, "Media time up to which it changed."]


class Away(TypedDict):
    """The server lost the line that hints come by; heartbeats go on."""

    type: Literal["away"]


class Resync(TypedDict):
    """The line is back: hints may have been missed, fetch what you show."""

    type: Literal["resync"]


class Pong(TypedDict):
    """The answer to a ping."""

    type: Literal["pong"]


# --- What a client says ---------------------------------------------------------------------------


class Ping(TypedDict):
    """Asks whether the socket lives."""

    type: Literal["ping"]


Hint = Events | Progress | Picture
FromServer = Hello | Heartbeat | Hint | Away | Resync | Pong
FromClient = Ping


def events_hint(seq: int | None) -> Events:
    """Return the hint that the feed is at `seq`."""
    return {"type": "events", "seq": seq or 0}


def picture_hint(recording: object, from_ms: int, to_ms: int) -> Picture:
    """Return the hint that there is something else to draw."""
    return {"type": "picture", "recording": str(recording), "from_ms": from_ms, "to_ms": to_ms}


# --- The schema -----------------------------------------------------------------------------------


def _value(kind: Any) -> dict[str, Any]:
    if get_origin(kind) is Annotated:
        bare, words = get_args(kind)
        return {**_value(bare), "description": words}
    if get_origin(kind) is Literal:
        return {"const": get_args(kind)[0]}
    numbers: dict[type, dict[str, Any]] = {
        int: {"type": "integer", "minimum": 0},
        float: {"type": "number", "minimum": 0, "maximum": 1},
        str: {"type": "string"},
    }
    return dict(numbers[kind])


def _message(kind: Any) -> dict[str, Any]:
    fields = get_type_hints(kind, include_extras=True)
    return {
        "type": "object",
        "description": (kind.__doc__ or "").strip(),
        "properties": {name: _value(of) for name, of in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }


def _messages(kinds: Any) -> dict[str, dict[str, Any]]:
    members = get_args(kinds) or (kinds,)
    return {get_args(get_type_hints(kind)["type"])[0]: _message(kind) for kind in members}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the protocol: a document of it is a message of the server.

    `$defs` has every message by its type, those of clients under `client`; `x-closings` says what
    the closing codes mean.
    """
    server = _messages(FromServer)
    client = _messages(FromClient)
    return {
        "$schema": DIALECT,
        "title": "What is said on the live socket of a store",
        "oneOf": [{"$ref": f"#/$defs/server/{name}"} for name in server],
        "$defs": {"server": server, "client": client},
        "x-closings": {str(int(code)): words for code, words in WORDS.items()},
    }


def written(what: Mapping[str, Any]) -> bytes:
    """Return a schema as it stands in its file."""
    return orjson.dumps(what, option=orjson.OPT_INDENT_2) + b"\n"


def main() -> int:
    """Write the schema's file."""
    FILE.write_bytes(written(schema()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
