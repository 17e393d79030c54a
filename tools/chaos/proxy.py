"""A door in front of PostgreSQL that can swallow the answer to a commit.

It passes everything on and reads along just far enough to know when a transaction is being
committed. While the file named on the command line exists, the next commit is let through to the
server, and once the server says that it is done, both sides are cut off instead of told: the
client cannot know whether it was. Then the file is gone.

The messages are those of PostgreSQL's documentation, "Message Formats": a type of one byte, a
length of four that counts itself, the content; before the first of them, requests without a type.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

PROTOCOL_3 = 196608
WRITES = (b"INSERT", b"UPDATE", b"DELETE")
ENDS = (asyncio.IncompleteReadError, ConnectionError)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Talk:
    """One connection: where it stands, and whether its next answer is to be swallowed."""

    wish: Path
    in_transaction: bool = False
    cutting: bool = False

    def asked(self, sql: bytes) -> None:
        """Take note of what the client asks for."""
        words = sql.lstrip().upper()
        commits = words.startswith(b"COMMIT")
        by_itself = not self.in_transaction and words.startswith(WRITES)
        if (commits or by_itself) and self.wish.exists():
            self.cutting = True

    def answered(self, kind: bytes, content: bytes) -> bool:
        """Take note of what the server answers; return whether to cut both sides off here."""
        if kind == b"Z":
            self.in_transaction = content != b"I"
        if not self.cutting or kind not in b"CE":
            return False
        self.cutting = False
        if kind == b"E":  # refused: there is no answer to lose
            return False
        self.wish.unlink(missing_ok=True)
        return True


async def from_client(talk: Talk, client: Streams, server: Streams) -> None:
    """Pass on what the client says."""
    reader, writer = client[0], server[1]
    while True:  # what comes before the first message with a type
        head = await reader.readexactly(4)
        content = await reader.readexactly(struct.unpack(">I", head)[0] - 4)
        writer.write(head + content)
        await writer.drain()
        if struct.unpack(">I", content[:4])[0] == PROTOCOL_3:
            break
        client[1].write(await server[0].readexactly(1))  # "no" to a wish for encryption
    answers = asyncio.ensure_future(from_server(talk, server, client))
    try:
        while True:
            kind, head = await reader.readexactly(1), await reader.readexactly(4)
            content = await reader.readexactly(struct.unpack(">I", head)[0] - 4)
            if kind == b"Q":
                talk.asked(content)
            writer.write(kind + head + content)
            await writer.drain()
    finally:
        answers.cancel()


async def from_server(talk: Talk, server: Streams, client: Streams) -> None:
    """Pass on what the server says, until an answer is to be swallowed."""
    try:
        while True:
            kind, head = await server[0].readexactly(1), await server[0].readexactly(4)
            content = await server[0].readexactly(struct.unpack(">I", head)[0] - 4)
            if talk.answered(kind, content):
                break
            client[1].write(kind + head + content)
            await client[1].drain()
    except ENDS:
        pass
    client[1].close()
    server[1].close()


async def serve(port: int, wish: Path) -> None:
    """Stand in front of the server on this port for ever; print our own."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await asyncio.open_connection("127.0.0.1", port)
        await _quietly(from_client(Talk(wish), (reader, writer), server))
        writer.close()
        server[1].close()

    door = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(door.sockets[0].getsockname()[1], flush=True)
    await door.serve_forever()


async def _quietly(passing: Awaitable[None]) -> None:
    try:
        await passing
    except ENDS:
        return


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
