"""Telling that a picture of VP8 or VP9 is damaged, which FFmpeg's own decoders do not notice.

Both codecs are one long arithmetic code without a checksum: after a changed bit a decoder reads
something else to the end and never meets anything that is forbidden. But it then nearly always
needs more or fewer bytes than there are. libvpx, which PyAV's wheels carry, can tell: of single
changed bits it shows 95 in 100 or more, where FFmpeg's decoders show one or two.
"""

from __future__ import annotations

import ctypes
import functools
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_uint, c_void_p
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import av
import av.codec
import av.error
import av.video.codeccontext

if TYPE_CHECKING:
    from tracking.vision.frames.media import VideoPacket

# vpx/vpx_decoder.h and vpx/vp8dx.h of libvpx 1.8 and later.
ABI_VERSION = 12
GET_CORRUPTED, SET_DECRYPTOR = 257, 259
CONTEXT_BYTES = 512  # several times what the library wants
# The decoder takes up to 8 bytes at a time; encoders end a partition with up to 4 to spare.
READ_AHEAD_BYTES, LEFT_BYTES = 8, 9
KEY_HEADER_BYTES, HEADER_BYTES = 10, 3  # RFC 6386, 9.1
PARTITION_SIZE_BYTES = 3
HIGH_PROFILE_BIT = 0x10  # VP9 bitstream specification, 6.2
RIFF_HEADER_BYTES, RIFF_CHUNK_BYTES = 12, 8


class PayloadCheck(Protocol):
    """Sees every packet of a stream, in order."""

    def is_damaged(self, packet: VideoPacket) -> bool:
        """Return whether this packet's own bytes are damaged."""
        ...


def payload_check(codec: str) -> PayloadCheck | None:
    """Return the check for a stream of this codec, or None where there is none."""
    if codec == "vp9":
        return _Vp9()
    if codec == "vp8" and _library() is not None:
        return _Vp8()
    return None


def is_damaged_webp(data: bytes) -> bool:
    """Return whether the VP8 picture that a WebP file may hold is damaged."""
    at = RIFF_HEADER_BYTES
    while at + RIFF_CHUNK_BYTES <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += RIFF_CHUNK_BYTES
        if name == b"VP8 " and _library() is not None:
            return _Vp8().is_damaged_picture(data[at : at + length])
        at += length + length % 2
    return False


def preload() -> None:
    """Load what needs files: later none can be opened."""
    if _library() is not None:
        _Vp8()


class _Vp9:
    """libvpx takes what is left of a packet for another picture, and that never is one."""

    def __init__(self) -> None:
        context = av.codec.CodecContext.create("libvpx-vp9", "r")
        assert isinstance(context, av.video.codeccontext.VideoCodecContext)
        context.thread_count = 1
        self._context = context
        self._is_ours: bool | None = None

    def is_damaged(self, packet: VideoPacket) -> bool:
        if self._is_ours is None and packet.size:
            # libvpx is made without the profiles that have more than 8 bits a colour.
            self._is_ours = not bytes(packet)[0] & HIGH_PROFILE_BIT
        if not self._is_ours:
            return False
        try:
            self._context.decode(packet)
        except av.error.EOFError:
            return False
        except av.error.FFmpegError:
            return True
        return False


