"""What every answer carries: a page, an error, a file; and who may ask from where."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from oskartrack.access import DOORS
from tests.access.asks import asks_of
from tests.access.matrix import METHODS, Answer, let_in, may, people, send, taken_back
from tests.access.world import World

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(900)]
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What a file may be; anything else comes as text or JSON that no browser runs.
FILES = {"image/jpeg", "text/csv", "application/vnd.apache.parquet"}
TYPES = FILES | {
    "text/html", "text/plain", "application/json", "application/problem+json",
    "application/vnd.oai.openapi", "text/javascript", "text/css", "image/svg+xml",
}  # fmt: skip
EVIL = "https://evil.example"


def wrong_with(answer: Answer) -> Iterator[str]:
    """Yield what an answer lacks."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    for name, value in ALWAYS.items():
        if headers.get(name.lower()) != value:
            yield f"{name} is {headers.get(name.lower())}"
    policy = headers.get("content-security-policy", "")
    if "default-src 'self'" not in policy and "default-src 'none'" not in policy:
        yield f"the policy is {policy!r}"
    if re.search(r"unsafe|\*|https?:|data:(?!;)", policy.replace("img-src 'self' data:", "")):
        yield f"the policy lets in {policy!r}"
    kind = headers.get("content-type", "").partition(";")[0]
    if answer.content and kind not in TYPES:
        yield f"the type is {kind!r}"
    if kind in FILES and ("sandbox" not in policy or "nosniff" not in repr(headers)):
        yield "a file could run"
    kept = headers.get("cache-control", "")
    if not re.search(r"no-store|no-cache|private", kept) and "/static/" not in answer.asked:
        yield f"anybody may keep it: {kept!r}"
    if "access-control-allow-origin" in headers:
        yield "other sites may read it"


def test_every_answer_carries_the_policy_and_a_fixed_type(world, still_clock):
    found = []
    everybody = people(world)
    for door in DOORS:
        for method in METHODS:
            for name in ("anonymous", "superuser"):
                ask = asks_of(door.pattern, method)[0]
                with taken_back():
                    answer = send(everybody[name], door.pattern, method, ask, world.a.names)
                where = f"{method} {door.pattern} as {name} ({answer.status})"
                found += [f"{where}: {wrong}" for wrong in wrong_with(answer)]
    assert not found, "\n".join(found[:40])


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("/no/such/page/", {}, 404),
        ("/api/v1/nothing/", {}, 404),
        ("/static/css/tokens.css", {}, 200),
        ("/static/no-such-file.css", {}, 404),
        ("/healthz", {"host": "evil.example"}, 400),
        ("/media/source", {}, 404),
        ("/var/media/source", {}, 404),
        ("/.git/config", {}, 404),
        ("/.env", {}, 404),
        ("/static/../.git/config", {}, 404),
        ("/static/%2e%2e/oskartrack/settings.py", {}, 404),
    ],
)
def test_errors_and_files_of_the_pages_carry_it_too(db, address, headers, status):
    response = Client(raise_request_exception=False).get(address, headers=headers)
    assert response.status_code == status
    body = b"".join(response.streaming_content) if response.streaming else response.content
    answer = Answer(address, status, "", body, dict(response.headers))
    assert list(wrong_with(answer)) == []


def test_a_fault_of_ours_carries_it_too(client, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("a fault")

    client.raise_request_exception = False
    monkeypatch.setattr("oskartrack.health.look", broken)
    response = client.get("/readyz")
    assert response.status_code == 500
    assert list(wrong_with(Answer("", 500, "", b"x", dict(response.headers)))) == []


@pytest.mark.parametrize("address", ["/", "/api/v1/stores/", "/healthz", "/static/css/base.css"])
@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 301), ("evil.example", 400)])
def test_the_way_to_https_carries_it_too(settings, address, host, status):
    """What is answered before anything else is looked at: by HTTP, of a wrong host as well."""
    settings.SECURE_SSL_REDIRECT = True
    response = Client(raise_request_exception=False).get(address, headers={"host": host})
    assert response.status_code == status
    assert list(wrong_with(Answer("", status, "", response.content, dict(response.headers)))) == []


def test_without_the_headers_first_that_is_found(settings):
    stock = "django.middleware.security.SecurityMiddleware"
    others = [name for name in settings.MIDDLEWARE if name != stock]
    settings.MIDDLEWARE = [stock, *(name for name in others if "HeadersFirst" not in name)]
    settings.SECURE_SSL_REDIRECT = True
    for host in ("127.0.0.1", "evil.example"):
        told = Client(raise_request_exception=False).get("/", headers={"host": host})
        answer = Answer("", told.status_code, "", told.content, dict(told.headers))
        assert list(wrong_with(answer))


def test_every_answer_by_https_says_to_come_back_that_way(settings, db):
    settings.SECURE_HSTS_SECONDS = 31_536_000
    client = Client(raise_request_exception=False)
    for address in ("/login/", "/api/v1/stores/", "/no/such/", "/static/css/base.css", "/healthz"):
        answer = client.get(address, secure=True)
        assert answer["Strict-Transport-Security"].startswith("max-age=31536000"), address
        if answer.streaming:
            assert b"".join(answer.streaming_content)


