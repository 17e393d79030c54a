"""A media file as bytes behind an open descriptor.

Whoever decodes gets bytes and no name, and FFmpeg is allowed no protocol at all: nothing that a
file says can make it open another file, a playlist or a connection.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# A path, or the number of a descriptor that is open for reading and stays its owner's to close.
Source: TypeAlias = str | Path | int


class MediaFile(io.RawIOBase):
    """Reads from a descriptor with a place of its own, so that two readers never disturb."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._at = 0
        self.size_bytes = os.fstat(descriptor).st_size

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that any place can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer from the present place; return how many bytes there were."""
        count = os.preadv(self._descriptor, [buffer], self._at)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size_bytes}[whence]
        if start + offset < 0:
            raise ValueError("A file has no place before its first byte.")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Return the present place."""
        return self._at


@contextmanager
def open_source(source: Source) -> Iterator[MediaFile]:
    """Hand out a file to read; a descriptor stays open afterwards."""
    if isinstance(source, int):
        with MediaFile(source) as file:
            yield file
        return
    descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with MediaFile(descriptor) as file:
            yield file
    finally:
        os.close(descriptor)
