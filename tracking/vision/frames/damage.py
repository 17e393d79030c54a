"""Telling that a file is damaged where the decoder makes do and returns pictures."""

from __future__ import annotations

from typing import Self

import av.logging

# Told as mere information: that pictures were made up where a film could not be read.
CONCEALING = "concealing"


class Complaints:
    """What FFmpeg says is wrong with a file while it conceals it.

    Of sixty good films of all kinds none gave rise to a word; of damaged ones that decoded without
    an error nearly all did.

    Parameters
    ----------
    demuxer : str, optional
        Hear this one alone: while a file is opened, its sound is tried out, too.
    """

    def __init__(self, demuxer: str | None = None) -> None:
        self._demuxer = demuxer

    def __enter__(self) -> Self:
        self._level = av.logging.get_level()
        av.logging.set_level(av.logging.INFO)
        av.logging.set_skip_repeated(False)
        self._capture = av.logging.Capture()
        self._heard = self._capture.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.__exit__(None, None, None)
        av.logging.set_level(self._level)

    def fresh(self) -> bool:
        """Return whether there were any since this was last asked."""
        heard = any(self._counts(*said) for said in self._heard)
        self._heard.clear()
        return heard

    def _counts(self, level: int, name: str, message: str) -> bool:
        if self._demuxer is not None and self._demuxer not in name.split(","):
            return False
        return level <= av.logging.ERROR or message.startswith(CONCEALING)
