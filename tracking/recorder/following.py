"""Following one camera: connect, cut, write, and begin again whatever happens."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import av
import av.error
import av.video.codeccontext
import structlog
from django.db import Error, connection

from tracking import room
from tracking.models import CameraWatch, Recording
from tracking.recorder import budget, rows, watch
from tracking.recorder.clock import JUMP_MS, Clock, lead_of
from tracking.recorder.cutting import Cutter, Placed, Segment, file_of
from tracking.recorder.opening import OPEN_S, READ_S, Stream, connected
from tracking.recorder.reading import Reader
from tracking.recorder.troubles import Trouble
from zones.models import Camera
from zones.sources import Source, SourceRefused, opened

log = structlog.get_logger(__name__)

State = CameraWatch.State
# The first try comes at once; each later one waits twice as long, up to this, and by lot.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 10.0
# A camera shuts out whoever offers it a wrong password again and again.
PASSWORD_WAIT_S = 60.0
# Connected again at once: nothing is wrong with the camera.
AT_ONCE = ("changed", "clock", "taken")
SETTLED_GROUPS = 40  # wait for the anchor at the most; a stream that comes faster than life


class Follower:
    """Follows one camera until it is to stop.

    Parameters
    ----------
    stop : Event
        Set by whoever wants the end.
    beat : callable
        Called often: whoever watches over this process knows that it goes on.
    source_of : callable
        Returns what to open; called before each connection.
    """

    def __init__(
        self,
        camera: Camera,
        stop: threading.Event,
        clock: Clock | None = None,
        beat: Callable[[], None] = lambda: None,
        source_of: Callable[[Camera], Source] = opened,
    ) -> None:
        self.camera = camera
        self._stop = stop
        self._clock = clock or Clock()
        self._beat = beat
        self._source_of = source_of
        self._failures = 0
        self._seen_ms: int | None = None
        self._told_ms = 0
        self._pace: watch.Pace | None = None
        self._recording: Recording | None = None
        CameraWatch.objects.get_or_create(camera=camera)

    def run(self) -> None:
        """Follow it."""
        while not self._stop.is_set():
            try:
                self._connect()
            except Trouble as trouble:
                self._troubled(trouble)
            except Error as error:
                log.warning("database_away", camera=self.camera.pk, why=str(error))
                connection.close()
                self._failures += 1
            except Exception:
                log.exception("following_failed", camera=self.camera.pk)
                self._troubled(Trouble("error"))
            self._wait()

    def _connect(self) -> None:
        try:
            source = self._source_of(self.camera)
        except SourceRefused as refused:
            raise Trouble("source", str(refused)) from None
        was_up = self._failures == 1 and self._seen_ms is not None
        with connected(source, self._clock, READ_S if was_up else OPEN_S) as stream:
            self._follow(stream)

    def _follow(self, stream: Stream) -> None:
        """Cut a stream into segments and write them, until it ends."""
        reader = Reader(stream, self._clock, self._stop)
        cutter = Cutter()
        waiting: list[Segment] = []
        trouble: Trouble | None = None
        try:
            for group in reader.groups():
                self._came(stream)
                waiting += cutter.add(group)
                if reader.anchor.settled or len(waiting) > SETTLED_GROUPS:
                    waiting = self._write(waiting, stream, reader)
        except Trouble as met:
            trouble = met
            if met.code == "stalled":
                self._down(met)  # at once: to take leave of who does not answer takes seconds
        if trouble is None or trouble.code != "changed":
            reader.anchor.settle()
            self._write([*waiting, *cutter.end()], stream, reader)
        if trouble is not None:
            raise trouble

    def _came(self, stream: Stream) -> None:
        self._beat()
        self._failures = 0
        now_ms = self._clock.now_ms()
        is_first = self._seen_ms is None or now_ms - self._seen_ms > 2000
        self._seen_ms = now_ms
        if is_first or now_ms - self._told_ms > 4000:
            self._told_ms = now_ms
            if watch.told(self.camera, State.UP):
                log.info("camera_up", camera=self.camera.pk, codec=stream.shape.codec)
            watch.seen(self.camera)

    def _write(self, segments: list[Segment], stream: Stream, reader: Reader) -> list[Segment]:
        """Write segments; return none, as none is left."""
        for segment in segments:
            _check_size(segment, stream)
            self._lead(segment, reader)
            begins_ms = reader.anchor.offset_ms + segment.first_ms
            recording = self._recording_at(begins_ms, stream)
            self._add(recording, segment, begins_ms, stream)
            self._beat()
        return []

    def _lead(self, segment: Segment, reader: Reader) -> None:
        """Lead the stream's time back to the host's where they went apart."""
        drift_ms = reader.anchor.drift_ms()
        if abs(drift_ms) > JUMP_MS:
            raise Trouble("clock")
        by_ms = lead_of(drift_ms, segment.end_ms - segment.first_ms)
        if not by_ms:
            return
        reader.anchor.lead(by_ms)
        log.warning("clock_led_back", camera=self.camera.pk, off_ms=drift_ms, by_ms=by_ms)
        CameraWatch.objects.filter(camera=self.camera).update(
            clock_off_ms=drift_ms, clock_set_at=datetime.now(UTC)
        )

    def _recording_at(self, begins_ms: int, stream: Stream) -> Recording:
        """Return the recording that a segment belongs to, a new one where it must be."""
        self.camera.refresh_from_db()
        begins = rows.at(begins_ms)
        current = self._recording
        if current is None:
            current = rows.resumed(self.camera, stream.shape, begins)
        elif not rows.is_as_before(current, self.camera, stream.shape) or rows.day_of(
            self.camera, current.started_at
        ) != rows.day_of(self.camera, begins):
            rows.closed(current)
            current = None
        self._recording = current or rows.begun(self.camera, stream.shape, begins_ms)
        return self._recording

    def _add(self, recording: Recording, segment: Segment, begins_ms: int, stream: Stream) -> None:
        place = self._place(recording, segment, begins_ms)
        now = datetime.now(UTC)
        self._pace = watch.pace_of(self.camera, now)
        watch.pace_told(self.camera, self._pace)
        run = recording.runs.filter(active=True).first()
        chosen = budget.choice(self.camera, self._pace, run.card["detector"] if run else {})
        why = chosen.why or ("The disk was nearly full." if room.disk_low() else "")
        content, keyframe_ms = (
            (b"", place.first_ms) if why else file_of(segment, place, stream.shape)
        )
        written = rows.Written(place, content, keyframe_ms, segment.pictures, chosen.gap_ms, why)
        try:
            rows.added(recording, written)
        except rows.NoLongerOurs:
            self._recording = None
            self._add(self._recording_at(begins_ms, stream), segment, begins_ms, stream)

    def _place(self, recording: Recording, segment: Segment, begins_ms: int) -> Placed:
        """Return where a segment lies in media time: never before the end of the last one.

        A host's clock that was set back is so far behind until the recording ends.
        """
        first_ms = begins_ms - rows.wall_ms(recording.started_at)
        length_ms = segment.end_ms - segment.first_ms
        to_ms = recording.declared_ms
        if to_ms - length_ms < first_ms <= to_ms + JOINED_MS:
            # No picture is missing: rounding, or a stream that is led back.
            return Placed(to_ms, max(first_ms + length_ms, to_ms + segment.pictures))
        first_ms = max(first_ms, to_ms)
        return Placed(first_ms, first_ms + length_ms)

    def _troubled(self, trouble: Trouble) -> None:
        """Write down what is wrong, once it lasts: the first new try comes at once."""
        self._failures += 1
        log.info("camera_trouble", camera=self.camera.pk, code=trouble.code)
        self._wait_s = PASSWORD_WAIT_S if trouble.code == "password" else LONGEST_WAIT_S
        if trouble.code in AT_ONCE and self._failures == 1:
            return
        if self._failures > 1 or self._seen_ms is None or trouble.code == "stalled":
            self._down(trouble)

    def _down(self, trouble: Trouble) -> None:
        if watch.told(self.camera, State.DOWN, trouble):
            log.warning("camera_down", camera=self.camera.pk, why=trouble.words)

    _wait_s = LONGEST_WAIT_S

    def _wait(self) -> None:
        """Wait before the next try: twice as long each time, by lot, and in small steps."""
        most = min(self._wait_s, FIRST_WAIT_S * 2 ** min(self._failures - 1, 10))
        if self._failures == 0:
            most = FIRST_WAIT_S
        until = self._clock.now_ms() + most * random.uniform(0.7, 1.0) * 1000
        while not self._stop.is_set() and self._clock.now_ms() < until:
            self._beat()
            left_s = (until - self._clock.now_ms()) / 1000
            self._clock.wait(self._stop, min(1.0, max(0.01, left_s)))


# Two segments this close to each other follow one another.
JOINED_MS = 100


def _check_size(segment: Segment, stream: Stream) -> None:
    """Decode one key frame of a segment: a stream may change its size without a word.

    Raises
    ------
    Trouble
        `changed`.
    """
    if stream.must_recode or segment.recoded:
        return
    context = av.video.codeccontext.VideoCodecContext.create(stream.shape.codec, "r")
    assert isinstance(context, av.video.codeccontext.VideoCodecContext)
    context.thread_count = 1
    context.extradata = stream.video.codec_context.extradata
    try:
        frames = [
            *context.decode(av.Packet(segment.groups[0].packets[0].data)),
            *context.decode(None),
        ]
    except av.error.FFmpegError:
        return  # damaged: it shows where it is searched
    shape = stream.shape
    if frames and (frames[0].width, frames[0].height) != (shape.width, shape.height):
        raise Trouble("changed")
