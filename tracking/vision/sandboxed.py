"""The process that decodes: ``python -m tracking.vision.sandboxed``, started by the sandbox.

Its one argument is an order as JSON (`Order`). It takes away from itself what it does not need,
imports and makes what it does, locks itself up and only then reads the file, which it has as an
open descriptor. Requests come by standard input, answers go by standard output, framed by `wire`.
It ends when nobody asks any more.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from tracking.vision import wire
from tracking.vision.confinement import Limits, limit, lock

# Nothing that reads media is imported here: the limits come first.

TICK_S = 0.5
DETAIL_CHARACTERS = 300
Answer = tuple[dict[str, Any], bytes, bytes]


@dataclass(frozen=True, slots=True)
class Order:
    """What the process is for.

    Parameters
    ----------
    memory_bytes, cpu_s
        See `Limits`.
    descriptor : int, optional
        The open file; without one, and without a detector, the process only says how well it can
        lock itself up.
    detector : list of (name, settings, folder of models), optional
        Made before the lock, its model read and run once; without it, the file can be inspected
        alone. Without a file that is all, and its settings are the answer.
    bounds : dict, optional
        What a file may be, see `inspection.Bounds`.
    in_bubble : bool
        It runs within bubblewrap.
    idle_s : float
        It ends when nothing was asked for this long.
    """

    memory_bytes: int
    cpu_s: int | None = None
    descriptor: int | None = None
    detector: list[Any] | None = None
    bounds: dict[str, int] = field(default_factory=dict)
    in_bubble: bool = False
    idle_s: float = 60.0


class Channel:
    """The two pipes, on descriptors of their own: what a library prints goes nowhere."""

    def __init__(self) -> None:
        self._asked, self._answers = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.close(null)
        self._ticked = 0.0

    def say(self, said: dict[str, Any], first: bytes = b"", second: bytes = b"") -> None:
        """Send one message."""
        wire.send(self._answers, wire.frame(said, first, second))

    def tick(self) -> None:
        """Say, now and then, that the work goes on."""
        now = time.monotonic()
        if now - self._ticked >= TICK_S:
            self._ticked = now
            self.say({"tick": True})

    def asked(self, idle_s: float) -> dict[str, Any] | None:
        """Return the next request, or None when there is none for long or for ever."""
        ready, _, _ = select.select([self._asked], [], [], idle_s)
        return wire.receive(self._asked) if ready else None


def main(arguments: list[str]) -> None:
    """Work through what is asked."""
    order = Order(**json.loads(arguments[0]))
    channel = Channel()
    limit(Limits(order.memory_bytes, order.cpu_s))
    work = _guarded(lambda: _prepare(order, channel.tick))
    if isinstance(work, tuple):
        channel.say(*work)
        return
    channel.say({"kind": lock(in_bubble=order.in_bubble)})
    while (request := channel.asked(order.idle_s)) is not None:
        channel.say(*_guarded(partial(work, request)))


def _prepare(order: Order, tick: Callable[[], None]) -> Callable[[dict[str, Any]], Answer]:
    """Import and make all that the work needs; afterwards no file can be opened any more."""
    if order.descriptor is None:
        return _prepare_trial(order)
    from tracking.vision.inspection import Bounds, inspect, preload

    preload()
    descriptor = order.descriptor
    if order.detector is None:
        bounds = Bounds(**order.bounds)
        return lambda _: (inspect(descriptor, bounds), b"", b"")

    from tracking.vision.detectors.registry import make_detector
    from tracking.vision.frames import ChunkBounds, MediaInfo
    from tracking.vision.previews import detect_chunk

    detector = make_detector(*order.detector)

    def detect(request: dict[str, Any]) -> Answer:
        info, bounds = MediaInfo(**request["media"]), ChunkBounds(**request["bounds"])
        colours = request["colours"]
        found = asdict(detect_chunk(descriptor, info, bounds, detector, tick, colours=colours))
        return found, found.pop("detections"), found.pop("previews")

    return detect


def _prepare_trial(order: Order) -> Callable[[dict[str, Any]], Answer]:
    """Make a detector, if there is one to make; what it is set to is all there is to say."""
    said: dict[str, Any] = {}
    if order.detector is not None:
        from tracking.vision.detectors.registry import make_detector

        said["settings"] = make_detector(*order.detector).settings.to_json()
    return lambda _: (said, b"", b"")


def _guarded(step: Callable[[], Any]) -> Any:
    """Take a step; what goes wrong becomes an answer with its code."""
    from tracking.vision.errors import VisionError

    try:
        return step()
    except VisionError as error:
        return {"error": error.code, "detail": str(error)[:DETAIL_CHARACTERS]}, b"", b""
    except MemoryError:
        return {"error": "decoder_memory", "detail": ""}, b"", b""
    except Exception as error:  # noqa: BLE001 - a file may bring anything about
        code = "decoder_memory" if "nsufficient memory" in str(error) else "decoder_crashed"
        return {"error": code, "detail": _detail(error)}, b"", b""


def _detail(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:DETAIL_CHARACTERS]


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # without the interpreter's own closing, which may want files
