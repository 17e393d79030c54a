"""What outside counters tell: each key once, in any order, each row answered for."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone as clock
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from analytics.models import Bucket
from analytics.rebuild import check
from tests.analytics.shop import Facts, Shop, make_facts
from tests.cast import Cast, make_camera, make_cast, make_line, make_zone
from tracking import counters
from tracking.counter_api import ONE_PLACE
from tracking.ledger import run_take_out
from tracking.models import Coverage, TrackingEvent

pytestmark = pytest.mark.db
AT = datetime(2026, 6, 2, 8, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


class Door:
    """A store with a door that something else counts at."""

    def __init__(self) -> None:
        self.cast: Cast = make_cast()
        self.camera = make_camera(self.cast.store)
        self.line = make_line(self.camera)
        self.inner = make_line(self.camera, "stairs", kind="inner")
        self.zone = make_zone(self.camera)

    def step(self, key: str, at: datetime = AT, direction: str = "in", **more: Any) -> Any:
        row = {"client_key": key, "at": at.isoformat(), "direction": direction}
        return row | {"line": str(self.line.public_id)} | more

    def stay(self, key: str, dwell_s: float = 12.5, at: datetime = AT) -> Any:
        zone = str(self.zone.public_id)
        return {"client_key": key, "at": at.isoformat(), "zone": zone, "dwell_s": dwell_s}

    def span(self, starts_at: datetime, minutes: float) -> Any:
        to = (starts_at + timedelta(minutes=minutes)).isoformat()
        return {"camera": str(self.camera.public_id), "from": starts_at.isoformat(), "to": to}

    def send(self, *events: Any, user: Any = None, watched: Any = (), **more: Any) -> Any:
        client = APIClient()
        client.force_login(user or self.cast.alice)
        body = {"source": "door sensor", "events": list(events), "watched": list(watched), **more}
        address = f"/api/v1/stores/{self.cast.store.public_id}/events/"
        return client.post(address, body, format="json")

    def told(self, *events: Any, **more: Any) -> Any:
        answer = self.send(*events, **more)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def sums(self) -> tuple[int, int, int]:
        rows = Bucket.objects.filter(store=self.cast.store)
        sums = [sum(rows.values_list(name, flat=True)) for name in ("entries", "exits", "stays")]
        return sums[0], sums[1], sums[2]


@pytest.fixture
def door(db) -> Door:
    return Door()


def test_an_event_sent_three_times_counts_once(door):
    batch = [door.step("a"), door.step("b", direction="out"), door.stay("c")]
    reports = [door.told(*batch) for _ in range(3)]
    assert [(one["taken"], one["known"]) for one in reports] == [(3, 0), (0, 3), (0, 3)]
    assert door.sums() == (1, 1, 1)
    kinds = TrackingEvent.objects.order_by("seq").values_list("kind", "seq", "source")
    assert list(kinds) == [
        (kind, number, "door sensor")
        for number, kind in enumerate(["crossed", "entered", "crossed", "exited", "zone_left"], 1)
    ]  # fmt: skip
    assert check(door.cast.store).wrong == 0
    entry = AuditEntry.objects.get(action="events.told")
    assert (entry.actor, entry.detail["taken"]) == (door.cast.alice, 3)


def test_keys_of_two_counters_are_their_own(door):
    assert door.told(door.step("a"))["taken"] == 1
    assert door.told(door.step("a"), source="other sensor")["taken"] == 1
    assert door.sums() == (2, 0, 0)


def test_a_wrong_row_is_refused_by_itself_and_the_others_count(door):
    far = make_line(make_camera(door.cast.elsewhere))
    soon = clock.now() + timedelta(minutes=5)
    rows = [
        door.step("good"),
        door.step("soon", at=soon),
        door.step("far", line=str(far.public_id)),
        door.step("naive") | {"at": "2026-06-02T10:15:00"},
        door.step("aside", direction="sideways"),
        door.step("both", zone=str(door.zone.public_id)),
        door.step("odd", size=3),
        door.stay("endless", dwell_s=1e9),
        "no row",
        door.step("x" * 81),
        door.step("good", direction="out"),
    ]
    report = door.told(*rows)
    assert (report["taken"], report["known"]) == (1, 0)
    errors = {one["row"]: one["errors"] for one in report["refused"]}
    assert {row: list(names) for row, names in errors.items()} == {
        1: ["at"], 2: ["line"], 3: ["at"], 4: ["direction"], 5: ["non_field_errors"],
        6: ["size"], 7: ["dwell_s"], 8: ["non_field_errors"], 9: ["client_key"], 10: ["client_key"],
    }  # fmt: skip
    assert errors[1] == {"at": [counters.TO_COME]}
    assert errors[5] == {"non_field_errors": [ONE_PLACE]}
    assert errors[10] == {"client_key": [counters.TWICE_IN_ONE]}
    assert report["refused"][0]["client_key"] == "soon"
    assert door.sums() == (1, 0, 0)


def test_a_full_batch_is_taken_and_a_clock_a_little_ahead_is_none_of_the_future(door):
    soon = clock.now() + timedelta(seconds=30)
    rows = [door.step(f"{number}", at=soon) for number in range(counters.ROWS_AT_MOST)]
    report = door.told(*rows)
    assert (report["taken"], report["refused"]) == (1000, [])
    assert door.told(*rows)["known"] == 1000
    assert door.sums() == (1000, 0, 0)


def test_a_key_that_tells_something_else_later_is_refused_and_nothing_is_rewritten(door):
    door.told(door.step("a"))
    report = door.told(door.step("a", at=AT + timedelta(seconds=1)))
    assert report["refused"][0]["errors"] == {"client_key": [counters.TOLD_OTHERWISE]}
    assert list(TrackingEvent.objects.order_by("seq").values_list("at", "client_key")) == [
        (AT, "a"),
        (AT, None),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"source": "video"},
        {"source": ""},
        {"events": "all"},
        {"events": [{}] * 1001},
        {"evnts": []},
        {"watched": "more than a year"},
    ],
)
def test_a_batch_that_is_wrong_as_a_whole_is_refused_whole(door, more):
    if "watched" in more:
        starts = [AT - timedelta(days=31 * month) for month in range(1, 14)]
        more = {"watched": [door.span(at, 30 * 1440) for at in starts]}
    answer = door.send(door.step("a"), **more)
    assert answer.status_code == 400 and answer.json()["errors"]
    assert not TrackingEvent.objects.exists()


def test_managers_send_viewers_do_not_and_for_others_there_is_no_store(door):
    assert door.send(door.step("a"), user=door.cast.bob).status_code == 403
    assert door.send(door.step("a"), user=door.cast.charlie).status_code == 404
    assert not TrackingEvent.objects.exists()


def test_late_and_in_any_order_the_sums_are_those_of_a_rebuild(door):
    lot = random.Random(7)
    rows = []
    for number in range(300):
        at = AT - timedelta(seconds=lot.randrange(5 * 86_400), milliseconds=lot.randrange(1000))
        if lot.random() < 0.2:
            rows.append(door.stay(f"{number}", dwell_s=lot.randrange(9000) / 10, at=at))
            continue
        line = lot.choice((door.line, door.inner))
        row = door.step(f"{number}", at, lot.choice(("in", "out")), line=str(line.public_id))
        rows.append(row)
    lot.shuffle(rows)
    for start in range(0, len(rows), 40):
        door.told(*rows[start : start + 60])  # a third of each batch is sent again
    assert TrackingEvent.objects.exclude(client_key=None).count() == 300
    found = check(door.cast.store)
    assert (found.wrong, found.differing) == (0, [])
    assert sum(door.sums()) == 300


def test_what_a_line_counted_before_it_was_made_an_entrance_comes_in_with_it(door):
    line = str(door.inner.public_id)
    door.told(door.step("a", line=line), door.step("b", line=line, direction="out"))
    for kind in ("entrance", "passer_by", "entrance"):
        door.inner.kind = kind
        door.inner.save()
        assert door.sums() == (1, 1, 0)
        assert check(door.cast.store).wrong == 0
    assert door.told(door.step("a", line=line))["known"] == 1


def test_a_watched_span_makes_a_quiet_hour_zero_and_counts_once_however_told(door):
    hour = AT.replace(minute=0)
    first = door.told(watched=[door.span(hour, 30), door.span(hour + timedelta(minutes=20), 20)])
    assert first["watched_s"] == 2400
    assert door.told(watched=[door.span(hour - timedelta(minutes=5), 60)])["watched_s"] == 1200
    assert door.told(watched=[door.span(hour, 30)])["watched_s"] == 0
    spans = Coverage.objects.order_by("starts_at").values_list("starts_at", "ends_at")
    ends = [at for span in spans for at in span]
    assert ends == sorted(ends) and ends[-1] - ends[0] == timedelta(minutes=60)
    rows = Bucket.objects.filter(store=door.cast.store)
    assert sum(rows.values_list("observed_ms", flat=True)) == 3_600_000
    assert check(door.cast.store).wrong == 0


@pytest.mark.parametrize("first", ["counter", "video"])
def test_what_a_counter_and_a_video_both_saw_is_seen_once_whoever_tells_first(door, first):
    """A video of half an hour within the counter's hour, replaced by another, then taken away."""
    hour = AT.replace(minute=0, microsecond=500)
    shop = Shop(door.cast.store, door.camera, door.line, door.zone)

    def seen_ms() -> int:
        assert check(door.cast.store).differing == []
        rows = Bucket.objects.filter(store=door.cast.store, subject_kind="camera")
        return sum(rows.values_list("observed_ms", flat=True))

    def video() -> Facts:
        facts = make_facts(shop, hour + timedelta(minutes=45))
        facts.seen(0, 1800)
        facts.commit()
        return facts

    def counter() -> None:
        assert door.told(watched=[door.span(hour, 60)])["watched_s"] == 3600

    if first == "counter":
        counter()
    facts = video()
    if first == "video":
        counter()
    assert seen_ms() == 75 * 60_000
    assert door.told(watched=[door.span(hour, 90)])["watched_s"] == 1800
    assert seen_ms() == 90 * 60_000
    run_take_out(facts.run)
    assert seen_ms() == 90 * 60_000
    video()
    assert seen_ms() == 90 * 60_000
    assert max(Bucket.objects.values_list("observed_ms", flat=True)) == 300_000


