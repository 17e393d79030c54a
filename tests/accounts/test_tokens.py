"""Tokens of API clients: obtained for a password, used, renewed once, ended."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib.auth import hashers
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone as clock

from accounts.models import ApiLogin, AuditEntry, Membership
from accounts.services import membership_set
from accounts.throttle import TOO_MANY
from accounts.tokens import MOST_LOGINS, login_start, open_logins
from tests.accounts.tokens import (
    ALL,
    END,
    STORES,
    VERIFY,
    forged,
    obtain,
    pair_for,
    post,
    renew,
    with_token,
)
from tests.cast import make_user

pytestmark = pytest.mark.db


@pytest.mark.parametrize("name", ["alice", "alice@shop.example"])
def test_a_client_obtains_a_pair_and_uses_it(client, cast, name):
    pair = obtain(client, name).json()
    assert with_token(client, pair["access"]).status_code == 200
    claims = jwt.decode(pair["access"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 300
    assert (claims["iss"], claims["aud"]) == ("oskartrack", "oskartrack-api")
    assert (claims["sub"], claims["scope"]) == (str(cast.alice.public_id), "read")
    assert jwt.get_unverified_header(pair["access"]) == {"alg": "HS256", "typ": "JWT"}
    assert post(client, VERIFY, token=pair["access"]).status_code == 200
    assert post(client, VERIFY, token=pair["refresh"]).status_code == 200
    assert AuditEntry.objects.get(action="token.obtained").actor == cast.alice


def test_no_token_says_anything_of_the_password_and_none_is_kept(client, cast):
    pair = obtain(client).json()
    known = {"sub", "login", "scope", "iss", "aud", "exp", "iat", "jti", "token_type"}
    for token in (pair["access"], pair["refresh"]):
        assert set(jwt.decode(token, options={"verify_signature": False})) == known
    stored = repr(list(ApiLogin.objects.values_list()))
    assert pair["access"] not in stored
    assert pair["refresh"] not in stored


def test_the_signing_key_is_the_tokens_own_and_long(settings):
    assert settings.SIMPLE_JWT["SIGNING_KEY"] != settings.SECRET_KEY
    assert len(settings.SIMPLE_JWT["SIGNING_KEY"]) >= 64


# --- What a token is for --------------------------------------------------------------------------


def test_tokens_are_for_what_was_asked_and_by_default_for_reading(client, cast):
    assert obtain(client).json()["scopes"] == ["read"]
    told = obtain(client, scopes=["manage", "ingest"], client_name="till").json()
    assert told["scopes"] == ["ingest", "manage"]
    again = renew(client, told["refresh"]).json()
    assert again["scopes"] == ["ingest", "manage"]
    entry = AuditEntry.objects.filter(action="token.obtained").earliest("-id")
    assert (entry.subject, entry.detail["scopes"]) == ("till", ["ingest", "manage"])


def test_nobody_gets_a_token_for_more_than_they_may(client, cast):
    for scopes in (["manage"], ["ingest"], ["read", "manage"]):
        refused = obtain(client, "bob", scopes=scopes)
        assert (refused.status_code, list(refused.json()["errors"])) == (400, ["scopes"])
    assert obtain(client, "bob", scopes=["read"]).status_code == 200
    assert obtain(client, "alice", scopes=list(ALL)).status_code == 200
    make_user("root", is_superuser=True)
    assert obtain(client, "root", scopes=list(ALL)).status_code == 200
    assert not ApiLogin.objects.filter(user=cast.bob).exclude(scope="read").exists()


def test_what_nobody_knows_is_refused_and_so_is_a_field_too_much(client, cast):
    for more, field in (
        ({"scopes": ["admin"]}, "scopes.0"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "manage"}, "scopes"),
        ({"scope": "manage"}, "scope"),
        ({"is_superuser": True}, "is_superuser"),
        ({"client_name": "x" * 61}, "client_name"),
    ):
        answer = obtain(client, **more)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not ApiLogin.objects.exists()


def test_who_manages_no_more_changes_nothing_with_an_older_token(client, cast):
    token = pair_for(cast.alice).access
    address = f"{STORES}{cast.store.public_id}/kpi-settings/"
    ask: dict[str, Any] = {"data": {"bounce_s": 90}, "content_type": "application/json"}
    ask["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    assert client.put(address, **ask).status_code == 200
    membership_set(user=cast.alice, store=cast.store, role=Membership.Role.VIEWER)
    assert client.put(address, **ask).status_code == 403
    Membership.objects.all().delete()
    assert client.put(address, **ask).status_code == 404


# --- Logging in -----------------------------------------------------------------------------------


def test_wrong_pairs_are_told_the_same_and_the_sixth_is_429(client, cast):
    make_user("gone", is_active=False)
    answers = [obtain(client, name, "wrong") for name in ("alice", "nobody", "n@b.example")]
    answers.append(obtain(client, "gone"))
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert (bodies[0]["status"], bodies[0]["code"]) == (401, "no_active_account")
    assert len({answer["WWW-Authenticate"] for answer in answers}) == 1
    for _ in range(4):
        obtain(client, password="wrong")
    refused = obtain(client)
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert (refused.json()["detail"], refused.json()["code"]) == (TOO_MANY, "throttled")


def test_a_name_that_nobody_has_costs_the_same_work(client, cast, monkeypatch):
    """The passwords hashed and the questions to the database, besides the line in the log."""
    make_user("gone", is_active=False)
    hasher = hashers.get_hasher()
    hashed: Counter[str] = Counter()
    encode = type(hasher).encode

    def counting(self, *args, **kwargs):
        hashed["passwords"] += 1
        return encode(self, *args, **kwargs)

    monkeypatch.setattr(type(hasher), "encode", counting)
    work = {}
    for name, password in (
        ("alice", "wrong"), ("nobody", "wrong"), ("gone", "correct horse battery"),
    ):  # fmt: skip
        cache.clear()
        hashed.clear()
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert obtain(client, name, password).status_code == 401
        reads = sum(query["sql"].startswith("SELECT") for query in asked)
        work[name] = (hashed["passwords"], reads)
    assert len(set(work.values())) == 1, work
    assert work["nobody"][0] == 1


def test_the_page_and_the_token_door_share_the_tries(client, cast):
    for _ in range(5):
        client.post("/login/", {"username": "alice", "password": "wrong"})
    assert obtain(client).status_code == 429


def test_tokens_need_no_csrf_and_a_session_does(cast):
    strict = Client(enforce_csrf_checks=True)
    assert obtain(strict).status_code == 200
    strict.force_login(cast.alice)
    address = f"{STORES}{cast.store.public_id}/kpi-settings/"
    ask: dict[str, Any] = {"data": {"bounce_s": 90}, "content_type": "application/json"}
    assert strict.put(address, **ask).status_code == 403
    token = pair_for(cast.alice).access
    assert strict.put(address, HTTP_AUTHORIZATION=f"Bearer {token}", **ask).status_code == 200


# --- The next pair --------------------------------------------------------------------------------


def test_a_refresh_token_works_once_and_its_successor_works(client, cast):
    first = obtain(client).json()["refresh"]
    second = renew(client, first).json()["refresh"]
    assert first != second
    third = renew(client, second)
    assert third.status_code == 200
    assert with_token(client, third.json()["access"]).status_code == 200
    assert ApiLogin.objects.count() == 1


def test_a_second_use_ends_the_log_in_with_all_its_tokens_and_no_other(client, cast):
    first, other = obtain(client).json(), obtain(client).json()
    second = renew(client, first["refresh"]).json()
    again = renew(client, first["refresh"])
    assert (again.status_code, again.json()["code"]) == (401, "token_not_valid")
    assert renew(client, second["refresh"]).status_code == 401
    for pair in (first, second):
        assert with_token(client, pair["access"]).status_code == 401
    assert with_token(client, other["access"]).status_code == 200
    assert renew(client, other["refresh"]).status_code == 200
    entry = AuditEntry.objects.get(action="token.ended")
    assert (entry.subject, entry.detail["why"]) == ("alice", "reused")


def test_a_used_up_refresh_token_verifies_as_bad_and_asking_ends_nothing(client, cast):
    first = obtain(client).json()["refresh"]
    second = renew(client, first).json()["refresh"]
    assert post(client, VERIFY, token=first).status_code == 401
    assert post(client, VERIFY, token=second).status_code == 200
    assert renew(client, second).status_code == 200


def test_what_is_no_token_at_all_gets_400_with_the_field(client, db):
    for body in ({}, {"refresh": None}, {"refresh": ["x"]}, {"refresh": "x" * 4001}):
        answer = post(client, "/api/v1/auth/token/refresh/", **body)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["refresh"])


# --- The end --------------------------------------------------------------------------------------


def test_a_client_ends_its_own_log_in(client, cast):
    pair, other = obtain(client).json(), obtain(client).json()
    assert post(client, END, refresh=pair["refresh"]).status_code == 204
    assert with_token(client, pair["access"]).status_code == 401
    assert renew(client, pair["refresh"]).status_code == 401
    assert post(client, END, refresh=pair["refresh"]).status_code == 401
    assert with_token(client, other["access"]).status_code == 200
    assert ApiLogin.objects.get(ended_why="client").ended_at is not None


def test_an_access_token_ends_no_log_in(client, cast):
    pair = obtain(client).json()
    assert post(client, END, refresh=pair["access"]).status_code == 401
    assert with_token(client, pair["access"]).status_code == 200


def test_every_token_dies_with_the_password(client, cast):
    pair = obtain(client).json()
    cast.alice.set_password("another good phrase")
    cast.alice.save()
    refused = renew(client, pair["refresh"])
    assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")
    assert with_token(client, pair["access"]).status_code == 401
    assert post(client, VERIFY, token=pair["access"]).status_code == 401
    assert open_logins(cast.alice) == []


@pytest.mark.parametrize("end", ["closed", "deleted"])
def test_every_token_dies_with_the_account(client, cast, end):
    pair = obtain(client).json()
    if end == "closed":
        type(cast.alice).objects.filter(pk=cast.alice.pk).update(is_active=False)
    else:
        cast.alice.delete()
    assert renew(client, pair["refresh"]).status_code == 401
    assert with_token(client, pair["access"]).status_code == 401


def test_nobody_keeps_more_log_ins_than_the_most(cast):
    kept = pair_for(cast.bob, "read")
    for _ in range(MOST_LOGINS + 3):
        login_start(user=cast.alice, scopes=["read"])
    assert cast.alice.api_logins.count() == MOST_LOGINS
    assert len(open_logins(cast.bob)) == 1
    assert kept.scopes == ["read"]


def test_a_refresh_token_ends_after_a_week_unused(client, cast, monkeypatch):
    pair = obtain(client).json()
    claims = jwt.decode(pair["refresh"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == timedelta(days=7).total_seconds()
    assert renew(client, forged(pair["refresh"], exp=claims["iat"] - 1)).status_code == 401
    later = clock.now() + timedelta(days=8)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert open_logins(cast.alice) == []
