"""Telling that a file is damaged or cut off where the decoder makes do and returns pictures."""

from __future__ import annotations

from typing import Self

import av.logging

from tracking.vision.frames.source import Source, open_source

TS_PACKET_BYTES = 188
PROGRAM_END = b"\x00\x00\x01\xb9"  # ISO 11172-1, 2.4.3.2: ends an MPEG program stream
END_BYTES = 4096


class Complaints:
    """What FFmpeg says is wrong with a file while it conceals it.

    Of sixty good films of all kinds none gave rise to a word; of damaged ones that decoded without
    an error nearly all did.
    """

    def __enter__(self) -> Self:
        self._level = av.logging.get_level()
        av.logging.set_level(av.logging.ERROR)
        av.logging.set_skip_repeated(False)
        self._capture = av.logging.Capture()
        self._heard = self._capture.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.__exit__(None, None, None)
        av.logging.set_level(self._level)

    def fresh(self) -> bool:
        """Return whether there were any since this was last asked."""
        heard = bool(self._heard)
        self._heard.clear()
        return heard


def ends_early(source: Source, container: str) -> bool:
    """Return whether a file stops in the middle of something, by its own structure alone."""
    with open_source(source) as file:
        if container == "mpegts":
            return file.size_bytes % TS_PACKET_BYTES != 0
        if container == "avi":
            head = file.read(8) or b""
            return int.from_bytes(head[4:8], "little") + 8 > file.size_bytes
        if container == "mpeg":
            file.seek(max(0, file.size_bytes - END_BYTES))
            return PROGRAM_END not in file.readall()
    return False
