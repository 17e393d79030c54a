"""A real RTSP server on loopback in a process of its own: ``python -m tests.recorder.rtsp_server``.

Plays each file of a folder in a loop, its times going on, faster than life where that is asked
for: whoever records runs its clock at the same speed. Prints its port.
"""

from __future__ import annotations

import asyncio
import sys
import time
from types import SimpleNamespace

import aio_rtsp_toolkit.server as rtsp
from aio_rtsp_toolkit import server_rtp


class Hush:
    """Takes what the server says and says nothing."""

    def __getattr__(self, _: str) -> object:
        return lambda *_, **__: None


def hurry(speed: float) -> None:
    """Let the server's own pacing run faster: its clock and its sleeps, nothing else."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / speed)

    async_parts = SimpleNamespace(**vars(asyncio) | {"sleep": sleep})
    clock = SimpleNamespace(time=time.time, perf_counter=lambda: time.perf_counter() * speed)
    server_rtp.asyncio, server_rtp.time = async_parts, clock


async def main(folder: str, port: int, speed: float) -> None:
    rtsp.logger = Hush()
    hurry(speed)
    server = await rtsp.RtspServer(folder, "127.0.0.1", port).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
