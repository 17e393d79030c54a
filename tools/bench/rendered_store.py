"""Counts rendered scenes, of which every step is known, and compares with the truth."""

import json
import os
import secrets
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.bench.installation import STARTED_AT, Installation

FPS = 10
LARGEST_ERROR = 0.05  # of the true entries and exits, summed over the seeds
# Rendering and HOG take about 1 s of a core for 1 s of video; a loaded machine ten times that.
TIMEOUT_S_PER_S = 15
SEEDS_VARIABLE = "OSKARTRACK_SEEDS"


@dataclass(frozen=True, slots=True)
class Stay:
    """One person's stay in one zone, in media time."""

    zone: str
    from_ms: int
    to_ms: int
    dwell_ms: int
    censored: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was counted of one scene, and what is true."""

    seed: int
    entries: int
    exits: int
    true_entries: int
    true_exits: int
    stays: tuple[Stay, ...]
    true_stays: tuple[Stay, ...]
    cpu_s: float
    wall_s: float

    @property
    def error(self) -> int:
        """Return how far entries and exits are off, together."""
        return abs(self.entries - self.true_entries) + abs(self.exits - self.true_exits)

    @property
    def true(self) -> int:
        """Return how many entries and exits there really were."""
        return self.true_entries + self.true_exits

    def line(self) -> str:
        """Return the outcome in one line."""
        return (
            f"seed {self.seed}: entries {self.entries} of {self.true_entries}, "
            f"exits {self.exits} of {self.true_exits}, "
            f"zone visits {len(self.stays)} of {len(self.true_stays)}, "
            f"{self.cpu_s:.0f} s of a core, {self.wall_s:.0f} s by the clock"
        )


def seeds_wanted(count: int) -> list[int]:
    """Return new seeds, or those that the environment names, so that a run can be repeated."""
    return named_seeds() or [secrets.randbelow(2**31) for _ in range(count)]


def named_seeds() -> list[int]:
    """Return the seeds that the environment names; none when it names none."""
    return [int(seed) for seed in os.environ.get(SEEDS_VARIABLE, "").replace(",", " ").split()]


def outcomes(
    seeds: Sequence[int], seconds: float, folder: Path, tell: Callable[[str], None]
) -> list[Outcome]:
    """Render and count a scene a seed, two at a time, each in an installation of its own.

    Parameters
    ----------
    tell : callable
        Called with a line on each scene as soon as it is counted.
    """

    def one(seed: int) -> Outcome:
        found = outcome(seed, seconds, folder / str(seed))
        tell(found.line())
        return found

    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        return list(pool.map(one, seeds))


def outcome(seed: int, seconds: float, folder: Path) -> Outcome:
    """Render and count one scene with HOG, in real processes."""
    installation = Installation(folder)
    video, truth_file = folder / "scene.mp4", folder / "truth.json"
    timeout_s = 60 + TIMEOUT_S_PER_S * seconds
    lot = ("--seed", seed, "--seconds", seconds, "--fps", FPS)
    files = ("--out", video, "--truth", truth_file)
    drawn = installation.manage("scene", *lot, *files, timeout_s=timeout_s)
    ran = installation.count(video, truth_file, timeout_s=timeout_s)
    numbers, truth = ran.json(), json.loads(truth_file.read_text())
    if numbers["state"] != "done":
        raise RuntimeError(f"Seed {seed} was not counted to its end: {numbers}")
    return Outcome(
        seed=seed,
        entries=numbers["entries"],
        exits=numbers["exits"],
        true_entries=truth["entries"],
        true_exits=truth["exits"],
        stays=tuple(stays_counted(installation.facts(), truth["setup"]["zones"])),
        true_stays=tuple(stays_true(truth)),
        cpu_s=drawn.cpu_s + ran.cpu_s,
        wall_s=drawn.wall_s + ran.wall_s,
    )


def stays_counted(facts: Iterable[dict[str, Any]], zones: Iterable[dict[str, Any]]) -> list[Stay]:
    """Return the counted stays that are as long as their zone asks for, as in the truth."""
    shortest_ms = {zone["name"]: zone["min_dwell_s"] * 1000 for zone in zones}
    left = [f for f in facts if f["fact"] == "event" and f["kind"] == "zone_left"]
    return [
        Stay(f["zone"], _ms(f["since"]), _ms(f["at"]), f["dwell_ms"], f["censored"])
        for f in left
        if f["dwell_ms"] >= shortest_ms[f["zone"]]
    ]


def stays_true(truth: dict[str, Any]) -> list[Stay]:
    """Return the stays of a truth file."""
    return [
        Stay(v["zone"], v["entered_ms"], v["left_ms"], v["dwell_ms"], v["censored"])
        for v in truth["zone_visits"]
    ]


def error_share(found: Iterable[Outcome]) -> float:
    """Return the error in entries and exits as a share of the true ones, over all scenes."""
    found = list(found)
    true = sum(each.true for each in found)
    return sum(each.error for each in found) / true if true else 0.0


def zone_errors(found: Iterable[Outcome]) -> dict[str, tuple[int, int, int]]:
    """Return each zone's error, counted and true visits, where the error is summed over scenes.

    Two scenes' errors do not cancel out.
    """
    sums: dict[str, tuple[int, int, int]] = {}
    for each in found:
        counted = Counter(stay.zone for stay in each.stays)
        true = Counter(stay.zone for stay in each.true_stays)
        for zone in sorted(counted | true):
            error, n, m = sums.get(zone, (0, 0, 0))
            off = abs(counted[zone] - true[zone])
            sums[zone] = (error + off, n + counted[zone], m + true[zone])
    return dict(sorted(sums.items()))


def dwell_errors_s(found: Iterable[Outcome]) -> list[float]:
    """Return how far each dwell is off, in seconds, of the stays that were found.

    A counted stay belongs to the true one of its zone that it shares most time with; each belongs
    to one at the most, and stays whose begin or end was not seen have no dwell to compare.
    """
    return [
        abs(counted.dwell_ms - true.dwell_ms) / 1000
        for each in found
        for counted, true in _pairs(each.stays, each.true_stays)
        if not counted.censored and not true.censored
    ]


def median_or_none(values: Sequence[float]) -> float | None:
    """Return the median, or None where there is nothing."""
    return statistics.median(values) if values else None


def _pairs(counted: Sequence[Stay], true: Sequence[Stay]) -> list[tuple[Stay, Stay]]:
    shared = [
        (min(c.to_ms, t.to_ms) - max(c.from_ms, t.from_ms), i, j)
        for i, c in enumerate(counted)
        for j, t in enumerate(true)
        if c.zone == t.zone
    ]
    pairs: dict[int, int] = {}
    for overlap_ms, i, j in sorted(shared, key=lambda row: (-row[0], row[1], row[2])):
        if overlap_ms > 0 and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return [(counted[i], true[j]) for i, j in pairs.items()]


def _ms(instant: str) -> int:
    passed = datetime.fromisoformat(instant) - datetime.fromisoformat(STARTED_AT)
    return round(passed.total_seconds() * 1000)
