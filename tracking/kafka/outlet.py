"""The feed of one store, written to a topic in its order.

The database is the queue: what follows the last event that a broker confirmed is written next, as
`events?after=N` tells it. Whoever dies before that is noted writes some events again, under the
same key, their id.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from rest_framework.renderers import JSONRenderer

from tracking.event_serializers import EventSerializer
from tracking.kafka.plan import outward_name
from tracking.kafka.state import link_move, link_stands
from tracking.models import KafkaLink, TrackingEvent
from tracking.selectors import feed_after

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

log = structlog.get_logger(__name__)

EVENTS_AT_MOST = 500
METADATA_TIMEOUT_S = 3.0
# A broker that refused something is asked again after this.
REFUSED_PAUSE_S = 2.0


class Outlet:
    """Writes one feed; `turn` does one step."""

    def __init__(self, producer: Producer, topic: str, slug: str) -> None:
        self._producer = producer
        self._topic = topic
        self._slug = slug
        self._name = outward_name(topic, slug)
        self._link: KafkaLink | None = None
        self._partitions = 0
        # Events on their way in the order of the feed, how many of them are through, and how many
        # the broker has answered for.
        self._sent: list[int] = []
        self._through: set[int] = set()
        self._answers = 0
        self._rests_until = 0.0
        self.problems: dict[str, str] = {}

    def turn(self) -> bool:
        """Note what is confirmed and write what follows; return whether anything is on its way."""
        if self._link is None and not self._find():
            return False
        self.settle()
        if not self._sent and time.monotonic() >= self._rests_until:
            self._write()
        return bool(self._sent)

    def _find(self) -> bool:
        """Look for the store and how far its feed is written."""
        rows = KafkaLink.objects.select_related("store").filter(name=self._name)
        self._link = rows.filter(store__slug=self._slug).first()
        if self._link is None:
            self.problems[self._name] = "There is no such shop: name shops by their short names."
        else:
            self.problems.pop(self._name, None)
        return self._link is not None

    def _write(self) -> None:
        """Write the next events of the feed to the one partition of their store."""
        assert self._link is not None
        assert self._link.store is not None
        store = self._link.store
        if not link_stands(self._link, self._slug):
            self._link = None
            return
        _, events, _ = feed_after(store, self._link.seq, EVENTS_AT_MOST)
        if not events or not self._partition_count():
            return
        partition = zlib.crc32(store.public_id.bytes) % self._partitions
        self._through.clear()
        self._answers = 0
        for event in events:
            if not self._hand_over(event, {"store": str(store.public_id)}, partition):
                return

    def _hand_over(self, event: TrackingEvent, of_store: dict[str, str], partition: int) -> bool:
        """Give one event to the client; False where it knows by itself that it is refused."""
        from confluent_kafka import KafkaException

        self._sent.append(_seq(event))
        value = JSONRenderer().render(of_store | EventSerializer(event).data)
        answered = self._answered(len(self._sent) - 1)
        try:
            self._producer.produce(
                self._topic, value, key=str(event.public_id), partition=partition,
                on_delivery=answered,
            )  # fmt: skip
        except KafkaException as error:
            answered(error.args[0], None)
            return False
        except BufferError:  # it holds all that it can; what is left comes with the next reading
            self._sent.pop()
            return False
        return True

    def _partition_count(self) -> int:
        """Return the topic's partitions; none while no broker says."""
        from confluent_kafka import KafkaException

        if not self._partitions:
            try:
                found = self._producer.list_topics(self._topic, timeout=METADATA_TIMEOUT_S)
            except KafkaException:
                return 0  # told of by whoever looks for brokers
            told = found.topics[self._topic]
            if told.error is not None:
                self.problems[self._name] = f"The broker says: {told.error.str()}"
                return 0
            self.problems.pop(self._name, None)
            self._partitions = len(told.partitions)
        return self._partitions

    def _answered(self, place: int) -> Callable[[KafkaError | None, Message | None], None]:
        def answered(error: KafkaError | None, _message: Message | None) -> None:
            self._answers += 1
            if error is None:
                self._through.add(place)
            else:
                self.problems[self._name] = f"The broker says: {error.str()}"

        return answered

    def settle(self) -> None:
        """Note up to where all is confirmed; what the broker refused is written again from there.

        A note that the database did not take is taken at the next turn.
        """
        if self._link is None or not self._sent or self._answers < len(self._sent):
            return
        whole = next((n for n in range(len(self._sent)) if n not in self._through), len(self._sent))
        if whole and not link_move(self._link, self._sent[whole - 1], whole):
            log.warning("kafka_feed_written_twice", link=self._name)
            self._link = None
        if whole == len(self._sent):
            self.problems.pop(self._name, None)
        else:
            self._partitions, self._rests_until = 0, time.monotonic() + REFUSED_PAUSE_S
        self._sent.clear()


def _seq(event: TrackingEvent) -> int:
    assert event.seq is not None
    return event.seq
