"""Five log-in tries a minute for one person from one address.

A try is counted before the password is looked at, so that many at once get no more than five.
The count lives in the shared cache; while that is away it lives in this process, so the door
neither falls open nor stays shut.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass

import structlog
from django.core.cache import BaseCache, cache
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpRequest
from redis import RedisError
from rest_framework.settings import api_settings

from accounts.selectors import username_for

TRIES = 5
WINDOW_S = 60
TOO_MANY = "Too many tries for this user. Wait a minute, then try again."

log = structlog.get_logger(__name__)
_own = LocMemCache("log-in-tries", {})


@dataclass(frozen=True, slots=True)
class LoginTries:
    """The tries of one person from one address in the running minute."""

    key: str
    used: int

    @property
    def refused(self) -> bool:
        """Whether this try came after the last allowed one."""
        return self.used > TRIES

    @property
    def left(self) -> int:
        """How many more are allowed after this one."""
        return max(0, TRIES - self.used)

    def forget(self) -> None:
        """Start afresh; called when the password was right."""
        try:
            cache.delete(self.key)
        except RedisError:
            _own.delete(self.key)


def count_try(*, login: str, address: str) -> LoginTries:
    """Count one try and return where that leaves the person.

    Parameters
    ----------
    login : str
        As typed; every spelling of one account shares its tries.
    address : str
        The network address it came from.
    """
    name = unicodedata.normalize("NFKC", username_for(login.strip())).casefold()
    # Hashed: a cache key may hold neither blanks nor the password someone typed as a name.
    digest = hashlib.sha256(f"{address} {name}".encode(errors="replace")).hexdigest()
    key = f"login-tries:{digest}"
    try:
        used = _count(cache, key)
    except RedisError:
        log.warning("login_throttle_without_cache")
        used = _count(_own, key)
    return LoginTries(key, used)


def _count(store: BaseCache, key: str) -> int:
    store.add(key, 0, WINDOW_S)
    try:
        used = store.incr(key)
    except ValueError:  # it expired between the two lines
        store.set(key, 1, WINDOW_S)
        return 1
    if used == 1:
        # Had it expired inside incr, Redis would have made the key anew, without an end.
        store.touch(key, WINDOW_S)
    return used


def client_address(request: HttpRequest) -> str:
    """Return where a request comes from.

    Behind N proxies of ours (REST framework's ``NUM_PROXIES``) it is the N-th entry from the
    right of X-Forwarded-For; without them that header is the caller's own invention.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    proxies = api_settings.NUM_PROXIES or 0
    if not proxies:
        return peer
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    hops = [hop for hop in hops if hop]
    return hops[-min(proxies, len(hops))] if hops else peer
