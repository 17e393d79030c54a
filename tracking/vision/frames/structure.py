"""Whether a file is whole by the structure of its container alone; nothing is decoded.

A container says how long its parts are, and some carry checksums. Where such a statement does not
hold, bytes are missing or changed, also where a decoder would go on as if nothing were.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import cast

import numpy as np

from tracking.vision.frames.source import Source, open_source

PIECE_BYTES = 1 << 20
SYNC_BYTE, TS_PACKET_BYTES = 0x47, 188  # ISO 13818-1, 2.4.3

# ISO 14496-12: boxes that hold nothing but boxes.
NESTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
BOX_HEAD_BYTES = 8

# RFC 9559 (Matroska) and RFC 8794 (EBML).
EBML_ID, SEGMENT_ID, CLUSTER_ID, CRC_ID = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0xBF
# SeekHead, Info, Tracks, Cues, Chapters, Attachments, Tags, Cluster.
MASTERS = {
    *(0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B),
    *(0x1043A770, 0x1941A469, 0x1254C367, CLUSTER_ID),
}
TOP_IDS = {EBML_ID, SEGMENT_ID, 0xEC, CRC_ID} | MASTERS  # 0xEC fills gaps
# Timestamp, SilentTracks, Position, PrevSize, SimpleBlock, BlockGroup, EncryptedBlock.
CLUSTER_IDS = {0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0xEC, CRC_ID}
CRC_ELEMENT_BYTES = 6
SEEK_HEAD_ID, SEEK_ID, SEEK_PARTS = 0x114D9B74, 0x4DBB, {0x53AB, 0x53AC}

# ISO 13818-1, 2.5.3: pack, end and system header; above them streams, each with its length.
PACK, PROGRAM_END, SYSTEM = 0xBA, 0xB9, 0xBB
MPEG1_PACK_BYTES, MPEG2_PACK_BYTES = 12, 14

PNG_START_BYTES, PNG_END = 8, b"IEND"
JPEG_END = b"\xff\xd9"

GIF_EXTENSION, GIF_IMAGE, GIF_END = 0x21, 0x2C, 0x3B


def is_whole(source: Source, container: str) -> bool:
    """Return whether everything that a file's structure says of its bytes holds.

    Parameters
    ----------
    source : str, Path or int
        The file, or a descriptor that is open for reading.
    container : str
        As `media.sniff` named it; one without a rule here counts as whole.
    """
    rule = RULES.get(container)
    if rule is None:
        return True
    with (
        open_source(source) as file,
        io.BufferedReader(cast("io.RawIOBase", file), PIECE_BYTES) as reader,
    ):
        return rule(cast("io.BufferedReader", reader), file.size_bytes)


def _mp4(file: io.BufferedReader, size: int) -> bool:
    """No box reaches beyond the end. What a phone appends that is no box does no harm."""
    at = 0
    while at + BOX_HEAD_BYTES <= size:
        name, length, head = _box(file, at)
        if length == 0 or not name.isascii():
            return True  # the last box, or none
        if length < head:
            return False
        at += length
        is_nest = name in NESTS and at <= size
        if is_nest and not _nest_holds(file, at - length + head, at):
            return False
    return at <= size


def _nest_holds(file: io.BufferedReader, at: int, end: int, depth: int = 0) -> bool:
    """Return whether boxes within a box fill it to its end."""
    while at + BOX_HEAD_BYTES <= end:
        name, length, head = _box(file, at)
        if length < head or at + length > end or depth > len(NESTS):
            return False
        if name in NESTS and not _nest_holds(file, at + head, at + length, depth + 1):
            return False
        at += length
    return at <= end


def _box(file: io.BufferedReader, at: int) -> tuple[bytes, int, int]:
    """Return a box's name, its whole length and the length of its head."""
    file.seek(at)
    head = file.read(2 * BOX_HEAD_BYTES)
    length = int.from_bytes(head[:4])
    if length == 1:
        return head[4:8], int.from_bytes(head[8:16]), 2 * BOX_HEAD_BYTES
    return head[4:8], length, BOX_HEAD_BYTES


def _riff(file: io.BufferedReader, size: int) -> bool:
    return int.from_bytes(file.read(8)[4:8], "little") + 8 <= size


def _transport(file: io.BufferedReader, size: int) -> bool:
    if size % TS_PACKET_BYTES:
        return False
    while piece := file.read(TS_PACKET_BYTES * 5000):
        if (np.frombuffer(piece, np.uint8)[::TS_PACKET_BYTES] != SYNC_BYTE).any():
            return False
    return True


