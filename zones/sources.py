"""Where a camera's pictures come from: kept in two parts, joined here alone.

The database holds where to connect to in plain words and everything else sealed. `opened` is the
only place where an address and its password come together, in a value that shows neither when it
is printed, logged or raised. Whoever hands it to another process does so by a pipe: what stands in
arguments or in the environment is seen by other programs of the machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from zones.addresses import Address, AddressRefused, bracketed, judged, read, split
from zones.lookups import addresses_of
from zones.models import Camera
from zones.sealing import CannotUnseal, seal, sealed_anew, unseal

Kind = Camera.SourceKind
NETWORK_KINDS = {"rtsp": Kind.RTSP, "rtsps": Kind.RTSP, "http": Kind.HTTP, "https": Kind.HTTP}
DEVICE = re.compile(r"device:([0-9]|[1-5][0-9]|6[0-3])", re.ASCII)
LOOP = re.compile(r"loop:([A-Za-z0-9_-][A-Za-z0-9_.-]{0,99})", re.ASCII)
# Together, as percent codes, below the 1024 bytes that FFmpeg holds of user name and password.
LONGEST_NAME, LONGEST_PASSWORD, LONGEST_TYPED = 100, 200, 1500

WHICH = (
    "A camera's address starts with rtsp://, rtsps://, http:// or https://; a USB camera is "
    "device:0, the first of this machine."
)
NO_ADDRESS = (
    "This camera has no address: it takes files that are added by hand. Give it one to follow it."
)
NO_DEVICE = "A USB camera is written device:0, the first of this machine, up to device:63."
DEVICE_AWAY = "There is no such USB camera at this machine. Plug it in, or choose another number."
NO_LOOP = (
    "A file to play in a loop is written loop:name.mp4 and lies in the folder of such files, loops "
    "in the data folder. Put it there first."
)
KEY_GONE = (
    "The address of this camera was sealed with a key that is gone. Put the old key back into "
    "OSKARTRACK_CAMERA_KEY, behind the new one, or type the address and the password again."
)
CHANGED = (
    "The address of this camera was changed past the product. Type the address and the password "
    "again."
)
TOO_LONG = (
    f"A user name has at most {LONGEST_NAME} characters, a password {LONGEST_PASSWORD}, and "
    "neither has line breaks."
)
TWICE = "User name and password stand in the address and in their own fields. Type them once."
ADDRESS_MISSING = (
    "Type the address too: a password goes to the address alone that it was typed with."
)
# A password goes with a name, and where there is no network nobody asks for either.
NO_LOG_IN = "User name and password are for network cameras. Leave both empty here."
NAME_MISSING = "A password goes with a user name. Type that too."


class SourceRefused(ValueError):
    """A source that must not or cannot be opened; the sentence says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


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

    @sensitive_variables()
    def hide(self, text: object) -> str:
        """Return a text, such as a library's error, without any part of this address but its host.

        Whatever follows a scheme goes too: a library may have written the address in its own way.
        """
        plain = re.sub(r"(?i)\b(rtsps?|https?|tcp|udp|tls)://[^\s'\"]+", r"\1://…", str(text))
        for secret in sorted(self._secrets(), key=len, reverse=True):
            plain = plain.replace(secret, "…")
        return plain

    def _secrets(self) -> set[str]:
        """Return what of the address nobody may see, as it is and with percent codes."""
        parts = urlsplit(self.url)
        if not parts.netloc:
            return {self.url}
        told = {parts.username or "", parts.password or "", parts.query}
        told |= {parts.path.strip("/"), *re.split(r"[&=]", parts.query)}
        return {form for one in told for form in (one, unquote(one)) if len(form) > 1}


