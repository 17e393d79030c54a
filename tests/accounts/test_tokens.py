"""Tokens of API clients: obtain, refresh once, verify; and all that is refused."""

from __future__ import annotations

import time
from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.db import connection
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.api import OneUseRefreshToken, RefreshSerializer
from accounts.models import AuditEntry
from accounts.throttle import TOO_MANY
from tests.cast import PASSWORD

pytestmark = pytest.mark.db

OBTAIN, REFRESH, VERIFY = (f"/api/v1/auth/token/{end}" for end in ("", "refresh/", "verify/"))
STORES = "/api/v1/stores/"


def post(client, address, **body):
    return client.post(address, body, content_type="application/json")


def obtain(client, username="alice", password=PASSWORD):
    return post(client, OBTAIN, username=username, password=password)


def with_token(client, token):
    return client.get(STORES, HTTP_AUTHORIZATION=f"Bearer {token}")


def forged(token, key=None, algorithm="HS256", headers=None, **claims):
    """Return a token with other claims; a claim of None is left out."""
    payload = jwt.decode(token, options={"verify_signature": False})
    payload = {name: value for name, value in {**payload, **claims}.items() if value is not None}
    key = settings.SIMPLE_JWT["SIGNING_KEY"] if key is None else key
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


@pytest.mark.parametrize("name", ["alice", "alice@shop.example"])
def test_a_client_obtains_a_pair_and_uses_it(client, cast, name):
    pair = obtain(client, name).json()
    assert with_token(client, pair["access"]).status_code == 200
    claims = jwt.decode(pair["access"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 300
    assert (claims["iss"], claims["aud"]) == ("oskartrack", "oskartrack-api")
    assert jwt.get_unverified_header(pair["access"])["alg"] == "HS256"
    assert post(client, VERIFY, token=pair["access"]).status_code == 200
    assert AuditEntry.objects.get(action="token.obtained").actor == cast.alice


def test_the_signing_key_is_the_tokens_own_and_long(settings):
    assert settings.SIMPLE_JWT["SIGNING_KEY"] != settings.SECRET_KEY
    assert len(settings.SIMPLE_JWT["SIGNING_KEY"]) >= 64


def test_wrong_pairs_are_told_the_same_and_the_sixth_is_429(client, cast):
    answers = [obtain(client, name, "wrong") for name in ("alice", "nobody")]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1]
    assert (bodies[0]["status"], bodies[0]["code"]) == (401, "no_active_account")
    for _ in range(4):
        obtain(client, password="wrong")
    refused = obtain(client)
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert (refused.json()["detail"], refused.json()["code"]) == (TOO_MANY, "throttled")


def test_the_page_and_the_token_door_share_the_tries(client, cast):
    for _ in range(5):
        client.post("/login/", {"username": "alice", "password": "wrong"})
    assert obtain(client).status_code == 429


def test_a_refresh_token_works_once_and_its_successor_works(client, cast):
    first = obtain(client).json()["refresh"]
    second = post(client, REFRESH, refresh=first).json()["refresh"]
    again = post(client, REFRESH, refresh=first)
    assert (again.status_code, again.json()["code"]) == (401, "token_not_valid")
    assert post(client, REFRESH, refresh=second).status_code == 200


def test_of_two_refreshes_past_the_check_only_the_first_writer_succeeds(client, cast):
    # Both requests have passed the blacklist check before either writes: the race, step by step.
    raw = obtain(client).json()["refresh"]
    early, late = OneUseRefreshToken(raw), OneUseRefreshToken(raw)
    early.blacklist()
    with pytest.raises(Exception, match="used before"):
        late.blacklist()
    assert BlacklistedToken.objects.count() == 1


def test_refresh_dies_with_the_password(client, cast):
    pair = obtain(client).json()
    cast.alice.set_password("another good phrase")
    cast.alice.save()
    refused = post(client, REFRESH, refresh=pair["refresh"])
    assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")
    assert with_token(client, pair["access"]).status_code == 401


@pytest.mark.parametrize("end", ["closed", "deleted"])
def test_refresh_dies_with_the_account(client, cast, end):
    pair = obtain(client).json()
    if end == "closed":
        type(cast.alice).objects.filter(pk=cast.alice.pk).update(is_active=False)
    else:
        cast.alice.delete()
    assert post(client, REFRESH, refresh=pair["refresh"]).status_code == 401
    assert with_token(client, pair["access"]).status_code == 401


def test_forged_stale_and_misplaced_tokens_are_refused_everywhere(client, cast):
    pair = obtain(client).json()
    access, refresh = pair["access"], pair["refresh"]
    now = int(time.time())
    bad = {
        "no signature": forged(access, key="", algorithm="none"),
        "another key": forged(access, key="k" * 64),
        "the session key": forged(access, key=settings.SECRET_KEY),
        "another algorithm": forged(access, algorithm="HS512"),
        "expired": forged(access, exp=now - 1),
        "never expires": forged(access, exp=None),
        "not yet": forged(access, nbf=now + 900),
        "another issuer": forged(access, iss="elsewhere"),
        "no issuer": forged(access, iss=None),
        "another audience": forged(access, aud="elsewhere"),
        "no audience": forged(access, aud=None),
        "no type": forged(access, token_type=None),
        "no person": forged(access, user_id=None),
        "another person": forged(access, user_id=str(cast.bob.pk)),
        "a name for a person": forged(access, user_id="alice"),
        "a list for a person": forged(access, user_id=[1]),
        "a person beyond all numbers": forged(access, user_id="9" * 5000),
        "no password mark": forged(access, hash_password=None),
        "no id": forged(access, jti=None),
        "refresh as access": refresh,
        "truncated": access[:-4],
        "extended": access + "AAAA",
        "empty": "",
        "words": "not a token",
        "three dots": "..",
    }
    believed = {why for why, token in bad.items() if with_token(client, token).status_code != 401}
    assert believed == set()
    assert with_token(client, access).status_code == 200
    assert post(client, REFRESH, refresh=access).status_code == 401
    for why in ("no signature", "another key", "expired", "another algorithm", "truncated"):
        assert post(client, VERIFY, token=bad[why]).status_code == 401, why


def test_a_refresh_token_of_an_unknown_or_odd_person_is_refused_not_broken(client, cast):
    refresh = obtain(client).json()["refresh"]
    for person in ("999999", "alice", None, {"a": 1}, "9" * 5000):
        answer = post(client, REFRESH, refresh=forged(refresh, user_id=person))
        assert answer.status_code == 401, person


def test_what_is_no_token_at_all_gets_400_with_the_field(client, db):
    for body in ({}, {"refresh": None}, {"refresh": ["x"]}):
        answer = post(client, REFRESH, **body)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["refresh"])


def test_a_used_up_refresh_token_verifies_as_bad(client, cast):
    first = obtain(client).json()["refresh"]
    post(client, REFRESH, refresh=first)
    assert post(client, VERIFY, token=first).status_code in {400, 401}


def test_tokens_need_no_csrf_and_a_session_does(cast):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    assert obtain(strict).status_code == 200


def test_rotation_writes_both_rows(client, cast):
    first = obtain(client).json()["refresh"]
    post(client, REFRESH, refresh=first)
    assert OutstandingToken.objects.count() == 2
    assert BlacklistedToken.objects.count() == 1
    assert RefreshSerializer.token_class is OneUseRefreshToken
    assert issubclass(OneUseRefreshToken, RefreshToken)
    assert RefreshToken.lifetime == timedelta(days=7)
    assert connection.vendor in {"sqlite", "postgresql"}
