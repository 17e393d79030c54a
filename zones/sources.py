"""Where a camera's pictures come from: kept in two parts, joined here alone.

`opened` is the only place where an address and its password come together, in a value that shows
neither when it is printed, logged or raised.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zones.models import Camera


@dataclass(frozen=True, slots=True)
class Source:
    """What a recorder opens. Neither `repr` nor `str` shows the address.

    Attributes
    ----------
    kind : str
        One of `Camera.SourceKind` but files.
    url : str
        With credentials, its host replaced by the address that was judged; ``/dev/video0`` for a
        USB camera, the absolute path of a file for one that is played in a loop.
    transport : str
        tcp or udp; of RTSP alone.
    host : str
        The host as it was written, for the Host header and for certificates; empty for no network.
    """

    kind: str
    url: str = field(repr=False)
    transport: str = "tcp"
    host: str = ""

    def hide(self, text: object) -> str:
        """Return a text, such as a library's error, without this address or any part of it."""
        raise NotImplementedError


class SourceRefused(ValueError):
    """A source that must not or cannot be opened; the sentence says why and what to do."""


def opened(camera: Camera) -> Source:
    """Return what to open for a camera, judged anew: call it before each connection.

    Raises
    ------
    SourceRefused
        Files only, an address that is not allowed, a name that leads nowhere, a password that was
        sealed with a key that is gone, a device or file that cannot be.
    """
    raise NotImplementedError


def source_put(
    camera: Camera, address: str, *, user_name: str = "", password: str = "", transport: str = "tcp"
) -> None:
    """Give a camera the source that an address tells of, unsaved: kind, place and what is sealed.

    Parameters
    ----------
    address : str
        ``rtsp://user:password@10.0.0.7:554/1``, ``http://...``, ``device:0``, ``loop:name.mp4``
        (a file of that name in ``settings.LOOPS_DIR``), or empty for files only.

    Raises
    ------
    SourceRefused
        As for `opened`; nothing of the camera was changed.
    """
    raise NotImplementedError
