"""Visits from crossings and stays: the pure rules, without a database.

A visit is opened by `entered` of a chain and closed by `exited` of the same chain. An exit of a
chain without an open visit is an exit and nothing else. What is still open after 120 minutes, or
when the recording ends, is closed as inferred at the moment its person was last seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from tracking.vision.events import Event, LineCrossed, TrackEnded, ZoneEntered, ZoneLeft

LONGEST_VISIT_MS = 120 * 60 * 1000


@dataclass(frozen=True, slots=True)
class EventDraft:
    """A fact for the ledger, in media time; it gets its place and its row there."""

    kind: str
    time_ms: int
    track_number: int | None
    zone_key: str | None = None
    line_key: str | None = None
    direction: str = ""
    visit: int | None = None
    since_ms: int | None = None
    dwell_ms: int | None = None
    censored: bool = False


@dataclass(slots=True)
class Stay:
    """One stay in a zone during a visit."""

    zone_key: str
    entered_ms: int
    left_ms: int
    dwell_ms: int
    censored: bool


@dataclass(slots=True)
class VisitDraft:
    """A visit in media time; `exited_ms` is empty while its person is inside."""

    ordinal: int
    chain: int
    entered_ms: int
    seen_ms: int
    exited_ms: int | None = None
    inferred: bool = False
    # Known to work here, from the start; a person may say so of any visit later.
    staff: bool = False
    stays: list[Stay] = field(default_factory=list)

    def meets(self, since_ms: int, left_ms: int) -> bool:
        """Whether a stay lies, at least in part, within the visit."""
        return left_ms >= self.entered_ms and (self.exited_ms is None or since_ms <= self.exited_ms)


@dataclass(slots=True)
class VisitBook:
    """Turns the pipeline's events into the ledger's facts and keeps the visits that are open.

    Without links between tracks a chain is its one track, so its number is the track's. Where
    there are some, events name the chain.
    """

    entrances: frozenset[str]
    next_visit: int = 0
    # Visits by chain, oldest first, while the chain's track lives or its visit is open: what
    # the chain's customer is made of.
    visits: dict[int, list[VisitDraft]] = field(default_factory=dict)
    # Chains whose track may still be seen.
    alive: set[int] = field(default_factory=set)
    # Since when a track is in a zone, by "track/zone".
    inside: dict[str, int] = field(default_factory=dict)
    # Opened and changed since the checkpoint.
    opened: list[int] = field(default_factory=list)
    changed: dict[int, VisitDraft] = field(default_factory=dict)

    def take(self, event: Event) -> list[EventDraft]:
        """Return the facts that one event of the pipeline makes."""
        if isinstance(event, LineCrossed):
            return self._crossed(event)
        if isinstance(event, ZoneEntered):
            self.inside[f"{event.track_number}/{event.zone_key}"] = event.time_ms
            return [self._zone_entered(event)]
        if isinstance(event, ZoneLeft):
            return [self._zone_left(event)]
        self._ended(event)
        return []

    def seen(self, track_numbers: Iterable[int], time_ms: int) -> None:
        """Note that these tracks were visible at a moment."""
        for number in track_numbers:
            self.alive.add(number)
            if visit := self._open(number):
                visit.seen_ms = max(visit.seen_ms, time_ms)

    def expire(self, time_ms: int) -> None:
        """Close visits that have been open for longer than anyone stays."""
        for visit in self._all_open():
            if time_ms - visit.entered_ms > LONGEST_VISIT_MS:
                self._infer(visit)

    def finish(self) -> None:
        """Close every open visit: the recording is over."""
        for visit in self._all_open():
            self._infer(visit)

    def settled(self) -> dict[str, Any]:
        """Return, as plain JSON types, the state to go on from once the ledger took all over.

        Visits that nothing can be added to any more are left out.
        """
        kept = [
            asdict(visit)
            for chain, visits in self.visits.items()
            if chain in self.alive or self._open(chain) is not None
            for visit in visits
        ]
        return {
            "next_visit": self.next_visit,
            "visits": kept,
            "alive": sorted(self.alive),
            "inside": self.inside,
        }

    @classmethod
    def from_json(cls, entrances: frozenset[str], data: dict[str, Any]) -> Self:
        """Return the book that `settled` described."""
        book = cls(entrances, data["next_visit"])
        names = {f.name for f in fields(VisitDraft)} - {"stays"}
        for row in data["visits"]:
            stays = [Stay(**stay) for stay in row["stays"]]
            visit = VisitDraft(**{name: row[name] for name in names & row.keys()}, stays=stays)
            book.visits.setdefault(visit.chain, []).append(visit)
        book.alive = set(data["alive"])
        book.inside = dict(data["inside"])
        return book

    def _crossed(self, event: LineCrossed) -> list[EventDraft]:
        number, time_ms = event.track_number, event.time_ms
        self.alive.add(number)
        line, direction = event.line_key, event.direction
        crossed = EventDraft("crossed", time_ms, number, line_key=line, direction=direction)
        if event.line_key not in self.entrances:
            return [crossed]
        visit = self._open(number)
        if event.direction == "in":
            visit = visit or self._begin(number, time_ms)
            kind = "entered"
        else:
            kind = "exited"
            if visit is not None:
                visit.exited_ms = max(time_ms, visit.entered_ms)
                visit.seen_ms = max(visit.seen_ms, visit.exited_ms)
                self.changed[visit.ordinal] = visit
        ordinal = None if visit is None else visit.ordinal
        return [crossed, replace(crossed, kind=kind, visit=ordinal)]

    def _zone_entered(self, event: ZoneEntered) -> EventDraft:
        visit = self._open(event.track_number)
        return EventDraft(
            "zone_entered",
            event.time_ms,
            event.track_number,
            zone_key=event.zone_key,
            visit=None if visit is None else visit.ordinal,
            censored=event.censored,
        )

    def _zone_left(self, event: ZoneLeft) -> EventDraft:
        key = f"{event.track_number}/{event.zone_key}"
        since_ms = self.inside.pop(key, event.time_ms - event.dwell_ms)
        visit = self._of_stay(event.track_number, since_ms, event.time_ms)
        if visit is not None:
            stay = Stay(event.zone_key, since_ms, event.time_ms, event.dwell_ms, event.censored)
            visit.stays.append(stay)
            self.changed[visit.ordinal] = visit
        return EventDraft(
            "zone_left",
            event.time_ms,
            event.track_number,
            zone_key=event.zone_key,
            visit=None if visit is None else visit.ordinal,
            since_ms=since_ms,
            dwell_ms=event.dwell_ms,
            censored=event.censored,
        )

    def _ended(self, event: TrackEnded) -> None:
        chain = event.chain or event.track_number
        if visit := self._open(chain):
            visit.seen_ms = max(visit.seen_ms, event.ended_ms)
        if not event.goes_on:
            self.alive.discard(chain)

    def _begin(self, chain: int, time_ms: int) -> VisitDraft:
        visit = VisitDraft(self.next_visit, chain, time_ms, time_ms)
        self.next_visit += 1
        self.visits.setdefault(chain, []).append(visit)
        self.opened.append(visit.ordinal)
        self.changed[visit.ordinal] = visit
        return visit

    def _infer(self, visit: VisitDraft) -> None:
        visit.exited_ms, visit.inferred = visit.seen_ms, True
        self.changed[visit.ordinal] = visit

    def _open(self, chain: int) -> VisitDraft | None:
        visits = self.visits.get(chain)
        return visits[-1] if visits and visits[-1].exited_ms is None else None

    def _all_open(self) -> list[VisitDraft]:
        return [visit for chain in self.visits if (visit := self._open(chain)) is not None]

    def _of_stay(self, chain: int, since_ms: int, left_ms: int) -> VisitDraft | None:
        """Return the visit that a stay belongs to: the chain's latest one that it meets.

        A stay is reported with the zone's grace after it ended, so its visit may be closed.
        """
        visits = reversed(self.visits.get(chain, []))
        return next((visit for visit in visits if visit.meets(since_ms, left_ms)), None)
