"""What really happened in a scene, from the geometry of the true foot points alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zones.geometry import Polygon, to_pixels

from .layout import LINE_BAND, LINE_Z, WALL_Z, Json, setup_json
from .render import Seen, observe
from .script import Plan

NEAR_LINE_M = 1.2  # who stops this near to the line and goes back has turned back at the door
STOPPED_S = 0.4
STOOD_S = 2.0  # this long within the line's band is standing on it


@dataclass(frozen=True)
class Trail:
    """A person's true foot points, one a frame, while they are in the scene.

    Attributes
    ----------
    number : int
        The person.
    staff : bool
        Works here.
    frames : ndarray of shape (N,), int
        Consecutive frame indices.
    ground : ndarray of shape (N, 2)
        x and z in metres.
    pixels : ndarray of shape (N, 2)
        Foot point in the frame.
    """

    number: int
    staff: bool
    frames: NDArray[np.int64]
    ground: NDArray[np.float64]
    pixels: NDArray[np.float64]


def trails(plan: Plan) -> list[Trail]:
    """Return everybody's trail in order of number."""
    found: dict[int, list[tuple[int, float, float]]] = {}
    staff: dict[int, bool] = {}
    for frame in range(plan.frame_count):
        for person in plan.people_at(frame):
            found.setdefault(person.number, []).append((frame, person.x, person.z))
            staff[person.number] = person.staff
    result = []
    for number, rows in sorted(found.items()):
        ground = np.array([(x, z) for _, x, z in rows])
        points = np.stack([ground[:, 0], np.zeros(len(rows)), ground[:, 1]], axis=1)
        pixels, _ = plan.camera.project(points)
        frames = np.array([frame for frame, _, _ in rows])
        result.append(Trail(number, staff[number], frames, ground, pixels))
    return result


