"""What the page of the events behind a number shows, and which number leads to which events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone as system_clock
from rest_framework import serializers

from accounts.models import Store
from analytics.api import DAYS_AT_MOST, CursorField, DaysQuery
from analytics.evidence import (
    NUMBERS,
    Asked,
    Number,
    check,
    days_window,
    five_minutes_around,
    wanted_of,
)
from analytics.movement import YEARS, Cursor
from analytics.rollups import clock_of
from tracking.counters import OURS
from tracking.event_page import event_words
from tracking.evidence import evidence_page
from tracking.models import Recording, TrackingEvent
from tracking.selectors import active_run, one_view
from tracking.templatetags.ot import clock as clock_words
from tracking.templatetags.ot import day
from zones.models import Camera, CountingLine, Zone

# Which events a key number is made of; what a till told has none.
BEHIND = {
    "footfall": "footfall", "entries": "entries", "exits": "exits", "balance": "steps",
    "capture_rate": "passers", "peak_hour": "footfall", "slowest_hour": "footfall",
    "occupancy_mean": "inside", "occupancy_peak": "inside", "occupancy": "inside",
    "occupancy_raw": "steps", "occupancy_corrected": "inside", "closing_residual": "inside",
    "stay_little": "steps", "zone_visits": "stops", "zone_visit_rate": "stops",
    "dwell_median": "stays", "dwell_mean": "stays", "dwell_p90": "stays", "dwell_total": "stays",
    "dwell_censored": "unended", "queue_length": "waits", "queue_wait_mean": "waits",
    "queue_wait_p90": "waits",
}  # fmt: skip
# Visits stand on the page of the clients: those seen whole, or those that were not.
VISITS_BEHIND = {
    "visit_median": "seen", "visit_mean": "seen", "visit_p90": "seen", "visit_total": "seen",
    "bounce_rate": "seen", "visit_censored": "unseen",
}  # fmt: skip
HOUR_KPIS = ("peak_hour", "slowest_hour")
LONGEST = timedelta(days=DAYS_AT_MOST)


class EvidenceQuery(DaysQuery):
    """Which number, of when and where; business days, or five minutes and more of one of them."""

    needs_days = False
    of = serializers.ChoiceField(choices=list(NUMBERS), default="entries")
    at = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    recording = serializers.UUIDField(required=False)
    zone = serializers.UUIDField(required=False)
    line = serializers.UUIDField(required=False)
    camera = serializers.UUIDField(required=False)
    after = CursorField(required=False)

    def validate_at(self, value: datetime) -> datetime:
        """Refuse years that no arithmetic on days can hold."""
        if value.year not in YEARS:
            raise serializers.ValidationError("Nothing is counted in such a year.")
        return value

    def validate_until(self, value: datetime) -> datetime:
        """Refuse years that no arithmetic on days can hold."""
        return self.validate_at(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse spans that run backwards, are too long or are only half told."""
        if ("at" in attrs) != ("until" in attrs):
            raise serializers.ValidationError({"until": "'at' and 'until' come together."})
        if "at" in attrs and not timedelta(0) <= attrs["until"] - attrs["at"] < LONGEST:
            message = f"Ask for {DAYS_AT_MOST} days at most, from the first instant to the last."
            raise serializers.ValidationError({"until": message})
        number = NUMBERS[attrs["of"]]
        parted = number.stays and attrs.keys() & {"at", "from"}
        if "recording" in attrs and (parted or not number.of_recording):
            raise serializers.ValidationError({"of": "A recording has no such number."})
        return super().validate(attrs)


def evidence_context(request: HttpRequest, store: Store) -> dict[str, Any]:
    """Return what the template needs; `rows` is None where the address makes no sense."""
    query = EvidenceQuery(data={name: value for name, value in request.GET.items() if value})
    context: dict[str, Any] = {"page": "dashboard", "asked": query.initial_data, "rows": None}
    if not query.is_valid():
        return context
    values = query.validated_data
    after = values.get("after")
    with one_view():
        asked = asked_of(store, values)
        rows, following = evidence_page(wanted_of(asked), after)
        proof = check(asked) if asked.number.countable else None
    return context | {
        "of": values["of"],
        "number": asked.number,
        "numbers": [(name, each.words) for name, each in NUMBERS.items()],
        "proof": proof,
        "rows": [row_of(event) for event in rows],
        "older": str(Cursor(*following)) if following else "",
        "on_first": after is None,
        "first_day": values.get("from"),
        "last_day": values.get("to"),
        "when": when_words(store, values),
        "asked_of": asked,
        "recording": asked.run.recording if asked.run else None,
        "back": back_address(store, values),
        "cameras": list(Camera.objects.filter(store=store)),
        "lines": _lines(asked),
        "zones": _zones(asked),
        "today": clock_of(store).business_day(system_clock.now()),
    }


