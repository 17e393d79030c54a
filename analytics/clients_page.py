"""What the pages of clients show: their visits as strips of stays, one client, one visit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone as system_clock
from rest_framework import serializers

from accounts.models import Store
from analytics.api import CursorField, DaysQuery
from analytics.evidence import MOST_CHECKED, Check, days_window
from analytics.kpis import histogram_median_s
from analytics.models import DWELL_EDGES_S, Bucket
from analytics.movement import Cursor
from analytics.rollups import HISTOGRAM, clock_of
from analytics.summaries import subject_sums
from tracking.clients import (
    Chosen,
    clients_page,
    clients_up_to,
    code_asked,
    code_of,
    goes_on,
    visits_before,
    without_end,
)
from tracking.erasing import receipt_of_visit
from tracking.event_page import drawn, film_at, run_card, way_words
from tracking.evidence import SLACK
from tracking.models import Customer, Recording, Visit
from tracking.selectors import active_run, one_view
from tracking.templatetags.ot import clock as clock_words
from tracking.templatetags.ot import clock_s
from tracking.ways import mark_at, media_ms, way_of
from zones.models import Camera, Zone

ENDED = {"seen": "Seen from start to end", "unseen": "End not seen"}
WERE = {"seen": "seen from start to end", "unseen": "not seen to the end"}
LENGTHS = {
    "short": ("Under 2 minutes", (0, 120)),
    "middle": ("2 to 10 minutes", (120, 600)),
    "long": ("10 minutes and more", (600, 86_400)),
}
USUAL_DAYS = 7
STRIP = 1000.0  # units of a strip's width
# Below this length the times of a visit need their seconds.
SHORT = timedelta(minutes=5)
THINNEST = 6.0  # of a stay, so that the shortest one shows
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Part:
    """One stay on a strip: where it lies in units of `STRIP`, and its words."""

    name: str
    colour: int
    x: float
    width: float
    entered_at: datetime
    dwell_s: float
    censored: bool


class ClientsQuery(DaysQuery):
    """Which visits; a code is looked for at any time."""

    needs_days = False
    q = serializers.CharField(required=False, max_length=60)
    zone = serializers.UUIDField(required=False)
    camera = serializers.UUIDField(required=False)
    ended = serializers.ChoiceField(choices=list(ENDED), required=False)
    length = serializers.ChoiceField(choices=list(LENGTHS), required=False)
    staff = serializers.BooleanField(required=False)
    recording = serializers.UUIDField(required=False)
    after = CursorField(required=False)


def clients_context(request: HttpRequest, store: Store) -> dict[str, Any]:
    """Return what the list's template needs; `rows` is None where the address makes no sense."""
    query = ClientsQuery(data={name: value for name, value in request.GET.items() if value})
    today = clock_of(store).business_day(system_clock.now())
    context: dict[str, Any] = {"page": "clients", "asked": query.initial_data, "rows": None}
    if not query.is_valid():
        return context
    values = query.validated_data
    after, sought = values.get("after"), bool(values.get("q"))
    zones = zones_by_key(store)
    with one_view():
        chosen, recording = chosen_of(store, values, today)
        bad_code = sought and not chosen.code
        found, following = clients_page(chosen, after) if not bad_code else ([], None)
        told = None if sought or recording else told_of_visits(store, chosen)
        proof = check_visits(chosen, told)
    rows = [row_of(visit, zones) for visit in found]
    return context | {
        "rows": rows,
        "older": str(Cursor(*following)) if following else "",
        "on_first": after is None,
        "first_day": values.get("from"),
        "last_day": values.get("to"),
        "today": today,
        "presets": presets(today, values),
        "zones": [zone for zone in zones.values() if zone.archived_at is None],
        "legend": legend_of(rows),
        "cameras": list(Camera.objects.filter(store=store)),
        "lengths": [(key, words) for key, (words, _) in LENGTHS.items()],
        "endings": list(ENDED.items()),
        "told": told,
        "proof": proof,
        "code": chosen.code,
        "bad_code": bad_code,
        "recording": recording,
        "narrowed": [] if sought else narrowed(chosen, values),
        "with_staff": chosen.staff and not sought and recording is None,
    }


