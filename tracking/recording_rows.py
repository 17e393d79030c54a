"""The rows of the Recordings page: what the API says of each, and how its bars are drawn."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet

from accounts.models import Store
from tracking.models import OPEN_JOBS, OPEN_RECORDINGS, Recording
from tracking.recording_selectors import STAGES, facts_of, with_progress
from tracking.recording_serializers import RecordingSerializer

State = Recording.State

# The tabs of the page and the states that each shows.
GROUPS: dict[str, tuple[str, ...]] = {
    "all": tuple(State.values),
    "working": OPEN_RECORDINGS,
    "failed": (State.FAILED, State.QUARANTINED),
    "done": (State.DONE, State.PARTIAL),
}
ROWS = 20
STAGE_WORDS = ("received", "checked", "finding people", "counting", "done")
# More cells than this are too thin to see: then a cell stands for several parts.
MOST_CELLS = 120


def recording_counts(store: Store) -> dict[str, int]:
    """Return how many recordings of the store each tab shows, and how many wait and work."""
    wanted = {name: Q(state__in=states) for name, states in GROUPS.items()}
    wanted |= {"waiting": Q(state=State.QUEUED), "running": Q(state=State.RUNNING)}
    counts = {f"n_{name}": Count("pk", filter=which) for name, which in wanted.items()}
    found = Recording.objects.filter(store=store).order_by().aggregate(**counts)
    return {name.removeprefix("n_"): number for name, number in found.items()}


def recording_page(store: Store, group: str, number: str | None) -> Page[Any]:
    """Return one page of the store's recordings, newest first, as rows for the template."""
    recordings: QuerySet[Recording] = Recording.objects.filter(
        store=store, state__in=GROUPS[group]
    ).order_by("-created_at", "-id")
    page: Page[Any] = Paginator(with_progress(recordings), ROWS).get_page(number)
    facts = facts_of(list(page.object_list))
    page.object_list = [row_of(dict(RecordingSerializer(each).data)) for each in facts]
    return page


def row_of(told: dict[str, Any]) -> dict[str, Any]:
    """Return one recording's JSON with what draws it: its look, its steps, its parts."""
    recount = told["recount"]
    return told | {
        "look": look_of(told["state"]),
        "steps": steps_of(told),
        "parts": parts_of(told),
        "part_s": told["declared_s"] / max(1, told["chunks"]["total"]),
        "recounting": recount is not None and recount["state"] in OPEN_JOBS,
    }


def look_of(state: str) -> str:
    """Return the one class that the row's colours follow."""
    for look in ("working", "failed"):
        if state in GROUPS[look]:
            return look
    return "partial" if state == State.PARTIAL else "done"


def steps_of(told: dict[str, Any]) -> list[dict[str, str]]:
    """Return the five steps, each passed (ok), under way (on), broken (bad) or still to come."""
    look = look_of(told["state"])
    at = STAGES.index(told["stage"])
    mark = {"working": "on", "failed": "bad"}.get(look, "ok")
    if told["state"] == State.CANCELLED:
        mark = ""
    marks = ["ok"] * at + [mark] + [""] * (len(STAGES) - at - 1)
    return [{"word": word, "mark": mark} for word, mark in zip(STAGE_WORDS, marks, strict=True)]


def parts_of(told: dict[str, Any]) -> list[str]:
    """Return a class for each cell of the parts bar: done, in work, broken, still to do."""
    chunks = told["chunks"]
    total = chunks["total"]
    if not total:
        return []
    broken = min(chunks["broken"], total)
    done = max(0, chunks["done"] - broken)
    todo = max(0, total - done - broken - chunks["working"])
    marks = ["d"] * done + ["b"] * broken + ["w"] * chunks["working"] + ["rest"] * todo
    cells = min(total, MOST_CELLS)
    return [marks[min(len(marks) - 1, cell * total // cells)] for cell in range(cells)]
