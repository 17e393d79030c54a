"""Writes that are sent twice and done once: who tells a key gets the first answer again.

The key and what it was told with are written in the transaction of the write itself: of two that
come at once one waits for the other at the unique rule, and then finds its answer. A write that is
refused or breaks leaves no key behind, so it may be tried again with the same one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone as clock
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import KeptAnswer, Store, User
from accounts.selectors import may_manage

KEPT: Final = timedelta(hours=24)
# Longer than any request is worked at: the web server ends one after five minutes.
TAKEN_OVER_AFTER: Final = timedelta(minutes=6)
KEY = re.compile(r"[\x21-\x7e]{1,100}")
KEPT_HEADERS = ("Location", "ETag")
REPLAYED = "Idempotent-Replayed"


class BadKey(exceptions.ParseError):
    """A key that is none."""

    default_detail = "An Idempotency-Key has 1 to 100 letters, digits or signs without a space."
    default_code = "bad_idempotency_key"


class KeyReused(exceptions.APIException):
    """The key was told with something else before."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_detail = (
        "This Idempotency-Key was sent before with another request. Nothing was done. "
        "Choose a new key for a new request."
    )
    default_code = "idempotency_key_reused"


class StillAnswering(exceptions.APIException):
    """The first request with this key is being answered."""

    status_code = HTTPStatus.CONFLICT
    default_detail = "The first request with this Idempotency-Key is not through yet. Ask again."
    default_code = "still_answering"
    wait = 2


def done_once(
    key: str, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
) -> Response:
    """Do a write, or return the answer that it got when it was told with this key before.

    Raises
    ------
    BadKey, KeyReused
        The key is malformed, or was told with another request within 24 hours.
    """
    if not KEY.fullmatch(key):
        raise BadKey
    assert isinstance(request.user, User)
    told = fingerprint(request)
    with transaction.atomic():
        kept, is_new = _taken(key, request, told, clock.now())
        if not is_new:
            return _again(kept, told, request.user)
        response = handler(request, *args, **kwargs)
        _keep(kept, request, response)
    return response


def done_apart(
    key: str, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
) -> Response:
    """Do the same for a write that is too slow for one transaction and, done twice, done once.

    The key is taken first and the answer written last. Where the process died in between, whoever
    comes six minutes later does the write again, which is then answered as done before. The time
    at which the key was taken says whose it is: whoever lost it touches it no more.

    Raises
    ------
    StillAnswering
        The first of them is not through yet.
    """
    if not KEY.fullmatch(key):
        raise BadKey
    assert isinstance(request.user, User)
    told, now = fingerprint(request), clock.now()
    with transaction.atomic():
        kept, is_new = _taken(key, request, told, now)
        if not is_new and (kept.status or kept.told != told):
            return _again(kept, told, request.user)
        if not is_new and (kept.created_at > now - TAKEN_OVER_AFTER or not _taken_over(kept, now)):
            raise StillAnswering
    try:
        response = handler(request, *args, **kwargs)
    except BaseException:
        _as_read(kept).delete()
        raise
    _keep(kept, request, response)
    return response


def answers_forget(path: str) -> int:
    """Remove the kept answers of an address and of those below it; return how many there were."""
    return KeptAnswer.objects.filter(path__startswith=path).delete()[0]


def _as_read(kept: KeptAnswer) -> QuerySet[KeptAnswer]:
    """Return the row of a key, unless somebody took it since."""
    return KeptAnswer.objects.filter(pk=kept.pk, created_at=kept.created_at)


def _taken_over(kept: KeptAnswer, now: datetime) -> bool:
    """Take the key of a request that died; return whether nobody else was faster."""
    is_ours = _as_read(kept).update(created_at=now) == 1
    kept.created_at = now
    return is_ours


def _taken(key: str, request: Request, told: str, now: datetime) -> tuple[KeptAnswer, bool]:
    """Return the row of a key and whether it is new; another request that takes it is awaited."""
    KeptAnswer.objects.filter(created_at__lt=now - KEPT).delete()
    given = {"told": told, "path": request.path[:300], "created_at": now}
    assert isinstance(request.user, User)
    return KeptAnswer.objects.get_or_create(user=request.user, key=key, defaults=given)


def _keep(kept: KeptAnswer, request: Request, response: Response) -> None:
    _as_read(kept).update(
        store=getattr(request, "managed_store", None),
        status=response.status_code,
        answer=JSONRenderer().render(response.data).decode(),
        headers={name: response[name] for name in KEPT_HEADERS if name in response},
    )


def fingerprint(request: Request) -> str:
    """Return a hash of what a request asks for: its method, address and body, read as JSON.

    With a key of this installation: a body may hold a password, which nobody is to guess from it.
    """
    body = json.dumps(request.data, sort_keys=True, default=str)
    told = "\n".join((str(request.method), request.get_full_path(), body))
    whole = told.encode("utf-8", "surrogatepass")
    return hmac.new(settings.SECRET_KEY.encode(), b"repeats" + whole, hashlib.sha256).hexdigest()


def _again(kept: KeptAnswer, told: str, user: User) -> Response:
    """Return a kept answer to whoever may still ask for it."""
    if kept.told != told:
        raise KeyReused
    if kept.store is not None:
        _ask_still_manager(kept.store, user)
    data = json.loads(kept.answer) if kept.answer else None
    return Response(data, status=kept.status, headers=kept.headers | {REPLAYED: "true"})


def _ask_still_manager(store: Store, user: User) -> None:
    if may_manage(user=user, store=store):
        return
    if Store.objects.for_user(user).filter(pk=store.pk).exists():
        raise exceptions.PermissionDenied("Only managers of the store may do this.")
    raise exceptions.NotFound