def narrowed(chosen: Chosen, values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what narrows the list and not its number, as pairs of a verb and words."""
    found = []
    if chosen.zone is not None:
        found.append(("stopped at", chosen.zone.name))
    if chosen.camera is not None:
        found.append(("were seen by", chosen.camera.name))
    if "length" in values:
        found.append(("stayed", LENGTHS[values["length"]][0].lower()))
    if chosen.run is not None and chosen.ended:
        found.append(("were", WERE[chosen.ended]))
    return found


def chosen_of(store: Store, values: dict[str, Any], today: date) -> tuple[Chosen, Recording | None]:
    """Return which visits the address chooses, and of which recording; the last week by itself."""
    zone = camera = recording = run = span = None
    if "zone" in values:
        zone = get_object_or_404(Zone, camera__store=store, public_id=values["zone"])
    if "camera" in values:
        camera = get_object_or_404(Camera, store=store, public_id=values["camera"])
    if "recording" in values:
        recording = get_object_or_404(Recording, store=store, public_id=values["recording"])
        run = active_run(recording)
        if run is None:
            raise Http404("Nothing was counted of this recording.")
        # Its own time, so that nobody walks to it through all that happened since.
        span = (recording.started_at - SLACK, recording.ended_at + SLACK)
    else:
        values.setdefault("from", today - timedelta(days=USUAL_DAYS - 1))
        values.setdefault("to", today)
        span = days_window(store, values["from"], values["to"])
    chosen = Chosen(
        store,
        span=span,
        # The recording's own number counts everybody.
        staff=values.get("staff", False) or recording is not None,
        ended=values.get("ended", ""),
        length_s=LENGTHS[values["length"]][1] if "length" in values else None,
        zone=zone,
        # A recording is of one camera already.
        camera=camera if recording is None else None,
        code=code_asked(values.get("q", "")),
        run=run,
    )
    return chosen, recording


def told_of_visits(store: Store, chosen: Chosen) -> dict[str, Any]:
    """Return what the sums say of the visits of a span, and how many have no end that they knew."""
    assert chosen.span is not None
    sums = subject_sums(store, *chosen.span)
    bins = [0] * len(HISTOGRAM)
    seen = unseen = 0
    for (kind, _), row in sums.items():
        if kind == Bucket.Subject.VISIT:
            seen += row["stays"]
            unseen += row["censored"]
            bins = [total + row[name] for total, name in zip(bins, HISTOGRAM, strict=True)]
    going_on, stopped = without_end(store, chosen.span)
    return {
        "seen": seen,
        "unseen": unseen,
        "finished": seen + unseen,
        "median_s": histogram_median_s(bins, DWELL_EDGES_S),
        "going_on": going_on,
        "stopped": stopped,
    }


def check_visits(chosen: Chosen, told: dict[str, Any] | None) -> Check | None:
    """Return whether the list is as long as its number says; None where no number says so."""
    if told is None or chosen.staff or chosen.zone or chosen.camera or chosen.length_s:
        return None
    number = {
        "": told["finished"] + told["going_on"] + told["stopped"],
        "seen": told["seen"],
        "unseen": told["unseen"] + told["stopped"],
    }[chosen.ended]
    if number > MOST_CHECKED:
        return Check(number, None)
    return Check(number, clients_up_to(chosen, MOST_CHECKED))


def presets(today: date, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the periods that one press chooses."""
    spans = (("Today", 1), ("7 days", 7), ("28 days", 28))
    shown = (values.get("from"), values.get("to"))
    found = []
    for name, days in spans:
        first = today - timedelta(days=days - 1)
        found.append(
            {"name": name, "first": first, "last": today, "current": shown == (first, today)}
        )
    return found


def zones_by_key(store: Store) -> dict[str, Zone]:
    """Return a store's zones by what names them in a path."""
    return {str(zone.public_id): zone for zone in Zone.objects.filter(camera__store=store)}


def row_of(visit: Visit, zones: dict[str, Zone]) -> dict[str, Any]:
    """Return one visit as a row of the list."""
    parts = strip_of(visit, ends_of(visit), zones)
    return {
        "visit": visit,
        "goes_on": goes_on(visit),
        "code": code_of(visit.customer.public_id if visit.customer else visit.public_id),
        "parts": parts,
        "way": [part.name for part in merged(parts)],
        "stayed_s": None if visit.duration_ms is None else visit.duration_ms / 1000,
        "is_demo": visit.run.recording.is_demo,
        "made_up": visit.run.recording.source == Recording.Source.SIMULATED,
    }


def merged(parts: Iterable[Part]) -> list[Part]:
    """Return stays of which those that follow each other in one zone are told once."""
    found: list[Part] = []
    for part in parts:
        if not found or found[-1].name != part.name:
            found.append(part)
    return found


def ends_of(visit: Visit) -> datetime:
    """Return when a visit ended; of one without an end, when its last stay did."""
    left = (datetime.fromisoformat(stay["left_at"]) for stay in visit.path)
    return visit.exited_at or max(left, default=visit.entered_at)


def strip_of(visit: Visit, ends_at: datetime, zones: dict[str, Zone]) -> list[Part]:
    """Return a visit's stays by when they began, on a strip that ends with the visit."""
    stays = sorted(visit.path, key=itemgetter("entered_at", "left_at"))
    times = [tuple(map(datetime.fromisoformat, (s["entered_at"], s["left_at"]))) for s in stays]
    length = max((ends_at - visit.entered_at) / _MILLISECOND, 1.0)
    parts = []
    for stay, (entered_at, left_at) in zip(stays, times, strict=True):
        # A stay may have begun before the step over the line, or end after it.
        begin, end = (
            min(max((at - visit.entered_at) / _MILLISECOND / length, 0.0), 1.0) * STRIP
            for at in (entered_at, left_at)
        )
        width = max(end - begin, THINNEST)
        zone = zones.get(stay["zone"])
        parts.append(
            Part(
                name=zone.name if zone else "a zone that is gone",
                colour=zone.colour if zone else 0,
                x=round(min(begin, STRIP - width), 1),
                width=round(width, 1),
                entered_at=entered_at,
                dwell_s=stay["dwell_ms"] / 1000,
                censored=stay["censored"],
            )
        )
    return parts


def legend_of(rows: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return the zones on the strips of these rows with their colours, by name."""
    return sorted({(part.name, part.colour) for row in rows for part in row["parts"]})


def client_context(request: HttpRequest, store: Store, customer: Customer) -> dict[str, Any]:
    """Return what the page of a client needs."""
    # What no page of ours ended with leads to the first one.
    after = Cursor.or_none(request.GET.get("after", ""))
    found, following = clients_page(Chosen(store, staff=True, customer=customer), after)
    zones = zones_by_key(store)
    rows = [row_of(visit, zones) for visit in found]
    return {
        "page": "clients",
        "switch_to": "analytics:clients",
        "customer": customer,
        "code": code_of(customer.public_id),
        "rows": rows,
        "legend": legend_of(rows),
        "older": str(Cursor(*following)) if following else "",
        "on_first": after is None,
        "is_demo": any(row["is_demo"] for row in rows),
    }


def visit_context(store: Store, visit: Visit) -> dict[str, Any]:
    """Return what the page of a visit needs."""
    ends_at = ends_of(visit)
    parts = strip_of(visit, ends_at, zones_by_key(store))
    run = visit.run
    way = way_of(run, visit.chain, visit.entered_at, ends_at)
    zone = store.timezone
    came_in = f"in {clock_words(visit.entered_at, zone)}"
    way.marks.extend(mark_at(way, "in", came_in, media_ms(run, visit.entered_at)))
    if visit.exited_at is not None:
        word = "last seen" if visit.inferred else "out"
        went_out = f"{word} {clock_words(visit.exited_at, zone)}"
        way.marks.extend(mark_at(way, "out", went_out, media_ms(run, visit.exited_at)))
    whole_s = None if visit.duration_ms is None else visit.duration_ms / 1000
    in_zones_s = covered_s(visit)
    return {
        "page": "clients",
        "switch_to": "analytics:clients",
        "visit": visit,
        "customer": visit.customer,
        "code": code_of(visit.customer.public_id if visit.customer else visit.public_id),
        "nth": visits_before(visit) + 1,
        "parts": parts,
        "ticks": ticks_of(visit.entered_at, ends_at, zone),
        "visit_span": {"entered_at": visit.entered_at, "ends_at": ends_at},
        "whole_s": whole_s,
        "between_s": None if whole_s is None else max(0.0, whole_s - in_zones_s),
        "displays": len({part.name for part in parts}),
        "way": way,
        "drawn": drawn(way),
        "way_words": way_words(way, visit.chain),
        "film": film_at(run, media_ms(run, visit.entered_at)),
        "card": run_card(run),
        "superseded": not run.active,
        "receipt": receipt_of_visit(visit),
        "is_demo": run.recording.is_demo,
    }


def covered_s(visit: Visit) -> float:
    """Return how long of a visit was spent in some zone; zones that overlap count once."""
    ends_at = visit.exited_at
    spans = sorted(
        tuple(map(datetime.fromisoformat, (stay["entered_at"], stay["left_at"])))
        for stay in visit.path
    )
    total, upto = timedelta(), visit.entered_at
    for entered_at, left_at in spans:
        end = left_at if ends_at is None else min(left_at, ends_at)
        begin = max(entered_at, upto)
        if end > begin:
            total += end - begin
            upto = end
    return total.total_seconds()


def ticks_of(begin: datetime, end: datetime, zone: str) -> list[str]:
    """Return four times of the clock below a strip, of a short visit to the second.

    Of very short ones two may be alike: the second of them stays empty.
    """
    step = (end - begin) / 4
    write = clock_s if end - begin < SHORT else clock_words
    told = [write(begin + n * step, zone) for n in range(4)]
    return ["" if n and tick == told[n - 1] else tick for n, tick in enumerate(told)]
