"""What every detector is."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from tracking.vision.detections import DetectedFrame
from tracking.vision.frames import Frame


class DetectorSettings(Protocol):
    """A detector's frozen settings; a chunk's detections are a function of them too."""

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain JSON types."""


class Detector(Protocol):
    """Finds people in a chunk's frames."""

    @property
    def name(self) -> str:
        """The name in the registry."""

    @property
    def settings(self) -> DetectorSettings:
        """What it was made with."""

    def detect(self, frames: Iterable[Frame]) -> Iterator[DetectedFrame]:
        """Yield the people of every frame that is looked at, in order.

        A pure function of the frames and the settings, whatever ran before in this process.
        Lead-in frames warm up what looks at motion and yield nothing. Frames closer together
        than the settings' gap may be left out.
        """
