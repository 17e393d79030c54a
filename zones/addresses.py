"""Judge a camera's address: what may be connected to, and where exactly.

Pure: networks and the resolver of names come in as parameters. Whoever connects takes the `ip`
that was judged and asks no resolver again, so a name that leads elsewhere a moment later changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Network = IPv4Network | IPv6Network
IP = IPv4Address | IPv6Address
# A host's name and how long to wait, in seconds: all its addresses, as text; OSError for none.
Resolver = Callable[[str], Sequence[str]]


class Reason(StrEnum):
    """Why an address is refused."""

    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was judged and may be connected to.

    Attributes
    ----------
    scheme : str
        rtsp, rtsps, http or https.
    host : str
        As it was written, in lower case, without brackets: for the Host header and certificates.
    port : int
    rest : str
        Path and query, from the slash on. Many cameras have the password here, so it is hidden.
    ip : str
        What to connect to: one of the host's addresses, all of which were judged.
    """

    scheme: str
    host: str
    port: int
    rest: str = field(repr=False)
    ip: str


class AddressRefused(ValueError):
    """An address that nothing may connect to; the sentence says why and what to do.

    It repeats nothing of the address but its host: the rest may hold a password.
    """

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


def judged(text: str, *, networks: Sequence[Network], resolve: Resolver) -> Address:
    """Return where an address without credentials leads.

    Parameters
    ----------
    networks : sequence of networks
        What may be connected to, and nothing else.
    resolve : callable
        Returns the addresses of a host's name.

    Raises
    ------
    AddressRefused
        It may not be connected to.
    """
    raise NotImplementedError