def test_a_wrong_span_is_refused_by_itself(door):
    far = str(make_camera(door.cast.elsewhere).public_id)
    later = clock.now() + timedelta(hours=1)
    report = door.told(
        watched=[
            door.span(AT, 5), door.span(AT, 0), door.span(AT, 5) | {"camera": far},
            door.span(AT, 32 * 1440), door.span(later, 5), {"camera": far},
        ]
    )  # fmt: skip
    assert report["watched_s"] == 300
    found = {one["row"]: list(one["errors"]) for one in report["refused_watched"]}
    assert found == {1: ["to"], 2: ["camera"], 3: ["to"], 4: ["to"], 5: ["from", "to"]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_of_two_senders_of_one_key_one_finds_it(transactional_db, monkeypatch):
    door = Door()
    asked, go_on = threading.Event(), threading.Event()
    new_events = counters._new_events

    def slow(*args: Any) -> Any:
        found = new_events(*args)
        asked.set()
        go_on.wait(2)  # the second one is on its way meanwhile, and has to wait for the first
        return found

    monkeypatch.setattr(counters, "_new_events", slow)
    reports: list[Any] = []

    def send() -> None:
        try:
            reports.append(door.told(door.step("a")))
        finally:
            connection.close()

    senders = [threading.Thread(target=send) for _ in range(2)]
    senders[0].start()
    assert asked.wait(20)
    senders[1].start()
    for sender in senders:
        sender.join(30)
    assert sorted((one["taken"], one["known"]) for one in reports) == [(0, 1), (1, 0)]
    assert door.sums() == (1, 0, 0)
