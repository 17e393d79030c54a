"""The database away, Valkey away: clear answers meanwhile, healed soon after, nothing corrupt."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.house.outage_stage import (
    HEALS_WITHIN_S,
    OUTAGE_S,
    TOKEN,
    Shop,
    end,
    start_again,
    wait_until,
)
from tests.plugins.product import Product
from tests.plugins.servers import PostgreSQL, Valkey

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(600)]
FILMS = 4
# The hour of a film in its facts; all films begin on the hour.
RECORDING = re.compile(r'"recording": "(2026-07-\d\dT\d\d:)')
# The counting itself, on a machine that does much else.
COUNTING_S = 240


@pytest.fixture(scope="module")
def database() -> Generator[PostgreSQL, None, None]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="module")
def valkey() -> Generator[Valkey, None, None]:
    with Valkey() as server:
        yield server


@pytest.fixture(scope="module")
def shop(
    database: PostgreSQL, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Shop, None, None]:
    """The whole product on servers that a test may end; one film is counted without a break."""
    folder = tmp_path_factory.mktemp("outages")
    product = Product(
        folder / "data", "--no-demo", log=folder / "up.log",
        DATABASE_URL=database.url, REDIS_URL=valkey.url,
        OSKARTRACK_METRICS_TOKEN=TOKEN, OSKARTRACK_WORKERS="2",
    )  # fmt: skip
    try:
        product.ready()
        shop = Shop(product, folder)
        shop.ingest("corner", 0)
        shop.enter()
        wait_until(lambda: all_through(shop), COUNTING_S, "the first film")
        yield shop
    finally:
        product.stop()


def all_through(shop: Shop) -> bool:
    return all(each["state"] == "done" for each in shop.recordings())


def same_facts(shop: Shop) -> None:
    """Every film of the store is the same one: so are its facts, but for the hour."""
    films: dict[str, list[str]] = {}
    for fact in shop.facts("corner"):
        if found := RECORDING.search(fact):
            films.setdefault(found[1], []).append(fact.replace(found[1], "THE HOUR"))
    (first, unbroken), *others = sorted(films.items())
    assert len(others) >= FILMS - 1
    assert len(unbroken) > 20
    for hour, facts in others:
        assert sorted(facts) == sorted(unbroken), f"the film of {hour} against that of {first}"
    found = shop.product.manage("rebuild_rollups", "--check", "--store", "corner")
    assert found.strip().splitlines()[-1].startswith("0 rows differ"), found


def test_the_database_away_for_a_while(shop: Shop, database: PostgreSQL):
    before = shop.parts_done()
    video = Path(shop.video).read_bytes()
    for hour in range(1, 2 * FILMS):
        assert shop.record(shop.upload(video), hour).status == 201
    wait_until(lambda: shop.parts_done() > before, 60, "work has begun")
    assert not all_through(shop), "there was too little work for an outage to meet"
    end(database, signal.SIGQUIT)  # "immediate": no checkpoint, sessions cut off
    gone = time.monotonic()
    try:
        while_the_database_is_away(shop)
        while time.monotonic() - gone < OUTAGE_S:
            assert shop.ask("/readyz").status == 503
            time.sleep(0.5)
    finally:
        start_again(database)
    back = time.monotonic()
    wait_until(lambda: shop.ask("/readyz").status == 200, HEALS_WITHIN_S, "ready again")
    ready_s = time.monotonic() - back
    at = shop.parts_done()
    wait_until(
        lambda: shop.parts_done() > at or all_through(shop),
        HEALS_WITHIN_S - ready_s, "work goes on",
    )  # fmt: skip
    healed_s = time.monotonic() - back
    sys.stderr.write(
        f"database away {OUTAGE_S} s: ready after {ready_s:.1f} s, works after {healed_s:.1f} s\n"
    )
    wait_until(lambda: all_through(shop), COUNTING_S, "all films")
    same_facts(shop)


def while_the_database_is_away(shop: Shop) -> None:
    ready = shop.ask("/readyz")
    assert ready.status == 503
    assert int(ready.headers["Retry-After"]) > 0
    assert not ready.json["checks"]["database"]["ok"]
    assert "The database does not answer" in ready.json["checks"]["database"]["what"]
    assert shop.ask("/healthz").status == 200
    for path in (shop.place, f"{shop.place}recordings/", f"{shop.place}live/"):
        answer = shop.ask(path)
        assert (answer.status, answer.json["code"]) == (503, "database_away"), path
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0
    announced = shop.ask(
        f"{shop.place}uploads/", method="POST", Upload_Length="5", Tus_Resumable="1.0.0"
    )
    assert (announced.status, announced.json["code"]) == (503, "database_away")
    for path in ("/", "/stores/corner/live/", "/health/", "/admin/"):
        page = shop.ask(path)
        assert page.status == 503, path
        assert b"The database does not answer just now" in page.body
        assert int(page.headers["Retry-After"]) > 0
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    figures = shop.ask("/metrics", Authorization=f"Bearer {TOKEN}")
    assert figures.status == 200
    assert b'oskartrack_up{part="database"} 0.0' in figures.body


def test_valkey_away_for_a_while(shop: Shop, valkey: Valkey):
    video = Path(shop.video).read_bytes()
    hours = range(10, 10 + FILMS)
    shop.ingest("corner", hours[0])
    end(valkey, signal.SIGKILL)
    gone = time.monotonic()
    try:
        ready = shop.ask("/readyz")
        assert ready.status == 503
        assert int(ready.headers["Retry-After"]) > 0
        assert not ready.json["checks"]["valkey"]["ok"]
        assert ready.json["checks"]["database"]["ok"]
        for hour in hours[1:]:  # files are taken all the same, and without a long wait
            upload = shop.upload(video)
            told = shop.record(upload, hour)
            assert told.status == 201, told.body
            assert told.took_s < 20
        assert shop.ask("/stores/corner/live/").status == 200
        while time.monotonic() - gone < OUTAGE_S:
            assert shop.ask(f"{shop.place}live/").status == 200
            time.sleep(0.5)
    finally:
        start_again(valkey)  # empty: nothing was saved
    back = time.monotonic()
    wait_until(lambda: shop.ask("/readyz").status == 200, HEALS_WITHIN_S, "ready again")
    at = shop.parts_done()
    wait_until(lambda: shop.parts_done() > at or all_through(shop), HEALS_WITHIN_S, "work goes on")
    sys.stderr.write(
        f"Valkey away {OUTAGE_S} s: works {time.monotonic() - back:.1f} s after its return\n"
    )
    wait_until(lambda: all_through(shop), COUNTING_S, "all films")
    same_facts(shop)
