"""Figures for Prometheus, read from the database when somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from oskartrack import health
from tracking.kafka.state import LinkFacts
from tracking.queue_facts import QueueFacts

PREFIX = "oskartrack_"


class Figures(Collector):
    """What one look at the system found."""

    def __init__(self, found: health.Health) -> None:
        self._found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every figure; those of the database only while it answers."""
        found = self._found
        works = {check.name: float(check.ok) for check in found.checks}
        yield _by("up", "1 where the part works.", "part", works)
        yield _one("ready", "1 where all parts work.", float(found.ready))
        yield _one("disk_free_bytes", "Room left on the disk.", found.free_bytes)
        yield _one("disk_floor_bytes", "Room below which work pauses.", settings.DISK_FLOOR_BYTES)
        yield _by("sandbox", "What holds the decoder.", "kind", {found.sandbox: 1})
        if found.queue is not None:
            yield from _queue(found.queue)
        if found.kafka:
            yield from _kafka(found.kafka)


def _queue(queue: QueueFacts) -> Iterable[GaugeMetricFamily]:
    yield _by("recordings", "Recordings by state.", "state", queue.recordings)
    yield _by("chunks", "Chunks of open recordings by state.", "state", queue.chunks)
    yield _by("recounts", "Recordings counted again, by state.", "state", queue.recounts)
    yield _by("leases", "Rows in a worker's hands.", "kind", queue.leases)
    yield _by("errors", "Recordings that ended with this code.", "code", queue.errors)
    yield _one(
        "oldest_unclaimed_seconds",
        "How long the first count that waits is in nobody's hands.",
        queue.oldest_unclaimed_s,
    )
    yield _one("idle_seconds", "Since a worker last took work; 0 with none.", queue.idle_s)
    yield _one("lag_seconds", "Age of the oldest unfinished count.", queue.lag_s)
    yield _one("backlog_media_seconds", "Media nobody has looked at yet.", queue.backlog_s)
    yield _one("frames_per_second", "Of one worker, newest chunks.", queue.frames_per_s)


def _kafka(links: Iterable[LinkFacts]) -> Iterator[GaugeMetricFamily]:
    labels = ["direction", "topic", "store"]
    for name, told in (
        ("messages", "Messages read, or events written and confirmed."),
        ("refused", "Messages put aside with their reason."),
        ("waiting", "Events of a feed that no broker has confirmed yet."),
    ):
        family = GaugeMetricFamily(f"{PREFIX}kafka_{name}", told, labels=labels)
        for link in links:
            family.add_metric([link.direction, link.topic, link.store], getattr(link, name))
        yield family


def _one(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, told, value=value)


def _by(name: str, told: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(PREFIX + name, told, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def text() -> bytes:
    """Return this process's own figures and the system's, as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(Figures(health.look()))
    return generate_latest(REGISTRY) + generate_latest(registry)
