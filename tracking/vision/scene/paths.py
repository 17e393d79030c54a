"""Ways around the furniture: shortest paths over the corners of what stands in the way."""

import heapq
import math
from functools import lru_cache

from .layout import BLOCKS, DOOR_HALF_WIDTH, WALL_Z, Block, Place

BODY_M = 0.26  # a person's half width: no foot point comes nearer to furniture
CORNER_M = 0.42  # ways lead this far around corners
_PIERS = (  # the street wall on both sides of the door
    Block("wall left", -9.0, -DOOR_HALF_WIDTH, WALL_Z, WALL_Z + 0.15, 3.0),
    Block("wall right", DOOR_HALF_WIDTH, 9.0, WALL_Z, WALL_Z + 0.15, 3.0),
)
OBSTACLES = BLOCKS + _PIERS


def _clips(block: Block, margin: float, a: Place, b: Place) -> bool:
    """Tell whether the segment a-b meets a block grown by a margin (Liang and Barsky, 1984)."""
    first, last = 0.0, 1.0
    sides = (
        (a[0], b[0] - a[0], block.x0 - margin, block.x1 + margin),
        (a[1], b[1] - a[1], block.z0 - margin, block.z1 + margin),
    )
    for start, along, low, high in sides:
        if abs(along) < 1e-12:
            if not low < start < high:
                return False
            continue
        near, far = sorted(((low - start) / along, (high - start) / along))
        first, last = max(first, near), min(last, far)
    return first < last


def is_free(a: Place, b: Place, margin: float = BODY_M + 0.02) -> bool:
    """Tell whether a person can walk straight from a to b."""
    return not any(_clips(block, margin, a, b) for block in OBSTACLES)


def push_out(x: float, z: float) -> Place:
    """Return the nearest place to (x, z) where a person does not stand in furniture."""
    for block in OBSTACLES:
        x0, x1 = block.x0 - BODY_M, block.x1 + BODY_M
        z0, z1 = block.z0 - BODY_M, block.z1 + BODY_M
        if x0 < x < x1 and z0 < z < z1:
            gaps = {(x0, z): x - x0, (x1, z): x1 - x, (x, z0): z - z0, (x, z1): z1 - z}
            x, z = min(gaps, key=lambda place: gaps[place])
    return x, z


@lru_cache(maxsize=1)
def _corners() -> tuple[tuple[Place, ...], tuple[tuple[tuple[int, float], ...], ...]]:
    """Return corners people turn at and, for each, the others in straight reach with distances."""
    corners: list[Place] = []
    for block in OBSTACLES:
        for x in (block.x0 - CORNER_M, block.x1 + CORNER_M):
            for z in (block.z0 - CORNER_M, block.z1 + CORNER_M):
                inside = any(
                    o.x0 - BODY_M < x < o.x1 + BODY_M and o.z0 - BODY_M < z < o.z1 + BODY_M
                    for o in OBSTACLES
                )
                if not inside and abs(x) < 5.2:
                    corners.append((x, z))
    reach = tuple(
        tuple((j, math.dist(a, b)) for j, b in enumerate(corners) if i != j and is_free(a, b))
        for i, a in enumerate(corners)
    )
    return tuple(corners), reach


def way(start: Place, goal: Place) -> list[Place]:
    """Return the places to pass from start to goal, the goal included (Dijkstra, 1959)."""
    start = push_out(*start)
    if is_free(start, goal):
        return [goal]
    corners, reach = _corners()
    best = {i: math.dist(start, c) for i, c in enumerate(corners) if is_free(start, c)}
    before: dict[int, int] = {}
    heap = [(d, i) for i, d in best.items()]
    heapq.heapify(heap)
    done: set[int] = set()
    ends = {i for i, c in enumerate(corners) if is_free(c, goal)}
    total, last = math.inf, -1
    while heap:
        distance, i = heapq.heappop(heap)
        if i in done:
            continue
        done.add(i)
        if i in ends and distance + math.dist(corners[i], goal) < total:
            total, last = distance + math.dist(corners[i], goal), i
        for j, step in reach[i]:
            if distance + step < best.get(j, math.inf):
                best[j] = distance + step
                before[j] = i
                heapq.heappush(heap, (best[j], j))
    places = [goal]
    while last >= 0:
        places.append(corners[last])
        last = before.get(last, -1)
    return places[::-1]
