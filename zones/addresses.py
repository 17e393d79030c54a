"""Judge a camera's address: what may be connected to, and where exactly.

Pure: networks and the resolver of names come in as parameters. Whoever connects takes the `ip`
that was judged and asks no resolver again, so a name that leads elsewhere a moment later changes
nothing. What can be read in two ways is refused, never guessed: a library that connects may read
it in the other way.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import unquote

Network = IPv4Network | IPv6Network
IP = IPv4Address | IPv6Address
# All addresses of a host's name, as text; none for a name that leads nowhere.
Resolver = Callable[[str], Sequence[str]]

SCHEMES = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
LONGEST = 500
# Ports below 1024 that cameras use. Above, all but those of databases, brokers and remote control.
LOW_PORTS = frozenset({*range(80, 90), 322, 443, 554})
OTHERS_PORTS = frozenset({
    1433, 1521, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 4369, 5432, 5433, 5672, 5900, 5985,
    5986, 6000, 6379, 6380, 6443, 7001, 8125, 8500, 9042, 9092, 9093, 9200, 9300, 10250, 10255,
    11211, 15672, 16379, 26379, 27017, 27018,
})  # fmt: skip


class Reason(StrEnum):
    """Why an address is refused."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CHARACTERS = "characters"
    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    FRAGMENT = "fragment"
    HOST = "host"
    NUMBER = "number"
    ZONE_ID = "zone_id"
    PORT = "port"
    NOWHERE = "nowhere"
    METADATA = "metadata"
    UNSPECIFIED = "unspecified"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link_local"
    MULTICAST = "multicast"
    RESERVED = "reserved"
    EMBEDDED = "embedded"
    PUBLIC = "public"
    NOT_NAMED = "not_named"


NAME_IT = "If that is meant, name it in OSKARTRACK_CAMERA_NETWORKS."
SENTENCES = {
    Reason.EMPTY: "Type the address of the camera, such as rtsp://192.168.1.20:554/stream1.",
    Reason.TOO_LONG: f"An address has at most {LONGEST} characters.",
    Reason.CHARACTERS: "An address has plain letters, digits and signs alone: no spaces, no "
    "backslashes, no accents. Write others by their percent code, such as %20.",
    Reason.SCHEME: f"A camera's address starts with {', '.join(f'{one}://' for one in SCHEMES)}.",
    Reason.CREDENTIALS: "User name and password stand before the host as user:password@, with one "
    "@ alone. What has signs of its own, such as @ / : or #, goes into the fields of its own.",
    Reason.FRAGMENT: "An address has no #. In a password or a path write it as %23.",
    Reason.HOST: "The host is a name such as camera.local or an address such as 192.168.1.20.",
    Reason.NUMBER: "Write the host as four numbers from 0 to 255 with dots between, such as "
    "192.168.1.20.",
    Reason.ZONE_ID: "An address that holds for one network card alone cannot be used. Give the "
    "camera an address of your network.",
    Reason.PORT: "The port is one that cameras use, such as 554, 80 or 8554. Leave it out for the "
    "usual one.",
    Reason.NOWHERE: "This name leads nowhere from here. Check how it is written, or use the "
    "camera's number, such as 192.168.1.20.",
    Reason.METADATA: "This is where a cloud keeps its own secrets, and no camera. Type the "
    "camera's address.",
    Reason.UNSPECIFIED: "This address stands for no machine. Type the camera's own.",
    Reason.LOOPBACK: f"This leads to the machine that OskarTrack itself runs on. {NAME_IT}",
    Reason.LINK_LOCAL: "This address was made up by a device that got none. Give the camera an "
    f"address of your network. {NAME_IT}",
    Reason.MULTICAST: f"This address is a group's, and no camera's own. {NAME_IT}",
    Reason.RESERVED: "Nobody has this address. Type the camera's own.",
    Reason.EMBEDDED: "This is an older address inside a newer one. Write the older one by itself, "
    "such as 192.168.1.20.",
    Reason.PUBLIC: f"This leads out of your own network. {NAME_IT}",
    Reason.NOT_NAMED: f"This leads to a network that no camera may be in. {NAME_IT}",
}


