"""The final count of a recording: once more, from its stored detections, all of it known.

Which cameras have one is the camera's choice, frozen on the run's card when the recording is made.
It begins in the transaction that closes the first count, as a re-count with the same map; it is
worked, and takes the first one's place, like any other (`tracking.recounts`, `tracking.switch`).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Sum

from tracking import jobs
from tracking.faults import fault
from tracking.models import OPEN_JOBS, Chunk, JobState, Recording, Recount, Run
from tracking.recount_words import WHOLE_KNOWN
from tracking.vision.offline import OfflineParams
from zones.models import Camera

AS_IT_CAME = "the camera was set to count pictures as they come"
TOLD_APART = "told_apart"  # on a card: links that people undid, of a count that makes none
# All of a recording is gone through at once, while a claim lasts: this takes one core some two to
# three minutes. It is three hours at 10 frames a second.
MOST_FRAMES = 100_000


def card_of(recording: Recording, detector: str) -> dict[str, Any]:
    """Return what a run's card says of the final count; nothing where there is to be none."""
    chosen = recording.camera.final_count == Camera.FinalCount.RECORDING
    if not chosen or recording.source != Recording.Source.VIDEO:
        return {}
    return {"final": OfflineParams.for_detector(detector).to_json()}


def card_again(recording: Recording, run: Run) -> dict[str, Any]:
    """Return what the card of a re-count says of it: by the camera's choice of now.

    Links that a person undid in the run before stay undone.
    """
    if not fits(recording):
        return {}
    card = card_of(recording, run.card["detector"]["name"])
    if card:
        card["final"]["apart"] = told_apart(recording, run)
    return card


def told_apart(recording: Recording, run: Run) -> list[list[int]]:
    """Return the links that people undid, see `OfflineParams`.

    Also those of a re-count that has yet to take the run's place, or was set aside: the next one
    drops it, and what a person said of it is to stay.
    """
    states = (*OPEN_JOBS, JobState.QUARANTINED)
    asked = Recount.objects.filter(recording=recording, old_run=run, state__in=states)
    newest = asked.select_related("new_run").order_by("-pk").first()
    cards = [run.card] if newest is None else [newest.new_run.card, run.card]
    found = (card.get("final", {}).get("apart", card.get(TOLD_APART)) for card in cards)
    known: list[list[int]] = next((apart for apart in found if apart is not None), [])
    return known


def kept_apart(recording: Recording, run: Run, final: dict[str, Any]) -> dict[str, Any]:
    """Return what the card of a re-count that joins nobody keeps for one that will again."""
    apart = [] if final else told_apart(recording, run)
    return {TOLD_APART: apart} if apart else {}


def fits(recording: Recording) -> bool:
    """Whether a recording is short enough to be gone through at once."""
    frames = Chunk.objects.filter(recording=recording).aggregate(n=Sum("frames"))["n"] or 0
    return frames <= MOST_FRAMES


def final_begin(run: Run) -> Recount | None:
    """Let the final count wait, within the transaction that closes the first one.

    None where there is to be none. One that is too long keeps its first count, and the run's card
    says so.
    """
    if "final" not in run.card or run.mode == Run.Mode.RECORDING:
        return None
    if not fits(run.recording):
        card = run.card | {"final_left_out": f"It has more than {MOST_FRAMES:,} pictures."}
        Run.objects.filter(pk=run.pk).update(card=card)
        return None
    jobs.recount_cancel(run.recording)
    new = Run.objects.create(
        store=run.store,
        recording=run.recording,
        mode=Run.Mode.RECORDING,
        active=False,
        card=run.card | {"code_version": settings.CODE_VERSION},
        setup=run.setup,
    )
    recount = Recount.objects.create(
        store=run.store, recording=run.recording, old_run=run, new_run=new, changes=[WHOLE_KNOWN]
    )
    fault("final_begun")
    return recount
