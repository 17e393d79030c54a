"""A made-up shop told by an outside counter: its people go in by the API's door or by Kafka.

Nothing of it passes the ledger from here: rows are sent as any counter sends them, in the contract
of `POST stores/<id>/events/`, and counted by whoever takes them. What was not taken is sent again.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from django.core.exceptions import ValidationError

from accounts.models import Store
from analytics.rollups import clock_of
from analytics.simulator.live import STEP_S, Clock, Pace, Wait, people_of
from analytics.simulator.people import Walk
from analytics.simulator.service import Scene, scenes_of
from tracking.models import Recording, TrackingEvent
from tracking.outside import simulated_of

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

# As this counter the feed names them; nobody else may send into a store under it but us.
SOURCE = "simulator"
ROWS_A_BATCH = 500
# A broker has a message by then, or it is sent again.
TIMEOUT_S = 10.0
# A server that is at work elsewhere still answers: sending again would only ask more of it.
ANSWER_S = 60.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Row = dict[str, Any]
# Takes a batch; how many of its events were new (by Kafka: were sent, since a broker does not know
# what counts), or None where it has to be sent again.
Send = Callable[[dict[str, Any]], int | None]


class NotTakenError(Exception):
    """What is sent is refused, and would be again; the message says why."""


def simulate_out(store: Store, pace: Pace, send: Send, *, now: Clock, wait: Wait) -> dict[str, Any]:
    """Send people into a demo store as a counter would, until the time is over or it is stopped.

    Raises
    ------
    ValidationError
        The store holds anything real: what a counter told stays for good.
    NotTakenError
        The door refuses it.
    """
    ask_demo(store)
    began = now()
    ends_at = began + timedelta(minutes=pace.minutes)
    counters = [
        _Counter(scene, pace, began, ends_at) for scene in scenes_of(store, clock_of(store), began)
    ]
    sent = taken = failed = 0
    going = True
    while going:
        going = not wait(STEP_S) and now() < ends_at
        for counter in counters:
            for batch in counter.batches(min(now(), ends_at)):
                found = send(batch)
                if found is None:  # it stays with its counter until the next time
                    failed += 1
                    break
                counter.settled(batch)
                sent, taken = sent + len(batch["events"]), taken + found
    unsent = sum(len(counter.waiting) for counter in counters)
    counts = {"sent_events": sent}
    if not isinstance(send, KafkaDoor):
        counts["new_events"] = taken
    counts["failed_batches"] = failed
    return {"store": store.slug, "source": SOURCE} | counts | {"unsent_events": unsent}


def ask_demo(store: Store) -> None:
    """Refuse a store with anything real in it."""
    real = store.recordings.exclude(source=Recording.Source.SIMULATED).exists()
    if not store.is_demo or real or store.uploads.exists():
        raise ValidationError(
            f"'{store.slug}' is no store of made-up people alone, and what a counter tells cannot "
            "be taken out again. Name a store that is not there yet: it is made, and goes whole "
            "with --remove."
        )


def told_outside(store: Store) -> bool:
    """Whether a store was made for people that a simulated counter told of."""
    told = TrackingEvent.objects.filter(store=store, source=SOURCE).exists()
    return told and store.is_demo and store.recordings.count() == simulated_of(store).count()


@dataclass(slots=True)
class _Counter:
    """One camera's people as rows, those that are still to be taken, and the span watched."""

    scene: Scene
    pace: Pace
    began: datetime
    ends_at: datetime
    waiting: list[Row] = field(default_factory=list)
    _coming: list[tuple[datetime, Row]] = field(default_factory=list)
    _watched: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._watched = self.began
        length_ms = (self.ends_at - self.began) // timedelta(milliseconds=1)
        walks = people_of(self.scene, self.pace, length_ms)
        self._coming = sorted(
            (row for number, walk in enumerate(walks) for row in self._rows(number, walk)),
            key=lambda row: row[0], reverse=True,
        )  # fmt: skip

    def batches(self, until: datetime) -> Iterator[dict[str, Any]]:
        """Yield what happened up to an instant and was not taken yet, the oldest first."""
        while self._coming and self._coming[-1][0] <= until:
            self.waiting.append(self._coming.pop()[1])
        if until > self._watched:
            yield {"source": SOURCE, "events": self.waiting[:ROWS_A_BATCH]} | self._span(until)
        while self.waiting:
            yield {"source": SOURCE, "events": self.waiting[:ROWS_A_BATCH], "watched": []}

    def settled(self, batch: dict[str, Any]) -> None:
        """Forget what was taken."""
        del self.waiting[: len(batch["events"])]
        for span in batch["watched"]:
            self._watched = datetime.fromisoformat(span["to"])

    def _span(self, until: datetime) -> Row:
        camera = str(self.scene.camera.public_id)
        span = {"camera": camera, "from": self._watched.isoformat(), "to": until.isoformat()}
        return {"watched": [span]}

    def _rows(self, number: int, walk: Walk) -> Iterator[tuple[datetime, Row]]:
        """Yield what one person does, each with a key that the same seed and start give again."""
        name = f"{self.pace.seed}/{self.began:%Y%m%dT%H%M%S.%f}/{self.scene.camera.pk}/{number}"
        steps: list[tuple[int, Row]] = [
            (step.at_ms, {"line": step.line_key, "direction": step.direction})
            for step in walk.steps
        ]
        stays: list[tuple[int, Row]] = [
            (stay.to_ms, {"zone": stay.zone_key, "dwell_s": (stay.to_ms - stay.from_ms) / 1000})
            for stay in walk.stays
        ]
        for ordinal, (at_ms, told) in enumerate([*steps, *stays]):
            at = self.began + timedelta(milliseconds=at_ms)
            if at <= self.ends_at:
                yield at, {"client_key": f"{name}/{ordinal}", "at": at.isoformat(), **told}


