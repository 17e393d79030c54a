"""What the page of one event shows: what happened, the way behind it, what counted it, the film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse

from accounts.models import Store
from tracking.models import OPEN_RECORDINGS, Recording, Run, TrackingEvent, Visit
from tracking.templatetags.ot import clock_s
from tracking.ways import Way, mark_at, media_ms, way_of
from zones.models import Camera, CountingLine

Kind = TrackingEvent.Kind

# The film on Live begins so long before the event.
LEAD_MS = 2000
TOLD_BY_PERSON = "person"
ENTRANCE_WORDS = {"in": "Came in", "out": "Went out"}
LINE_WORDS = {"in": "Crossed inwards", "out": "Crossed outwards"}
MODES = {
    Run.Mode.LIVE.value: "As the film came in",
    Run.Mode.RECORDING.value: "With the whole recording known",
}


@dataclass(frozen=True, slots=True)
class Film:
    """Whether a film stands behind a fact: its link on Live, or in plain words why there is none.

    `kind` is `kept`, `removed`, `made_up` or `told`.
    """

    kind: str
    words: str
    address: str = ""


def event_of(store: Store, public_id: Any) -> TrackingEvent:
    """Return an event of a store with what its page names; a foreign one does not exist."""
    events = TrackingEvent.objects.filter(store=store).select_related(
        "camera", "zone", "line", "visit", "run__store", "run__recording__camera"
    )
    event = events.defer("run__tracker_state").filter(public_id=public_id).first()
    if event is None:
        raise Http404("No such event.")
    return event


def event_context(store: Store, event: TrackingEvent) -> dict[str, Any]:
    """Return what the template of an event's page needs."""
    way = None if event.run is None else _way(store, event, event.run)
    return {
        "page": "dashboard",
        "switch_to": "analytics:events",
        "event": event,
        "what": event_words(event),
        "dwell_s": None if event.dwell_ms is None else event.dwell_ms / 1000,
        "visit": visit_of(event),
        "way": way,
        "drawn": drawn(way) if way else None,
        "way_words": way_words(way, event.track_number) if way else "",
        "film": film_of(event),
        "card": run_card(event.run) if event.run else [],
        "superseded": event.run is not None and not event.run.active,
    }


def event_words(event: TrackingEvent) -> str:
    """Return what happened, in the words of the lists."""
    if event.kind == Kind.CROSSED and event.line is not None:
        entrance = event.line.kind == CountingLine.Kind.ENTRANCE
        return (ENTRANCE_WORDS if entrance else LINE_WORDS)[event.direction or "in"]
    if event.zone is not None:
        verb = "Stopped at" if event.kind == Kind.ZONE_ENTERED else "Left"
        return f"{verb} {event.zone.name}"
    words = {
        Kind.ENTERED: "Came in",
        Kind.EXITED: "Went out",
        Kind.CORRECTED: "Corrected by hand",
        Kind.OCCUPANCY_RESET: "The count started again",
        Kind.GAP: "Not seen for a while",
        Kind.RECOUNTED: "Counted again",
    }
    return words.get(Kind(event.kind), event.get_kind_display())


def visit_of(event: TrackingEvent) -> Visit | None:
    """Return the visit that an event is part of; a bare crossing is part of its person's visit."""
    if event.visit is not None or event.run is None or event.track_number is None:
        return event.visit
    visits = Visit.objects.filter(
        run=event.run, chain=event.track_number, entered_at__lte=event.at
    ).order_by("-entered_at")
    visit = visits.first()
    over = visit is not None and visit.exited_at is not None and visit.exited_at < event.at
    return None if over else visit


def film_of(event: TrackingEvent) -> Film:
    """Return what film stands behind an event, at its moment."""
    if event.run is None:
        who = "A person" if event.source == TOLD_BY_PERSON else "An outside counter"
        words = "told this: no camera of this shop saw it, and no film stands behind it."
        return Film("told", f"{who} {words}")
    return film_at(event.run, media_ms(event.run, event.at))


def film_at(run: Run, time_ms: int) -> Film:
    """Return what film stands behind a moment of a run's recording."""
    recording = run.recording
    if recording.source == Recording.Source.SIMULATED:
        words = "Made up for the demo: no camera saw it, and no film stands behind it."
        return Film("made_up", words)
    if not recording.folder:
        return Film("removed", "The film was removed. What was counted stays.")
    query = {"recording": recording.public_id, "at_ms": max(0, time_ms - LEAD_MS)}
    live = reverse("tracking:live", kwargs={"store_slug": run.store.slug})
    return Film("kept", "The film is kept, with people pixelated.", f"{live}?{urlencode(query)}")


def drawn(way: Way) -> dict[str, Any]:
    """Return what the template part and its script draw a way with."""
    return way.to_json() | {"still": still_address(way.camera), "camera": way.camera.name}


def still_address(camera: Camera) -> str:
    """Return where a camera's person-free picture is, empty where there is none yet."""
    return reverse("camera-still", args=[camera.public_id]) if camera.still else ""


def way_words(way: Way, followed: int | None) -> str:
    """Return in plain words why no way is drawn; empty where one is."""
    if way.pieces:
        return ""
    if followed is None:
        return "Nobody was followed here, so there is no way to draw."
    stays = "What was counted stays, with its time and its place."
    if way.run.finished_at is not None or not way.run.active:
        return f"The way of this person is not kept any more. {stays}"
    if way.run.recording.state in OPEN_RECORDINGS:
        return "This person is still being followed: the way is drawn when they leave the picture."
    why = "Counting stopped before this way was written down, or it is not kept any more."
    return f"{why} {stays}"


def run_card(run: Run) -> list[tuple[str, str]]:
    """Return what counted this, as pairs of a name and words."""
    if run.recording.source == Recording.Source.SIMULATED:
        return [("Counted", "Not at all: the days of the demo are made up")]
    detector = run.card.get("detector") or {}
    title = str(detector.get("title") or detector.get("name") or "not noted")
    version = str(run.card.get("code_version") or "not noted")
    pairs = [("Found by", title), ("Counted", MODES.get(run.mode, run.mode))]
    if model := detector.get("model"):
        pairs.append(("Model", str(model)))
    return [*pairs, ("Version", f"OskarTrack {version}" if version[0].isdigit() else version)]


def _way(store: Store, event: TrackingEvent, run: Run) -> Way:
    way = way_of(run, event.track_number, event.at)
    label = f"{_short(event)} {clock_s(event.at, store.timezone)}"
    marks = []
    if event.since is not None:
        since = f"stopped {clock_s(event.since, store.timezone)}"
        marks += mark_at(way, "in", since, media_ms(run, event.since))
    way.marks.extend([*marks, *mark_at(way, "here", label, media_ms(run, event.at))])
    return way


def _short(event: TrackingEvent) -> str:
    """Return one lower-case word or two for a mark on the picture."""
    if event.zone is not None:
        return "stopped" if event.kind == Kind.ZONE_ENTERED else "left"
    return event_words(event).lower()