def line_places(plan: Plan, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where foot points (N, 2) in pixels lie against the entrance line.

    Returns
    -------
    places : ndarray of shape (N, 2)
        Signed distance in pixels to the endless line, positive inside; share of the way from the
        line's first end to its second.
    """
    line = setup_json(plan.camera)["lines"][0]
    size = np.array((plan.camera.width, plan.camera.height))
    a, b = np.array(line["a"]) * size, np.array(line["b"]) * size
    length = float(np.linalg.norm(b - a))
    along = (b - a) / length
    offset = along[0] * (points[:, 1] - a[1]) - along[1] * (points[:, 0] - a[0])
    sign = 1.0 if line["inside_side"] == "right" else -1.0
    return np.stack([sign * offset, (points - a) @ along / length], axis=1)


def crossings_of(plan: Plan, trail: Trail) -> list[Json]:
    """Return a person's crossings of the entrance line, with the product's hysteresis.

    A crossing is complete when the foot point has been further than the band on one side and
    then on the other; it is dated to the frame at which it last changed sides, and counts when it
    did so between the line's ends.
    """
    places = line_places(plan, trail.pixels)
    offsets = places[:, 0]
    clear = np.flatnonzero(np.abs(offsets) > LINE_BAND * plan.camera.height)
    crossings: list[Json] = []
    for before, after in pairwise(clear):
        inward = offsets[after] > 0
        if (offsets[before] > 0) == inward:
            continue
        other = (offsets[before : after + 1] > 0) != inward
        met = int(before + np.flatnonzero(other)[-1] + 1)
        share = offsets[met - 1] / (offsets[met - 1] - offsets[met])
        place = places[met - 1, 1] + share * (places[met, 1] - places[met - 1, 1])
        if 0 <= place <= 1:
            crossings.append(
                {
                    "person": trail.number,
                    "time_ms": plan.time_ms(int(trail.frames[met])),
                    "direction": "in" if inward else "out",
                }
            )
    return crossings


def _stays(inside: NDArray[np.bool_], longest_gap: float) -> list[tuple[int, int]]:
    """Return (first, last) of runs inside, joined over absences of at most ``longest_gap``."""
    stays: list[tuple[int, int]] = []
    for i in np.flatnonzero(inside):
        if stays and i - stays[-1][1] - 1 <= longest_gap:
            stays[-1] = (stays[-1][0], int(i))
        else:
            stays.append((int(i), int(i)))
    return stays


def zone_visits_of(plan: Plan, trail: Trail) -> list[Json]:
    """Return a person's stays in zones, no shorter than the zone asks for.

    Absences up to the zone's grace are part of a stay and not of its dwell; a stay is censored
    when the clip or the person's presence begins or ends inside.
    """
    visits = []
    frame_ms = 1000 / float(plan.fps)
    size = (plan.camera.width, plan.camera.height)
    for zone in setup_json(plan.camera)["zones"]:
        polygon = Polygon(to_pixels(zone["vertices"], *size))
        inside = polygon.contains_many(trail.pixels)
        for first, last in _stays(inside, zone["grace_s"] * 1000 / frame_ms):
            dwell = int(np.count_nonzero(inside[first : last + 1])) * frame_ms
            if dwell < zone["min_dwell_s"] * 1000:
                continue
            entered = plan.time_ms(int(trail.frames[first]))
            visits.append(
                {
                    "zone": zone["name"],
                    "person": trail.number,
                    "entered_ms": entered,
                    "left_ms": plan.time_ms(int(trail.frames[last]) + 1),
                    "dwell_ms": round(dwell),
                    "censored": first == 0 or last == len(inside) - 1,
                }
            )
    return sorted(visits, key=lambda v: (v["entered_ms"], v["zone"]))


def turn_backs_of(plan: Plan, trail: Trail) -> int:
    """Return how often somebody came to the door, from either side, stopped and went back."""
    x, z = trail.ground[:, 0], trail.ground[:, 1]
    if len(x) < 3:
        return 0
    near = (np.abs(z - LINE_Z) < NEAR_LINE_M) & (np.abs(x) < NEAR_LINE_M + 0.3)
    still = np.hypot(np.gradient(x), np.gradient(z)) * float(plan.fps) < 0.25
    crossed_at = {c["time_ms"] for c in crossings_of(plan, trail)}
    count = 0
    for first, last in _stays(near, 0):
        times = {plan.time_ms(int(f)) for f in trail.frames[first : last + 1]}
        whole = first > 0 and last < len(near) - 1
        stopped = int(np.count_nonzero(still[first : last + 1])) >= STOPPED_S * plan.fps
        count += int(whole and stopped and not times & crossed_at)
    return count


def half_hidden_share(plan: Plan, seen: Sequence[tuple[int, Sequence[Seen]]]) -> float:
    """Return the share of customers' time inside during which less than half of them is seen."""
    staff = {actor.number for actor in plan.actors() if actor.staff}
    shares = [s.visible for _, frame in seen for s in frame if s.inside and s.number not in staff]
    return float(np.mean(np.array(shares) < 0.5)) if shares else 0.0


def difficulty(plan: Plan, seen: Sequence[tuple[int, Sequence[Seen]]]) -> Json:
    """Return how hard a scene is, as the truth file states it.

    Parameters
    ----------
    plan : Plan
        The scene.
    seen : sequence of (int, sequence of Seen)
        Frames looked at, all or a sample.
    """
    everybody = trails(plan)
    customers = [t for t in everybody if not t.staff]
    offsets = {t.number: line_places(plan, t.pixels)[:, 0] for t in customers}
    band = LINE_BAND * plan.camera.height
    stood = [
        any(last - first + 1 >= STOOD_S * plan.fps for first, last in _stays(np.abs(o) <= band, 0))
        for o in offsets.values()
    ]
    directions = [[c["direction"] for c in crossings_of(plan, t)] for t in customers]
    inside = np.zeros(plan.frame_count, np.int64)
    for t in customers:
        inside[t.frames[t.ground[:, 1] < WALL_Z]] += 1
    return {
        "people": len(customers),
        "people_per_minute": round(len(customers) / plan.seconds * 60, 2),
        "most_at_once": int(inside.max(initial=0)),
        "half_hidden_share": round(half_hidden_share(plan, seen), 4),
        "turn_backs": int(sum(turn_backs_of(plan, t) for t in customers)),
        "in_and_out": sum(
            "in" in d and d[-1] == "out" and _quick(plan, t)
            for d, t in zip(directions, customers, strict=True)
        ),
        "stood_on_line": int(sum(stood)),
        "couples": sum(actor.leader is not None for actor in plan.actors()),
        "inside_at_start": sum(
            bool(t.frames[0] == 0 and t.ground[0, 1] < WALL_Z) for t in customers
        ),
        "inside_at_end": sum(
            bool(t.frames[-1] == plan.frame_count - 1 and t.ground[-1, 1] < WALL_Z)
            for t in customers
        ),
    }


def _quick(plan: Plan, trail: Trail) -> bool:
    times = [c["time_ms"] for c in crossings_of(plan, trail)]
    return len(times) == 2 and times[1] - times[0] < 8000


def build_truth(plan: Plan, seen: Sequence[tuple[int, Sequence[Seen]]]) -> Json:
    """Return the truth file's content from a plan and who was seen in which of its frames."""
    everybody = trails(plan)
    crossings = [c for trail in everybody for c in crossings_of(plan, trail)]
    crossings.sort(key=lambda c: (c["time_ms"], c["person"]))
    visits = [v for trail in everybody for v in zone_visits_of(plan, trail)]
    visits.sort(key=lambda v: (v["entered_ms"], v["person"], v["zone"]))
    width, height = plan.camera.width, plan.camera.height
    boxes: list[list[list[float]]] = [[] for _ in range(plan.frame_count)]
    feet: list[list[list[float]]] = [[] for _ in range(plan.frame_count)]
    for frame, people in seen:
        for s in people:
            box = _clipped(s.box, width, height)
            if box is None:
                continue
            boxes[frame].append([s.number, *(round(v, 1) for v in box), round(s.visible, 3)])
            feet[frame].append([s.number, round(s.foot[0], 2), round(s.foot[1], 2)])
    return {
        "fps": _number(plan.fps),
        "width": width,
        "height": height,
        "seconds": _number(plan.seconds),
        "seed": plan.seed,
        "setup": setup_json(plan.camera),
        "entries": sum(c["direction"] == "in" for c in crossings),
        "exits": sum(c["direction"] == "out" for c in crossings),
        "crossings": crossings,
        "zone_visits": visits,
        "people": [
            {"person": a.number, "staff": a.staff, "height_m": a.look.height_m, "intent": a.intent}
            for a in plan.actors()
        ],
        "boxes": boxes,
        "feet": feet,
        "difficulty": difficulty(plan, seen),
    }


def _clipped(
    box: tuple[float, float, float, float], width: int, height: int
) -> tuple[float, float, float, float] | None:
    x1, y1 = max(0.0, box[0]), max(0.0, box[1])
    x2, y2 = min(float(width), box[2]), min(float(height), box[3])
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def _number(value: Any) -> float:
    """Return an integer where the value is one, so that 10 frames a second read as 10."""
    number = float(value)
    return int(number) if number.is_integer() else number


def truth(plan: Plan, every: int = 1, tick: Callable[[int], None] | None = None) -> Json:
    """Return a plan's truth without drawing its pictures.

    Parameters
    ----------
    plan : Plan
        The scene.
    every : int
        Look at each so manieth frame only: boxes are missing between, figures of visibility are
        a sample; crossings, visits and counts stay exact.
    tick : callable, optional
        Called with the number of frames done.
    """
    seen = []
    for done, frame in enumerate(range(0, plan.frame_count, every), start=1):
        seen.append((frame, observe(plan, frame)))
        if tick:
            tick(done)
    return build_truth(plan, seen)
