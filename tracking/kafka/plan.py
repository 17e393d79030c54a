"""Which brokers, which topics, which stores. Pure: settings are made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Stores = tuple[str, ...]
TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")  # what brokers take for a name
STORE = re.compile(r"[A-Za-z0-9_-]+")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are to the brokers, and whether the line is encrypted; the password is never shown."""

    user: str = ""
    password: str = field(repr=False, default="")
    mechanism: str = "SCRAM-SHA-512"
    tls: bool = False
    # A file of certificates to trust instead of the system's own.
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read from where, and what is written where.

    Parameters
    ----------
    servers : str
        Brokers to ask first, with commas between; empty: no Kafka.
    inward : mapping
        Topics that are read, each with the short names of the stores that it may tell of.
    outward : mapping
        Topics that are written, each with the stores whose feeds go there.
    refused : str
        The topic for messages that cannot be taken, with their reasons.
    """

    servers: str = ""
    inward: Mapping[str, Stores] = field(default_factory=dict)
    outward: Mapping[str, Stores] = field(default_factory=dict)
    group: str = "oskartrack"
    refused: str = "oskartrack.refused"
    account: Account = field(default_factory=Account)

    @property
    def on(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.servers and (self.inward or self.outward))

    @property
    def feeds(self) -> Iterator[tuple[str, str]]:
        """Yield each topic that is written with each of its stores."""
        for topic, stores in self.outward.items():
            for store in stores:
                yield topic, store

    @property
    def names(self) -> list[str]:
        """Return the name of each link, by which its row is found."""
        feeds = [outward_name(topic, store) for topic, store in self.feeds]
        return [*map(inward_name, self.inward), *feeds]

    def problem(self) -> str:
        """Return what is wrong with these settings, empty where nothing is."""
        return next(self._problems(), "") if self.servers else ""

    def _problems(self) -> Iterator[str]:
        if not (self.inward or self.outward):
            yield "OSKARTRACK_KAFKA needs topics in OSKARTRACK_KAFKA_IN or OSKARTRACK_KAFKA_OUT."
        if not TOPIC.fullmatch(self.refused):
            yield f"'{self.refused}' is no name of a topic: letters, digits, dots, - and _."
        if both := {*self.inward} & {*self.outward, self.refused}:
            yield f"The topic '{min(both)}' is read and written: its messages would go in circles."
        if self.account.user and self.account.mechanism not in MECHANISMS:
            yield f"OSKARTRACK_KAFKA_MECHANISM is one of {', '.join(MECHANISMS)}."
        hosts = {server.strip().rpartition(":")[0] for server in self.servers.split(",")}
        if self.account.user and not self.account.tls and hosts - {*LOOPBACK}:
            yield "OSKARTRACK_KAFKA_TLS=false would send the password in the open."

    def client(self) -> dict[str, object]:
        """Return what every client of the brokers is told; it holds the password."""
        told: dict[str, object] = {
            "bootstrap.servers": self.servers,
            "client.id": "oskartrack",
            # The library's own lines come by the dozen while a broker is away; ours come once.
            "log_level": 2,
            "reconnect.backoff.max.ms": 3000,
            "security.protocol": f"{'SASL_' if self.account.user else ''}"
            f"{'SSL' if self.account.tls else 'PLAINTEXT'}",
        }
        if self.account.user:
            told |= {
                "sasl.mechanism": self.account.mechanism,
                "sasl.username": self.account.user,
                "sasl.password": self.account.password,
            }
        if self.account.authority:
            told["ssl.ca.location"] = self.account.authority
        return told


def topics_read(text: str, name: str) -> dict[str, Stores]:
    """Return topics with their stores of a text like ``door=corner,all=corner+station``.

    Parameters
    ----------
    name : str
        What the text is called where it is wrong.

    Raises
    ------
    ValueError
        It is no such text, or names a topic twice.
    """
    found: dict[str, Stores] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        topic, sign, told = part.partition("=")
        stores = tuple(dict.fromkeys(told.split("+")))
        if not (sign and TOPIC.fullmatch(topic) and all(map(STORE.fullmatch, stores))):
            raise ValueError(f"{name}: '{part}' is not like topic=store or topic=store+store.")
        if topic in found:
            raise ValueError(f"{name} names the topic '{topic}' twice.")
        found[topic] = stores
    return found


def inward_name(topic: str) -> str:
    """Return the name of a topic that is read."""
    return f"in/{topic}"


def outward_name(topic: str, store: str) -> str:
    """Return the name of a store's feed that is written to a topic."""
    return f"out/{topic}/{store}"
