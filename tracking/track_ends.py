"""Where people were first and last seen on a camera's picture: starts and ends of recent tracks.

Where many tracks begin in the middle of the floor, people are found late there; where they begin
and end is where people come from and go to, which is where a line or a zone belongs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tracking.models import Run, Track
from tracking.overlay import BadOverlayError, path_columns
from zones.models import Camera

TRACKS_AT_MOST = 400
# The newest counts alone are looked through: a camera of years has millions of tracks.
RUNS_AT_MOST = 20
# Shorter tracks are mostly flicker: they say where a detector blinked, not where people walk.
SHORTEST_MS = 1000
DECIMALS = 4

Place = tuple[float, float]


@dataclass(slots=True)
class TrackEnds:
    """Foot points as fractions of the frame, one start and one end a track, newest first."""

    starts: list[Place] = field(default_factory=list)
    ends: list[Place] = field(default_factory=list)
    since: datetime | None = None
    until: datetime | None = None


def track_ends(camera: Camera) -> TrackEnds:
    """Return where the newest tracks of a camera's official counts began and ended."""
    runs = Run.objects.filter(recording__camera=camera, active=True).order_by(
        "-recording__started_at", "-pk"
    )
    newest = list(runs.values_list("pk", flat=True)[:RUNS_AT_MOST])
    tracks = Track.objects.filter(run__in=newest).order_by("-ended_at", "-pk")
    found = TrackEnds()
    for path, started_at, ended_at in tracks.values_list("path", "started_at", "ended_at")[
        :TRACKS_AT_MOST
    ]:
        try:
            times, places = path_columns(bytes(path))
        except BadOverlayError:
            continue  # a damaged path spoils its own dot, not the picture
        if len(times) < 2 or times[-1] - times[0] < SHORTEST_MS:
            continue
        first, last = (tuple(round(v, DECIMALS) for v in places[n].tolist()) for n in (0, -1))
        found.starts.append((first[0], first[1]))
        found.ends.append((last[0], last[1]))
        found.until = found.until or ended_at
        found.since = min(found.since or started_at, started_at)
    return found
