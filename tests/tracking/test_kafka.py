"""Kafka in and out, over the wire to the mock of a broker: once, in order, or waiting."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError
from django.db import OperationalError, connection
from django.utils import timezone as clock

from accounts.models import Store
from oskartrack.management.commands import up
from tests.cast import make_camera, make_line
from tests.plugins.kafka import Kafka
from tests.tracking.test_counters import AT, Door
from tracking.counters import Told, events_take
from tracking.kafka import bridge as bridges
from tracking.kafka import inbox, outlet
from tracking.kafka.bridge import Bridge
from tracking.kafka.clients import NOT_INSTALLED
from tracking.kafka.plan import Account, Plan, topics_read
from tracking.models import KafkaLink, TrackingEvent

pytestmark = pytest.mark.db
ROOT = Path(__file__).parents[2]
WAIT_S = 40
# Of a process of its own, which loads all of the product first, on a machine that is busy.
PROCESS_S = 100
# Less deep than what the reader of JSON refuses, deeper than what Python goes.
DEEP = b'{"source": "door sensor", "events": [' + b"[" * 1000 + b"]" * 1000 + b"]}"


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    with Kafka() as running:
        yield running


@pytest.fixture
def door(db) -> Door:
    return Door()


@pytest.fixture
def plan(kafka, door, settings) -> Plan:
    """A topic that tells of the door's shop and one for its feed, which nobody else uses."""
    name = uuid.uuid4().hex
    for topic in (f"in-{name}", f"out-{name}", f"refused-{name}"):
        kafka.topic(topic)
    slug = door.cast.store.slug
    settings.KAFKA = Plan(
        kafka.servers, {f"in-{name}": (slug,)}, {f"out-{name}": (slug,)},
        group=name, refused=f"refused-{name}",
    )  # fmt: skip
    return settings.KAFKA


