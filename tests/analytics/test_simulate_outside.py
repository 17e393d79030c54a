"""A made-up shop told by a counter outside, by the API's own door and by Kafka."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone as clock
from rest_framework.test import APIClient

from accounts.models import Store
from accounts.services import membership_set
from analytics.models import Bucket
from analytics.rebuild import check
from analytics.simulator import sender
from analytics.simulator.live import STEP_S, Pace
from analytics.simulator.service import store_find
from tests.cast import MANAGER, make_store, make_user
from tests.plugins.kafka import Kafka
from tracking.kafka.bridge import Bridge
from tracking.kafka.clients import producer_make
from tracking.kafka.plan import Plan
from tracking.models import KafkaLink, TrackingEvent

pytestmark = pytest.mark.db
PACE = Pace(seed=3, rate=20, minutes=6)


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    with Kafka() as running:
        yield running


@pytest.fixture
def store(db) -> Store:
    return store_find("sim", "Europe/Berlin")[0]


class Watch:
    """A clock that goes on only while somebody waits, twenty steps at once, and ends now."""

    def __init__(self) -> None:
        self.at = clock.now() - timedelta(minutes=PACE.minutes)

    def now(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> bool:
        assert seconds == STEP_S
        self.at += timedelta(seconds=20 * seconds)
        return False


def simulate(store: Store, send: sender.Send) -> dict[str, Any]:
    watch = Watch()
    return sender.simulate_out(store, PACE, send, now=watch.now, wait=watch.wait)


class Door:
    """The API's door without a network; each third batch finds it shut, or loses its answer."""

    def __init__(self, store: Store) -> None:
        user = make_user("ida")
        membership_set(user=user, store=store, role=MANAGER)
        self.client = APIClient()
        self.client.force_login(user)
        self.address = f"/api/v1/stores/{store.public_id}/events/"
        self.batches: list[dict[str, Any]] = []

    def __call__(self, batch: dict[str, Any]) -> int | None:
        self.batches.append(batch)
        if len(self.batches) % 3 == 1:
            return None
        answer = self.client.post(self.address, batch, format="json").json()
        assert answer["refused"] == answer["refused_watched"] == []
        return None if len(self.batches) % 3 == 2 else answer["taken"]


def test_what_was_not_taken_or_not_answered_is_sent_again_and_counts_once(store):
    door = Door(store)
    told = simulate(store, door)
    assert told["failed_batches"] > 3 and told["source"] == "simulator"
    assert 0 < told["new_events"] <= told["sent_events"]
    events = TrackingEvent.objects.exclude(client_key=None)
    # What happened at the very last is left over where the door was shut just then.
    assert events.count() >= told["sent_events"] > 100
    assert set(events.values_list("source", "is_demo")) == {("simulator", True)}
    assert check(store).differing == []
    observed = Bucket.objects.filter(subject_kind="camera").values_list("observed_ms", flat=True)
    assert 4 * 60_000 <= sum(observed) <= 6 * 60_000


def test_the_same_seed_and_start_give_the_same_keys(store):
    batches: list[list[dict[str, Any]]] = [[], []]
    watches = [Watch(), Watch()]
    watches[1].at = watches[0].at

    def taking(kept: list[dict[str, Any]]) -> sender.Send:
        def take(batch: dict[str, Any]) -> int:
            kept.append(batch)
            return 0

        return take

    for kept, watch in zip(batches, watches, strict=True):
        sender.simulate_out(store, PACE, taking(kept), now=watch.now, wait=watch.wait)
    assert batches[0] == batches[1] and len(batches[0]) > 5


def test_it_comes_by_kafka_an_event_a_message(kafka, store):
    kafka.topic("doors")
    plan = Plan(kafka.servers, {"doors": (store.slug,)}, group="sim")
    told = simulate(store, sender.KafkaDoor(producer_make(plan), "doors", store))
    assert told["failed_batches"] == told["unsent_events"] == 0
    assert "new_events" not in told, "a broker does not tell what counts"
    bridge = Bridge(plan, threading.Event())
    try:
        for _ in range(500):
            bridge.turn()
            if KafkaLink.objects.filter(messages__gte=told["sent_events"] + 9).exists():
                break
    finally:
        bridge.close()
    assert TrackingEvent.objects.exclude(client_key=None).count() == told["sent_events"] > 100
    assert KafkaLink.objects.get().refused == 0
    assert check(store).differing == []


def test_nothing_goes_into_a_store_of_real_people_and_what_went_in_goes_whole(store, capsys):
    for real in (make_store("Real shop"), make_store("Real demo", is_demo=True)):
        if real.is_demo:
            from tests.pages.rows import make_recording

            make_recording(real)
        with pytest.raises(ValidationError, match="made-up people alone"):
            simulate(real, lambda _: 0)
    simulate(store, Door(store))
    call_command("simulate", "--store", store.slug, "--remove")
    assert json.loads(capsys.readouterr().out)["removed_store"] is True
    assert not Store.objects.filter(slug="sim").exists()
    assert not TrackingEvent.objects.exists()


def test_where_it_cannot_be_sent_to_is_said_in_words(store, settings, monkeypatch):
    def command(*arguments: str) -> None:
        call_command("simulate", "--store", store.slug, "--live", "--minutes", "1", *arguments)

    monkeypatch.delenv("OSKARTRACK_SIMULATE_PASSWORD", raising=False)
    with pytest.raises(CommandError, match="Put the password of 'demo'"):
        command("--to", "http")
    monkeypatch.setenv("OSKARTRACK_SIMULATE_PASSWORD", "pw")
    with pytest.raises(CommandError, match="in the open"):
        command("--to", "http", "--url", "http://shop.example")
    with pytest.raises(CommandError, match="no address"):
        command("--to", "http", "--url", "shop")
    settings.KAFKA = Plan()
    with pytest.raises(CommandError, match="names no topic for 'sim'"):
        command("--to", "kafka")
