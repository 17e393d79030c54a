"""Files made to mislead, exhaust or break whoever opens them: one function a class.

Each takes a seeded random source and the place of the bait (a canary file beside it and a port
that somebody listens on), and returns the file's bytes. None may be counted as done.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from tests.corpus.clips import KINDS, clip, even, film, sound, still


@dataclass(frozen=True)
class Bait:
    """What a file may try to reach and must not."""

    path: str
    port: int

    def place(self, random: Random) -> str:
        """Return one of the ways to name the bait."""
        ways = [
            self.path,
            f"file://{self.path}",
            f"http://127.0.0.1:{self.port}/x.ts",
            f"tcp://127.0.0.1:{self.port}",
            f"../{self.path.rsplit('/', 2)[-2]}/source",
            f"concat:{self.path}|{self.path}",
            f"subfile,,start,0,end,9999,,:{self.path}",
            f"crypto:http://127.0.0.1:{self.port}/",
        ]
        return random.choice(ways)


Maker = Callable[[Random, Bait], bytes]
CLASSES: dict[str, Maker] = {}


def corpus_class(make: Maker) -> Maker:
    CLASSES[make.__name__.replace("_", " ")] = make
    return make


def noise(random: Random, size: int) -> bytes:
    return random.randbytes(size)


# --- Not media at all ----------------------------------------------------------------------------


@corpus_class
def empty(random: Random, bait: Bait) -> bytes:
    return b""


@corpus_class
def one_byte(random: Random, bait: Bait) -> bytes:
    return noise(random, 1)


@corpus_class
def random_bytes(random: Random, bait: Bait) -> bytes:
    return b"\0" + noise(random, random.randrange(2, 60_000))


@corpus_class
def zeros(random: Random, bait: Bait) -> bytes:
    return bytes(random.randrange(2, 100_000))


@corpus_class
def text(random: Random, bait: Bait) -> bytes:
    return f"Dear shop, see {bait.place(random)}\n".encode() * random.randrange(1, 200)


@corpus_class
def web_page(random: Random, bait: Bait) -> bytes:
    return f"<!DOCTYPE html><img src='{bait.place(random)}'><script>alert(1)</script>".encode()


@corpus_class
def drawing(random: Random, bait: Bait) -> bytes:
    link = bait.place(random)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink">'
        f'<image x:href="{link}"/></svg>'
    ).encode()


@corpus_class
def archive(random: Random, bait: Bait) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../../evil.mp4", bytes(random.randrange(1, 1_000_000)))
    return file.getvalue()


@corpus_class
def program(random: Random, bait: Bait) -> bytes:
    return random.choice([b"\x7fELF", b"MZ\x90\0", b"#!/bin/sh\n"]) + noise(random, 4000)


@corpus_class
def sound_file(random: Random, bait: Bait) -> bytes:
    return random.choice([b"ID3\x04", b"fLaC", b"OggS"]) + noise(random, 3000)


# --- Lists that name other files -----------------------------------------------------------------


@corpus_class
def hls_playlist(random: Random, bait: Bait) -> bytes:
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{bait.place(random)}"\n'
    return f"#EXTM3U\n{key}#EXTINF:1,\n{bait.place(random)}\n#EXT-X-ENDLIST\n".encode()


@corpus_class
def dash_manifest(random: Random, bait: Bait) -> bytes:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>'
        f"{bait.place(random)}</BaseURL></Period></MPD>"
    ).encode()


@corpus_class
def concat_script(random: Random, bait: Bait) -> bytes:
    return f"ffconcat version 1.0\nfile '{bait.place(random)}'\n".encode()


@corpus_class
def stream_description(random: Random, bait: Bait) -> bytes:
    return (
        f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\n"
        f"m=video {bait.port} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    ).encode()


@corpus_class
def playlist_with_the_first_bytes_of_a_film(random: Random, bait: Bait) -> bytes:
    starts = [
        struct.pack(">I", 16) + b"ftypisom" + bytes(4),
        b"\x1a\x45\xdf\xa3\x80",
        b"RIFF\0\0\0\0AVI LIST",
        b"\x00\x00\x01\xba",
        b"GIF89a",
    ]
    lists = (hls_playlist, concat_script, dash_manifest, stream_description)
    return random.choice(starts) + b"\n" + random.choice(lists)(random, bait)


@corpus_class
def film_whose_pictures_lie_in_another_file(random: Random, bait: Bait) -> bytes:
    """QuickTime's alias record: the samples are looked up in the file that it names."""
    path = bait.path.encode()
    record = bytes(10) + bytes([3]) + b"vol".ljust(27, b"\0") + bytes(12)
    record += bytes([6]) + b"source".ljust(63, b"\0") + bytes(16) + struct.pack(">HH", 1, 2)
    record += bytes(16)
    for kind, value in ((2, path), (18, path)):
        record += struct.pack(">HH", kind, len(value)) + value + bytes(len(value) % 2)
    record += struct.pack(">HH", 0xFFFF, 0)
    entry = box(b"alis", bytes(4) + record)
    moov = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")
    whole = film("mov", "mpeg4")
    return change_box(whole, moov, lambda _: struct.pack(">II", 0, 1) + entry)


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def change_box(data: bytes, path: tuple[bytes, ...], change: Callable[[bytes], bytes]) -> bytes:
    """Return an MP4 with the body of every box on a path changed, sizes kept right."""
    out, at = b"", 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        name, head = data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), 16
        size = size or len(data) - at
        body = data[at + head : at + size]
        if name == path[0]:
            changed = change(body) if len(path) == 1 else change_box(body, path[1:], change)
            out += box(name, changed)
        else:
            out += data[at : at + size]
        at += size
    return out