@contextmanager
def bridge_of(plan: Plan) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Yield what carries messages until something is so."""
    bridge = Bridge(plan, threading.Event())

    def carry(done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not done():
            assert time.monotonic() < deadline, list(KafkaLink.objects.values())
            bridge.turn()

    try:
        yield carry
    finally:
        bridge.close()


def told(*rows: Any, source: str = "door sensor", **more: Any) -> bytes:
    return json.dumps({"source": source, "events": list(rows), **more}).encode()


def link(plan: Plan, direction: str = "in") -> KafkaLink:
    return KafkaLink.objects.get(name__startswith=f"{direction}/", topic__in=_topics(plan))


def _topics(plan: Plan) -> list[str]:
    return [*plan.inward, *plan.outward]


def topic_of(plan: Plan, direction: str) -> str:
    return next(iter(plan.inward if direction == "in" else plan.outward))


def seen(plan: Plan, messages: int) -> Callable[[], bool]:
    return lambda: KafkaLink.objects.filter(
        topic=topic_of(plan, "in"), messages__gte=messages
    ).exists()


# --- In -------------------------------------------------------------------------------------------


def test_what_a_counter_tells_counts_once_however_often_it_is_sent_and_read(kafka, door, plan):
    topic = topic_of(plan, "in")
    messages = [told(door.step(f"{n}")) for n in range(30)]
    kafka.send(topic, *messages, *messages, told(door.step("last", direction="out")))
    with bridge_of(plan) as carry:
        carry(seen(plan, 61))
    assert door.sums() == (30, 1, 0)
    assert kafka.committed(plan.group, topic) == 61
    # A group that has read nothing yet reads all of it again: the keys are known.
    with bridge_of(replace(plan, group="other")) as carry:
        carry(seen(plan, 122))
    assert door.sums() == (30, 1, 0)
    assert link(plan).refused == 0


def test_messages_of_one_counter_are_taken_together(kafka, door, plan, monkeypatch):
    batches = []
    take = inbox.events_take

    def counted(**told: Any) -> Any:
        batches.append(len(told["told"]))
        return take(**told)

    monkeypatch.setattr(inbox, "events_take", counted)
    rows = [door.step(f"{n}") for n in range(1500)]
    kafka.send(
        topic_of(plan, "in"), *(told(*rows[start : start + 5]) for start in range(0, 1500, 5))
    )
    with bridge_of(plan) as carry:
        carry(seen(plan, 300))
    assert door.sums() == (1500, 0, 0)
    assert sum(batches) == 1500 and max(batches) <= 1000 and len(batches) < 30


def test_a_wrong_message_goes_aside_with_its_reason_and_holds_up_nobody(kafka, door, plan, client):
    soon = (clock.now() + timedelta(hours=1)).isoformat()
    far = str(uuid.uuid4())
    year = [door.span(AT - timedelta(days=31 * month), 30 * 1440) for month in range(1, 14)]
    wrong = {
        b"no json": inbox.NOT_JSON,
        b"": inbox.NOT_JSON,
        b"[1]": inbox.NOT_JSON,
        told(door.step("a"), store="elsewhere"): "may not tell of the shop",
        told(door.step("a"), store=[]): "may not tell of the shop",
        told(door.step("a"), store={"slug": []}): "may not tell of the shop",
        DEEP: "nested too deeply",
        told(door.step("b"), source="video"): "is a name of ours",
        told(door.step("c"), evnts=[]): "There is no such field here",
        told(watched=year): "366 days",
        told(door.step("d"), door.step("e", at=AT) | {"at": soon}): "still to come",
        told(door.step("f", line=far)): "no such line",
        told(watched=[door.span(AT, 0)]): "ends after it begins",
    }
    topic = topic_of(plan, "in")
    kafka.send(topic, told(door.step("first")), *wrong, told(door.step("last")))
    with bridge_of(plan) as carry:
        carry(seen(plan, len(wrong) + 2))
        letters = kafka.read(plan.refused, len(wrong))
        # The good rows of a message that is wrong in part count, as they do by the API.
        assert door.sums() == (3, 0, 0)
        carry(lambda: kafka.committed(plan.group, topic) == len(wrong) + 2)
    reasons = {letter.value() or b"": dict(letter.headers() or []) for letter in letters}
    assert set(reasons) == set(wrong)
    for value, words in wrong.items():
        assert words in reasons[value]["reason"].decode(), value
    rows = json.loads(reasons[told(door.step("f", line=far))]["rows"])
    assert rows[0]["client_key"] == "f" and "line" in rows[0]["errors"]
    places = {letter.key().decode() for letter in letters}
    assert len(places) == len(wrong) and all(place.startswith(f"{topic}/0/") for place in places)
    assert link(plan).refused == len(wrong)
    figures = client.get("/metrics", headers={"authorization": "Bearer watcher"})
    assert figures.status_code == 403
    from oskartrack import metrics

    line = f'oskartrack_kafka_refused{{direction="in",store="",topic="{topic}"}} {len(wrong)}.0'
    assert line in metrics.text().decode()


def test_an_error_that_nobody_foresaw_puts_its_message_aside_alone(kafka, door, plan, monkeypatch):
    take = inbox.events_take

    def poisoned(**told: Any) -> Any:
        if any(one.client_key == "poison" for one in told["told"]):
            raise ArithmeticError
        return take(**told)

    monkeypatch.setattr(inbox, "events_take", poisoned)
    kafka.send(topic_of(plan, "in"), *(told(door.step(key)) for key in ("a", "poison", "b")))
    with bridge_of(plan) as carry:
        carry(seen(plan, 3))
        letters = kafka.read(plan.refused, 1)
    assert [letter.value() for letter in letters] == [told(door.step("poison"))]
    assert door.sums() == (2, 0, 0)


def test_a_message_too_large_to_be_sent_on_is_quoted(kafka, door, plan):
    topic = topic_of(plan, "in")
    large = b"x" * 1_000_000  # with its reason beside it more than a broker takes
    kafka.send(topic, large[:-40], told(door.step("a")))
    with bridge_of(plan) as carry:
        carry(lambda: kafka.committed(plan.group, topic) == 2)
    letter = kafka.read(plan.refused, 1)[0]
    assert (letter.value() or b"").startswith(b"xxxx")
    assert dict(letter.headers() or [])["reason"] == inbox.NOT_JSON.encode()
    assert door.sums() == (1, 0, 0)


def test_nothing_is_committed_before_the_letters_about_it_are_through(
    kafka, door, plan, monkeypatch
):
    monkeypatch.setattr(bridges, "LOOK_EVERY_S", 0.2)
    topic = topic_of(plan, "in")
    kafka.refuse(plan.refused, code=KafkaError.TOPIC_AUTHORIZATION_FAILED)
    kafka.send(topic, b"no json", told(door.step("a")))
    kafka.slow(200)  # the letter is on its way for longer than a turn takes
    try:
        with bridge_of(plan) as carry:
            carry(lambda: _made(plan) and plan.refused in link(plan).problem)
            assert door.sums() == (1, 0, 0)
            assert kafka.committed(plan.group, topic) < 0
    finally:
        kafka.slow(0)
    kafka.refuse(plan.refused)
    with bridge_of(plan) as carry:
        carry(lambda: kafka.committed(plan.group, topic) == 2)
        carry(lambda: not link(plan).problem)
    assert [letter.value() for letter in kafka.read(plan.refused, 1)] == [b"no json"]
    # Both were read twice.
    assert (link(plan).messages, link(plan).refused) == (4, 2)


def test_a_topic_tells_of_its_own_shops_alone_and_of_several_by_name(kafka, door, plan):
    topic, (slug,) = topic_of(plan, "in"), next(iter(plan.inward.values()))
    other = door.cast.elsewhere
    narrow = f"narrow-{topic}"
    kafka.topic(narrow)
    wide = replace(plan, inward={topic: (slug, other.slug), narrow: (slug,)})
    kafka.send(narrow, told(door.step("e"), store=other.slug))
    kafka.send(
        topic,
        told(door.step("a"), store=slug),
        told(door.step("b"), store=str(door.cast.store.public_id)),
        told(door.step("c")),  # of which shop?
        told(door.step("d"), store=other.slug),  # its own line is not of that shop
    )
    with bridge_of(wide) as carry:
        carry(seen(plan, 4))
        carry(lambda: KafkaLink.objects.filter(topic=narrow, messages=1, refused=1).exists())
        reasons = [dict(letter.headers() or [])["reason"] for letter in kafka.read(plan.refused, 3)]
    assert door.sums() == (2, 0, 0)
    assert any(b"may not tell of the shop" in reason for reason in reasons)
    assert any(reason == inbox.NO_STORE.encode() for reason in reasons)
    assert any(b"no such line" in reason for reason in reasons)


def test_what_was_read_while_the_database_is_away_is_taken_when_it_is_back(
    kafka, door, plan, monkeypatch
):
    failed, stop = [], threading.Event()
    take = inbox.events_take

    def away(**told: Any) -> Any:
        if len(failed) < 2:
            failed.append(told)
            raise OperationalError("unable to open database file")
        stop.set()
        return take(**told)

    monkeypatch.setattr(inbox, "events_take", away)
    monkeypatch.setattr(bridges, "DATABASE_PAUSE_S", 0.01)
    monkeypatch.setattr(
        bridges, "connection", type("Kept", (), {"close": staticmethod(lambda: None)})
    )
    kafka.send(topic_of(plan, "in"), told(door.step("a")), told(door.step("b", direction="out")))
    Bridge(plan, stop).run()
    assert len(failed) == 2
    assert door.sums() == (1, 1, 0)
    assert kafka.committed(plan.group, topic_of(plan, "in")) == 2


# --- Out ------------------------------------------------------------------------------------------


def feed_of(door: Door) -> list[str]:
    rows = TrackingEvent.objects.filter(store=door.cast.store, seq__isnull=False).order_by("seq")
    return [str(public_id) for public_id in rows.values_list("public_id", flat=True)]


def written(plan: Plan, end: int) -> Callable[[], bool]:
    return lambda: KafkaLink.objects.filter(topic=topic_of(plan, "out"), seq=end).exists()


def test_the_feed_goes_out_in_its_order_and_goes_on_where_it_was(kafka, door, plan, client):
    door.told(*(door.step(f"{n}") for n in range(400)))  # 800 events: more than one reading
    with bridge_of(plan) as carry:
        carry(written(plan, 800))
    door.told(door.step("later", direction="out"), door.stay("stay"))
    with bridge_of(plan) as carry:
        carry(written(plan, 803))
    messages = kafka.read(topic_of(plan, "out"), 803)
    assert [message.key().decode() for message in messages] == feed_of(door)
    told = [json.loads(message.value()) for message in messages]
    assert [event["seq"] for event in told] == list(range(1, 804))
    client.force_login(door.cast.bob)
    address = f"/api/v1/stores/{door.cast.store.public_id}/events/?after=800"
    of_store = {"store": str(door.cast.store.public_id)}
    assert told[800:] == [of_store | event for event in client.get(address).json()["results"]]
    assert link(plan, "out").messages == 803


def test_what_a_broker_refuses_is_told_and_written_again_from_there(kafka, door, plan, monkeypatch):
    monkeypatch.setattr(bridges, "LOOK_EVERY_S", 0.2)
    monkeypatch.setattr(outlet, "REFUSED_PAUSE_S", 0.2)
    topic = topic_of(plan, "out")
    door.told(*(door.step(f"{n}") for n in range(10)))
    kafka.refuse(topic, code=KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with bridge_of(plan) as carry:
        carry(lambda: _made(plan) and "The broker says" in link(plan, "out").problem)
        assert link(plan, "out").seq == 0
        kafka.refuse(topic)
        carry(written(plan, 20))
        carry(lambda: not link(plan, "out").problem)
    keys = [message.key().decode() for message in kafka.read(topic, 20)]
    assert keys == feed_of(door)


def test_events_that_a_broker_refuses_in_passing_come_after_all_and_in_order(
    kafka, door, plan, monkeypatch
):
    monkeypatch.setattr(outlet, "REFUSED_PAUSE_S", 0.2)
    door.told(*(door.step(f"{n}") for n in range(10)))
    kafka.refuse_next(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with bridge_of(plan) as carry:
        carry(written(plan, 20))
    kafka.send(topic_of(plan, "out"), b"the end")
    messages = kafka.read_until(topic_of(plan, "out"), b"the end")
    keys = [message.key().decode() for message in messages]
    assert keys[-20:] == feed_of(door)  # some behind those refused may be there before, too


def test_a_short_name_that_another_shop_has_now_stands_for_that_shops_feed(
    kafka, door, plan, monkeypatch
):
    monkeypatch.setattr(bridges, "LOOK_EVERY_S", 0.2)
    store, other, (slug,) = (
        door.cast.store,
        door.cast.elsewhere,
        plan.outward[topic_of(plan, "out")],
    )
    line = make_line(make_camera(other))
    step = Told(0, "theirs", AT, line=line.public_id, direction="in")
    events_take(
        store=other, source="door sensor", told=[step], watched=[], user=None, now=clock.now()
    )
    door.told(door.step("a"), door.step("b"))
    with bridge_of(plan) as carry:
        carry(written(plan, 4))
        door.told(door.step("later"))
        Store.objects.filter(pk=store.pk).update(slug="moved")
        Store.objects.filter(pk=other.pk).update(slug=slug)
        carry(written(plan, 2))
    told = [json.loads(message.value()) for message in kafka.read(topic_of(plan, "out"), 6)]
    both = [
        (str(one.public_id), seq) for one, end in ((store, 4), (other, 2)) for seq in range(end)
    ]
    assert [(event["store"], event["seq"] - 1) for event in told] == both


def test_the_events_of_a_shop_go_to_one_partition(kafka, door, plan, settings):
    topic = f"wide-{uuid.uuid4().hex}"
    kafka.topic(topic, partitions=4)
    door.told(*(door.step(f"{n}") for n in range(40)))
    wide = replace(plan, inward={}, outward={topic: (door.cast.store.slug,)})
    with bridge_of(wide) as carry:
        carry(lambda: KafkaLink.objects.filter(topic=topic, seq=80).exists())
    messages = kafka.read(topic, 80)
    assert len({message.partition() for message in messages}) == 1
    assert [message.key().decode() for message in messages] == feed_of(door)


# --- Away and back --------------------------------------------------------------------------------


def kafka_check(client: Any) -> dict[str, Any]:
    """Return what readiness says of Kafka; the product itself is ready all the while."""
    answer = client.get("/readyz", REMOTE_ADDR="127.0.0.1")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    return dict(answer.json()["checks"]["kafka"])


def test_without_a_broker_all_else_goes_on_and_with_it_again_nothing_is_lost_or_doubled(
    kafka, door, plan, client, monkeypatch, capsys
):
    monkeypatch.setattr(bridges, "LOOK_EVERY_S", 0.3)
    monkeypatch.setattr(bridges, "LOOK_TIMEOUT_S", 0.3)
    looks, look = [], Bridge._look
    monkeypatch.setattr(Bridge, "_look", lambda bridge: looks.append(look(bridge)))
    assert "does not run" in kafka_check(client)["what"]
    kafka.send(topic_of(plan, "in"), told(door.step("before")))
    kafka.down()
    try:
        with bridge_of(plan) as carry:
            # Away from the start: told once, however often it is looked for.
            carry(lambda: len(looks) > 4)
            assert capsys.readouterr().out.count("No broker answers at") == 1
            found = kafka_check(client)
            assert not found["ok"] and kafka.servers in found["what"] and found["todo"]
            kafka.up()
            carry(seen(plan, 1))
            carry(written(plan, 2))
            carry(lambda: not link(plan).problem)
            assert kafka_check(client)["ok"]
            # Away in the middle of the work.
            kafka.send(topic_of(plan, "in"), *(told(door.step(f"{n}")) for n in range(20)))
            kafka.down()
            door.told(*(door.step(f"api {n}", direction="out") for n in range(20)))
            carry(lambda: "No broker answers" in link(plan).problem)
            kafka.up()
            carry(seen(plan, 21))
            carry(written(plan, 82))
    finally:
        kafka.up()
    assert door.sums() == (21, 20, 0)
    messages = kafka.read(topic_of(plan, "out"), 82)
    assert [message.key().decode() for message in messages] == feed_of(door)
    said = capsys.readouterr().out
    assert "No broker answers at" in said and "kafka_works" in said


def _made(plan: Plan) -> bool:
    return KafkaLink.objects.filter(topic=topic_of(plan, "in")).exists()


def test_a_topic_or_a_shop_that_is_missing_and_a_missing_package_are_told(
    kafka, door, plan, client, monkeypatch
):
    monkeypatch.setattr(bridges, "LOOK_EVERY_S", 0.2)
    astray = replace(plan, outward={topic_of(plan, "out"): ("nowhere",)}, inward={"absent": ()})
    with bridge_of(astray) as carry:
        carry(
            lambda: (
                "no topic 'absent'" in "".join(KafkaLink.objects.values_list("problem", flat=True))
            )
        )
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with bridge_of(plan) as carry:
        carry(lambda: _made(plan) and link(plan).problem == NOT_INSTALLED)
    assert NOT_INSTALLED in kafka_check(client)["what"]


def test_the_process_is_started_where_brokers_are_named(plan, settings, tmp_path):
    assert "kafka" in [job.name for job in up.jobs(tmp_path, 1)]
    settings.KAFKA = Plan()
    assert "kafka" not in [job.name for job in up.jobs(tmp_path, 1)]


# --- Killed ---------------------------------------------------------------------------------------


class Installation:
    """A copy of the test's database as a file, with `manage.py kafka` as a process of its own."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.file = folder / "oskartrack.sqlite3"
        connection.ensure_connection()
        with closing(sqlite3.connect(self.file)) as copy:
            connection.connection.backup(copy)
        topics = {
            name: ",".join(f"{topic}={'+'.join(stores)}" for topic, stores in told.items())
            for name, told in (("IN", plan.inward), ("OUT", plan.outward))
        }
        self.environment = {
            **os.environ,
            "OSKARTRACK_DATA": str(folder),
            "DATABASE_URL": f"sqlite:///{self.file}",
            "PYTHONPATH": str(ROOT),
            "OSKARTRACK_KAFKA": plan.servers,
            "OSKARTRACK_KAFKA_IN": topics["IN"],
            "OSKARTRACK_KAFKA_OUT": topics["OUT"],
            "OSKARTRACK_KAFKA_GROUP": plan.group,
            "OSKARTRACK_KAFKA_REFUSED": plan.refused,
        }

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.file)) as database:
            return database.execute(sql).fetchall()

    def go_on_until(self, sql: str, wanted: int) -> None:
        """Run the command until a number is reached, and end it the polite way."""
        process = self.start("manage.py", "kafka")
        try:
            deadline = time.monotonic() + PROCESS_S
            while self.ask(sql)[0][0] < wanted:
                assert process.poll() is None and time.monotonic() < deadline, self.ask(sql)
                time.sleep(0.1)
        finally:
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=PROCESS_S)
        assert process.returncode == 0, output


