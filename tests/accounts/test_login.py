"""The log-in page: who gets in, what the others are told, how often they may try."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.urls import reverse
from redis import Redis, RedisError

from accounts import throttle
from accounts.models import AuditEntry, User
from accounts.throttle import TOO_MANY, TOO_MANY_HERE, count_try
from tests.cast import PASSWORD, make_user

pytestmark = pytest.mark.db

LOGIN = "/login/"


def try_login(client, username="alice", password="wrong", **extra):
    data = {"username": username, "password": password, "next": "/healthz"}
    return client.post(LOGIN, data, **extra)


def told(response) -> str:
    return str(response.context["form"].non_field_errors()[0])


@pytest.mark.parametrize("name", ["alice", "alice@shop.example", "ALICE@Shop.Example", " alice "])
def test_a_person_logs_in_by_user_name_or_e_mail(client, cast, name):
    response = try_login(client, name, PASSWORD)
    assert (response.status_code, response["Location"]) == (302, "/healthz")
    assert get_user(client) == cast.alice


def test_a_wrong_password_an_unknown_name_and_a_closed_account_are_told_the_same(client, cast):
    make_user("gone", is_active=False)
    texts = set()
    for name, password in [
        ("alice", "wrong"),
        ("alice@shop.example", "wrong"),
        ("nobody", "wrong"),
        ("nobody@shop.example", "wrong"),
        ("gone", PASSWORD),
    ]:
        cache.clear()
        texts.add(told(try_login(client, name, password)))
    assert texts == {"That password does not fit this user. 4 tries left."}
    assert not get_user(client).is_authenticated


def test_an_e_mail_of_two_people_opens_neither_account(client, cast):
    # Two such rows can only come from outside: the services refuse the second.
    type(cast.bob).objects.filter(pk=cast.bob.pk).update(email="alice@shop.example")
    assert try_login(client, "alice@shop.example", PASSWORD).status_code == 200
    assert not get_user(client).is_authenticated


def test_the_sixth_try_in_a_minute_is_answered_429_in_words_even_with_the_right_password(
    client, cast
):
    left = [told(try_login(client)) for _ in range(5)]
    assert [text.split(". ")[1] for text in left] == [
        "4 tries left.",
        "3 tries left.",
        "2 tries left.",
        "1 try left.",
        "0 tries left.",
    ]
    refused = try_login(client, "alice", PASSWORD)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "60"
    assert told(refused) == TOO_MANY
    assert TOO_MANY in refused.content.decode()
    assert not get_user(client).is_authenticated


def test_every_spelling_of_one_account_shares_its_tries(client, cast):
    for name in ["alice", "alice@shop.example", "Alice", " ALICE ", "ALICE@shop.example"]:
        try_login(client, name)
    assert try_login(client, "alice").status_code == 429


def test_tries_are_counted_by_person_and_by_address(client, cast):
    for _ in range(6):
        try_login(client, "alice")
    assert try_login(client, "bob").status_code == 200
    assert try_login(client, "alice", REMOTE_ADDR="10.0.0.9").status_code == 200
    assert try_login(client, "alice").status_code == 429


def test_one_password_tried_on_many_people_is_stopped_at_the_address_it_comes_from(cast, client):
    for number in range(throttle.CROWD):
        assert not count_try(login=f"person-{number}", address="127.0.0.1").refused
    assert count_try(login="one-more", address="127.0.0.1").refused
    refused = try_login(client, "alice", PASSWORD)
    assert (refused.status_code, refused["Retry-After"]) == (429, "600")
    assert told(refused) == TOO_MANY_HERE and "user" not in TOO_MANY_HERE
    body = {"username": "alice", "password": PASSWORD}
    token = client.post("/api/v1/auth/token/", body, content_type="application/json")
    assert (token.status_code, token["Retry-After"]) == (429, "600")
    assert token.json()["detail"] == TOO_MANY_HERE
    assert try_login(client, "alice", PASSWORD, REMOTE_ADDR="10.0.0.9").status_code == 302


def test_the_right_password_of_many_people_is_no_crowd(cast):
    for number in range(2 * throttle.CROWD):
        tries = count_try(login=f"person-{number}", address="10.0.0.1")
        assert not tries.refused
        tries.forget()


def test_a_made_up_forwarding_header_buys_no_tries(client, cast):
    tries = [
        try_login(client, "alice", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}") for number in range(6)
    ]
    assert tries[-1].status_code == 429


@pytest.mark.parametrize(
    ("proxies", "header", "address"),
    [
        (0, "203.0.113.7", "10.0.0.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "made up, 203.0.113.7", "203.0.113.7"),
        (2, "made up, 203.0.113.7, 172.18.0.9", "203.0.113.7"),
        (2, "172.18.0.9", "172.18.0.9"),  # asked from within, past the outer proxy
        (1, "", "10.0.0.1"),
    ],
)
def test_the_address_is_the_one_that_the_outermost_of_our_proxies_saw(
    settings, rf, proxies, header, address
):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    request = rf.post(LOGIN, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=header)
    assert throttle.client_address(request) == address


def test_the_log_in_page_tells_a_newcomer_of_the_demo_account_and_what_it_may(client, db):
    assert "demo" not in client.get(LOGIN).content.decode()
    account = User.objects.create_superuser(username="demo", password=PASSWORD)
    page = " ".join(client.get(LOGIN).content.decode().split())
    assert "Log in as <b>demo</b>" in page
    assert "administrator" in page
    assert PASSWORD not in page
    account.is_superuser = False
    account.save()
    assert "administrator" not in client.get(LOGIN).content.decode()


def test_in_production_the_page_tells_nobody_that_there_is_a_demo_account(client, db, settings):
    User.objects.create_superuser(username="demo", password=PASSWORD)
    settings.PRODUCTION = True
    assert "Log in as" not in client.get(LOGIN).content.decode()


def test_production_gets_no_demo_administrator(db, settings, monkeypatch):
    monkeypatch.setenv("OSKARTRACK_DEMO_PASSWORD", PASSWORD)
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="createsuperuser"):
        call_command("demo_account")
    assert not User.objects.exists()
    settings.PRODUCTION = False
    call_command("demo_account")
    assert User.objects.get().is_superuser


def test_the_right_password_starts_the_count_afresh(client, cast):
    for _ in range(4):
        try_login(client)
    try_login(client, "alice", PASSWORD)
    client.post("/logout/")
    assert told(try_login(client)) == "That password does not fit this user. 4 tries left."


def test_the_count_ends_with_its_minute(cast, valkey_url):
    tries = [count_try(login="alice", address="10.0.0.1") for _ in range(6)][-1]
    assert tries.refused
    with Redis.from_url(valkey_url) as valkey:
        assert 0 < int(str(valkey.ttl(cache.make_key(tries.key)))) <= 60


def test_many_tries_at_once_get_no_more_than_five_through():
    together = threading.Barrier(16)

    def attempt(login: str) -> bool:
        together.wait(10)
        return not count_try(login=login, address="10.0.0.1").refused

    with ThreadPoolExecutor(16) as pool:
        allowed = [sum(pool.map(attempt, [f"nobody-{n}"] * 16)) for n in range(20)]
    assert allowed == [5] * 20


def test_tries_are_still_limited_while_the_cache_is_away(client, cast, monkeypatch):
    class Away:
        def add(self, *_args):
            raise RedisError("away")

        delete = add

    monkeypatch.setattr(throttle, "cache", Away())
    throttle._own.clear()
    statuses = [try_login(client).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    throttle._own.clear()
    assert try_login(client, "alice", PASSWORD).status_code == 302


def test_someone_logged_in_is_sent_on_and_a_foreign_next_is_not_followed(client, cast, settings):
    settings.LOGIN_REDIRECT_URL = "/readyz"
    response = client.post(
        LOGIN, {"username": "alice", "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert response.status_code == 302
    assert response["Location"] == "/readyz"
    again = client.get(LOGIN + "?next=/healthz")
    assert (again.status_code, again["Location"]) == (302, "/healthz")


def test_log_out_needs_a_post_and_ends_the_session(client, cast):
    client.force_login(cast.alice)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    assert not get_user(client).is_authenticated


def test_the_page_holds_no_inline_script_or_style_and_its_policy_forbids_them(client, db):
    response = client.get(LOGIN)
    page = response.content.decode()
    assert "<style" not in page
    assert "style=" not in page
    assert page.count("<script") == page.count('<script src="') + page.count(
        '<script type="module" src="'
    )
    policy = response["Content-Security-Policy"]
    for rule in ("script-src 'self';", "style-src 'self'", "img-src 'self' data:;"):
        assert rule in policy + ";"
    assert "unsafe" not in policy


def test_log_ins_failures_and_log_outs_are_in_the_audit_log_without_what_was_typed(client, cast):
    try_login(client, "alice", "hunter2-typo")
    try_login(client, "my-password-in-the-wrong-box", "x")
    try_login(client, "alice@shop.example", PASSWORD)
    client.post("/logout/")
    entries = list(AuditEntry.objects.order_by("id"))
    assert [(entry.action, entry.actor_name, entry.subject) for entry in entries] == [
        ("user.log_in_failed", "", "alice"),
        ("user.logged_in", "alice", ""),
        ("user.logged_out", "alice", ""),
    ]
    assert all(entry.detail == {"address": "127.0.0.1"} for entry in entries)
    assert all(len(entry.request_id) == 32 for entry in entries)


def test_the_admin_has_no_log_in_door_of_its_own(client, cast):
    response = client.post(
        "/admin/login/?next=/admin/", {"username": "alice", "password": PASSWORD}
    )
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('login')}?next=/admin/"
    client.force_login(cast.alice)
    assert client.get("/admin/", follow=True).status_code == 403