# --- Too much ------------------------------------------------------------------------------------


def png_part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@corpus_class
def picture_that_unfolds_to_gigabytes(random: Random, bait: Bait) -> bytes:
    side = random.choice([8_000, 16_000, 20_000])
    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = png_part(b"IHDR", header) + png_part(b"IDAT", rows) + png_part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@corpus_class
def picture_with_a_text_that_unfolds(random: Random, bait: Bait) -> bytes:
    whole = still("PNG")
    body = b"Comment\0\0" + zlib.compress(bytes(random.randrange(80, 120) << 20), 9)
    head = 8 + 25  # the signature and the header
    return whole[:head] + png_part(b"zTXt", body) + whole[head:]


@corpus_class
def picture_that_says_it_is_huge(random: Random, bait: Bait) -> bytes:
    if random.random() < 0.5:
        whole = bytearray(still("JPEG"))
        at = max(whole.find(b"\xff\xc0"), whole.find(b"\xff\xc2"))
        whole[at + 5 : at + 9] = struct.pack(">HH", random.randrange(20_000, 65_500), 65_500)
        return bytes(whole)
    whole = bytearray(still("WEBP"))
    at = whole.find(b"\x9d\x01\x2a") + 3
    whole[at : at + 4] = struct.pack("<HH", 16_383, 16_383)
    return bytes(whole)


@corpus_class
def animation_that_says_it_is_huge(random: Random, bait: Bait) -> bytes:
    whole = bytearray(film("gif", "gif", even(5, 10), rate=10))
    whole[6:10] = struct.pack("<HH", 65_535, random.randrange(60_000, 65_535))
    return bytes(whole)


@corpus_class
def film_of_too_many_pixels(random: Random, bait: Bait) -> bytes:
    return film("avi", "mjpeg", even(1, 5), rate=5, size=(4608, 4096 - 16 * random.randrange(3)))


@corpus_class
def thousand_frames_a_second(random: Random, bait: Bait) -> bytes:
    rate = random.choice([240, 500, 1000])
    return film("mp4", "mpeg4", even(20, rate), rate=rate, size=(64, 48))


@corpus_class
def film_that_says_it_lasts_for_days(random: Random, bait: Bait) -> bytes:
    days = random.randrange(1, 9)

    def longer(body: bytes) -> bytes:
        scale = int.from_bytes(body[12:16])
        return body[:16] + struct.pack(">I", days * 86_400 * scale % 2**32) + body[20:]

    whole = film("mp4", "mpeg4", even(10, 10), rate=10)
    for path in ((b"moov", b"mvhd"), (b"moov", b"trak", b"mdia", b"mdhd")):
        whole = change_box(whole, path, longer)
    table = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts")
    one_step = struct.pack(">IIII", 0, 1, 10, days * 86_400 * 1000)
    return change_box(whole, table, lambda _: one_step)


@corpus_class
def one_wild_time_stamp(random: Random, bait: Bait) -> bytes:
    times = even(20, 10)
    times[-1] = Fraction(random.choice([90_000, 10**7, 4 * 10**9, 9 * 10**9]))
    return film("matroska", "libx264", times, rate=10)


# --- Not what we take ----------------------------------------------------------------------------


@corpus_class
def codec_off_the_list(random: Random, bait: Bait) -> bytes:
    container, codec = random.choice(
        [("avi", "magicyuv"), ("avi", "huffyuv"), ("avi", "ffv1"), ("matroska", "ffv1"),
         ("mov", "png"), ("avi", "flv")]
    )  # fmt: skip
    return film(container, codec, even(random.randrange(2, 9), 10), rate=10)


@corpus_class
def sound_alone(random: Random, bait: Bait) -> bytes:
    return sound(random.choice(["mp4", "matroska", "mov", "mpegts"]))


# --- Broken --------------------------------------------------------------------------------------

