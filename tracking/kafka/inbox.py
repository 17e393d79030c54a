"""What counters tell by Kafka: taken by the same service as by the API, each key once.

Messages are taken together and their place in the topic is committed only behind the database, and
behind the letters that say what was refused. Whoever dies between reads them again; the keys make
that change nothing. A message that is wrong goes to a topic of its own with its reason, so it holds
up none of those behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError
from django.utils import timezone as clock
from rest_framework import serializers

from accounts.json_parser import TOO_DEEP, is_too_deep
from accounts.models import Store
from tracking.counter_api import Batch, batch_answer, batch_read
from tracking.counters import ROWS_AT_MOST, Report, Told, Watched, events_take
from tracking.kafka.plan import Plan, inward_name
from tracking.kafka.state import link_count
from tracking.outages import passing

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, Producer

log = structlog.get_logger(__name__)

MESSAGES_AT_MOST = 500
# What a letter quotes where the message is too large to be sent on whole.
QUOTED_BYTES = 10_000
REASON_LENGTH = 2_000
NOT_JSON = "This is no JSON object."
NO_STORE = "Name the shop in 'store': this topic tells of several."


class UnreadableError(Exception):
    """A message that cannot be taken as a whole; the message says why."""


@dataclass(frozen=True, slots=True)
class Readable:
    """A message that says what it should, and for which store."""

    message: Message
    store: Store
    batch: Batch


@dataclass(frozen=True, slots=True)
class Refused:
    """A message put aside: why, and which of its rows where it is not all of them."""

    message: Message
    reason: str
    rows: list[dict[str, Any]] = field(default_factory=list)


class Inbox:
    """Reads the topics of counters; `turn` does one step and never waits for a broker."""

    def __init__(self, plan: Plan, consumer: Consumer, producer: Producer) -> None:
        self._plan = plan
        self._consumer = consumer
        self._producer = producer
        self._held: list[Message] = []
        self._taken = False
        # Letters on their way, and those that came back.
        self._letters = 0
        self._unsent: list[Refused] = []
        self.problems: dict[str, str] = {}

    def turn(self, wait_s: float) -> bool:
        """Read, take, or commit; return whether there may be more at once.

        What was read is held until it is in the database: an error of that leaves it for the next
        turn.
        """
        if not self._held:
            self._held = self._read(wait_s)
            self._taken = False
        if not self._held:
            return False
        if not self._taken:
            refused = messages_take(self._plan, self._held)
            self._count(refused)
            for one in refused:
                self._put_aside(one)
            self._taken = True
        self._producer.poll(0.05 if self._letters else 0)
        if self._letters:
            return True
        if self._unsent:
            self._producer.poll(wait_s)
            unsent, self._unsent = self._unsent, []
            for one in unsent:
                self._send(one, one.message.value() or b"")
            return False
        self._commit()
        self._held = []
        return True

    def close(self) -> None:
        """Leave the group, so that another takes over at once."""
        self._consumer.close()

    def _read(self, wait_s: float) -> list[Message]:
        found = []
        for message in self._consumer.consume(MESSAGES_AT_MOST, wait_s):
            if (error := message.error()) is None:
                found.append(message)
            elif (topic := message.topic()) is not None:
                self.problems[inward_name(topic)] = f"The broker says: {error.str()}"
        return found

    def _count(self, refused: Iterable[Refused]) -> None:
        told = Counter(message.topic() for message in self._held)
        aside = Counter(one.message.topic() for one in refused)
        for topic, messages in told.items():
            link_count(inward_name(str(topic)), messages=messages, refused=aside[topic])

    def _put_aside(self, one: Refused) -> None:
        """Send the message on as it came, its reason beside it."""
        message = one.message
        log.warning(
            "kafka_message_refused", topic=message.topic(), partition=message.partition(),
            offset=message.offset(), reason=one.reason,
        )  # fmt: skip
        self._send(one, message.value() or b"")

    def _send(self, one: Refused, value: bytes) -> None:
        message = one.message
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        headers: list[tuple[str, str | bytes | None]] = [
            ("reason", one.reason[:REASON_LENGTH].encode()),
            ("place", place.encode()),
        ]
        if one.rows:
            headers.append(("rows", orjson.dumps(one.rows)))

        def sent(error: KafkaError | None, _message: Message) -> None:
            self._letters -= 1
            if error is not None:
                self._send_again(one, error)

        from confluent_kafka import KafkaException

        self._letters += 1
        try:
            self._producer.produce(
                self._plan.refused, value, key=place.encode(), headers=headers, on_delivery=sent
            )
        except KafkaException as error:  # of one that is too large the client knows by itself
            sent(error.args[0], message)
        except BufferError:  # it holds all that it can
            self._letters -= 1
            self._unsent.append(one)

    def _send_again(self, one: Refused, error: KafkaError) -> None:
        """Quote a message that is too large; keep any other until the broker takes it."""
        from confluent_kafka import KafkaError

        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            quoted = (one.message.value() or b"")[:QUOTED_BYTES]
            self._send(replace(one, rows=[]), quoted)
            return
        self.problems[inward_name(str(one.message.topic()))] = (
            f"What is refused cannot be put into '{self._plan.refused}': {error.str()}"
        )
        self._unsent.append(one)

    def _commit(self) -> None:
        """Tell the broker how far we are; where it does not hear, these are read once more."""
        from confluent_kafka import KafkaException, TopicPartition

        ends: dict[tuple[str, int], int] = {}
        for message in self._held:
            ends[str(message.topic()), message.partition() or 0] = (message.offset() or 0) + 1
        offsets = [TopicPartition(*place, end) for place, end in ends.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            log.info("kafka_commit_lost", reason=str(error.args[0]))


# --- From messages to the books -------------------------------------------------------------------


def messages_take(plan: Plan, messages: Sequence[Message]) -> list[Refused]:
    """Take what messages tell, and return those of which something was refused.

    Raises
    ------
    django.db.OperationalError, django.db.InterfaceError
        The database does not do its work now; the same messages may be taken again.
    """
    refused: list[Refused] = []
    readable: list[Readable] = []
    slugs = {slug for stores in plan.inward.values() for slug in stores}
    stores = {store.slug: store for store in Store.objects.filter(slug__in=slugs)}
    for message in messages:
        try:
            readable.append(_read(plan, stores, message))
        except UnreadableError as error:
            refused.append(Refused(message, str(error)))
        except Exception as error:
            log.exception("kafka_message_failed")
            refused.append(_failed(message, error))
    for group in _groups(readable):
        refused += _take(group)
    return refused


def _read(plan: Plan, stores: Mapping[str, Store], message: Message) -> Readable:
    try:
        body = orjson.loads(message.value() or b"")
    except orjson.JSONDecodeError as error:
        raise UnreadableError(NOT_JSON) from error
    if not isinstance(body, dict):
        raise UnreadableError(NOT_JSON)
    if is_too_deep(body):
        raise UnreadableError(TOO_DEEP)
    store = _store(plan.inward.get(str(message.topic()), ()), stores, body.pop("store", None))
    try:
        return Readable(message, store, batch_read(body))
    except serializers.ValidationError as error:
        raise UnreadableError(_words(error.detail)) from error


def _store(allowed: Sequence[str], stores: Mapping[str, Store], named: object) -> Store:
    """Return the store of a message: the topic's own, or the one of its own that is named."""
    if named is None:
        if len(allowed) != 1:
            raise UnreadableError(NO_STORE)
        named = allowed[0]
    for slug in allowed:
        store = stores.get(slug)
        # No set: what was sent may be a list or an object, which have no hash.
        if store is not None and named in (slug, str(store.public_id)):
            return store
    raise UnreadableError("This topic may not tell of the shop that is named, or there is none.")