class AddressRefused(ValueError):
    """An address that nothing may connect to; the sentence says why and what to do.

    It repeats nothing that was typed: any part of it may be a password in the wrong place.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(SENTENCES[reason])
        self.reason = reason
        self.sentence = SENTENCES[reason]


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
    ip: str = ""

    @property
    def origin(self) -> str:
        """Return where it leads, without anything that may be secret."""
        return f"{self.scheme}://{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """Return a host as it stands in an address: a new kind of number in brackets."""
    return f"[{host}]" if ":" in host else host


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
    asked = read(text)
    literal = _literal(asked.host)
    found = [literal] if literal else [_ip(one) for one in resolve(asked.host)]
    if not found:
        raise AddressRefused(Reason.NOWHERE)
    for ip in found:
        if reason := ip_refused(ip, networks):
            raise AddressRefused(reason)
    return Address(asked.scheme, asked.host, asked.port, asked.rest, str(found[0]))


def read(text: str) -> Address:
    """Return the parts of an address without credentials; where it leads is not judged yet."""
    if len(text) > LONGEST:
        raise AddressRefused(Reason.TOO_LONG)
    scheme, authority, rest = _pieces(text)
    if "@" in authority:
        raise AddressRefused(Reason.CREDENTIALS)
    host, port = _host_and_port(authority)
    number = SCHEMES[scheme] if port is None else _port(port)
    _literal(host)
    return Address(scheme, host, number, rest)


def split(text: str) -> tuple[str, str, str]:
    """Return an address without credentials, and the user name and password that stood in it."""
    scheme, authority, rest = _pieces(text)
    if "@" not in authority:
        return text, "", ""
    told, _, place = authority.rpartition("@")
    name, colon, password = told.partition(":")
    # A name alone is how somebody is made to take one host for another: http://camera@elsewhere.
    if "@" in told or not colon or not name or ":" in password:
        raise AddressRefused(Reason.CREDENTIALS)
    return f"{scheme}://{place}{rest}", _plain(name), _plain(password)


# --- What is written ------------------------------------------------------------------------------

PRINTABLE = re.compile(r"[!-\[\]-~]+")  # ASCII from ! to ~ without the backslash
FORM = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)(.*)", re.IGNORECASE)
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
NUMBER_LIKE = re.compile(r"0x[0-9a-f]*|[0-9]+")


def _pieces(text: str) -> tuple[str, str, str]:
    """Return scheme, authority and the rest, which begins with a slash or is empty."""
    if not text:
        raise AddressRefused(Reason.EMPTY)
    if not PRINTABLE.fullmatch(text):
        raise AddressRefused(Reason.CHARACTERS)
    form = FORM.fullmatch(text)
    if form is None or form[1].lower() not in SCHEMES:
        raise AddressRefused(Reason.SCHEME)
    if "#" in text:
        raise AddressRefused(Reason.FRAGMENT)
    rest = form[3]
    return form[1].lower(), form[2], f"/{rest}" if rest.startswith("?") else rest


def _host_and_port(authority: str) -> tuple[str, str | None]:
    """Return a host in lower case without brackets, and its port as it was written."""
    if authority.startswith("["):
        host, closed, port = authority[1:].partition("]")
        if not closed or (port and not port.startswith(":")) or ":" not in host:
            raise AddressRefused(Reason.HOST)
        return host.lower(), port[1:] if port else None
    host, colon, port = authority.partition(":")
    if ":" in port:
        raise AddressRefused(Reason.HOST)
    return host.lower(), port if colon else None


def _port(text: str) -> int:
    """Return a port that a camera may answer at."""
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text):
        raise AddressRefused(Reason.PORT)
    port = int(text)
    if not (port in LOW_PORTS or 1024 <= port <= 65535) or port in OTHERS_PORTS:
        raise AddressRefused(Reason.PORT)
    return port


def _literal(host: str) -> IP | None:
    """Return a host that is written as a number; None for a name that can be one."""
    if "%" in host:
        raise AddressRefused(Reason.ZONE_ID if ":" in host else Reason.HOST)
    if ":" in host:
        return _ip(host)
    labels = host.removesuffix(".").split(".")
    # What ends in a number is one, in every library; which one differs: 127.1, 0x7f.1, 017700000001
    if NUMBER_LIKE.fullmatch(labels[-1]):
        try:
            return IPv4Address(host)
        except ValueError:
            raise AddressRefused(Reason.NUMBER) from None
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise AddressRefused(Reason.HOST)
    return None


def _ip(text: str) -> IP:
    """Return an address as a value; one of a single network card is refused."""
    if "%" in text:
        raise AddressRefused(Reason.ZONE_ID)
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise AddressRefused(Reason.HOST) from None


def _plain(text: str) -> str:
    """Return a user name or password without percent codes."""
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise AddressRefused(Reason.CREDENTIALS) from None
    if re.search(r"[\x00-\x1f\x7f]", plain):
        raise AddressRefused(Reason.CHARACTERS)
    return plain


# --- Where it leads -------------------------------------------------------------------------------


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# Never connected to because a wider network is named, only when they are: the first that fits.
SPECIAL: tuple[tuple[Reason, tuple[Network, ...]], ...] = (
    # AWS, Google, Azure, Alibaba, Oracle: two of them lie within the private fc00::/7.
    (Reason.METADATA, _networks(
        "169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "100.100.100.200/32",
        "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::/32", "fd20:ce::254/128",
    )),
    (Reason.UNSPECIFIED, _networks("0.0.0.0/8", "::/128")),
    (Reason.LOOPBACK, _networks("127.0.0.0/8", "::1/128")),
    (Reason.LINK_LOCAL, _networks("169.254.0.0/16", "fe80::/10")),
    (Reason.MULTICAST, _networks("224.0.0.0/4", "ff00::/8")),
    (Reason.RESERVED, _networks("240.0.0.0/4")),
)  # fmt: skip
# IPv4 inside IPv6: mapped, compatible, translated (RFC 6052, 8215), 6to4, Teredo.
EMBEDDED = _networks(
    "::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16",
    "2001::/32",
)  # fmt: skip


def ip_refused(ip: IP, networks: Sequence[Network]) -> Reason | None:
    """Return why an address must not be connected to; None for one that may be.

    Parameters
    ----------
    networks : sequence of networks
        Those that are named. One of the special ones counts only where a named network lies
        wholly within it: ``0.0.0.0/0`` lets nobody reach this machine.
    """
    if isinstance(ip, IPv6Address) and ip.scope_id:
        return Reason.ZONE_ID
    named = [network for network in networks if ip in network]
    for reason, special in SPECIAL:
        around = next((one for one in special if ip in one), None)
        if around is not None:
            return None if any(_within(network, around) for network in named) else reason
    if any(ip in one for one in EMBEDDED):
        return Reason.EMBEDDED
    if named:
        return None
    return Reason.PUBLIC if ip.is_global else Reason.NOT_NAMED


def _within(network: Network, around: Network) -> bool:
    """Return whether a network lies wholly within another."""
    if isinstance(network, IPv4Network) and isinstance(around, IPv4Network):
        return network.subnet_of(around)
    if isinstance(network, IPv6Network) and isinstance(around, IPv6Network):
        return network.subnet_of(around)
    return False
