"""Links between the tracks of one person: which there are, and how one is undone.

A final count joins what was lost and found again (`tracking.vision.offline`); the tracks of one
person form a chain. Whoever sees that two people were taken for one undoes the link: the recording
is counted once more with the two told apart, and stays so however often it is counted again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.services import audit_record
from tracking import jobs
from tracking.finals import told_apart
from tracking.models import OPEN_JOBS, Recording, Recount, Run, Track
from tracking.problems import Problem
from tracking.recounts import recount_begin, run_to_replace
from tracking.selectors import active_run

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Link:
    """One person seen as `track` from `began_at` on, and before as `before` until `ended_at`."""

    track: int
    before: int
    chain: int
    ended_at: datetime
    began_at: datetime


def links_of(recording: Recording) -> list[Link]:
    """Return the links of a recording's official run, in order of time."""
    run = active_run(recording)
    return [] if run is None else _links(run)


def _links(run: Run) -> list[Link]:
    last: dict[int, Track] = {}
    found = []
    for track in run.tracks.order_by("started_at", "number").defer("path"):
        before = last.get(track.chain)
        if before is not None:
            ends = (before.ended_at, track.started_at)
            found.append(Link(track.number, before.number, track.chain, *ends))
        last[track.chain] = track
    return found


def link_undo(*, recording: Recording, track: int, user: User | None = None) -> Recount:
    """Have a recording counted again, its map as it was, with a track apart from those before it.

    What an open re-count was asked for, another map or other links undone, is asked for on.
    Asked twice for the same it returns the same re-count, and also one that will join no tracks.

    Raises
    ------
    Problem
        `not_linked` where the track is no one's continuation; as `recording_recount`.
    """
    with transaction.atomic():
        held = Recording.objects.select_for_update(no_key=True).get(pk=recording.pk)
        run = run_to_replace(held)
        link = next((each for each in _links(run) if each.track == track), None)
        if link is None:
            raise Problem("not_linked")
        pair = [_ms(held, link.ended_at), _ms(held, link.began_at)]
        apart = told_apart(held, run)
        open_one = held.recounts.filter(state__in=OPEN_JOBS).select_related("new_run").first()
        setup, changes = run.setup, []
        if open_one is not None:
            if pair in apart or "final" not in open_one.new_run.card:
                return open_one
            setup, changes = open_one.new_run.setup, open_one.changes
        final = {"final": run.card["final"] | {"apart": [*apart, pair]}}
        jobs.recount_cancel(held)
        change = f"tracks {link.before} and {track} were told apart"
        recount = recount_begin(held, run, setup, final, user, [*changes, change])
        if user is not None:
            _note(held, change, user)
    return recount


def _note(recording: Recording, change: str, user: User) -> None:
    detail: dict[str, Any] = {"recording": str(recording.public_id), "changes": [change]}
    audit_record(
        action="recording.link_undone",
        actor=user,
        store=recording.store,
        subject=recording.name,
        detail=detail,
    )


def _ms(recording: Recording, at: datetime) -> int:
    return (at - recording.started_at) // _MILLISECOND
