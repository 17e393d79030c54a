"""The table of refused tokens: each is sent to every door that takes one."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.utils import timezone as clock

from accounts import tokens
from accounts.models import User
from tests.accounts.tokens import (
    END,
    VERIFY,
    forged,
    pair_for,
    post,
    renew,
    with_token,
)

pytestmark = pytest.mark.db
FAR = 10**9


def by_hand(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    """Return a token that no library would write."""
    parts = (json.dumps(part).encode() for part in (header, claims))
    coded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*coded, signature])


def crooked(good: str) -> dict[str, str]:
    """Return tokens that differ from a good one in their form, their key or their claims."""
    now = int(time.time())
    header, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    link = {"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"}
    kid = {"kid": "../../../../dev/null"}
    key = settings.SIMPLE_JWT["SIGNING_KEY"]
    return {
        "no signature": forged(good, key="", algorithm="none"),
        "no signature, written otherwise": by_hand({"alg": "nOnE", "typ": "JWT"}, claims),
        "no algorithm": by_hand({"typ": "JWT"}, claims, signature),
        "another key": forged(good, key="k" * 64),
        "the session key": forged(good, key=settings.SECRET_KEY),
        "an empty key": forged(good, key="\0" * 32),
        "HS384": forged(good, algorithm="HS384"),
        "HS512": forged(good, algorithm="HS512"),
        "RS256 by a stranger": forged(good, key=stranger, algorithm="RS256"),
        "a key by its path": forged(good, key="\0" * 32, headers=kid),
        "a key from elsewhere": forged(good, key="k" * 64, headers=link),
        "a key that it brings": forged(good, key="k" * 64, headers={"jwk": {"kty": "oct"}}),
        "a part that nobody knows": forged(good, headers={"crit": ["exp2"], "exp2": 1}),
        "expired": forged(good, exp=now - 1),
        "expired long ago": forged(good, exp=0),
        "never expires": forged(good, exp=None),
        "expires in words": forged(good, exp="tomorrow"),
        "not yet": forged(good, nbf=now + 900),
        "made tomorrow": forged(good, iat=now + 86_400),
        "another issuer": forged(good, iss="elsewhere"),
        "an issuer in part": forged(good, iss="oskar"),
        "no issuer": forged(good, iss=None),
        "another audience": forged(good, aud="elsewhere"),
        "no audience": forged(good, aud=None),
        "no type": forged(good, token_type=None),
        "another type": forged(good, token_type="sliding"),
        "no id": forged(good, jti=None),
        "no person": forged(good, sub=None),
        "a person by number": forged(good, sub="1"),
        "a person beyond all numbers": forged(good, sub="9" * 1000),
        "a person that nobody is": forged(good, sub=str(uuid.uuid4())),
        "no log-in": forged(good, login=None),
        "a log-in that never was": forged(good, login=str(uuid.uuid4())),
        "a log-in in words": forged(good, login="mine"),
        "a log-in by list": forged(good, login=[1]),
        "a scope more": forged(good, scope="read ingest manage admin"),
        "a scope beside": forged(good, scope="*"),
        "truncated": good[:-4],
        "extended": good + "AAAA",
        "other claims, same signature": ".".join(
            [header, by_hand({}, claims | {"exp": now + FAR}).split(".")[1], signature]
        ),
        "its two parts": f"{header}.{body}",
        "five parts": f"{good}.a.b",
        "in quotes": f'"{good}"',
        "words": "not-a-token",
        "three dots": "...",
        "the key itself": key,
    }  # fmt: skip


def believed(client: Any, cast: Any) -> list[str]:
    """Send every crooked token to every door; return which are believed where."""
    pair = pair_for(cast.alice, "read")
    stranger = pair_for(cast.bob, "read")
    bobs = jwt.decode(stranger.access, options={"verify_signature": False})
    access = crooked(pair.access) | {
        "another person": forged(pair.access, sub=bobs["sub"]),
        "another's log-in": forged(pair.access, login=bobs["login"]),
        "a log-in's scope of another": forged(pair.access, scope="read manage"),
        "a refresh token": pair.refresh,
    }
    refresh = crooked(pair.refresh) | {
        "another person": forged(pair.refresh, sub=bobs["sub"]),
        "another's log-in": forged(pair.refresh, login=bobs["login"]),
        "an access token": pair.access,
    }
    assert len(access) >= 40
    found = [f"asking: {why}" for why, raw in access.items() if _asks(client, raw) != 401]
    found += [
        f"{door}: {why}"
        for why, raw in refresh.items()
        for door, answer in _uses(client, raw).items()
        if answer != 401
    ]
    found += [
        f"verify: {why}"
        for why, raw in (access | refresh).items()
        if not why.endswith(" token") and post(client, VERIFY, token=raw).status_code != 401
    ]
    # None of them harmed the good ones.
    if (_asks(client, pair.access), renew(client, pair.refresh).status_code) != (200, 200):
        found.append("the good ones are refused")
    return found


def test_every_crooked_token_is_refused_at_every_door(client, cast):
    assert believed(client, cast) == []


def _asks(client: Any, raw: str) -> int:
    return int(with_token(client, raw).status_code)


def _uses(client: Any, raw: str) -> dict[str, int]:
    return {
        "renew": renew(client, raw).status_code,
        "end": post(client, END, refresh=raw).status_code,
    }


def test_only_a_bearer_header_counts(client, cast):
    token = pair_for(cast.alice, "read").access
    for header in ("Bearer", f"Bearer {token} more", f"Basic {token}", f"Token {token}", token):
        assert client.get("/api/v1/stores/", HTTP_AUTHORIZATION=header).status_code == 401, header
    for address in (f"/api/v1/stores/?token={token}", f"/api/v1/stores/?access_token={token}"):
        assert client.get(address).status_code == 401
    client.cookies["access"] = token
    assert client.get("/api/v1/stores/").status_code == 401


def test_a_token_opens_no_page_and_no_admin(client, cast):
    User.objects.filter(pk=cast.alice.pk).update(is_staff=True, is_superuser=True)
    token = pair_for(User.objects.get(pk=cast.alice.pk)).access
    for address in ("/", f"/stores/{cast.store.slug}/live/", "/admin/", "/health/"):
        answer = client.get(address, HTTP_AUTHORIZATION=f"Bearer {token}")
        assert (answer.status_code, "login" in answer["Location"]) == (302, True)
    assert client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 403


def closed(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def other_password(user: User) -> None:
    user.set_password("another good phrase")
    user.save()


def everywhere(user: User) -> None:
    User.objects.filter(pk=user.pk).update(revoked_at=clock.now())


def ended(user: User) -> None:
    user.api_logins.update(ended_at=clock.now())


def removed(user: User) -> None:
    user.api_logins.all().delete()


def deleted(user: User) -> None:
    user.delete()


def less(user: User) -> None:
    user.api_logins.update(scope="ingest")


@pytest.mark.parametrize(
    "happens", [closed, other_password, everywhere, ended, removed, deleted, less]
)
def test_a_good_token_is_refused_as_soon_as_that_happens(client, cast, happens):
    assert still_good_after(client, cast.alice, happens) == []


def still_good_after(client: Any, user: User, happens: Any) -> list[str]:
    pair = pair_for(user, "read")
    assert _asks(client, pair.access) == 200
    happens(user)
    answers = {
        "ask": _asks(client, pair.access),
        "verify": post(client, VERIFY, token=pair.access).status_code,
        **_uses(client, pair.refresh),
    }
    return [door for door, status in answers.items() if status != 401]


# --- With each check taken away that is found -----------------------------------------------------


def believe_all(self, token, verify=True):
    return jwt.decode(token, options={"verify_signature": False})


def decoded_with(**changed: Any) -> Any:
    """Return a way to read tokens that looks away from something."""

    def decode(self: Any, token: Any, verify: bool = True) -> Any:
        how = {
            "algorithms": ["HS256"], "audience": self.audience, "issuer": self.issuer,
            **{name: value for name, value in changed.items() if name != "options"},
        }  # fmt: skip
        key = self.prepared_signing_key
        try:
            return jwt.decode(token, key, options=changed.get("options", {}), **how)
        except jwt.InvalidTokenError as error:
            raise tokens.TokenError(str(error)) from error

    return decode


def user_alone(self, validated_token):
    return User.objects.get(public_id=validated_token["sub"])


BACKEND = "rest_framework_simplejwt.backends.TokenBackend.decode"
PLANTED: dict[str, tuple[str, Any]] = {
    "no signature is checked": (BACKEND, believe_all),
    "any algorithm of the family": (
        BACKEND, decoded_with(algorithms=["HS256", "HS384", "HS512"]),
    ),
    "any audience": (BACKEND, decoded_with(options={"verify_aud": False}, audience=None)),
    "any issuer": (BACKEND, decoded_with(issuer=None)),
    "a token of any day": (BACKEND, decoded_with(options={"verify_nbf": False})),
    "a token of tomorrow": (BACKEND, decoded_with(options={"verify_iat": False})),
    "any type": (
        "rest_framework_simplejwt.tokens.Token.verify_token_type", lambda self: None,
    ),
    "the log-in is not looked at": (
        "accounts.authentication.TokenAuthentication.get_user", user_alone,
    ),
    "any owner": ("accounts.tokens._owned", lambda login, token: True),
    "any scope": ("accounts.tokens.scopes_in", lambda token: []),
}  # fmt: skip


@pytest.mark.once
@pytest.mark.parametrize("bug", PLANTED)
def test_a_check_of_tokens_that_is_missing_is_found(client, cast, monkeypatch, bug):
    monkeypatch.setattr(*PLANTED[bug])
    wrong = believed(client, cast)
    assert set(wrong) - {"the good ones are refused"}


@pytest.mark.once
@pytest.mark.parametrize(
    ("happens", "name", "instead"),
    [
        (closed, "_same_person", lambda login: True),
        (other_password, "_same_person", lambda login: login.user.is_active),
        (everywhere, "_same_person", lambda login: login.user.is_active),
        (ended, "_ended", lambda login: False),
        (less, "scopes_in", lambda token: []),
    ],
)
def test_a_check_of_log_ins_that_is_missing_is_found(
    client, cast, monkeypatch, happens, name, instead
):
    monkeypatch.setattr(tokens, name, instead)
    assert still_good_after(client, cast.alice, happens)
