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
from django.db.models import F, OuterRef, QuerySet, Subquery

from accounts.models import User
from accounts.services import audit_record
from tracking.finals import told_apart
from tracking.models import OPEN_JOBS, Recording, Recount, Run, Track
from tracking.problems import Problem
from tracking.recounts import recount_begin, run_to_replace
from tracking.selectors import active_run

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Link:
    """One person seen as `track` from `began_at` on, and before as `before` until `ended_at`.

    `apart`, `taller` and `unlike` say why, see `tracking.vision.events.Joint`; None where that was
    not written down, or nothing is known of the clothes.
    """

    track: int
    before: int
    chain: int
    ended_at: datetime
    began_at: datetime
    apart: float | None = None
    taller: float | None = None
    unlike: float | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """A link that somebody undid: who was lost at `ended_at` is not who was found at `began_at`."""

    ended_at: datetime
    began_at: datetime


def links_of(recording: Recording) -> list[Link]:
    """Return the links of a recording's official run, in order of time."""
    run = active_run(recording)
    return [] if run is None else links_in(run)


def undone_of(recording: Recording) -> list[Undone]:
    """Return the links that people undid, those of a re-count under way among them."""
    run = active_run(recording)
    return [] if run is None else undone_in(recording, run)


def undone_in(recording: Recording, run: Run) -> list[Undone]:
    """Return the links that people undid in a recording's official run, or are to be undone."""
    apart = told_apart(recording, run) if "final" in run.card else []
    start = recording.started_at
    return [Undone(*(start + ms * _MILLISECOND for ms in pair)) for pair in sorted(apart)]


def linked_tracks(run: Run) -> QuerySet[Track]:
    """Return the tracks that go on a person's, each with the one before, in no order.

    `before_number` and `before_ended_at` are of the track before; whoever was first is left out.
    """
    # A chain is named by its first track, and tracks are numbered in order of first sight: the one
    # before is the last of the chain among the numbers from the chain's to the track's own. So the
    # index of numbers finds it, past those alone who came in while this one was out of sight.
    before = Track.objects.filter(
        run=run,
        chain=OuterRef("chain"),
        number__gte=OuterRef("chain"),
        number__lt=OuterRef("number"),
    ).order_by("-number")
    later = Track.objects.filter(run=run).exclude(chain=F("number"))
    return later.defer("path").annotate(
        before_number=Subquery(before.values("number")[:1]),
        before_ended_at=Subquery(before.values("ended_at")[:1]),
    )


def link_at(track: Any) -> Link:
    """Return the link that a track of `linked_tracks` is."""
    ends = (track.before_ended_at, track.started_at)
    why = (track.joint_apart, track.joint_taller, track.joint_unlike)
    return Link(track.number, track.before_number, track.chain, *ends, *why)


def links_in(run: Run) -> list[Link]:
    """Return the links of a run, in order of time."""
    return [link_at(track) for track in linked_tracks(run).order_by("started_at", "number")]


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
        link = next((each for each in links_in(run) if each.track == track), None)
        if link is None:
            raise Problem("not_linked")
        apart, pair = told_apart(held, run), _pair(held, link.ended_at, link.began_at)
        wanted = apart if pair in apart else [*apart, pair]
        change = f"tracks {link.before} and {track} were told apart"
        return _counted_with(held, run, wanted, change, "recording.link_undone", user)


def link_redo(
    *, recording: Recording, ended_at: datetime, began_at: datetime, user: User | None = None
) -> Recount:
    """Have a recording counted again with a link made that was undone.

    Raises
    ------
    Problem
        `not_undone` where nobody undid it; as `recording_recount`.
    """
    with transaction.atomic():
        held = Recording.objects.select_for_update(no_key=True).get(pk=recording.pk)
        run = run_to_replace(held)
        apart, pair = told_apart(held, run), _pair(held, ended_at, began_at)
        if pair not in apart or "final" not in run.card:
            raise Problem("not_undone")
        wanted = [each for each in apart if each != pair]
        change = "two ways that were told apart may be one again"
        return _counted_with(held, run, wanted, change, "recording.link_redone", user)


def _counted_with(
    held: Recording, run: Run, apart: list[list[int]], change: str, action: str, user: User | None
) -> Recount:
    """Let a re-count wait in which these links and no others are not made."""
    open_one = held.recounts.filter(state__in=OPEN_JOBS).select_related("new_run").first()
    setup, changes = run.setup, []
    if open_one is not None:
        asked = open_one.new_run.card.get("final")
        if asked is None or asked["apart"] == apart:
            return open_one
        setup, changes = open_one.new_run.setup, open_one.changes
    final = {"final": run.card["final"] | {"apart": apart}}
    recount = recount_begin(held, run, setup, final, user, [*changes, change])
    if user is not None:
        _note(held, change, action, user)
    return recount


def _note(recording: Recording, change: str, action: str, user: User) -> None:
    detail: dict[str, Any] = {"recording": str(recording.public_id), "changes": [change]}
    audit_record(
        action=action, actor=user, store=recording.store, subject=recording.name, detail=detail
    )


def _pair(recording: Recording, ended_at: datetime, began_at: datetime) -> list[int]:
    """Return two instants as the recording's media time, as `OfflineParams` names a link."""
    return [(at - recording.started_at) // _MILLISECOND for at in (ended_at, began_at)]
