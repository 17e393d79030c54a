"""How each topic does, as rows: read by the self-check page and the figures of /metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import F
from django.utils import timezone as clock

from accounts.models import Store
from tracking.kafka.plan import Plan, inward_name, outward_name
from tracking.models import KafkaLink
from tracking.selectors import sequences

PROBLEM_LENGTH = 300


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """One link as it stood when it was last heard of.

    Parameters
    ----------
    waiting : int
        Events of the feed that no broker has confirmed yet; 0 for a topic that is read.
    quiet_s : float or None
        Since its process last told of it; None: never.
    """

    topic: str
    direction: str
    store: str
    messages: int
    refused: int
    waiting: int
    problem: str
    quiet_s: float | None


def links_make(plan: Plan) -> None:
    """Make the rows that are missing; a feed is written from its first event on.

    So is that of another shop that was given a short name.
    """
    rows = [KafkaLink(name=inward_name(topic), topic=topic) for topic in plan.inward]
    stores = {store.slug: store for store in Store.objects.filter(slug__in=_stores(plan))}
    feeds = [
        KafkaLink(name=outward_name(topic, slug), topic=topic, store=stores[slug])
        for topic, slug in plan.feeds
        if slug in stores
    ]
    KafkaLink.objects.bulk_create([*rows, *feeds], ignore_conflicts=True)
    for feed in feeds:
        others = KafkaLink.objects.filter(name=feed.name).exclude(store=feed.store)
        others.update(store=feed.store, seq=0)


def links_tell(plan: Plan, problems: Mapping[str, str]) -> None:
    """Note that the process lives, and what is the matter with each link, if anything is."""
    now = clock.now()
    for name in plan.names:
        problem = problems.get(name, "")[:PROBLEM_LENGTH]
        KafkaLink.objects.filter(name=name).update(told_at=now, problem=problem)


def link_count(name: str, *, messages: int, refused: int) -> None:
    """Add to what came through a topic that is read."""
    KafkaLink.objects.filter(name=name).update(
        messages=F("messages") + messages, refused=F("refused") + refused
    )


def link_stands(link: KafkaLink, slug: str) -> bool:
    """Return whether a feed is still that of the shop that has this short name."""
    return KafkaLink.objects.filter(pk=link.pk, store=link.store, store__slug=slug).exists()


def link_move(link: KafkaLink, seq: int, messages: int) -> bool:
    """Note up to where a feed is confirmed; False where another process was at it meanwhile."""
    stood = KafkaLink.objects.filter(pk=link.pk, store=link.store, seq=link.seq)
    moved = stood.update(seq=seq, messages=F("messages") + messages)
    link.seq = seq
    return bool(moved)


def link_facts(plan: Plan) -> list[LinkFacts]:
    """Return how each link of a plan does; one that has no row yet was never told of."""
    rows = {link.name: link for link in _rows(plan)}
    stores = {str(link.store.public_id) for link in rows.values() if link.store is not None}
    ends = sequences(stores)
    now = clock.now()
    facts = []
    for name in plan.names:
        direction, topic, *store = name.split("/")
        link = rows.get(name, KafkaLink(name=name, topic=topic))
        end = 0 if link.store is None else ends.get(str(link.store.public_id), 0)
        told = link.told_at
        facts.append(
            LinkFacts(
                topic, direction, "".join(store), link.messages, link.refused,
                max(0, end - link.seq), link.problem,
                None if told is None else max(0.0, (now - told).total_seconds()),
            )
        )  # fmt: skip
    return facts


def _rows(plan: Plan) -> list[KafkaLink]:
    return list(KafkaLink.objects.filter(name__in=plan.names).select_related("store"))


def _stores(plan: Plan) -> set[str]:
    return {slug for _, slug in plan.feeds}
