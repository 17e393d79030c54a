"""Health for machines that watch this one."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis import Redis, RedisError


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer while the process lives; asks nothing of any other part."""
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database and Valkey do, else 503 with what is wrong."""
    problems = {}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        problems["database"] = "The database does not answer."
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=2) as valkey:
            valkey.ping()
    except RedisError:
        problems["valkey"] = "Valkey does not answer; live updates and new work wait for it."
    status = 503 if problems else 200
    return JsonResponse({"status": "unready" if problems else "ready", **problems}, status=status)