@dataclass(frozen=True, slots=True)
class Kept:
    """A source as the database holds it.

    Attributes
    ----------
    kind : str
        One of `Camera.SourceKind`.
    place : str
        Where it leads, without anything secret.
    sealed : str
        User name, password and path, encrypted; empty where there are none.
    """

    kind: str = Kind.FILES
    place: str = ""
    sealed: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What may be told of a camera's source.

    Attributes
    ----------
    host : str
        With its port where it has one; for a USB camera and a file what they are called.
    problem : str
        Why what is kept cannot be used any more; empty for nothing.
    """

    kind: str
    host: str
    transport: str
    has_password: bool
    problem: str = ""


@sensitive_variables()
def source_ahead(address: object) -> None:
    """Look up the host of an address that is about to be read, so that no transaction waits."""
    try:
        addresses_of(read(split(address)[0]).host) if isinstance(address, str) else None
    except AddressRefused:
        return  # whoever reads it says why


# --- In -------------------------------------------------------------------------------------------


@sensitive_variables()
def source_read(address: str, *, user_name: str = "", password: str = "") -> Kept:
    """Return how an address is kept, once it was judged. It may ask the resolver: seconds.

    Parameters
    ----------
    address : str
        ``rtsp://user:password@10.0.0.7:554/1``, ``http://...``, ``device:0``, ``loop:name.mp4``
        (a file of that name in ``settings.LOOPS_DIR``), or empty for files only.

    Raises
    ------
    SourceRefused
        As for `opened`. The sentence repeats nothing that was typed.
    """
    address = address.strip()
    if "://" in address:
        return _network_source(address, user_name, password)
    if user_name or password:
        raise SourceRefused(NO_LOG_IN if address else ADDRESS_MISSING)
    if not address:
        return Kept()
    if address.startswith("device:"):
        if not DEVICE.fullmatch(address):
            raise SourceRefused(NO_DEVICE)
        return Kept(Kind.DEVICE, address)
    if address.startswith("loop:"):
        _loop_file(address)
        return Kept(Kind.LOOP, address)
    raise SourceRefused(WHICH)


@sensitive_variables()
def source_put(
    camera: Camera, address: str, *, user_name: str = "", password: str = "", transport: str = ""
) -> None:
    """Give a camera the source that an address tells of, unsaved. It may ask the resolver.

    What was there before goes as a whole: no password ever goes to another address than the one
    it was typed with.

    Raises
    ------
    SourceRefused
        As for `source_read`; nothing of the camera was changed.
    """
    source_keep(camera, source_read(address, user_name=user_name, password=password))
    if transport:
        camera.transport = transport


def source_keep(camera: Camera, kept: Kept) -> None:
    """Give a camera a source that was read, unsaved."""
    camera.source_kind, camera.source, camera.source_sealed = kept.kind, kept.place, kept.sealed


def _network_source(address: str, user_name: str, password: str) -> Kept:
    """Return how the address of a network camera is kept."""
    try:
        plain, name, word = split(address)
        found = _judged(plain)
    except AddressRefused as refused:
        raise SourceRefused(refused.sentence) from None
    if (name or word) and (user_name or password):
        raise SourceRefused(TWICE)
    name, word = name or user_name, word or password
    if word and not name:
        raise SourceRefused(NAME_MISSING)
    if len(name) > LONGEST_NAME or len(word) > LONGEST_PASSWORD or _has_controls(name + word):
        raise SourceRefused(TOO_LONG)
    # With where it leads: sealed words that are moved beside another place do not open there.
    secret = {"place": found.origin, "user": name, "password": word, "rest": found.rest}
    return Kept(NETWORK_KINDS[found.scheme], found.origin, seal(secret, settings.CAMERA_KEYS))


def _has_controls(text: str) -> bool:
    return any(ord(sign) < ord(" ") or ord(sign) == 0x7F for sign in text)


def _judged(address: str) -> Address:
    return judged(address, networks=settings.CAMERA_NETWORKS, resolve=addresses_of)


@sensitive_variables()
def cameras_seal_anew() -> tuple[int, list[Camera]]:
    """Seal every camera's source with the first key; return how many, and which no key opens.

    A source that somebody sets meanwhile is left as it is: it was sealed with the first key.
    """
    done, lost = 0, []
    for camera in Camera.objects.exclude(source_sealed=""):
        before = camera.source_sealed
        try:
            after = sealed_anew(before, settings.CAMERA_KEYS)
        except CannotUnseal:
            lost.append(camera)
            continue
        still = Camera.objects.filter(pk=camera.pk, source_sealed=before)
        done += still.update(source_sealed=after)
    return done, lost


# --- Out ------------------------------------------------------------------------------------------


@sensitive_variables()
def opened(camera: Camera) -> Source:
    """Return what to open for a camera, judged anew: call it before each connection.

    Raises
    ------
    SourceRefused
        Files only, an address that is not allowed, a name that leads nowhere, a password that was
        sealed with a key that is gone, a device or file that cannot be.
    """
    if camera.source_kind == Kind.DEVICE:
        return Source(Kind.DEVICE, str(_device(camera.source)))
    if camera.source_kind == Kind.LOOP:
        return Source(Kind.LOOP, str(_loop_file(camera.source)))
    if camera.source_kind == Kind.FILES:
        raise SourceRefused(NO_ADDRESS)
    secret = _secret(camera)
    try:
        found = _judged(camera.source)
    except AddressRefused as refused:
        raise SourceRefused(refused.sentence) from None
    name, word = (quote(secret[part], safe="") for part in ("user", "password"))
    log_in = f"{name}:{word}@" if name else ""
    place = f"{bracketed(found.ip)}:{found.port}"
    url = f"{found.scheme}://{log_in}{place}{secret['rest']}"
    return Source(camera.source_kind, url, camera.transport, found.host)


@sensitive_variables()
def source_told(camera: Camera) -> Told:
    """Return what may be told of a camera's source."""
    kind, place = camera.source_kind, camera.source
    if kind not in NETWORK_KINDS.values():
        return Told(kind, place, camera.transport, has_password=False)
    host = place.partition("://")[2]
    try:
        has_password = bool(_secret(camera)["password"])
    except SourceRefused as gone:
        return Told(kind, host, camera.transport, has_password=True, problem=gone.sentence)
    return Told(kind, host, camera.transport, has_password=has_password)


def _secret(camera: Camera) -> dict[str, str]:
    """Return what is sealed of a network camera."""
    try:
        secret = unseal(camera.source_sealed, settings.CAMERA_KEYS)
    except CannotUnseal:
        raise SourceRefused(KEY_GONE) from None
    if secret["place"] != camera.source:
        raise SourceRefused(CHANGED)
    return secret


def _device(place: str) -> Path:
    """Return the file of a USB camera."""
    form = DEVICE.fullmatch(place)
    if form is None:
        raise SourceRefused(NO_DEVICE)
    path = Path(f"/dev/video{form[1]}")
    if not path.is_char_device():
        raise SourceRefused(DEVICE_AWAY)
    return path


def _loop_file(place: str) -> Path:
    """Return the file that is played in a loop: one of the named folder, and no link out of it."""
    form = LOOP.fullmatch(place)
    path = Path(settings.LOOPS_DIR) / form[1] if form else None
    if path is None or path.is_symlink() or not path.is_file():
        raise SourceRefused(NO_LOOP)
    return path.resolve()
