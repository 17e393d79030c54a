"""Where untrusted files are decoded: in processes of their own that can do little else.

A process of `tracking.vision.sandboxed` gets an empty environment, the one media file as an open
descriptor and two pipes. It bounds its own memory and time, cuts its network, and forbids itself
every system call that decoding does not need; where the host lacks libseccomp it runs within
bubblewrap, and without that within its limits alone. `kind` says which of them is in force.

What comes back is checked here. A process that dies, hangs or takes too much memory costs its
file an attempt and nothing else.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import structlog
from django.conf import settings

from tracking.sandbox_answers import (
    DETECTIONS_BYTES,
    PREVIEWS_BYTES,
    TEXT_BYTES,
    TROUBLE,
    NonsenseError,
    check,
    chunk_result,
    read_json,
)
from tracking.vision import wire
from tracking.vision.errors import MediaError, UnknownDetectorError, UnreadableMediaError
from tracking.vision.results import ChunkResult
from tracking.vision.sandboxed import Order

log = structlog.get_logger(__name__)

Kind = Literal["seccomp", "bubblewrap", "rlimits"]
Reply = tuple[dict[str, Any], bytes, bytes]

MEMORY_BYTES = 1024**3
# Measured: 6 hours of packets and 4 GB of hash take seconds; these are for files made to hang.
INSPECT_CPU_S = 90
INSPECT_LONGEST_S = 120.0
# A chunk is at most 20 s of media, which takes HOG minutes on a small and busy machine. A healthy
# decoder says several times a second that it goes on; one that hangs burns time and says nothing.
CHUNK_LONGEST_S = 1100.0
SILENT_CPU_S = 15.0
SILENT_LONGEST_S = 120.0
KIND_LONGEST_S = 20.0
IDLE_S = 60.0
LOOK_EVERY_S = 0.5
WORDS: dict[str, str] = {
    "seccomp": "Files are decoded in a locked process: the system refuses it other files, the "
    "network and other programs.",
    "bubblewrap": "Files are decoded in a process that sees neither other media nor the network.",
    "rlimits": "Files are decoded in a process with little memory and time, and nothing more: "
    "install libseccomp or bubblewrap on this machine for a stronger lock.",
}


class DecoderError(RuntimeError):
    """The process that decodes the file came to an end of its own."""

    code = "decoder_crashed"


class DecoderTimeoutError(DecoderError):
    """It took too long or did not go on."""

    code = "decoder_timeout"


class DecoderMemoryError(DecoderError):
    """It needed more memory than one file gets."""

    code = "decoder_memory"


def kind() -> Kind:
    """Return which lock is in force on this host, tried out once in each process."""
    return _lock_here()[0]


def words() -> str:
    """Return in plain words what `kind` means."""
    return WORDS[kind()]


def inspect(path: Path, bounds: dict[str, int]) -> dict[str, Any]:
    """Return what a file is, as the inspecting process says it, its shape unchecked.

    Raises
    ------
    DecoderError
        The process died, hung or spoke nonsense.
    """
    with _opened(path) as descriptor:
        order = Order(MEMORY_BYTES, INSPECT_CPU_S, descriptor, bounds=bounds)
        child = Child(order)
        try:
            said, _, _ = child.ask({}, INSPECT_LONGEST_S, INSPECT_LONGEST_S)
        finally:
            child.close()
    return said


def detect_chunk(
    path: Path,
    media: dict[str, Any],
    bounds: dict[str, int],
    detector: dict[str, Any],
    *,
    colours: bool = False,
) -> ChunkResult:
    """Return the people of one chunk and its previews; a pure function of its arguments.

    Parameters
    ----------
    path : Path
        The file.
    media, bounds : dict
        `MediaInfo` and `ChunkBounds` as JSON.
    detector : dict
        The detector's `name` and `settings`.
    colours : bool
        Whether it is looked at what people wear.

    Raises
    ------
    MediaError
        The file cannot be read.
    DecoderError
        The process that reads it died, hung or spoke nonsense.
    """
    # The process has no settings and no environment: it is told where the models are.
    made_of = [detector["name"], detector.get("settings") or {}, str(settings.MODELS_DIR)]
    with _kept.child_for(path, made_of) as child:
        said, found, previews = child.ask(
            {"media": media, "bounds": bounds, "colours": colours},
            CHUNK_LONGEST_S,
            SILENT_LONGEST_S,
        )
        if "error" in said:
            raise reported(said)
        size = (media["width"], media["height"])
        try:
            return chunk_result(said, found, previews, bounds=bounds, size=size, colours=colours)
        except NonsenseError as nonsense:
            child.kill()
            raise DecoderError(f"The decoder spoke nonsense: {nonsense}") from nonsense


def close() -> None:
    """End the process that is kept for the next chunk, if there is one."""
    _kept.close()


def reported(said: dict[str, Any]) -> Exception:
    """Return what the process reports as the error that it is."""
    try:
        check(said, TROUBLE)
    except NonsenseError as nonsense:
        return DecoderError(f"The decoder spoke nonsense: {nonsense}")
    code, detail = said["error"], said["detail"]
    ours: dict[str, type[Exception]] = {
        "unknown_detector": UnknownDetectorError,
        "decoder_memory": DecoderMemoryError,
        "decoder_crashed": DecoderError,
        "unreadable": UnreadableMediaError,
    }
    return ours.get(code, MediaError)(detail)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def command(order: Order, wrap: tuple[str, ...] = ()) -> list[str]:
    """Return the command line of a process with this order."""
    python = [sys.executable, "-B", "-m", "tracking.vision.sandboxed"]
    return [*wrap, *python, json.dumps(asdict(order))]


class Child:
    """One process that decodes one file."""

    def __init__(self, order: Order, lock: tuple[Kind, tuple[str, ...]] | None = None) -> None:
        held, wrap = lock or _lock_here()
        if held == "bubblewrap":
            order = Order(**asdict(order) | {"in_bubble": True})
        descriptor = order.descriptor
        self._process = subprocess.Popen(
            command(order, wrap),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=settings.BASE_DIR,
            # Nothing of ours, no secret. One thread keeps numpy's memory small; OpenCV's own
            # limit on a picture is a thousand million pixels.
            env={
                "OPENBLAS_NUM_THREADS": "1",
                "OPENCV_IO_MAX_IMAGE_PIXELS": str(settings.IMAGE_MAX_PIXELS),
            },
            pass_fds=() if descriptor is None else (descriptor,),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asking, self._answers = self._process.stdin, self._process.stdout
        os.set_blocking(self._answers.fileno(), False)
        self._come = bytearray()
        self._kind = held
        self._ready = False

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], longest_s: float, silent_s: float) -> Reply:
        """Ask for one thing and wait for the answer.

        Parameters
        ----------
        request : dict
            What `sandboxed` understands.
        longest_s : float
            The answer must be there by then.
        silent_s : float
            A sign of life must come this often.

        Raises
        ------
        DecoderError
            One of its kinds; the process is gone then.
        """
        try:
            return self._ask(request, longest_s, silent_s)
        except BaseException:  # also when this process is asked to stop
            self.kill()
            raise

    def first_word(self, longest_s: float) -> dict[str, Any]:
        """Return what the process says of itself before it is asked anything."""
        return self._next(_Watch(self.pid, longest_s, longest_s))[0]

    def _ask(self, request: dict[str, Any], longest_s: float, silent_s: float) -> Reply:
        watch = _Watch(self.pid, longest_s, silent_s)
        if not self._ready:
            first = self._next(watch)
            if "error" in first[0]:
                return first
            if first[0] != {"kind": self._kind}:
                raise DecoderError(f"The decoder is not locked up by {self._kind}.")
            self._ready = True
        with suppress(BrokenPipeError):  # the reason is told by how it ended
            wire.send(self._asking.fileno(), wire.frame(request))
        while True:
            reply = self._next(watch)
            if reply[0] != {"tick": True}:
                return reply

    def _next(self, watch: _Watch) -> Reply:
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while (reply := self._take()) is None:
                watch.check()
                if not selector.select(LOOK_EVERY_S):
                    continue
                part = self._answers.read(1 << 16)
                if part == b"":
                    raise self._ended()
                self._come += part or b""
        watch.heard()
        return reply

    def _take(self) -> Reply | None:
        """Return the next message when it has come whole; refuse one that is too large."""
        if len(self._come) < wire.LENGTHS.size:
            return None
        lengths = wire.LENGTHS.unpack_from(self._come)
        most = (TEXT_BYTES, DETECTIONS_BYTES, PREVIEWS_BYTES)
        if any(length > largest for length, largest in zip(lengths, most, strict=True)):
            raise DecoderError(f"The decoder announced {lengths} bytes.")
        end = wire.LENGTHS.size + sum(lengths)
        if len(self._come) < end:
            return None
        whole = bytes(self._come[wire.LENGTHS.size : end])
        del self._come[:end]
        text, found = whole[: lengths[0]], whole[lengths[0] : lengths[0] + lengths[1]]
        try:
            return read_json(text), found, whole[lengths[0] + lengths[1] :]
        except NonsenseError as nonsense:
            raise DecoderError(f"The decoder spoke nonsense: {nonsense}") from nonsense

    def _ended(self) -> DecoderError:
        """Return how the process ended as the error that it is."""
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return DecoderError("The decoder hung up.")
        if status == -signal.SIGXCPU:
            return DecoderTimeoutError("The decoder used up its time.")
        if status == -signal.SIGKILL:  # the system does that when memory is short
            return DecoderMemoryError("The decoder was ended by the system.")
        return DecoderError(f"The decoder ended with {status}.")

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self.close()

    def close(self) -> None:
        """Let the process end and take note of it."""
        self._asking.close()
        self._answers.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def disown(self) -> None:
        """Close this side of the pipes, for one who was forked and is not the parent."""
        self._asking.close()
        self._answers.close()
        self._process.returncode = 0


class _Watch:
    """Looks at the clock, and at how much the process computed, since it was last heard."""

    def __init__(self, pid: int, longest_s: float, silent_s: float) -> None:
        self._pid = pid
        self._until = time.monotonic() + longest_s
        self._silent_s = silent_s
        self.heard()

    def heard(self) -> None:
        self._heard_at = time.monotonic()
        self._computed_s = self._computed()

    def check(self) -> None:
        now = time.monotonic()
        if now > self._until:
            raise DecoderTimeoutError("The decoder did not finish in time.")
        silent = now - self._heard_at > self._silent_s
        # On a busy machine time passes for those who wait; a loop without end computes.
        if silent or self._computed() - self._computed_s > min(SILENT_CPU_S, self._silent_s):
            raise DecoderTimeoutError("The decoder did not go on.")

    def _computed(self) -> float:
        """Return the processor seconds that the process used; 0 where that cannot be read."""
        try:
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Kept:
    """The process of the last chunk, for the next one of the same recording.

    Starting one costs as much as detecting a second of media. It never reads another file: what
    one file did to a decoder must not reach the next.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._key: object = None
        self._left_at = 0.0

    @contextmanager
    def child_for(self, path: Path, detector: list[Any]) -> Iterator[Child]:
        """Hand out a process for this file and detector, the kept one where it fits."""
        with _opened(path) as descriptor:
            order = Order(MEMORY_BYTES, None, descriptor, detector, idle_s=IDLE_S)
            if not self._lock.acquire(blocking=False):
                child = Child(order)  # another thread of this process detects, too
                try:
                    yield child
                finally:
                    child.close()
                return
            try:
                yield self._take(order)
            finally:
                self._left_at = time.monotonic()
                self._lock.release()

    def _take(self, order: Order) -> Child:
        assert order.descriptor is not None
        about = os.fstat(order.descriptor)
        file = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
        key = (file, json.dumps(order.detector, sort_keys=True))
        # One left alone for long may be about to end by itself.
        rested = time.monotonic() - self._left_at > IDLE_S / 2
        if self._child is None or key != self._key or rested or not self._child.alive:
            self._forget()
            self._child, self._key = Child(order), key
        return self._child

    def _forget(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def close(self) -> None:
        """End the process, unless somebody works with it."""
        if self._lock.acquire(blocking=False):
            self._forget()
            self._lock.release()

    def disown(self) -> None:
        """Leave the process to the parent that this process was forked from."""
        child, self._child = self._child, None
        self._lock = threading.Lock()
        if child is not None:
            child.disown()


_kept = _Kept()
atexit.register(close)
os.register_at_fork(after_in_child=_kept.disown)


@functools.cache
def _lock_here() -> tuple[Kind, tuple[str, ...]]:
    """Try the locks out, the strongest first; return the one that holds and its command."""
    bubble = _bubble()
    tries: list[tuple[Kind, tuple[str, ...]]] = [("seccomp", ())]
    if bubble:
        tries.append(("bubblewrap", bubble))
    for wanted, wrap in tries:
        if _holds(wanted, wrap):
            return wanted, wrap
    log.warning("sandbox_is_weak", why=WORDS["rlimits"])
    return "rlimits", ()


def _holds(wanted: Kind, wrap: tuple[str, ...]) -> bool:
    child = Child(Order(MEMORY_BYTES, 10), (wanted, wrap))
    try:
        return child.first_word(KIND_LONGEST_S) == {"kind": wanted}
    except DecoderError as error:
        log.info("sandbox_not_available", kind=wanted, why=str(error))
        return False
    finally:
        child.close()


def _bubble() -> tuple[str, ...]:
    """Return the command that runs another within bubblewrap; empty where there is none.

    The system and the code are there to be read; where media and the database lie is empty.
    """
    found = shutil.which("bwrap")
    if found is None:
        return ()
    shown = ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    models = str(settings.MODELS_DIR)
    hidden = ["--tmpfs", str(settings.DATA_DIR), "--ro-bind-try", models, models]
    return (found, "--unshare-all", "--die-with-parent", "--new-session", *shown, *hidden, "--")