STARTS = {
    "mp4": struct.pack(">I", 24) + b"ftypisom" + bytes(4) + b"isomiso2",
    "matroska": b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82\x88matroska",
    "avi": b"RIFF\xff\xff\xff\x7fAVI LIST\xff\0\0\0hdrlavih",
    "mpeg": b"\x00\x00\x01\xba\x44\x00\x04\x00\x04\x01",
    "gif": b"GIF89a\x40\x00\x40\x00\xf7\x00\x00",
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0",
    "png": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR",
    "webp": b"RIFF\x00\x10\x00\x00WEBPVP8 ",
}


@corpus_class
def right_start_and_then_nonsense(random: Random, bait: Bait) -> bytes:
    return random.choice(list(STARTS.values())) + noise(random, random.randrange(1, 30_000))


@corpus_class
def transport_packets_of_nonsense(random: Random, bait: Bait) -> bytes:
    return b"".join(b"\x47" + noise(random, 187) for _ in range(random.randrange(3, 200)))


@corpus_class
def film_without_its_index(random: Random, bait: Bait) -> bytes:
    whole = clip(random.choice(["mp4 h264", "mp4 mpeg4", "mov h264"]))
    return whole[: int(whole.rfind(b"moov") * random.uniform(0.05, 0.99))]


@corpus_class
def index_without_its_film(random: Random, bait: Bait) -> bytes:
    return change_box(clip("mp4 h264"), (b"mdat",), lambda body: b"")


@corpus_class
def film_of_nonsense(random: Random, bait: Bait) -> bytes:
    """All that is around the pictures is right, the pictures are random."""
    return change_box(clip("mp4 h264"), (b"mdat",), lambda body: noise(random, len(body)))


@corpus_class
def table_that_lies(random: Random, bait: Bait) -> bytes:
    name = random.choice([b"stsz", b"stsc", b"stts", b"stco", b"stss"])
    path = (b"moov", b"trak", b"mdia", b"minf", b"stbl", name)

    def lie(body: bytes) -> bytes:
        at = 8 if name == b"stsz" else 4
        return body[:at] + struct.pack(">I", 0x7FFFFFFF) + noise(random, max(0, len(body) - at - 4))

    return change_box(film("mp4", "mpeg4"), path, lie)


@corpus_class
def sizes_of_boxes_that_lie(random: Random, bait: Bait) -> bytes:
    whole = bytearray(clip("mp4 mpeg4"))
    names = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    at = whole.find(random.choice(names)) - 4
    whole[at : at + 4] = struct.pack(">I", random.choice([2, 7, 9, 0x7FFFFFFF, 0xFFFFFFFF]))
    return bytes(whole)


@corpus_class
def boxes_within_boxes(random: Random, bait: Bait) -> bytes:
    deep = b""
    for _ in range(random.randrange(1000, 3000)):
        deep = box(random.choice([b"moov", b"trak", b"udta"]), deep)
    return box(b"ftyp", b"isom" + bytes(4)) + deep


@corpus_class
def film_whose_tracks_are_not_told(random: Random, bait: Bait) -> bytes:
    whole = bytearray(clip(random.choice(["mkv h264", "webm vp8"])))
    # Their place is told once, in the list of parts; then they come.
    find = random.choice([whole.find, whole.rfind])
    at = find(b"\x16\x54\xae\x6b")
    whole[at : at + 12] = noise(random, 12)
    return bytes(whole)


@corpus_class
def picture_cut_off(random: Random, bait: Bait) -> bytes:
    whole = still(random.choice(["JPEG", "PNG", "WEBP"]))
    return whole[: random.randrange(12, 100)]


@corpus_class
def film_cut_off(random: Random, bait: Bait) -> bytes:
    whole = clip(random.choice(list(KINDS)))
    return whole[: int(len(whole) * random.uniform(0.01, 0.4))]


@corpus_class
def film_with_its_middle_wiped(random: Random, bait: Bait) -> bytes:
    whole = bytearray(clip(random.choice(["mp4 h264", "mkv h264", "avi mpeg4", "ts h264"])))
    first, last = len(whole) // 4, len(whole) * 3 // 4
    whole[first:last] = bytes(last - first)
    return bytes(whole)


@corpus_class
def film_full_of_errors(random: Random, bait: Bait) -> bytes:
    whole = bytearray(clip(random.choice(list(KINDS))))
    for _ in range(len(whole) // 20):
        whole[random.randrange(len(whole))] = random.randrange(256)
    return bytes(whole)


@corpus_class
def two_films_in_one(random: Random, bait: Bait) -> bytes:
    """A start of one kind before the whole of another: what decides is the start."""
    one, other = random.sample(["mp4", "matroska", "avi", "mpeg", "gif"], 2)
    kinds = {"mp4": "mp4 h264", "matroska": "mkv h264", "avi": "avi mpeg4", "mpeg": "mpg mpeg1"}
    return STARTS[one] + clip(kinds.get(other, "ts h264"))
