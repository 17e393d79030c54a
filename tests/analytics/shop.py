"""A shop whose facts a test writes by hand, through the ledger's own numbering and sinks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import Store, User
from tests.cast import make_camera, make_line, make_zone
from tracking import ledger
from tracking.corrections import occupancy_tell
from tracking.models import Coverage, Recording, Run, TrackingEvent, Visit
from zones.models import Camera, CountingLine, Zone

Kind = TrackingEvent.Kind
# A Tuesday in Berlin, 10:00 on the wall.
NINE_UTC = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)


@dataclass
class Shop:
    """A store with one camera that watches an entrance line and a zone."""

    store: Store
    camera: Camera
    line: CountingLine
    zone: Zone


def make_shop(store: Store, name: str = "Door") -> Shop:
    camera = make_camera(store, name)
    return Shop(store, camera, make_line(camera), make_zone(camera, "Shelf"))


@dataclass
class Facts:
    """What one run is about to say; times are seconds after `start`."""

    shop: Shop
    run: Run
    start: datetime
    events: list[TrackingEvent] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    spans: list[Coverage] = field(default_factory=list)

    def at(self, second: float) -> datetime:
        return self.start + timedelta(seconds=second)

    def step(self, second: float, direction: str = "in", line: CountingLine | None = None) -> None:
        """Someone crosses a line; an entrance also tells who came in or went out."""
        line = line or self.shop.line
        self._event(Kind.CROSSED, second, line=line, direction=direction)
        if line.kind == CountingLine.Kind.ENTRANCE:
            kind = Kind.ENTERED if direction == "in" else Kind.EXITED
            self._event(kind, second, line=line, direction=direction)

    def stay(self, second: float, seconds: float, *, censored: bool = False) -> None:
        """Someone stays in the zone."""
        zone, dwell_ms = self.shop.zone, round(seconds * 1000)
        self._event(Kind.ZONE_ENTERED, second, zone=zone)
        since = self.at(second)
        told = {"zone": zone, "since": since, "dwell_ms": dwell_ms, "censored": censored}
        self._event(Kind.ZONE_LEFT, second + seconds, **told)

    def in_zone(self, second: float) -> None:
        """Someone enters the zone and is still there."""
        self._event(Kind.ZONE_ENTERED, second, zone=self.shop.zone)

    def visit(self, second: float, seconds: float, *, inferred: bool = False) -> None:
        ordinal = self.run.next_visit
        self.run.next_visit += 1
        self.visits.append(
            Visit(
                public_id=uuid.uuid5(self.run.public_id, f"visit/{ordinal}"),
                store=self.shop.store,
                run=self.run,
                ordinal=ordinal,
                chain=ordinal,
                entered_at=self.at(second),
                exited_at=self.at(second + seconds),
                duration_ms=round(seconds * 1000),
                inferred=inferred,
            )
        )

    def seen(self, second: float, seconds: float) -> None:
        """The camera looks for so long."""
        ends_at = self.at(second + seconds)
        self.spans.append(
            Coverage(
                camera=self.shop.camera, run=self.run, starts_at=self.at(second), ends_at=ends_at
            )
        )

    def commit(self) -> int:
        """Write it all in one transaction, as the ledger does; return the store's sequence."""
        with transaction.atomic():
            ledger._number(self.events, self.shop.store)
            Visit.objects.bulk_create(self.visits)
            TrackingEvent.objects.bulk_create(self.events)
            Coverage.objects.bulk_create(self.spans)
            batch = ledger.LedgerBatch(
                self.shop.store, self.events, self.visits, self.spans, sign=1
            )
            ledger.feed(batch)
        last = self.events[-1].seq if self.events else 0
        self.events, self.visits, self.spans = [], [], []
        self.run.save(update_fields=["next_ordinal", "next_visit"])
        return last or 0

    def _event(self, kind: str, second: float, **fields: Any) -> None:
        ordinal = self.run.next_ordinal
        self.run.next_ordinal += 1
        self.events.append(
            TrackingEvent(
                public_id=uuid.uuid5(self.run.public_id, f"event/{ordinal}"),
                store=self.shop.store,
                kind=kind,
                at=self.at(second),
                camera=self.shop.camera,
                run=self.run,
                ordinal=ordinal,
                track_number=ordinal + 1,
                **fields,
            )
        )


def make_facts(shop: Shop, start: datetime = NINE_UTC, **recording: Any) -> Facts:
    """Start a run of an hour's recording."""
    made = Recording.objects.create(
        store=shop.store,
        camera=shop.camera,
        **{
            "name": "clip.mp4",
            "started_at": start,
            "ended_at": start + timedelta(hours=1),
            "declared_ms": 3_600_000,
            "state": Recording.State.RUNNING,
            **recording,
        },
    )
    run = Run.objects.create(store=shop.store, recording=made)
    return Facts(shop, run, start)


def tell(store: Store, kind: str, at: datetime, value: int) -> None:
    """Have a person correct or reset the store's occupancy."""
    user, _ = User.objects.get_or_create(username="teller")
    occupancy_tell(store=store, kind=kind, at=at, value=value, user=user, now=at)