def _groups(readable: Iterable[Readable]) -> Iterator[list[Readable]]:
    """Yield messages of one counter together, as many as one batch holds, in their order."""
    groups: dict[tuple[int, str], list[Readable]] = {}
    for one in readable:
        key = one.store.pk, one.batch.source
        group = groups.setdefault(key, [])
        for rows in ("told", "watched"):
            held = sum(len(getattr(other.batch, rows)) for other in group)
            if group and held + len(getattr(one.batch, rows)) > ROWS_AT_MOST:
                yield groups.pop(key)
                group = groups[key] = []
        group.append(one)
    yield from groups.values()


def _take(group: list[Readable]) -> list[Refused]:
    """Take some messages in one transaction; where that fails, each by itself."""
    try:
        reports = _reports(group)
    except Exception as error:
        if passing(error) or isinstance(error, OperationalError | InterfaceError):
            raise
        if len(group) > 1:
            return [refused for one in group for refused in _take([one])]
        if isinstance(error, ValidationError):
            return [Refused(group[0].message, _words(getattr(error, "message_dict", str(error))))]
        log.exception("kafka_message_failed")
        return [_failed(group[0].message, error)]
    refused = []
    for one, report in zip(group, reports, strict=True):
        answer = batch_answer(report, one.batch)
        rows = [*answer["refused"], *answer["refused_watched"]]
        if rows:
            reason = f"{len(rows)} of its rows are wrong; the first: {_words(rows[0]['errors'])}"
            refused.append(Refused(one.message, reason, rows))
    return refused


def _failed(message: Message, error: Exception) -> Refused:
    """Put aside what nobody foresaw: whatever it is, the messages behind must not wait for it."""
    return Refused(message, f"It could not be taken: {type(error).__name__}.")


def _reports(group: list[Readable]) -> list[Report]:
    """Take a group as one batch, its rows numbered through; return the report of each message."""
    told: list[Told] = []
    watched: list[Watched] = []
    places: list[tuple[Report, int]] = []
    reports = [Report() for _ in group]
    for one, report in zip(group, reports, strict=True):
        for row in one.batch.told:
            told.append(replace(row, row=len(places)))
            places.append((report, row.row))
        for span in one.batch.watched:
            watched.append(replace(span, row=len(places)))
            places.append((report, span.row))
    first = group[0]
    whole = events_take(
        store=first.store, source=first.batch.source, told=told, watched=watched, user=None,
        now=clock.now(),
    )  # fmt: skip
    for place, why in whole.refused.items():
        report, own = places[place]
        report.refused[own] = why
    for place, why in whole.refused_spans.items():
        report, own = places[place]
        report.refused_spans[own] = why
    return reports


def _words(errors: Any) -> str:
    """Return errors by field as one line."""
    if not isinstance(errors, dict):
        return str(errors)
    return "; ".join(
        f"{name}: {' '.join(map(str, texts)) if isinstance(texts, list) else texts}"
        for name, texts in errors.items()
    )
