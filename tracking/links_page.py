"""What the page of a recording's links shows: each with its picture, and why it was made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404

from accounts.models import Store
from tracking.event_page import still_address
from tracking.links import Link, links_in, undone_in
from tracking.models import Recording, Run, Track
from tracking.overlay import BadOverlayError, unpack_path
from tracking.recording_rows import row_of
from tracking.recording_selectors import facts_of, with_progress
from tracking.recording_serializers import RecordingSerializer
from tracking.selectors import active_run
from tracking.templatetags.ot import percent
from tracking.ways import USUAL_FRAME, Piece, cut
from zones.models import Camera

ROWS = 12
# So much of a way is drawn on either side of where it was lost: more hides the place.
AROUND_MS = 15_000
# A difference of heights that nobody sees, as a share.
AS_TALL = 0.03


def recording_of_page(store: Store, public_id: Any) -> Recording:
    """Return a recording of a store; a foreign one does not exist."""
    found = Recording.objects.filter(store=store, public_id=public_id).select_related("camera")
    recording = found.first()
    if recording is None:
        raise Http404("No such recording.")
    return recording


def links_context(recording: Recording, page: str | None) -> dict[str, Any]:
    """Return what the template of the page needs."""
    run = active_run(recording)
    links = [] if run is None else links_in(run)
    undone = [] if run is None else undone_in(recording, run)
    parted = {(each.ended_at, each.began_at) for each in undone}
    linked = {(each.ended_at, each.began_at) for each in links}
    shown = Paginator(links, ROWS).get_page(page)
    here = list(shown.object_list)
    pieces = {} if run is None else _pieces(run, here)
    size = _size(run)
    counted = with_progress(Recording.objects.filter(pk=recording.pk))
    told = RecordingSerializer(facts_of(list(counted))[0]).data
    return {
        "page": "recordings",
        "switch_to": "tracking:recordings",
        "recording": recording,
        "row": row_of(dict(told)),
        "run": run,
        "joins": run is not None and run.mode == Run.Mode.RECORDING,
        "set_to_join": recording.camera.final_count == Camera.FinalCount.RECORDING,
        "colours": run is not None and bool(run.card.get("colours")),
        "links": shown,
        "people": len({link.chain for link in links}),
        "drawn": [_row(link, pieces, size, parted) for link in here],
        "undone": [each for each in undone if (each.ended_at, each.began_at) not in linked],
        "still": still_address(recording.camera),
        "size": size,
    }


def _row(
    link: Link,
    pieces: dict[int, Piece],
    size: tuple[int, int],
    parted: set[tuple[datetime, datetime]],
) -> dict[str, Any]:
    """Return one link as the template draws it."""
    before = pieces.get(link.before, [])
    after = pieces.get(link.track, [])
    before = cut(before, before[-1][0] - AROUND_MS, before[-1][0]) if before else []
    after = cut(after, after[0][0], after[0][0] + AROUND_MS) if after else []
    points = [[_at(point, size) for point in piece] for piece in (before, after)]
    return {
        "link": link,
        "gap_s": (link.began_at - link.ended_at).total_seconds(),
        "before": _line(points[0]),
        "after": _line(points[1]),
        "lost": points[0][-1] if points[0] else None,
        "found": points[1][0] if points[1] else None,
        "height": height_words(link.taller),
        "alike": None if link.unlike is None else 1 - link.unlike,
        "parted": (link.ended_at, link.began_at) in parted,
    }


def height_words(taller: float | None) -> str:
    """Return in words how tall somebody was found again; empty where nobody wrote it down."""
    if taller is None:
        return ""
    if abs(taller) <= AS_TALL:
        return "as tall as before"
    return f"{percent(abs(taller))} {'taller' if taller > 0 else 'shorter'} in the picture"


def _pieces(run: Run, links: Sequence[Link]) -> dict[int, Piece]:
    """Return the foot points of the tracks that some links join; a damaged one is left out."""
    numbers = {number for link in links for number in (link.before, link.track)}
    found = {}
    for track in Track.objects.filter(run=run, number__in=numbers).only("number", "path"):
        try:
            found[track.number] = unpack_path(bytes(track.path))
        except BadOverlayError:
            continue
    return found


def _size(run: Run | None) -> tuple[int, int]:
    setup = {} if run is None else run.setup
    return (
        int(setup.get("width") or USUAL_FRAME[0] * 60),
        int(setup.get("height") or USUAL_FRAME[1] * 60),
    )


def _at(point: tuple[int, float, float], size: tuple[int, int]) -> tuple[int, int]:
    return round(point[1] * size[0]), round(point[2] * size[1])


def _line(points: list[tuple[int, int]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
