"""Text goes over the line compressed: pages, JSON, scripts and styles.

Behind nginx static files are compressed already; alone, as on a shop's own machine, this does it.
What is streamed (films, exports, parts of files) passes as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string

# Shorter answers do not get shorter.
SHORTEST_BYTES = 1000
TEXT = ("text/", "application/json", "application/problem+json", "image/svg+xml")
# As many files as the pages have, and some; the largest is a style sheet of 0.6 MB.
FILES_KEPT = 128
# Bytes of chance make the length tell nothing of what is secret on a page (the BREACH attack).
CHANCE_BYTES = 100


class CompressionMiddleware:
    """Compress text for whoever takes gzip."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer, its text compressed."""
        response = self.get_response(request)
        if not response.get("Content-Type", "").startswith(TEXT):
            return response
        is_static = request.path.startswith(f"/{settings.STATIC_URL.lstrip('/')}")
        if response.streaming and not (is_static and response.status_code == 200):
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        takes = "gzip" in request.headers.get("Accept-Encoding", "")
        if takes and request.method == "GET" and not response.has_header("Content-Encoding"):
            return _static(response) if response.streaming else _page(response)
        return response


def _page(response: HttpResponseBase) -> HttpResponseBase:
    """Compress an answer that is whole in memory."""
    assert isinstance(response, HttpResponse)
    if len(response.content) >= SHORTEST_BYTES:
        response.content = compress_string(response.content, max_random_bytes=CHANCE_BYTES)
        _label(response, len(response.content))
    return response


def _static(response: HttpResponseBase) -> HttpResponseBase:
    """Compress a static file, which is read from its place in one piece."""
    content = b"".join(response)
    if len(content) >= SHORTEST_BYTES:
        content = _compressed(content)
        _label(response, len(content))
    response.streaming_content = iter([content])  # type: ignore[attr-defined]
    return response


@lru_cache(maxsize=FILES_KEPT)
def _compressed(content: bytes) -> bytes:
    return compress_string(content)


def _label(response: HttpResponseBase, size: int) -> None:
    response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(size)
    if response.get("ETag", "").startswith('"'):
        response["ETag"] = f"W/{response['ETag']}"
