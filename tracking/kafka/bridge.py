"""The process between the brokers and the database: one loop, one thread, until it is stopped.

A broker or a database that is away is waited for; which it is stands in the log, once, and on the
self-check page. Nothing is lost meanwhile: what comes in waits in its topic, what goes out in the
feed.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

import structlog
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection

from tracking.kafka.clients import NoClientError, consumer_make, producer_make
from tracking.kafka.inbox import Inbox
from tracking.kafka.outlet import Outlet
from tracking.kafka.plan import Plan, inward_name
from tracking.kafka.state import links_make, links_tell
from tracking.outages import passing

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer

log = structlog.get_logger(__name__)

# How long a quiet topic is listened to before the feeds are looked at again.
QUIET_S = 0.5
LOOK_EVERY_S = 10.0
LOOK_TIMEOUT_S = 3.0
DATABASE_PAUSE_S = 2.0
# What is on its way when the end is asked for has so long; what is left is written next time.
FLUSH_S = 3.0


class Bridge:
    """Both directions of one installation."""

    def __init__(self, plan: Plan, stop: threading.Event) -> None:
        self._plan = plan
        self._stop = stop
        self._producer: Producer | None = None
        self._consumer: Consumer | None = None
        self._inbox: Inbox | None = None
        self._outlets: list[Outlet] = []
        self._looked_at = float("-inf")
        self._told: dict[str, str] = {}
        self._database_away = False

    def run(self) -> None:
        """Carry messages until the end is asked for."""
        try:
            while not self._stop.is_set():
                try:
                    self.turn()
                except DatabaseError as error:
                    if not (passing(error) or isinstance(error, OperationalError | InterfaceError)):
                        raise
                    self._wait_for_database(error)
        finally:
            self.close()

    def turn(self) -> None:
        """Look where we are, if it is time, and do a step in each direction."""
        if time.monotonic() - self._looked_at >= LOOK_EVERY_S:
            self._look()
        if self._producer is None:
            self._stop.wait(QUIET_S)
            return
        self._producer.poll(0)
        busy = sum(outlet.turn() for outlet in self._outlets) > 0
        wait_s = 0.05 if busy else QUIET_S
        if self._inbox is not None:
            self._inbox.turn(wait_s)
        else:
            self._producer.poll(wait_s)
        if self._database_away:
            self._database_away = False
            log.info("kafka_database_back")

    def _connect(self) -> str:
        """Make what is missing of the clients; return why that cannot be, if so."""
        try:
            if self._producer is None:
                self._producer = producer_make(self._plan)
            if self._plan.inward and self._consumer is None:
                self._consumer = consumer_make(self._plan)
        except NoClientError as error:
            return str(error)
        if self._consumer is not None and self._inbox is None:
            self._inbox = Inbox(self._plan, self._consumer, self._producer)
        if not self._outlets:
            self._outlets = [Outlet(self._producer, *feed) for feed in self._plan.feeds]
        return ""

    def _look(self) -> None:
        """See whether a broker answers, and tell of every link that the process lives."""
        problem = self._connect()
        problems = dict.fromkeys(self._plan.names, problem) if problem else self._problems()
        problems = {name: text for name, text in problems.items() if text}
        if problems != self._told:
            self._say(problems)
        links_make(self._plan)
        links_tell(self._plan, problems)
        self._looked_at = time.monotonic()

    def _problems(self) -> dict[str, str]:
        from confluent_kafka import KafkaException

        assert self._producer is not None
        try:
            topics = set(self._producer.list_topics(timeout=LOOK_TIMEOUT_S).topics)
        except KafkaException:
            away = f"No broker answers at {self._plan.servers}. What is to come or go waits."
            return dict.fromkeys(self._plan.names, away)
        found = {
            inward_name(topic): f"There is no topic '{topic}' yet, or it is not shown to us."
            for topic in self._plan.inward
            if topic not in topics
        }
        for outlet in self._outlets:
            found |= outlet.problems
        if self._inbox is not None:
            found |= self._inbox.problems
            self._inbox.problems.clear()  # what goes on being wrong is told again
        return found

    def _say(self, problems: dict[str, str]) -> None:
        """Tell the log what is new; the same again is not."""
        for text in dict.fromkeys(problems.values()):
            if text not in self._told.values():
                log.warning("kafka_waits", why=text)
        if not problems:
            log.info("kafka_works", servers=self._plan.servers)
        self._told = problems

    def _wait_for_database(self, error: DatabaseError) -> None:
        if not self._database_away:
            self._database_away = True
            log.warning("kafka_waits", why="The database does not answer.", error=str(error))
        connection.close()
        self._stop.wait(DATABASE_PAUSE_S)

    def close(self) -> None:
        """Leave the brokers; what they confirm by then is noted."""
        if self._inbox is not None:
            self._inbox.close()
        if self._producer is not None:
            self._producer.flush(FLUSH_S)
            with contextlib.suppress(DatabaseError):
                for outlet in self._outlets:
                    outlet.settle()
