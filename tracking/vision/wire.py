"""Messages between the process that decodes and the one that asks it: lengths, JSON, two blobs."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

LENGTHS = struct.Struct("<III")  # bytes of the JSON text and of the two blobs


def frame(said: dict[str, Any], first: bytes = b"", second: bytes = b"") -> bytes:
    """Return a message as bytes."""
    text = json.dumps(said, separators=(",", ":")).encode()
    return LENGTHS.pack(len(text), len(first), len(second)) + text + first + second


def send(descriptor: int, message: bytes) -> None:
    """Write a whole message to a pipe."""
    rest = memoryview(message)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def receive(descriptor: int) -> dict[str, Any] | None:
    """Read the next message of somebody trusted, which has no blobs; None when they hung up."""
    lengths = _read(descriptor, LENGTHS.size)
    if not lengths:
        return None
    said: dict[str, Any] = json.loads(_read(descriptor, LENGTHS.unpack(lengths)[0]))
    return said


def _read(descriptor: int, size: int) -> bytes:
    parts = []
    while size and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
