"""Tokens of API clients: each belongs to a log-in, and is good for as long as that is open.

An access token lives for five minutes, a refresh token until it is used or for seven days. Using
one is a single UPDATE that only the first of many can do; every other use, at the same time or
later, ends the log-in with all its tokens: one of the two who held it was a thief.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone as clock
from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.models import ApiLogin, Membership, Scope, User
from accounts.services import audit_record

LOGIN, SCOPE, OWNER = "login", "scope", "sub"
LIFETIME: timedelta = api_settings.REFRESH_TOKEN_LIFETIME
# Of one person: whoever logs in anew for every call loses the oldest, not everybody's database.
MOST_LOGINS = 100
STRANGE = "This token names nobody. Log in again."
SIGNED_OUT = "The log-in of this token has ended. Log in again."
USED_TWICE = "This refresh token was used before, so its log-in was ended. Log in again."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pair:
    """What a client gets: a token to ask with and one to get the next pair with."""

    access: str
    refresh: str
    scopes: list[str]


def scopes_of(user: User) -> set[str]:
    """Return what a person's tokens can be made for: who manages nothing only looks."""
    held = Membership.objects.filter(user=user, role=Membership.Role.MANAGER)
    changes = user.is_superuser or held.exists()
    return set(Scope.values) if changes else {Scope.READ.value}


def login_start(
    *, user: User, scopes: Collection[str], client_name: str = "", address: str = ""
) -> Pair:
    """Open a log-in for a client whose person has told the password."""
    now = clock.now()
    wanted = [word for word in Scope.values if word in scopes]
    with transaction.atomic():
        kept = user.api_logins.order_by("-used_at", "-pk").values("pk")[: MOST_LOGINS - 1]
        user.api_logins.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
        login = ApiLogin.objects.create(
            user=user, client_name=client_name, scope=" ".join(wanted), made_at=now, used_at=now,
            refresh_id=secrets.token_hex(16), mark=user.get_session_auth_hash(),
            expires_at=now + LIFETIME,
        )  # fmt: skip
        audit_record(
            action="token.obtained", actor=user, subject=client_name,
            detail={"address": address, "scopes": wanted},
        )  # fmt: skip
    return _pair(login)


def login_renew(refresh: str) -> Pair:
    """Return the next pair for a refresh token; of many uses at once one succeeds.

    Raises
    ------
    TokenError
        When it is no good, or was used before: then its log-in is over.
    """
    token = RefreshToken(refresh)  # type: ignore[arg-type]
    login = login_of(token)
    now, fresh = clock.now(), secrets.token_hex(16)
    unused = ApiLogin.objects.filter(pk=login.pk, refresh_id=str(token["jti"]), ended_at=None)
    if not unused.update(refresh_id=fresh, used_at=now, expires_at=now + LIFETIME):
        login_end(login, ApiLogin.Ended.REUSED)
        raise TokenError(USED_TWICE)
    login.refresh_id = fresh
    return _pair(login)


def login_end(login: ApiLogin, why: ApiLogin.Ended, actor: User | None = None) -> bool:
    """End a log-in with all its tokens; return whether it was open until now."""
    with transaction.atomic():
        running = ApiLogin.objects.filter(pk=login.pk, ended_at=None)
        if not running.update(ended_at=clock.now(), ended_why=why):
            return False
        audit_record(
            action="token.ended", actor=actor, subject=str(login.user),
            detail={"client": login.client_name, "why": why.value},
        )  # fmt: skip
    log.info("api_login_ended", login=str(login.public_id), why=why.value)
    return True


def login_end_by_owner(user: User, public_id: str) -> bool:
    """End a log-in of a person by their own will; of anybody else's nothing happens."""
    mine = (login for login in open_logins(user) if str(login.public_id) == public_id)
    login = next(mine, None)
    return login is not None and login_end(login, ApiLogin.Ended.PERSON, user)


@transaction.atomic
def log_out_everywhere(user: User) -> None:
    """End every session, socket and token of a person."""
    for login in open_logins(user):
        login_end(login, ApiLogin.Ended.PERSON, user)
    user.revoked_at = clock.now()
    user.save(update_fields=["revoked_at"])
    audit_record(action="user.logged_out_everywhere", actor=user, subject=str(user))


def login_of(token: Token) -> ApiLogin:
    """Return the open log-in that a token came of, with its person.

    Raises
    ------
    TokenError
        When there is none, or when the token claims what its log-in does not have.
    """
    try:
        wanted = uuid.UUID(str(token.get(LOGIN, "")))
    except ValueError as error:
        raise TokenError(STRANGE) from error
    login = ApiLogin.objects.select_related("user").filter(public_id=wanted).first()
    if login is None or not _owned(login, token):
        raise TokenError(STRANGE)
    if not set(scopes_in(token)) <= set(login.scopes):
        raise TokenError(STRANGE)
    if _ended(login) or not _same_person(login):
        raise TokenError(SIGNED_OUT)
    return login


def open_logins(user: User) -> list[ApiLogin]:
    """Return a person's log-ins of which a token is still good, the last used first."""
    running = user.api_logins.filter(ended_at=None, expires_at__gt=clock.now())
    return list(running.filter(mark=user.get_session_auth_hash()))


def scopes_in(token: Token) -> list[str]:
    """Return what a token says that it may be used for."""
    return str(token.get(SCOPE, "")).split()


def _owned(login: ApiLogin, token: Token) -> bool:
    return str(token.get(OWNER, "")) == str(login.user.public_id)


def _ended(login: ApiLogin) -> bool:
    return login.ended_at is not None


def _same_person(login: ApiLogin) -> bool:
    """Whether the owner has neither left, nor another password, nor logged out everywhere."""
    mark = login.user.get_session_auth_hash()
    return login.user.is_active and constant_time_compare(login.mark, mark)


def _pair(login: ApiLogin) -> Pair:
    refresh = RefreshToken()
    refresh["jti"] = login.refresh_id
    refresh[OWNER] = str(login.user.public_id)
    refresh[LOGIN] = str(login.public_id)
    refresh[SCOPE] = login.scope
    access: AccessToken = refresh.access_token
    return Pair(str(access), str(refresh), login.scopes)
