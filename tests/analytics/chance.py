"""Shops whose facts come by lot: in any order, late, twice, taken out, counted again, from outside.

Everything goes through the ledger's own functions, as a worker's commits, cancellations and
re-counts do. One seed, one history; used by the tests and, at length, by ``make chaos``.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db import IntegrityError, transaction

from accounts.models import Store
from analytics.calendar import StoreClock
from analytics.models import DWELL_EDGES_S
from analytics.summaries import fold_dirty
from tests.analytics.shop import tell
from tests.cast import make_camera, make_line, make_store, make_zone
from tracking import jobs, ledger, switch
from tracking.bulk import insert_rows
from tracking.counters import Watched, events_take
from tracking.models import Coverage, Recording, Recount, Run, TrackingEvent, Visit
from zones.models import Camera, CountingLine, Zone

Kind = TrackingEvent.Kind
ONE_DAY = timedelta(days=1)
# Twelve zones, each on a day on which its clocks change (Kolkata's never do any more).
CHANGE_DAYS = {
    "Australia/Lord_Howe": date(2026, 4, 5),  # half an hour back
    "Asia/Kolkata": date(2025, 10, 26),
    "Asia/Kathmandu": date(1986, 1, 1),  # a quarter of an hour on, at midnight
    "America/Santiago": date(2025, 9, 7),  # there is no midnight
    "Africa/Cairo": date(2025, 4, 25),  # there is no midnight
    "America/New_York": date(2025, 11, 2),
    "Europe/Berlin": date(2025, 10, 26),
    "Pacific/Chatham": date(2026, 4, 5),  # back from 3:45 to 2:45
    "Pacific/Apia": date(2011, 12, 30),  # there is no such day
    "Africa/Casablanca": date(2026, 2, 15),  # Ramadan
    "America/St_Johns": date(2025, 11, 2),
    "UTC": date(2025, 12, 31),
}
DAY_STARTS = (time(0), time(4))


@dataclass(slots=True)
class Place:
    """One camera with what it counts at."""

    camera: Camera
    lines: list[CountingLine]
    zones: list[Zone]


@dataclass(slots=True)
class Slice:
    """What one commit tells of a run."""

    events: list[TrackingEvent] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    spans: list[Coverage] = field(default_factory=list)


@dataclass(slots=True)
class Chance:
    """One shop and the lot that decides what happens in it."""

    store: Store
    lot: random.Random
    places: list[Place]
    starts_at: datetime
    days: int = 3
    events: int = 0
    # How often each thing happened: a lot in which nothing is late or twice shows nothing.
    happened: dict[str, int] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def happen(self, events: int) -> None:
        """Tell about so many events, in an order of the lot."""
        while self.events < events:
            deeds: list[Callable[[], None]] = []
            for _ in range(2):
                run = self._run()
                slices = [self._slice(run, part) for part in self.lot.sample(range(40), 2)]
                deeds += [self._committing(run, part) for part in slices]
                deeds += self._changes(run)
            self.lot.shuffle(deeds)
            for deed in deeds:
                deed()

    # --- What is told ---------------------------------------------------------------------------

    def _instant(self) -> datetime:
        """Return any instant of the shop's days; now and then one on the edge of a bucket."""
        us = self.lot.randrange(self.days * 86_400 * 1_000_000)
        if self.lot.random() < 0.1:
            us -= us % 300_000_000
        return self.starts_at + timedelta(microseconds=us - (us % 7 == 0))

    def _run(self) -> Run:
        place = self.lot.choice(self.places)
        starts_at = self._instant()
        recording = Recording.objects.create(
            store=self.store, camera=place.camera, name="clip.mp4", started_at=starts_at,
            ended_at=starts_at + timedelta(hours=4), declared_ms=14_400_000,
            state=Recording.State.DONE,
        )  # fmt: skip
        self.runs.append(Run.objects.create(store=self.store, recording=recording))
        return self.runs[-1]

    def _slice(self, run: Run, part: int) -> Slice:
        """Return six minutes of a run's four hours."""
        made, place = Slice(), self._place(run.recording.camera_id)
        begins = run.recording.started_at + part * timedelta(minutes=6)
        for _ in range(self.lot.randint(40, 120)):
            at = begins + timedelta(microseconds=self.lot.randrange(360_000_000))
            if self.lot.random() < 0.6:
                self._step(made, run, place, at)
            else:
                self._stay(made, run, place, at)
        for _ in range(self.lot.randrange(12)):
            self._visit(made, run, begins)
        if self.lot.random() < 0.8:
            length = timedelta(microseconds=self.lot.randint(1, 1_500_000_000))
            made.spans.append(
                Coverage(camera=place.camera, run=run, starts_at=begins, ends_at=begins + length)
            )
        return made

    def _step(self, made: Slice, run: Run | None, place: Place, at: datetime) -> None:
        line, direction = self.lot.choice(place.lines), self.lot.choice(("in", "out"))
        told = {"line": line, "direction": direction}
        made.events.append(self._event(run, Kind.CROSSED, at, **told))
        if line.kind == CountingLine.Kind.ENTRANCE:
            kind = Kind.ENTERED if direction == "in" else Kind.EXITED
            made.events.append(self._event(run, kind, at, **told))

    def _stay(self, made: Slice, run: Run, place: Place, at: datetime) -> None:
        zone, dwell_ms = self.lot.choice(place.zones), self._duration_ms()
        left = at + timedelta(milliseconds=dwell_ms + self.lot.choice((0, 0, 1700)))
        made.events.append(self._event(run, Kind.ZONE_ENTERED, at, zone=zone))
        told = {"zone": zone, "dwell_ms": dwell_ms, "censored": self.lot.random() < 0.15}
        since = at if self.lot.random() < 0.8 else None
        made.events.append(self._event(run, Kind.ZONE_LEFT, left, since=since, **told))

    def _duration_ms(self) -> int:
        """Return a length of time; often one on the edge of the histogram, or beside it."""
        if self.lot.random() < 0.3:
            return 1000 * self.lot.choice(DWELL_EDGES_S) + self.lot.choice((-1, 0, 1))
        return self.lot.choice((0, self.lot.randrange(60_000), self.lot.randrange(5_400_000)))

    def _event(self, run: Run | None, kind: str, at: datetime, **told: object) -> TrackingEvent:
        event = TrackingEvent(
            public_id=uuid.UUID(int=self.lot.getrandbits(128)), store=self.store, kind=kind, at=at,
            run=run, **told,
        )  # fmt: skip
        if run is not None:
            event.camera_id, event.ordinal = run.recording.camera_id, run.next_ordinal
            run.next_ordinal += 1
        return event

    def _visit(self, made: Slice, run: Run, begins: datetime) -> None:
        ordinal, duration_ms = run.next_visit, self._duration_ms()
        run.next_visit += 1
        entered_at = begins + timedelta(milliseconds=self.lot.randrange(360_000))
        is_open = self.lot.random() < 0.1
        made.visits.append(
            Visit(
                public_id=uuid.UUID(int=self.lot.getrandbits(128)), store=self.store, run=run,
                ordinal=ordinal, chain=ordinal, entered_at=entered_at,
                exited_at=None if is_open else entered_at + timedelta(milliseconds=duration_ms),
                duration_ms=None if is_open else duration_ms,
                inferred=self.lot.random() < 0.2, staff=self.lot.random() < 0.1,
            )
        )  # fmt: skip

    def _place(self, camera_id: int) -> Place:
        return next(place for place in self.places if place.camera.pk == camera_id)

    # --- What happens ---------------------------------------------------------------------------

    def _count(self, what: str, times: int = 1) -> None:
        self.happened[what] = self.happened.get(what, 0) + times

    def _committing(self, run: Run, part: Slice) -> Callable[[], None]:
        def deed() -> None:
            if not Run.objects.filter(pk=run.pk, active=True).exists():
                return  # taken out meanwhile: a worker's fence would stop it here
            newest = TrackingEvent.objects.filter(store=self.store).order_by("-at").first()
            late = newest is not None and part.events[0].at < newest.at - timedelta(minutes=5)
            self._commit(run, part)
            self._count("slices")
            self._count("late", late)
            if self.lot.random() < 0.1:
                self._commit_again(run, part)

        return deed

    def _commit(self, run: Run | None, part: Slice) -> None:
        with transaction.atomic():
            if run is None or run.active:
                ledger._number(part.events, self.store)
            Visit.objects.bulk_create(part.visits)
            insert_rows(part.events)
            Coverage.objects.bulk_create(part.spans)
            if run is not None:
                run.save(update_fields=["next_ordinal", "next_visit"])
            if run is None or run.active:
                closed = [visit for visit in part.visits if visit.exited_at is not None]
                batch = ledger.LedgerBatch(self.store, part.events, closed, part.spans, sign=1)
                ledger.feed(batch)
        self.events += len(part.events)

    def _commit_again(self, run: Run | None, part: Slice) -> None:
        """Lose the answer to a commit and send it once more: the keys refuse the second."""
        for visit in part.visits:
            visit.pk, visit._state.adding = None, True
        try:
            self._commit(run, part)
        except IntegrityError:
            self._count("sent twice")
        else:
            raise AssertionError("The ledger took the same facts twice.")

    def _changes(self, run: Run) -> Iterator[Callable[[], None]]:
        """Yield what else happens by the way."""
        if self.lot.random() < 0.3:
            yield lambda: self._take_out(run)
        if self.lot.random() < 0.3:
            yield lambda: self._count_again(run)
        if self.lot.random() < 0.4:
            yield self._correct
        if self.lot.random() < 0.5:
            yield self._outside
        if self.lot.random() < 0.5:
            yield self._watch
        if self.lot.random() < 0.25:
            yield self._fold

    def _take_out(self, run: Run) -> None:
        # Of one that has told nothing yet there is nothing to take out.
        if run.events.exists() and ledger.run_take_out(Run.objects.get(pk=run.pk)):
            self._count("taken out")

    def _count_again(self, run: Run) -> None:
        """Put another count of the same recording in a run's place, as a re-count does."""
        old = Run.objects.get(pk=run.pk)
        if not (old.active and old.events.exists()):
            return
        new = Run.objects.create(store=self.store, recording=old.recording, active=False)
        for part in self.lot.sample(range(40), 2):
            self._commit(new, self._slice(new, part))
        recount = Recount.objects.create(
            store=self.store, recording=old.recording, old_run=old, new_run=new
        )
        claim = jobs.recount_claim(recount.pk)
        assert claim is not None
        switch.run_switch(claim=claim, recount=recount)
        self._count("counted again")

    def _correct(self) -> None:
        kind = self.lot.choice((Kind.CORRECTED, Kind.OCCUPANCY_RESET))
        fewest = -5 if kind == Kind.CORRECTED else 0  # nobody counts fewer than none inside
        tell(self.store, kind, self._instant(), self.lot.randint(fewest, 5))
        self.events += 1
        self._count("corrected")

    def _outside(self) -> None:
        """Have another counter tell what it counted, and tell it once more."""
        part = Slice()
        for _ in range(self.lot.randint(1, 20)):
            place, at = self.lot.choice(self.places), self._instant()
            events = self._told_outside(place, at)
            for event in events:
                event.camera, event.source = place.camera, "door sensor"
            events[0].client_key = f"key {events[0].public_id}"
            part.events += events
        self._commit(None, part)
        self._count("outside", len(part.events))
        self._commit_again(None, part)

    def _told_outside(self, place: Place, at: datetime) -> list[TrackingEvent]:
        if self.lot.random() < 0.2:
            told = {"zone": self.lot.choice(place.zones), "dwell_ms": self._duration_ms()}
            return [self._event(None, Kind.ZONE_LEFT, at, **told)]
        made = Slice()
        self._step(made, None, place, at)
        return made.events

    def _watch(self) -> None:
        """Have another counter tell when it was at work, often while a run saw the same."""
        spans, met = [], 0
        for row in range(self.lot.randint(1, 4)):
            recording = self.lot.choice(self.runs).recording
            begins = recording.started_at + timedelta(seconds=self.lot.randrange(14_400))
            ends = begins + timedelta(microseconds=self.lot.randint(1, 9_000_000_000))
            spans.append(Watched(row, recording.camera.public_id, begins, ends))
            seen = Coverage.objects.filter(camera=recording.camera_id, run__active=True)
            met += seen.filter(starts_at__lt=ends, ends_at__gt=begins).exists()
        report = events_take(
            store=self.store, source="door sensor", told=[], watched=spans, user=None,
            now=self.starts_at + timedelta(days=self.days + 1),
        )  # fmt: skip
        assert not report.refused_spans
        self._count("seen twice", met if report.watched_ms else 0)

    def _fold(self) -> None:
        fold_dirty(self.store)
        self._count("folded")


def make_chances(seed: int) -> list[Chance]:
    """Return two shops in each of the twelve zones, before anything has happened in them."""
    return [make_chance(zone, start, seed) for zone in CHANGE_DAYS for start in DAY_STARTS]


def make_chance(zone: str, day_start: time, seed: int) -> Chance:
    """Return a shop around the day on which its clocks change."""
    name = f"{zone.rsplit('/', maxsplit=1)[-1]} {day_start.hour} {seed}"
    store = make_store(name, timezone=zone, business_day_start=day_start)
    began = StoreClock.of(zone, day_start).day_starts_at(CHANGE_DAYS[zone] - ONE_DAY)
    return Chance(store, random.Random(f"{seed} {name}"), list(_places(store)), began)


def _places(store: Store) -> Iterator[Place]:
    for name, kinds in (("Door", ("entrance", "inner")), ("Side", ("entrance", "passer_by"))):
        camera = make_camera(store, name)
        lines = [make_line(camera, f"{name} {kind}", kind=kind) for kind in kinds]
        zones = [make_zone(camera, "Shelf"), make_zone(camera, "Office", kind="staff_only")]
        yield Place(camera, lines, zones)