# --- The two doors --------------------------------------------------------------------------------


class HttpDoor:
    """The API, as a program with a log-in of its own uses it."""

    def __init__(self, url: str, username: str, password: str, store: Store) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValidationError(f"'{url}' is no address like http://127.0.0.1:8000.")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValidationError("Use https: the password would go over the network in the open.")
        self._api = f"{url.rstrip('/')}/api/v1/"
        self._who = {"username": username, "password": password, "scopes": ["ingest"]}
        self._door = f"stores/{store.public_id}/events/"
        self._access = ""

    def __call__(self, batch: dict[str, Any]) -> int | None:
        """Send a batch; log in where that is needed."""
        try:
            if not self._access:
                told = self._who | {"client_name": "Simulator"}
                self._access = self._post("auth/token/", told)["access"]
            report = self._post(self._door, batch)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 401 and self._access:
                    self._access = ""  # good for five minutes; the next try logs in
                elif error.code < 500 and error.code != 429:
                    raise NotTakenError(f"{error.code}: {error.read(500).decode()}") from None
            return None
        except (OSError, HTTPException, ValueError):
            return None
        _ask_all(report["refused"])
        return int(report["taken"])

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._access:
            headers["Authorization"] = f"Bearer {self._access}"
        request = urllib.request.Request(  # noqa: S310 - http or https, above
            self._api + path, orjson.dumps(body), headers
        )
        with urllib.request.urlopen(  # noqa: S310 # nosec B310
            request, timeout=ANSWER_S
        ) as answer:
            return json.loads(answer.read())


class KafkaDoor:
    """A topic that is read for the store."""

    def __init__(self, producer: Producer, topic: str, store: Store) -> None:
        self._producer = producer
        self._topic = topic
        self._store = str(store.public_id)

    def __call__(self, batch: dict[str, Any]) -> int | None:
        """Send a batch, an event a message as counters do, and wait until the broker has it."""
        failed: list[KafkaError] = []

        def answered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failed.append(error)

        told = {"store": self._store, "source": batch["source"]}
        parts = [told | {"events": [event]} for event in batch["events"]]
        parts += [told | {"watched": batch["watched"]}] if batch["watched"] else []
        for part in parts:
            self._producer.produce(self._topic, orjson.dumps(part), on_delivery=answered)
        left = self._producer.flush(TIMEOUT_S)
        return None if left or failed else len(batch["events"])


def _ask_all(refused: list[dict[str, Any]]) -> None:
    if refused:
        raise NotTakenError(f"Refused: {json.dumps(refused[0]['errors'])}")
