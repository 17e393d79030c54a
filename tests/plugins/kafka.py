"""A Kafka cluster for the tests: the mock that librdkafka has inside, on a real port.

Other clients and processes reach it like any broker. It keeps topics and offsets while its one
broker is down, and is gone with the process.
"""

import ctypes
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import confluent_kafka
from confluent_kafka import Consumer, Message, Producer

BROKER = 1


def _library() -> Any:
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    library = ctypes.CDLL(str(next(folder.glob("librdkafka*.so*"))))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library


class Kafka:
    """One broker, from entering its ``with`` block to leaving it."""

    def __enter__(self) -> Self:
        self._library = _library()
        problem = ctypes.create_string_buffer(512)
        settings = ctypes.c_void_p(self._library.rd_kafka_conf_new())
        for name, value in ((b"bootstrap.servers", b"127.0.0.1:1"), (b"log_level", b"2")):
            self._library.rd_kafka_conf_set(settings, name, value, problem, len(problem))
        # A client that speaks to nobody: the cluster lives inside it. 0 is a producer.
        self._owner = ctypes.c_void_p(
            self._library.rd_kafka_new(0, settings, problem, len(problem))
        )
        self._cluster = ctypes.c_void_p(
            self._library.rd_kafka_mock_cluster_new(self._owner, BROKER)
        )
        # Real brokers wait three seconds for more members before a group's first round.
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 100)
        self.servers = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._owner)

    def topic(self, name: str, partitions: int = 1) -> None:
        """Make a topic."""
        made = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        assert made == 0

    def down(self) -> None:
        """Take the broker away: it drops every connection and takes none."""
        assert self._library.rd_kafka_mock_broker_set_down(self._cluster, BROKER) == 0

    def up(self) -> None:
        """Bring it back."""
        assert self._library.rd_kafka_mock_broker_set_up(self._cluster, BROKER) == 0

    def refuse(self, topic: str, *, code: int = confluent_kafka.KafkaError.NO_ERROR) -> None:
        """Answer whoever writes to a topic with an error, from now on; without one, take it."""
        self._library.rd_kafka_mock_topic_set_error(self._cluster, topic.encode(), code)

    def refuse_next(self, code: int) -> None:
        """Answer the next request to write with an error; the topic itself looks as it should."""
        produce = 0  # its number in Kafka's protocol
        codes = (ctypes.c_int * 1)(code)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, ctypes.c_int16(produce), ctypes.c_size_t(1), codes
        )

    def slow(self, milliseconds: int) -> None:
        """Have the broker answer so much later, from now on."""
        assert self._library.rd_kafka_mock_broker_set_rtt(self._cluster, BROKER, milliseconds) == 0

    def send(self, topic: str, *values: bytes) -> None:
        """Send messages and wait until the broker has them."""
        producer = Producer({"bootstrap.servers": self.servers, "enable.idempotence": True})
        for value in values:
            producer.produce(topic, value)
        assert producer.flush(20) == 0

    def read(self, topic: str, count: int, timeout_s: float = 20) -> list[Message]:
        """Return messages of a topic from its beginning: `count`, or fewer; and one too many."""
        consumer = self._reader(topic)
        found: list[Message] = []
        deadline = time.monotonic() + timeout_s
        try:
            # One call may end before its time with fewer than it was asked for.
            while len(found) < count and time.monotonic() < deadline:
                found += consumer.consume(count - len(found), 1)
            return [*found, *consumer.consume(1, 0.5)]
        finally:
            consumer.close()

    def read_until(self, topic: str, last: bytes, timeout_s: float = 60) -> list[Message]:
        """Return all that stands in a topic of one partition before a message that was sent."""
        consumer = self._reader(topic)
        found: list[Message] = []
        deadline = time.monotonic() + timeout_s
        try:
            while True:
                assert time.monotonic() < deadline, f"{last!r} did not come behind {len(found)}"
                for message in consumer.consume(500, 0.2):
                    if message.value() == last:
                        return found
                    found.append(message)
        finally:
            consumer.close()

    def _reader(self, topic: str) -> Consumer:
        partitions = (
            confluent_kafka.Producer({"bootstrap.servers": self.servers})
            .list_topics(topic, timeout=10)
            .topics[topic]
            .partitions
        )
        consumer = Consumer(
            {"bootstrap.servers": self.servers, "group.id": "reader", "enable.auto.commit": False}
        )
        start = confluent_kafka.OFFSET_BEGINNING
        consumer.assign(
            [confluent_kafka.TopicPartition(topic, number, start) for number in partitions]
        )
        return consumer

    def committed(self, group: str, topic: str, partition: int = 0) -> int:
        """Return how far a group says it is."""
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": group})
        try:
            place = confluent_kafka.TopicPartition(topic, partition)
            return int(consumer.committed([place], timeout=10)[0].offset)
        finally:
            consumer.close()
