"""Three servers that tell a Valkey's hints to their sockets: ``KIND PORT``.

`ours` is the product's own web process, but that it tells every hint, and at once: by itself it
joins those of a quarter of a second into one, which none of the others does. `stock` is Daphne
with the group layer that Channels comes with for Valkey. `raw` is a server that knows WebSockets
and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

GROUP = "fan"
CHANNEL = "oskartrack:store:"


def ours(port: int) -> None:
    """Serve the product."""
    from oskartrack import daphne_server
    from tools.chaos.hooks import loose

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oskartrack.settings")
    import django

    django.setup()
    from tracking import live

    loose(live.StoreFan).offer = live.StoreFan.send
    daphne_server.main(["--port", str(port)])


def stock(port: int) -> None:
    """Serve a consumer of the stock layer by plain Daphne."""
    import daphne.server
    from channels.generic.websocket import AsyncWebsocketConsumer
    from daphne.endpoints import build_endpoint_description_strings
    from django.conf import settings

    settings.configure(CHANNEL_LAYERS={"default": stock_layer()})

    class Listener(AsyncWebsocketConsumer):
        groups = [GROUP]

        async def hint(self, event: dict[str, Any]) -> None:
            await self.send(text_data=event["text"])

    endpoints = build_endpoint_description_strings(host="127.0.0.1", port=port)
    daphne.server.Server(application=Listener.as_asgi(), endpoints=endpoints).run()


def stock_layer() -> dict[str, Any]:
    """Return the settings of the stock layer, as the product has them."""
    hosts = [os.environ["REDIS_URL"]]
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": hosts, "prefix": "fan"},
    }


async def raw(port: int) -> None:
    """Serve by a server that does nothing but that."""
    import redis.asyncio
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    sockets: set[ServerConnection] = set()

    async def listen(socket: ServerConnection) -> None:
        sockets.add(socket)
        try:
            await socket.wait_closed()
        finally:
            sockets.discard(socket)

    async with (
        serve(listen, "127.0.0.1", port, compression=None),
        redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]) as client,
        client.pubsub() as subscription,
    ):
        await subscription.psubscribe(CHANNEL + "*")
        while True:
            message = await subscription.get_message(ignore_subscribe_messages=True, timeout=5)
            if message is not None:
                broadcast(sockets, message["data"].decode())


if __name__ == "__main__":
    kind, number = sys.argv[1], int(sys.argv[2])
    if kind == "raw":
        asyncio.run(raw(number))
    else:
        {"ours": ours, "stock": stock}[kind](number)