def test_in_production_cookies_are_for_this_very_host_by_https():
    """A process of its own, with the settings of production and nothing behind it."""
    code = (
        "import django; django.setup()\n"
        "from django.conf import settings; from django.test import Client\n"
        "told = Client().get('/login/', secure=True, headers={'host': 'shop.example'})\n"
        "print(told.status_code, told.cookies.output(header=''), sep=';')\n"
        "print(settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, "
        "settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_PATH)\n"
        "print(told['Strict-Transport-Security'])"
    )
    long = "x" * 64
    keys = {
        "OSKARTRACK_SECRET_KEY": long,
        "OSKARTRACK_JWT_KEY": long + "y",
        "OSKARTRACK_CAMERA_KEY": long + "z",
    }
    more = {"OSKARTRACK_ENV": "production", "OSKARTRACK_HOSTS": "shop.example", **keys}
    more |= {"OSKARTRACK_HASHED_STATIC": "false"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **more}, capture_output=True, text=True,
        check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cookie, session, strict = done.stdout.strip().splitlines()[-3:]
    parts = {part.strip() for part in cookie.split(";")}
    assert any(part.startswith("__Host-csrftoken=") for part in parts)
    assert {"200", "Secure", "Path=/", "SameSite=Lax"} <= parts
    assert "Domain" not in cookie
    assert session == "__Host-sessionid True True /"
    assert strict == "max-age=31536000; includeSubDomains; preload"


def test_words_of_sql_in_a_query_are_words(world, still_clock):
    """In each place of every query: refused as no such thing, or looked for and not found."""
    who, found, asked = people(world)["manager A"], [], 0
    for door in (door for door in DOORS if door.scope and "GET" in door.methods.split()):
        for ask in asks_of(door.pattern, "GET"):
            for name in ask(world.a.names).query:
                for words in ("' OR '1'='1", "1; DROP TABLE accounts_store--", '") OR 1=1 --'):

                    def evil(names, ask=ask, name=name, words=words):
                        told = ask(names)
                        return replace(told, query={**told.query, name: words})

                    answer = send(who, door.pattern, "GET", evil, world.a.names)
                    asked += 1
                    if answer.status not in {400, 404}:
                        found.append(f"{door.pattern} {name}={words}: {answer.status}")
    assert asked > 50
    assert not found, "\n".join(found)


def test_what_only_looks_changes_nothing(world, still_clock):
    """GET, HEAD and OPTIONS of every door: no table is written to but those of looking."""
    looks = {"accounts_auditentry", "django_session"}
    found = []
    who = people(world)["superuser"]
    for door in (door for door in DOORS if "GET" in door.methods.split()):
        for method in ("GET", "HEAD", "OPTIONS"):
            with taken_back() as tables:
                send(who, door.pattern, method, asks_of(door.pattern, "GET")[0], world.a.names)
            if changed := set(tables) - looks:
                found.append(f"{method} {door.pattern}: {sorted(changed)}")
    assert not found, "\n".join(found)


# --- From another site ----------------------------------------------------------------------------


def let_through(world: World, part: str = "") -> Iterator[str]:
    """Yield which writes a session may do from a page that does not know the token."""
    for door in (door for door in DOORS if part in door.pattern):
        for method in set(door.methods.split()) - {"GET"}:
            who = people(world)["superuser"]
            who.client.handler.enforce_csrf_checks = True
            ask = asks_of(door.pattern, method)[0]
            if not may(door, who, "a") or door.pattern.startswith("api/v1/auth/"):
                continue  # whoever asks for a token sends the password and no cookie counts
            with taken_back() as tables:
                answer = send(who, door.pattern, method, ask, world.a.names)
            if answer.status != 403 and (not let_in(method, answer) or tables):
                yield f"{method} {door.pattern}: {answer.status}"


def test_no_session_writes_anything_without_its_token(world, still_clock):
    assert list(let_through(world)) == []


def test_without_the_check_of_the_token_that_is_found(world, still_clock, monkeypatch):
    from django.middleware.csrf import CsrfViewMiddleware

    monkeypatch.setattr(CsrfViewMiddleware, "process_view", lambda *_, **__: None)
    monkeypatch.setattr(CsrfViewMiddleware, "_check_token", lambda *_: None)
    for part in ("cancel/", "/tell/", "admin/zones/zone/add/"):
        assert list(let_through(world, part)), part


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:9999", "https://127.0.0.1", "http://localhost", "null", EVIL],
)
def test_a_page_of_another_port_or_scheme_is_another_site(world, still_clock, origin):
    """Even with the token that it cannot know: a page is ours when its origin is our address."""
    who = people(world)["superuser"]
    who.client.handler.enforce_csrf_checks = True
    who.client.cookies["csrftoken"] = token = "a" * 32
    address = f"/api/v1/stores/{world.a.store.public_id}/kpi-settings/"
    ask: dict[str, Any] = {"data": {"bounce_s": 90}, "content_type": "application/json"}
    headers = {"host": "127.0.0.1", "x-csrftoken": token}
    with taken_back():
        ours = who.client.put(address, **ask, headers=headers | {"origin": "http://127.0.0.1"})
        theirs = who.client.put(address, **ask, headers=headers | {"origin": origin})
    assert (ours.status_code, theirs.status_code) == (200, 403)


def test_no_other_site_reads_anything_unless_it_is_on_the_list(client, settings):
    address = "/api/v1/schema/"
    asked = {"origin": EVIL, "access-control-request-method": "GET"}
    for method in (client.get, client.options):
        assert "access-control-allow-origin" not in method(address, headers=asked).headers
    settings.CORS_ALLOWED_ORIGINS = ["https://reports.example"]
    listed = asked | {"origin": "https://reports.example"}
    told = client.options(address, headers=listed)
    assert told["access-control-allow-origin"] == "https://reports.example"
    assert "access-control-allow-credentials" not in told.headers
    for origin in (EVIL, "null", f"{EVIL}/reports.example", "https://reports.example.evil"):
        refused = client.options(address, headers=asked | {"origin": origin})
        assert "access-control-allow-origin" not in refused.headers
    # Pages are nobody else's business at all.
    assert "access-control-allow-origin" not in client.get("/login/", headers=listed).headers
