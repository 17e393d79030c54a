"""Whatever is redrawn, added, ended or set differently: counting again is counting afresh."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone as clock

from analytics.models import AnalyticsSummary, Bucket, DirtyDay, PathSum
from analytics.rebuild import check
from tests.tracking.again import counted, recount
from tracking import facts, recounts, runner
from tracking.models import Customer, Recording, Run, StoreSequence, TrackingEvent
from tracking.vision.pipeline import PipelineParams
from zones.models import Camera, CountingLine, Zone
from zones.services import (
    line_archive,
    line_create,
    line_redraw,
    zone_archive,
    zone_create,
    zone_redraw,
)

pytestmark = pytest.mark.django_db
FULL = os.environ.get("OSKARTRACK_CHAOS") == "full"
WALKS = 60 if FULL else 3  # each is a way of edits of its own
ROUNDS = 4 if FULL else 3  # re-counts on each way
Point = list[float]


@pytest.mark.timeout(1800 if FULL else 400)
@pytest.mark.parametrize("seed", range(WALKS))
def test_after_any_edits_counting_again_gives_the_facts_of_a_fresh_count(files, seed):
    chance = random.Random(f"edits {seed}")
    recording = counted(files)
    for number in range(1, ROUNDS + 1):
        made = [edit(recording.camera, chance) for _ in range(chance.randint(1, 3))]
        expected = fresh_count(recording)
        done = recount(recording)
        assert done.state == "done"
        assert facts.export_facts(recording.store) == expected, made
        assert check(recording.store).differing == [], made
        told = TrackingEvent.objects.filter(kind="recounted")
        assert told.count() == number, "one re-count is told once"


def fresh_count(recording: Recording) -> list[str]:
    """Return the facts of a first count of these very detections with the shapes of now."""
    with transaction.atomic():
        store = recording.store
        for model in (Run, Customer, Bucket, PathSum, DirtyDay, AnalyticsSummary, StoreSequence):
            model._default_manager.filter(store=store).delete()
        Recording.objects.filter(pk=recording.pk).update(
            state="queued", decoded_ms=0, finished_at=None
        )
        Run.objects.create(
            store=store,
            recording=recording,
            setup=recounts._map_of_now(recording),
            card={"params": PipelineParams().to_json()},
        )
        runner.advance(recording.pk)
        told = facts.export_facts(store)
        assert '"state": "done"' in "".join(told)
        transaction.set_rollback(True)
    return told


def edit(camera: Camera, chance: random.Random) -> str:
    """Change one thing of a camera's map and return what."""
    zones = list(camera.zones.filter(archived_at=None))
    lines = list(camera.lines.filter(archived_at=None))
    ways: list[Callable[[], object]] = [
        lambda: zone_create(
            camera=camera, name=name_for(camera), vertices=outline(chance),
            kind=chance.choice(Zone.Kind.values), valid_from=clock.now(),
        ),
        lambda: line_create(
            camera=camera, name=name_for(camera), kind=chance.choice(CountingLine.Kind.values),
            valid_from=clock.now(), **place(chance),
        ),
    ]  # fmt: skip
    if zones:
        zone = chance.choice(zones)
        ways += [
            lambda: zone_redraw(zone=zone, vertices=outline(chance)),
            lambda: zone_archive(zone=zone),
            lambda: changed(zone, kind=chance.choice(Zone.Kind.values)),
            lambda: changed(zone, grace_s=chance.choice([0.0, 0.6, 3.0]), min_inside_s=0.2),
        ]
    if lines:
        line = chance.choice(lines)
        ways += [
            lambda: line_redraw(line=line, **place(chance)),
            lambda: line_archive(line=line),
            lambda: changed(line, kind=chance.choice(CountingLine.Kind.values)),
            lambda: changed(line, kind=chance.choice(CountingLine.Kind.values)),
        ]
    return repr(chance.choice(ways)())


def changed(shape: Zone | CountingLine, **fields: object) -> object:
    """Set fields of a shape as its page in the administration does."""
    for name, value in fields.items():
        setattr(shape, name, value)
    shape.full_clean()
    shape.save()
    return shape, fields


def name_for(camera: Camera) -> str:
    return f"Shape {camera.zones.count() + camera.lines.count()}"


def outline(chance: random.Random) -> list[Point]:
    left, top = chance.uniform(0, 0.6), chance.uniform(0.3, 0.7)
    right, bottom = left + chance.uniform(0.15, 0.4), top + chance.uniform(0.15, 0.3)
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def place(chance: random.Random) -> dict[str, Any]:
    height = chance.uniform(0.4, 0.75)
    return {
        "a": [chance.uniform(0, 0.5), height],
        "b": [chance.uniform(0.55, 1), height + chance.uniform(-0.1, 0.1)],
        "inside_side": chance.choice(["right", "left"]),
        "band": chance.choice([0.005, 0.012, 0.03]),
    }
