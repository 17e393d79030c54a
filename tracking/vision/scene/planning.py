"""Drawing a plan by lot until the scene is as hard as it has to be."""

import math
from fractions import Fraction

import numpy as np

from .camera import Camera
from .cast import Start, draw_cast
from .render import observe
from .script import Plan
from .truth import difficulty
from .walk import Crowd

TRIES = 8
SAMPLE_S = 1.0  # between the moments at which visibility is looked at
# What makes a demo scene hard enough: it must reach all three.
PEOPLE_A_MINUTE = 8.0
HALF_HIDDEN = 0.16
TURN_BACKS_IN_TWO_MINUTES = 3.0


def _draw(
    seed: int, attempt: int, seconds: float, fps: Fraction, camera: Camera, start: Start
) -> Plan:
    rng = np.random.default_rng((seed, attempt))
    actors = draw_cast(rng, seconds, start)
    walks = Crowd(actors, rng).run(seconds)
    return Plan(seed, seconds, fps, camera, walks)


def shortfall(plan: Plan) -> float:
    """Return by how much a plan misses its floors: 0 when it reaches them all."""
    step = max(1, round(SAMPLE_S * plan.fps))
    seen = [(i, observe(plan, i)) for i in range(0, plan.frame_count, step)]
    hard = difficulty(plan, seen)
    floors = {
        "people_per_minute": PEOPLE_A_MINUTE,
        "half_hidden_share": HALF_HIDDEN,
        "turn_backs": math.floor(TURN_BACKS_IN_TWO_MINUTES * plan.seconds / 120),
    }
    return float(sum(max(0.0, 1 - hard[k] / floor) for k, floor in floors.items() if floor))


def plan(
    seed: int,
    seconds: float,
    fps: float | Fraction = 10,
    camera: Camera | None = None,
    start: Start = "busy",
) -> Plan:
    """Return the plan of a scene.

    Parameters
    ----------
    seed : int
        The lot; the same seed gives the same scene.
    seconds : float
        Length of the clip.
    fps : float or Fraction
        Frames a second; everybody walks the same way at any rate.
    camera : Camera, optional
        The view; 960 x 540 pixels by default.
    start : {"busy", "empty"}
        ``busy`` has customers inside from the first frame on, so more may leave than come; with
        ``empty`` the doors are just opened and nobody but staff is there.
    """
    if seconds <= 0 or fps <= 0:
        raise ValueError(f"A scene needs a length and a rate above 0, got {seconds} s, {fps} fps.")
    rate = Fraction(fps).limit_denominator(1001)
    best: tuple[float, Plan] | None = None
    for attempt in range(TRIES):
        drawn = _draw(seed, attempt, seconds, rate, camera or Camera(), start)
        missing = shortfall(drawn)
        if best is None or missing < best[0]:
            best = (missing, drawn)
        if missing == 0:
            break
    assert best is not None
    return best[1]