SUMS = "SELECT COALESCE(SUM(entries), 0) FROM analytics_bucket"


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.timeout(360)
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="copies the database as a file")
@pytest.mark.django_db(transaction=True)
def test_killed_between_the_database_and_the_offset_it_reads_again_and_counts_once(
    transactional_db, kafka, plan, door, tmp_path
):
    topic = topic_of(plan, "in")
    kafka.send(topic, *(told(door.step(f"{n}")) for n in range(25)))
    installation = Installation(tmp_path, plan)
    killed = installation.start("-m", "tests.tracking.kafka_driver", "before_commit")
    output, _ = killed.communicate(timeout=PROCESS_S)
    assert killed.returncode == -signal.SIGKILL, output
    assert installation.ask(SUMS) == [(25,)]
    assert kafka.committed(plan.group, topic) < 0  # the broker knows of none of them
    kafka.send(topic, told(door.step("more")))
    installation.go_on_until(SUMS, 26)
    assert installation.ask(SUMS) == [(26,)]
    assert kafka.committed(plan.group, topic) == 26
    read = installation.ask("SELECT messages FROM tracking_kafkalink WHERE name LIKE 'in/%'")
    assert read == [(51,)]  # 25 of them twice


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.timeout(360)
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="copies the database as a file")
@pytest.mark.django_db(transaction=True)
def test_killed_before_it_notes_what_it_wrote_it_writes_that_again_under_the_same_keys(
    transactional_db, kafka, plan, door, tmp_path
):
    door.told(*(door.step(f"{n}") for n in range(10)))
    installation = Installation(tmp_path, plan)
    killed = installation.start("-m", "tests.tracking.kafka_driver", "before_note")
    output, _ = killed.communicate(timeout=PROCESS_S)
    assert killed.returncode == -signal.SIGKILL, output
    noted = "SELECT COALESCE(MAX(seq), 0) FROM tracking_kafkalink WHERE name LIKE 'out/%'"
    assert installation.ask(noted) == [(0,)]
    installation.go_on_until(noted, 20)
    messages = kafka.read(topic_of(plan, "out"), 40)
    keys = [message.key().decode() for message in messages]
    assert keys == feed_of(door) * 2
    assert list(dict.fromkeys(keys)) == feed_of(door)


