"""What other zones and lines would have counted of the ways that are kept; writes nothing.

Of official counts alone, whatever map they were counted with: every map that is asked about counts
the very same ways, as if it had held all the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Max

from tracking.models import Run, Track
from tracking.overlay import BadOverlayError, path_columns
from tracking.problems import Problem
from tracking.vision.counting import FollowedWay, ShapeCount, count_ways
from tracking.vision.errors import BadSetupError
from tracking.vision.setup import SceneSetup
from zones.models import Camera
from zones.selectors import SceneShapes

# The newest of a span alone are read, and so often a point is held against a shape at the most:
# three seconds of one core.
TRACKS_AT_MOST = 3000
LOOKS_AT_MOST = 300_000
# The newest way is looked for in the newest counts alone, as its starts and ends are.
RUNS_AT_MOST = 20
# Of a run that names no size.
USUAL_FRAME = (960, 540)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What each map counted, by the keys of its shapes.

    Attributes
    ----------
    ways, there : int
        How many ways were counted, the newest of the span, and how many people were followed in it.
    since, until : datetime or None
        From when to when those who were counted were followed; None of nobody.
    """

    maps: list[dict[str, ShapeCount]]
    ways: int
    there: int
    since: datetime | None
    until: datetime | None


def newest_way_at(camera: Camera) -> datetime | None:
    """Return when a camera's official counts last followed anybody."""
    runs = Run.objects.filter(recording__camera=camera, active=True).order_by(
        "-recording__started_at", "-pk"
    )
    newest = list(runs.values_list("pk", flat=True)[:RUNS_AT_MOST])
    found: datetime | None = Track.objects.filter(run__in=newest).aggregate(at=Max("ended_at"))[
        "at"
    ]
    return found


def what_if(
    camera: Camera, maps: Sequence[SceneShapes], starts_at: datetime, ends_at: datetime
) -> WhatIf:
    """Return what each map counts of a span's ways: of the newest that there is time for.

    Raises
    ------
    Problem
        `bad_camera_map`: what the administration wrote of the camera's masks is no outline.
    """
    width, height = USUAL_FRAME
    try:
        setups = [
            SceneSetup.from_json({"width": width, "height": height} | asdict(each)) for each in maps
        ]
    except BadSetupError as error:
        raise Problem("bad_camera_map", why=error) from error
    there, chains = _newest(camera, starts_at, ends_at)
    runs = Run.objects.only("setup").in_bulk({tracks[0].run_id for tracks in chains})
    ways = (_way(runs[tracks[0].run_id], tracks) for tracks in chains)
    counted = count_ways(setups, ways, LOOKS_AT_MOST)
    taken = [track for tracks in chains[: counted.ways] for track in tracks]
    return WhatIf(
        maps=counted.maps,
        ways=counted.ways,
        there=there,
        since=min((track.started_at for track in taken), default=None),
        until=max((track.ended_at for track in taken), default=None),
    )


def _newest(
    camera: Camera, starts_at: datetime, ends_at: datetime
) -> tuple[int, list[list[Track]]]:
    """Return how many people were followed, and the newest of them as tracks, last seen first."""
    tracks = Track.objects.filter(
        run__recording__camera=camera, run__active=True, run__recording__started_at__lt=ends_at,
        ended_at__gte=starts_at, ended_at__lt=ends_at,
    ).order_by("-ended_at", "-pk")  # fmt: skip
    chains: dict[tuple[int, int], list[Track]] = {}
    told = ("run_id", "chain", "path", "height_px", "started_at", "ended_at")
    for track in tracks.only(*told)[:TRACKS_AT_MOST]:
        chains.setdefault((track.run_id, track.chain), []).append(track)
    there = tracks.order_by().values("run_id", "chain").distinct().count()
    return there, list(chains.values())


def _way(run: Run, tracks: Sequence[Track]) -> FollowedWay:
    """Return the way of a chain's tracks, in the order of time; a damaged one is left out."""
    pieces, heights = [], []
    for track in sorted(tracks, key=lambda track: track.started_at):
        try:
            pieces.append(path_columns(bytes(track.path)))
        except BadOverlayError:
            continue
        heights.append(track.height_px)
    width, height = (run.setup.get("width"), run.setup.get("height"))
    if not width or not height:
        width, height = USUAL_FRAME
    return FollowedWay(width, height, sum(heights) / max(len(heights), 1), pieces)
