"""What goes over the line compressed, and what passes as it is."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from oskartrack.compression import SHORTEST_BYTES, CompressionMiddleware

ROOT = Path(__file__).resolve().parent.parent.parent
LONG = b"a word and another " * 100


def asked(answer, path: str = "/page/", method: str = "get", **headers: str):
    request = getattr(RequestFactory(), method)(
        path, headers={"accept-encoding": "gzip", **headers}
    )
    return CompressionMiddleware(lambda _: answer)(request)


def test_a_page_is_compressed_and_the_same_again_is_of_another_length():
    answers = [asked(HttpResponse(LONG)) for _ in range(20)]
    assert all(gzip.decompress(each.content) == LONG for each in answers)
    assert answers[0]["Content-Encoding"] == "gzip"
    assert answers[0]["Vary"] == "Accept-Encoding"
    assert all(int(each["Content-Length"]) == len(each.content) for each in answers)
    assert len({len(each.content) for each in answers}) > 1


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(b"a" * (SHORTEST_BYTES - 1)),
        HttpResponse(LONG, content_type="image/jpeg"),
        HttpResponse(LONG, headers={"Content-Encoding": "br"}),
    ],
)
def test_what_is_short_a_picture_or_compressed_already_passes_as_it_is(answer):
    before, encoding = answer.content, answer.get("Content-Encoding")
    assert asked(answer).content == before
    assert answer.get("Content-Encoding") == encoding


def test_who_takes_no_gzip_gets_none_and_is_told_apart_by_caches():
    answer = asked(HttpResponse(LONG), **{"accept-encoding": "identity"})
    assert answer.content == LONG
    assert answer["Vary"] == "Accept-Encoding"


def test_what_is_streamed_is_never_held_in_memory():
    pieces = iter([LONG, LONG])
    answer = asked(StreamingHttpResponse(pieces, content_type="text/csv"))
    assert answer.streaming
    assert not answer.has_header("Content-Encoding")
    assert next(pieces) == LONG, "it was read before anybody asked for it"


def test_a_script_comes_compressed_whole_and_a_part_of_it_as_it_is(db):
    path = "/static/js/lib/format.js"
    whole = (ROOT / "static/js/lib/format.js").read_bytes()
    answer = Client().get(path, headers={"accept-encoding": "gzip"})
    packed = b"".join(answer)
    assert answer["Content-Encoding"] == "gzip"
    assert len(packed) == int(answer["Content-Length"]) < len(whole) / 2
    assert gzip.decompress(packed) == whole
    part = Client().get(path, headers={"accept-encoding": "gzip", "range": "bytes=0-99"})
    assert part.status_code == 206
    assert b"".join(part) == whole[:100]
    assert not part.has_header("Content-Encoding")
    plain = Client().get(path)
    assert b"".join(plain) == whole
