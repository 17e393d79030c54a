"""Publishing a hint as a worker does, beside PUBLISH alone and beside a group send."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

import redis  # noqa: E402
from asgiref.sync import async_to_sync  # noqa: E402
from channels_redis.pubsub import RedisPubSubChannelLayer  # noqa: E402
from django.conf import settings  # noqa: E402

from tracking import live  # noqa: E402
from tracking.live_protocol import events_hint  # noqa: E402

ROUNDS, A_ROUND, GROUP_SENDS = 21, 200, 40
STORE = "3f2b8c1e-5a4d-4c7b-9e21-0d6f8a7b5c43"
TEXT = b'{"type":"events","seq":7}'


def main() -> dict[str, float]:
    """Return seconds a hint of each way, medians in turn, and how many connections ours opened."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    layer = RedisPubSubChannelLayer(hosts=[settings.REDIS_URL], prefix="fan")
    group_send = async_to_sync(layer.group_send)
    live.publish(STORE, events_hint(7))
    before = _connections(client)
    ours, plain = [], []
    for _ in range(ROUNDS):
        ours.append(_seconds(lambda: live.publish(STORE, events_hint(7)), A_ROUND))
        plain.append(_seconds(lambda: client.publish(live.CHANNEL_PREFIX + STORE, TEXT), A_ROUND))
    opened = _connections(client) - before
    group = _seconds(lambda: group_send("fan", {"type": "hint"}), GROUP_SENDS)
    return {
        "ours_s": statistics.median(ours),
        "plain_s": statistics.median(plain),
        "group_s": group,
        "opened": opened,
        "opened_by_group": _connections(client) - before - opened,
    }


def _seconds(do: Callable[[], Any], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        do()
    return (time.perf_counter() - began) / times


def _connections(client: Any) -> int:
    return int(client.info("stats")["total_connections_received"])


if __name__ == "__main__":
    print(json.dumps(main()))