# --- Settings -------------------------------------------------------------------------------------


def test_topics_and_their_shops_are_read():
    assert topics_read("doors=corner, all=corner+station", "IN") == {
        "doors": ("corner",), "all": ("corner", "station"),
    }  # fmt: skip
    assert topics_read("", "IN") == {}
    for text in ("doors", "doors=", "do ors=corner", "a=b,a=c", "a=b+"):
        with pytest.raises(ValueError, match="IN"):
            topics_read(text, "IN")


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan("broker:9092"), "needs topics"),
        (Plan("broker:9092", {"a": ("s",)}, {"a": ("s",)}), "circles"),
        (Plan("broker:9092", {"oskartrack.refused": ("s",)}), "circles"),
        (Plan("broker:9092", {"a": ("s",)}, refused="no name"), "no name of a topic"),
        (Plan("broker:9092", {"a": ("s",)}, account=Account("me", "pw")), "in the open"),
        (
            Plan("127.0.0.1:1,broker:9092", {"a": ("s",)}, account=Account("me", "pw")),
            "in the open",
        ),
        (
            Plan("broker:9092", {"a": ("s",)}, account=Account("me", "pw", "MD5", tls=True)),
            "is one of",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(plan, words):
    assert words in plan.problem()


def test_the_password_is_told_to_the_brokers_client_alone(door, settings, client, capfd):
    """Neither our own words nor the library's have it, whatever goes wrong."""
    secret = "hunter2-hunter2"
    account = Account("me", secret, "PLAIN")
    plan = Plan("127.0.0.1:1", {"a": (door.cast.store.slug,)}, account=account)
    settings.KAFKA = plan
    assert plan.problem() == ""
    assert plan.client()["sasl.password"] == secret
    with bridge_of(plan) as carry:
        carry(lambda: KafkaLink.objects.exclude(problem="").exists())
    refused = replace(plan, account=replace(account, authority="/nowhere", tls=True))
    with bridge_of(refused) as carry:
        carry(lambda: KafkaLink.objects.filter(problem__contains="refused").exists())
    out, err = capfd.readouterr()
    everything = [repr(plan), str(list(KafkaLink.objects.values())), out, err]
    assert not any(secret in text for text in [*everything, str(kafka_check(client))])
