"""The client of docs/integrators.md against the whole product, over lines that break."""

from __future__ import annotations

import importlib.util
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.plugins.product import PASSWORD, Product
from tests.plugins.proxy import Proxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
EXAMPLE = Path(__file__).parents[2] / "docs/examples/oskartrack_client.py"
AT = datetime(2026, 6, 2, 8, 15, tzinfo=UTC)
WAIT_S = 90
SET_UP = """
import json
from accounts.services import membership_set, store_create, user_create
from zones.services import camera_create, line_create
store = store_create(name="Integrators", slug="integrators", timezone="Europe/Berlin")
other = store_create(name="Not theirs", slug="not-theirs", timezone="Europe/Berlin")
door = camera_create(store=store, name="Door")
line = line_create(camera=door, name="Way in", a=[.2, .6], b=[.8, .6])
user = user_create(username="ida", email="ida@shop.example", password={password!r})
membership_set(user=user, store=store, role="manager")
root = user_create(username="olga", email="olga@shop.example", password={password!r})
type(root).objects.filter(pk=root.pk).update(is_superuser=True)
print(json.dumps([str(one.public_id) for one in (store, line, other)]))
"""


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("oskartrack_client", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def places(product: Product) -> tuple[str, str, str]:
    """A shop of Ida's, its line, and a shop that is not hers."""
    made = product.manage("shell", "-v", "0", "-c", SET_UP.format(password=PASSWORD))
    store, line, other = json.loads(made.splitlines()[-1])
    return store, line, other


def row(number: int, line: str) -> dict[str, Any]:
    at = AT + timedelta(seconds=number)
    direction = "out" if number % 3 else "in"
    return {"client_key": f"{number}", "at": at.isoformat(), "line": line, "direction": direction}


class Follower(threading.Thread):
    """Follows a shop with the example's client until it is stopped."""

    def __init__(self, client: Any, store: str, after: int = 0) -> None:
        super().__init__(daemon=True)
        self.client, self.store, self.after = client, store, after
        self.seen: list[dict[str, Any]] = []
        self.over = threading.Event()

    def run(self) -> None:
        for event in self.client.follow(self.store, self.after, self.over.is_set):
            self.seen.append(event)

    def until(self, seq: int) -> None:
        deadline = time.monotonic() + WAIT_S
        while not self.seen or self.seen[-1]["seq"] < seq:
            assert self.is_alive() and time.monotonic() < deadline, len(self.seen)
            time.sleep(0.05)

    def end(self) -> None:
        self.over.set()
        self.join(WAIT_S)
        assert not self.is_alive()


def test_what_it_pushes_counts_once_and_its_stream_is_the_servers_list(product, example, places):
    store, line, _ = places
    rows = [row(number, line) for number in range(200)]
    with Proxy(product.url) as proxy:
        client = example.Client(proxy.url, "ida", PASSWORD, ("read", "ingest"))
        assert [one["id"] for one in client.stores()] == [store]
        follower = Follower(example.Client(proxy.url, "ida", PASSWORD), store)
        follower.start()
        reports = []
        for start in range(0, 200, 20):
            # Half of each batch was sent before; now and then the answer is lost, or all breaks.
            if start in {40, 120}:
                proxy.loses += 1
            reports.append(client.push(store, "door", rows[max(0, start - 10) : start + 20]))
            if start in {0, 20, 60}:
                follower.until(2 * (start + 20))  # it hears of them by its socket
            if start in {60, 140, 180}:
                proxy.cut()
        reference = example.Client(product.url, "ida", PASSWORD)
        listed = list(reference.events_after(store, 0))
        follower.until(listed[-1]["seq"])
        time.sleep(1)  # time for one too many
        follower.end()
    assert not any(report["refused"] for report in reports)
    assert sum(report["known"] for report in reports) >= 90
    assert proxy.lost == 2 and proxy.cuts >= 1
    assert [event["kind"] for event in listed].count("crossed") == 200
    assert [event["seq"] for event in listed] == list(range(1, 401))
    assert follower.seen == listed
    # News before the first cut came in three hints at the least, those after it by another socket.
    assert follower.client.hints > 3


def test_it_renews_its_tokens_and_logs_in_again_where_a_renewal_was_lost(product, example, places):
    store, line, _ = places
    with Proxy(product.url) as proxy:
        client = example.Client(proxy.url, "ida", PASSWORD, ("read", "ingest"))
        client.stores()
        first = client._refresh
        client._access = "too old"
        assert client.push(store, "door", [row(1000, line)])["taken"] == 1
        second = client._refresh
        assert second not in {first, ""}
        client._access = ""
        proxy.loses = 1  # the answer with the next tokens
        assert client.push(store, "door", [row(1000, line)])["known"] == 1
        assert proxy.lost == 1 and client._refresh not in {first, second, ""}
        # Whoever has the lost token now ends its log-in, not ours.
        with pytest.raises(example.RefusedError) as refused:
            client._once("POST", f"{example.TOKENS}refresh/", {"refresh": second}, "")
        assert refused.value.status == 401
        assert len(client.stores()) == 1


def test_it_gives_up_at_once_where_trying_again_would_not_help(product, example, places):
    _, _, other = places
    client = example.Client(product.url, "ida", PASSWORD)
    with pytest.raises(example.RefusedError) as refused:
        next(client.follow(other))
    assert refused.value.status == 404
    with pytest.raises(example.RefusedError) as refused:
        client.push(places[0], "door", [row(2000, places[1])])
    assert refused.value.status == 403  # its token is for reading
    with pytest.raises(example.LogInError) as refused:
        example.Client(product.url, "ida", "wrong").stores()
    assert refused.value.status == 401


def test_made_up_people_come_in_by_the_same_door_and_go_again(product, places):
    told = json.loads(
        product.manage(
            "simulate", "--store", "made-up", "--live", "--minutes", "0.15", "--rate", "600",
            "--to", "http", "--url", product.url, "--user", "olga",
            OSKARTRACK_SIMULATE_PASSWORD=PASSWORD,
        )
    )  # fmt: skip
    assert told["unsent_events"] == told["failed_batches"] == 0
    assert told["new_events"] == told["sent_events"] > 20
    removed = json.loads(product.manage("simulate", "--store", "made-up", "--remove"))
    assert removed["removed_store"] is True