def _program(file: io.BufferedReader, size: int) -> bool:
    at = 0
    while at + 4 <= size:
        file.seek(at)
        head = file.read(MPEG2_PACK_BYTES)
        if not any(head[:4]):
            at += 1  # padding between packs
            continue
        if head[:3] != b"\0\0\1" or head[3] < PROGRAM_END:
            return False
        if head[3] == PROGRAM_END:
            at += 4
        elif head[3] == PACK:
            is_first = len(head) > 4 and head[4] >> 4 == 2  # MPEG-1
            at += MPEG1_PACK_BYTES if is_first else MPEG2_PACK_BYTES + (head[-1] & 7)
        else:
            at += 6 + int.from_bytes(head[4:6])
    return at == size


def _gif(file: io.BufferedReader, _: int) -> bool:
    flags = file.read(13)[10:11]
    if not flags:
        return False
    _skip_colours(file, flags[0])
    while kind := file.read(1):
        if kind[0] == GIF_END:
            return True
        if kind[0] == GIF_EXTENSION:
            file.read(1)
        elif kind[0] == GIF_IMAGE:
            place = file.read(9)
            if len(place) < 9:
                return False
            _skip_colours(file, place[8])
            file.read(1)
        else:
            return False
        while length := file.read(1):
            if length[0] == 0:
                break
            file.seek(length[0], io.SEEK_CUR)
    return False


def _skip_colours(file: io.BufferedReader, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, io.SEEK_CUR)


def _jpeg(file: io.BufferedReader, _: int) -> bool:
    """Its end is there. Some cameras write more behind it."""
    return JPEG_END in file.read()[2:]


def _png(file: io.BufferedReader, size: int) -> bool:
    at = PNG_START_BYTES
    while at < size:
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[:4])
        if at + 12 + length > size:
            return False
        found = zlib.crc32(file.read(length), zlib.crc32(head[4:]))
        if found != int.from_bytes(file.read(4)):
            return False
        if head[4:] == PNG_END:
            return True
        at += 12 + length
    return False


def _matroska(file: io.BufferedReader, size: int) -> bool:
    """Sizes fit, every part is known, checksums hold. What has no size ends where others begin."""
    at, known = 0, TOP_IDS
    while at < size:
        file.seek(at)
        name, length, head = _element(file)
        if name not in known:
            if known is CLUSTER_IDS and name in TOP_IDS:
                known = TOP_IDS
                continue
            return False
        body = at + head
        if length is not None and body + length > size:
            return False
        if length is None:
            if name not in (SEGMENT_ID, CLUSTER_ID):
                return False
            known = CLUSTER_IDS if name == CLUSTER_ID else TOP_IDS
        if length is None or name == SEGMENT_ID:
            at = body
            continue
        if name in MASTERS and not _checksum_holds(file, body, length):
            return False
        if name == SEEK_HEAD_ID and not _tells_places(file, body, body + length):
            return False
        at = body + length
    return True


def _element(file: io.BufferedReader) -> tuple[int | None, int | None, int]:
    """Return an element's name, the length of its body or None, and the length of its head."""
    head = file.read(12)
    name_bytes = 9 - head[0].bit_length()
    if name_bytes > 4 or len(head) <= name_bytes or head[name_bytes] == 0:
        return None, None, 0
    name = int.from_bytes(head[:name_bytes])
    first = head[name_bytes]
    size_bytes = 9 - first.bit_length()
    end = name_bytes + size_bytes
    length = int.from_bytes(head[name_bytes:end]) - (1 << 7 * size_bytes)
    is_unknown = length == (1 << 7 * size_bytes) - 1
    return (name, None if is_unknown else length, end) if len(head) >= end else (None, None, 0)


def _tells_places(file: io.BufferedReader, at: int, end: int) -> bool:
    """Return whether a list of a film's parts holds nothing else."""
    while at < end:
        file.seek(at)
        name, length, head = _element(file)
        if name not in {SEEK_ID, 0xEC, CRC_ID} | SEEK_PARTS or length is None:
            return False
        at += head if name == SEEK_ID else head + length
    return at == end


def _checksum_holds(file: io.BufferedReader, at: int, length: int) -> bool:
    """Return whether an element's own checksum holds, if its body starts with one."""
    file.seek(at)
    start = file.read(min(length, CRC_ELEMENT_BYTES))
    if len(start) < CRC_ELEMENT_BYTES or start[:2] != bytes((CRC_ID, 0x84)):
        return True
    found, rest = 0, length - CRC_ELEMENT_BYTES
    while rest and (piece := file.read(min(rest, PIECE_BYTES))):
        found = zlib.crc32(piece, found)
        rest -= len(piece)
    return found == int.from_bytes(start[2:], "little")


RULES: dict[str, Callable[[io.BufferedReader, int], bool]] = {
    "mp4": _mp4,
    "matroska": _matroska,
    "avi": _riff,
    "mpegts": _transport,
    "mpeg": _program,
    "gif": _gif,
    "jpeg": _jpeg,
    "png": _png,
    "webp": _riff,
}