def asked_of(store: Store, values: dict[str, Any]) -> Asked:
    """Return what the address asks for; days that it does not name are today.

    A place that does not fit the number, as another one's that was looked at before, is left out.

    Raises
    ------
    Http404
        For a zone, a line, a camera or a recording that is not this store's.
    """
    zone = _chosen(Zone, "camera__store", store, values.get("zone"))
    line = _chosen(CountingLine, "camera__store", store, values.get("line"))
    camera = _chosen(Camera, "store", store, values.get("camera"))
    recording = _chosen(Recording, "store", store, values.get("recording"))
    run = active_run(recording) if recording else None
    if recording and run is None:
        raise Http404("Nothing was counted of this recording.")
    window = None
    if "at" in values:
        window = five_minutes_around(values["at"], values["until"])
    elif recording is None or "from" in values:
        today = clock_of(store).business_day(system_clock.now())
        values.setdefault("from", today)
        values.setdefault("to", today)
        window = days_window(store, values["from"], values["to"])
    number = NUMBERS[values["of"]]
    # A recording's own numbers are of its one camera, over all of its entrances.
    return Asked(
        store,
        number,
        window,
        zone=zone if _stays_at(number, zone) else None,
        line=line if run is None and _leads_over(number, line) else None,
        camera=camera if run is None else None,
        run=run,
    )


def _stays_at(number: Number, zone: Zone | None) -> bool:
    """Return whether there is such a number of this zone."""
    if zone is None or not number.stays:
        return False
    return not number.queues or zone.kind == Zone.Kind.QUEUE


def _leads_over(number: Number, line: CountingLine | None) -> bool:
    """Return whether there is such a number of this line."""
    return line is not None and not number.stays and line.kind == number.line_kind


def _chosen(model: Any, owner: str, store: Store, wanted: Any) -> Any:
    return get_object_or_404(model, **{owner: store}, public_id=wanted) if wanted else None


def _lines(asked: Asked) -> list[CountingLine]:
    kind = asked.number.line_kind
    return list(CountingLine.objects.filter(camera__store=asked.store, kind=kind))


def _zones(asked: Asked) -> list[Zone]:
    zones = Zone.objects.filter(camera__store=asked.store)
    return list(zones.filter(kind=Zone.Kind.QUEUE) if asked.number.queues else zones)


def row_of(event: TrackingEvent) -> dict[str, Any]:
    """Return one event as a row of the list."""
    place = event.zone or event.line
    sign = "zone" if event.zone else {"in": "in", "out": "out"}.get(event.direction, "other")
    return {
        "id": event.public_id,
        "at": event.at,
        "sign": sign,
        "colour": event.zone.colour if event.zone else 0,
        "what": f"Stopped at {event.zone.name}" if event.zone else event_words(event),
        "stayed_s": None if event.dwell_ms is None else event.dwell_ms / 1000,
        "censored": event.censored,
        "value": event.value,
        "place": place.name if place else "",
        "camera": event.camera.name if event.camera else "",
        "source": event.source,
        "outside": event.source not in OURS,
        "is_demo": event.is_demo,
    }


def when_words(store: Store, values: dict[str, Any]) -> str:
    """Return the time asked about as people say it; empty where a recording's whole is meant."""
    if "at" in values:
        begin, end = five_minutes_around(values["at"], values["until"])
        zone = store.timezone
        begins, ends = day(begin, zone), day(end, zone)
        until = clock_words(end, zone) if ends == begins else f"{ends}, {clock_words(end, zone)}"
        return f"{begins}, {clock_words(begin, zone)} to {until}"
    if "from" not in values:
        return ""
    first, last = (_day_words(values[name]) for name in ("from", "to"))
    return first if first == last else f"{first} to {last}"


def _day_words(told: date) -> str:
    return f"{told:%A} {told.day} {told:%B}"


def back_address(store: Store, values: dict[str, Any]) -> tuple[str, str]:
    """Return where the number itself stands, and what that page is called."""
    slug = {"store_slug": store.slug}
    if "recording" in values:
        live = reverse("tracking:live", kwargs=slug)
        return f"{live}?{urlencode({'recording': values['recording']})}", "Live"
    if "at" in values:
        told = clock_of(store).business_day(values["at"])
        return f"{reverse('analytics:history', kwargs=slug)}?{urlencode({'day': told})}", "History"
    span = {name: values[name] for name in ("from", "to")}
    return f"{reverse('analytics:dashboard', kwargs=slug)}?{urlencode(span)}", "Dashboard"


def behind_kpi(store: Store, kpi: dict[str, Any], asked: dict[str, str]) -> str:
    """Return the address of what is behind a key number, empty where nothing is."""
    span = {name: asked[name] for name in ("from", "to")}
    slug = {"store_slug": store.slug}
    if kpi["value"] is None:
        return ""
    if kpi["id"] in VISITS_BEHIND:
        query = span | {"ended": VISITS_BEHIND[kpi["id"]]}
        return f"{reverse('analytics:clients', kwargs=slug)}?{urlencode(query)}"
    if kpi["id"] not in BEHIND:
        return ""
    query = {"of": BEHIND[kpi["id"]]} | span
    if kpi["id"] in HOUR_KPIS:
        query = {"of": BEHIND[kpi["id"]]} | _hour_of(store, kpi["detail"]["hours"])
    elif kpi["group"] in ("zones", "queue") and asked.get("zone"):
        query["zone"] = asked["zone"]
    return f"{reverse('analytics:events', kwargs=slug)}?{urlencode(query)}"


def _hour_of(store: Store, starts: list[str]) -> dict[str, str]:
    """Return the first of the hours that tie, as the address of a list takes it."""
    begin = datetime.fromisoformat(starts[0])
    clock = clock_of(store)
    hours = clock.hours_of_day(clock.business_day(begin))
    end = next(hour.ends_at for hour in hours if hour.starts_at <= begin < hour.ends_at)
    return {"at": in_address(begin), "until": in_address(end)}


def in_address(at: datetime) -> str:
    """Return an instant without the plus sign, which addresses read as a space."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