class _Vp8:
    """Watches how far libvpx reads in each part of a packet.

    The library lets a program that keeps its films encrypted hand out the bytes itself, and asks
    it for a few at a time. Ours hands them out as they are and takes note of how far it came.
    """

    def __init__(self) -> None:
        library = _library()
        assert library is not None
        self._library = library
        self._asked: list[tuple[int, int]] = []
        self._context = ctypes.create_string_buffer(CONTEXT_BYTES)
        kind = c_void_p(library.vpx_codec_vp8_dx())
        self._hold(library.vpx_codec_dec_init_ver(self._context, kind, None, 0, ABI_VERSION))
        self._hand_out = _HandOut(self._give)
        asking = _Decryptor(self._hand_out, None)
        self._hold(library.vpx_codec_control_(self._context, SET_DECRYPTOR, byref(asking)))

    def __del__(self) -> None:
        self._library.vpx_codec_destroy(self._context)

    def is_damaged(self, packet: VideoPacket) -> bool:
        return self.is_damaged_picture(bytes(packet))

    def is_damaged_picture(self, data: bytes) -> bool:
        if not data:
            return False  # at the end, or a picture left out on purpose
        self._asked.clear()
        kept = ctypes.create_string_buffer(data, len(data))
        if self._library.vpx_codec_decode(self._context, kept, len(data), None, 0) != 0:
            return True
        place = c_void_p(None)
        while self._library.vpx_codec_get_frame(self._context, byref(place)):
            pass
        is_corrupted = c_int(1)
        self._hold(
            self._library.vpx_codec_control_(self._context, GET_CORRUPTED, byref(is_corrupted))
        )
        if is_corrupted.value:
            return True
        start = ctypes.addressof(kept)
        asked = [(at - start, count) for at, count in self._asked]
        return not _reads_to_the_end(data, asked)

    def _give(self, _: object, source: int, target: int, count: int) -> None:
        ctypes.memmove(target, source, count)
        self._asked.append((source, count))

    def _hold(self, error: int) -> None:
        if error:
            raise RuntimeError(f"libvpx answered with its error {error}.")


def _reads_to_the_end(data: bytes, asked: list[tuple[int, int]]) -> bool:
    """Return whether every part of a VP8 packet was read to its end and not beyond."""
    header = HEADER_BYTES if data[0] & 1 else KEY_HEADER_BYTES
    modes_end = header + (int.from_bytes(data[:3], "little") >> 5)
    if modes_end > len(data):
        return False
    later = [(at, count) for at, count in asked if at >= modes_end]
    # Before the coefficients come the sizes of all their parts but the last.
    parts = 0
    while parts < len(later) and later[parts] == (
        modes_end + PARTITION_SIZE_BYTES * parts,
        PARTITION_SIZE_BYTES,
    ):
        parts += 1
    first = modes_end + PARTITION_SIZE_BYTES * parts
    ends, end = [(header, modes_end)], first
    for number in range(parts):
        at = modes_end + PARTITION_SIZE_BYTES * number
        start, end = end, end + int.from_bytes(data[at : at + PARTITION_SIZE_BYTES], "little")
        ends.append((start, end))
    ends.append((end, len(data)))
    return all(_part_is_read(data, asked, start, end) for start, end in ends)


def _part_is_read(data: bytes, asked: list[tuple[int, int]], start: int, end: int) -> bool:
    if start >= end:
        return start == end
    last = max((at for at, count in asked if start <= at < end and count), default=None)
    beyond = any(at == end and not count for at, count in asked)
    if last is None or beyond:
        return False
    # What fills a packet up is no picture: zeros.
    return end - last <= LEFT_BYTES or not any(data[last + READ_AHEAD_BYTES : end])


_HandOut = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_int)


class _Decryptor(ctypes.Structure):
    """`vpx_decrypt_init` of vpx/vp8dx.h."""

    _fields_ = (("give", _HandOut), ("state", c_void_p))


@functools.cache
def _library() -> Any:
    """Return the libvpx that PyAV decodes with, or None where it has another shape."""
    folder = Path(av.__file__).resolve().parent.parent / "av.libs"
    for path in sorted(folder.glob("libvpx-*.so*")):
        library = ctypes.CDLL(str(path))
        library.vpx_codec_vp8_dx.restype = c_void_p
        library.vpx_codec_dec_init_ver.argtypes = (c_char_p, c_void_p, c_void_p, c_long, c_int)
        library.vpx_codec_decode.argtypes = (c_char_p, c_char_p, c_uint, c_void_p, c_long)
        library.vpx_codec_get_frame.argtypes = (c_char_p, POINTER(c_void_p))
        library.vpx_codec_get_frame.restype = c_void_p
        library.vpx_codec_destroy.argtypes = (c_char_p,)
        return library
    return None
