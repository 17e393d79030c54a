"""Five log-in tries a minute for one person from one address.

And a hundred wrong ones in ten minutes from one address for whomever: one password tried on many
people is caught by that.

A try is counted before the password is looked at, so that many at once get no more than five.
The count lives in the shared cache; while that is away it lives in this process, so the door
neither falls open nor stays shut.
"""

from __future__ import annotations

import hashlib
import unicodedata
from contextlib import suppress
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
CROWD = 100
CROWD_WINDOW_S = 600
TOO_MANY = "Too many tries. Wait a minute, then try again."
TOO_MANY_HERE = "Too many wrong tries from your network address. Wait ten minutes, then try again."

log = structlog.get_logger(__name__)
_own = LocMemCache("log-in-tries", {})


@dataclass(frozen=True, slots=True)
class LoginTries:
    """The tries of one person from one address in the running minute, and of all from there."""

    key: str
    used: int
    crowd_key: str = ""
    crowd: int = 0

    @property
    def refused(self) -> bool:
        """Whether this try came after the last allowed one."""
        return self.used > TRIES or self.crowd > CROWD

    @property
    def wait_s(self) -> int:
        """After how many seconds at the latest whoever is refused may try again."""
        return CROWD_WINDOW_S if self.crowd > CROWD else WINDOW_S

    @property
    def words(self) -> str:
        """What whoever is refused is told."""
        return TOO_MANY_HERE if self.crowd > CROWD else TOO_MANY

    @property
    def left(self) -> int:
        """How many more are allowed after this one."""
        return max(0, TRIES - self.used)

    def forget(self) -> None:
        """Start afresh; called when the password was right."""
        try:
            _forget(cache, self)
        except RedisError:
            _forget(_own, self)


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
    crowd_key = f"login-crowd:{hashlib.sha256(address.encode(errors='replace')).hexdigest()}"
    try:
        return _count_both(cache, key, crowd_key)
    except RedisError:
        log.warning("login_throttle_without_cache")
        return _count_both(_own, key, crowd_key)


def _count_both(store: BaseCache, key: str, crowd_key: str) -> LoginTries:
    used = _count(store, key, WINDOW_S)
    # What is refused already is no try of a password.
    crowd = _count(store, crowd_key, CROWD_WINDOW_S) if used <= TRIES else 0
    return LoginTries(key, used, crowd_key, crowd)


def _count(store: BaseCache, key: str, window_s: int) -> int:
    store.add(key, 0, window_s)
    try:
        used = store.incr(key)
    except ValueError:  # it expired between the two lines
        store.set(key, 1, window_s)
        return 1
    if used == 1:
        # Had it expired inside incr, Redis would have made the key anew, without an end.
        store.touch(key, window_s)
    return used


def _forget(store: BaseCache, tries: LoginTries) -> None:
    store.delete(tries.key)
    with suppress(ValueError):  # it expired meanwhile
        if tries.crowd:
            store.decr(tries.crowd_key)


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
