"""The plan of a scene: who is where in every frame, fixed by the seed before anything is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from .body import Pose
from .camera import Camera
from .cast import Actor
from .people import Look
from .walk import STEP_S, Walk


@dataclass(frozen=True, slots=True)
class Person:
    """One person at one moment: where they stand, in metres, and what they do."""

    number: int
    look: Look
    x: float
    z: float
    heading: float
    pose: Pose
    staff: bool


@dataclass(frozen=True)
class Plan:
    """A scene before it is drawn.

    Attributes
    ----------
    seed : int
        The lot.
    seconds : float
        Length.
    fps : Fraction
        Frames a second.
    camera : Camera
        The view.
    walks : list of Walk
        Everybody's way.
    """

    seed: int
    seconds: float
    fps: Fraction
    camera: Camera
    walks: list[Walk]

    @property
    def frame_count(self) -> int:
        return round(self.seconds * self.fps)

    def time_ms(self, frame: int) -> int:
        """Return a frame's media time in milliseconds."""
        return round(frame * 1000 / self.fps)

    def actors(self) -> list[Actor]:
        return [walk.actor for walk in self.walks]

    def people_at(self, frame: int) -> Iterator[Person]:
        """Yield everybody who is in or before the shop in a frame, in order of number."""
        tick = float(frame / self.fps) / STEP_S
        for walk in self.walks:
            at = tick - walk.first
            if not 0 <= at <= len(walk.rows) - 1:
                continue
            low = int(at)
            high = min(low + 1, len(walk.rows) - 1)
            row = walk.rows[low] + (walk.rows[high] - walk.rows[low]) * (at - low)
            x, z, heading, *pose = (float(v) for v in row)
            actor = walk.actor
            yield Person(actor.number, actor.look, x, z, heading, Pose(*pose), actor.staff)
