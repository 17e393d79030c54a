"""Following a store's feed, whatever happens: nothing missed, nothing twice, the same numbers.

Two parts. Readers catch up by `events?after=N` while eight processes write. And clients follow the
live socket by `docs/live.md` while their connections break, Valkey and the web process are killed
and started again, some stop reading, and a recording is counted again.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.plugins.live_hints import problem_with
from tools.chaos.fleet import Fleet
from tools.chaos.live_client import Follower, Person, Server
from tools.chaos.servers import Broker, Database
from tools.chaos.stage import Stage, Tell, servers, workshop

WRITERS = 8
# A store's clients are told four times a second; the shop tells more often than that.
PAUSE_S = 0.3
LATEST_S = 1500.0
# A connection holds for so long at the most, with 30 clients; the more there are, the longer, so
# that as many come back in a second.
CALM_S = 10.0
PLANTED_EVENTS = 2000
CLIENTS_A_PERSON = 10


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it.

    Attributes
    ----------
    events : int
        That eight writers write while readers catch up.
    clients, stalled : int
        That follow the socket, and how many of these stop reading for `stall_s`.
    seconds : float
        For which the shop goes on.
    breaks : int
        How often Valkey, and how often the web process is killed.
    """

    events: int = 50_000
    clients: int = 200
    stalled: int = 20
    stall_s: float = 55.0
    seconds: float = 120.0
    breaks: int = 3


CI = Size(events=3000, clients=30, stalled=3, stall_s=6.0, seconds=16.0, breaks=1)


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    caught_up: dict[str, Any] = field(default_factory=dict)
    # The same with a bug planted: readers have to miss something, or they would never.
    planted: dict[str, Any] = field(default_factory=dict)
    # Of the clients: what each of them lacks, has twice, or shows otherwise, in words.
    wrong: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether nothing was missed, doubled or mixed up, by anybody."""
        return exact(self.caught_up) and not exact(self.planted) and not self.wrong


def exact(found: dict[str, Any]) -> bool:
    """Tell whether every reader has exactly what was written, in order."""
    readers = [each for each in found.values() if isinstance(each, dict)]
    return bool(readers) and found["gaps"] == 0 and all(each["exact"] for each in readers)


def report(outcome: Outcome) -> list[tuple[str, str]]:
    """Return the lines of the table."""
    lines = [(name, _words(what)) for name, what in outcome.caught_up.items()]
    missed = sum(each["missed"] for each in outcome.planted.values() if isinstance(each, dict))
    lines += [("with numbers that are seen too soon", f"{missed} missed")]
    lines += [(name, _words(what)) for name, what in outcome.facts.items()]
    return lines + [("wrong", text) for text in outcome.wrong[:20]]


def _words(what: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in what.items()) if isinstance(what, dict) else str(what)


def run(seed: int, size: Size, tell: Tell) -> Outcome:
    """Do both parts on one PostgreSQL and one Valkey."""
    outcome = Outcome()
    with workshop() as folder, servers() as (database, broker):
        stage, told = prepared(folder, database, broker, -(-size.clients // CLIENTS_A_PERSON))
        clean, spare = (database.copy_of(stage.database_url) for _ in range(2))
        tell(f"{WRITERS} writers write {size.events} events")
        outcome.caught_up = catch_up(stage, folder, seed, size.events)
        tell(f"held: {exact(outcome.caught_up)}")
        tell("and once more, with numbers that are seen too soon")
        hasty = Stage(folder / "hasty", spare, broker.url)
        outcome.planted = catch_up(hasty, folder, seed, PLANTED_EVENTS, planted=True)
        live = Stage(folder / "live", clean, broker.url)
        with Fleet(live, folder) as fleet:
            fleet.add("web")
            outcome.wrong, outcome.facts = asyncio.run(
                _followed(live, fleet, broker, told, folder, seed, size, tell)
            )
    return outcome


def prepared(
    folder: Path, database: Database, broker: Broker, people: int
) -> tuple[Stage, dict[str, Any]]:
    """Return an installation with a shop and its members, and who they are."""
    stage = Stage(folder / "data", database.new_database(), broker.url)
    stage.manage("migrate", "-v", "0")
    return stage, ask_inside(stage, folder, "prepare", cameras=WRITERS, people=people)


def catch_up(
    stage: Stage, folder: Path, seed: int, events: int, *, planted: bool = False
) -> dict[str, Any]:
    """Have readers catch up under writers; planted: with numbers that are seen before their events.

    Return what was written, and of each reader what it missed.
    """
    found: dict[str, Any] = ask_inside(
        stage, folder, "catch_up", events=events, writers=WRITERS, seed=seed, planted=planted
    )
    return found


def ask_inside(stage: Stage, folder: Path, do: str, **order: Any) -> Any:
    """Have `live_inside` do something; return its answer."""
    asked, answer = folder / f"{do}.order", folder / f"{do}.answer"
    asked.write_text(json.dumps({"do": do, "folder": str(folder), **order}))
    stage.python("-m", "tools.chaos.live_inside", asked, answer)
    return json.loads(answer.read_text())


# --- Clients --------------------------------------------------------------------------------------


async def _followed(
    stage: Stage,
    fleet: Fleet,
    broker: Broker,
    told: dict[str, Any],
    folder: Path,
    seed: int,
    size: Size,
    tell: Tell,
) -> tuple[list[str], dict[str, Any]]:
    """Let clients follow a shop that goes on; return what is wrong, and what happened."""
    lot = random.Random(seed)
    server = Server(fleet.port, told["store"], problem_with)
    people = [Person(name, told["password"]) for name in told["people"]]
    clients = [
        Follower(
            server,
            people[number % len(people)],
            random.Random(lot.random()),
            size.stall_s if number < size.stalled else 0.0,
            max(CALM_S, size.clients * CALM_S / 30),
        )
        for number in range(size.clients)
    ]
    late = set(range(size.clients - max(2, size.clients // 10), size.clients))
    mark = folder / "recounted"
    over, recounted = asyncio.Event(), asyncio.Event()
    tending = asyncio.create_task(_tend(fleet, over, mark, recounted))
    await _answers(server)
    following = [
        asyncio.create_task(_from(client, recounted if number in late else None))
        for number, client in enumerate(clients)
    ]
    tell(f"{size.clients} clients follow")
    shop = asyncio.create_task(
        asyncio.to_thread(
            ask_inside, stage, folder, "go_on", seed=seed, seconds=size.seconds, pause_s=PAUSE_S,
            recounted=str(mark),
        )
    )  # fmt: skip
    breaking = asyncio.create_task(_break(fleet, broker, size, lot, tell))
    try:
        end = await shop
        await breaking
        tell(f"the shop closes at {end}")
        for client in clients:
            client.end = end
        _, waiting = await asyncio.wait(following, timeout=LATEST_S)
        for task in following:
            task.cancel()
        broke = await asyncio.gather(*following, return_exceptions=True)
    finally:
        over.set()
        await tending
    shown = [c.numbers["business_day"]["starts_at"] for c in clients if "store" in c.numbers]
    since = max(shown, default=datetime.now(UTC).isoformat())
    truth = await asyncio.to_thread(ask_inside, stage, folder, "truth", since=since)
    wrong = [f"a client failed: {each!r}" for each in broke if isinstance(each, Exception)]
    wrong += [f"{len(waiting)} clients were not done"] if waiting else []
    wrong += server.strange + _wrong_with(clients, truth)
    facts = {
        "events told": len(truth["events"]),
        "re-counts and removals": truth["recounted"],
        "clients": f"{size.clients}, {len(late)} of them from after the re-count",
        "entries today, and told of ever": f"{truth['entries']}, {truth['entries_ever_told']}",
        "cuts": sum(client.cuts for client in clients),
        "what they met": dict(server.met.most_common()),
    }
    return wrong, facts


def _wrong_with(clients: list[Follower], truth: dict[str, Any]) -> list[str]:
    """Return what any client lacks or shows otherwise than the server."""
    server = [tuple(pair) for pair in truth["events"]]
    wrong = []
    for number, client in enumerate(clients):
        if client.events != server:
            missed, more = set(server) - set(client.events), set(client.events) - set(server)
            doubled = len(client.events) - len(set(client.events))
            wrong.append(
                f"client {number}: {len(missed)} missed, {doubled} twice, {len(more)} unheard of, "
                f"or another order"
            )
        shown = client.numbers.get("today", {}).get("entries")
        if shown != truth["entries"]:
            wrong.append(f"client {number} shows {shown} entries, not {truth['entries']}")
    shows = {json.dumps(_shown(client.numbers), sort_keys=True) for client in clients}
    return wrong + ([f"clients show {len(shows)} different pictures"] if len(shows) != 1 else [])


def _shown(numbers: dict[str, Any]) -> dict[str, Any]:
    """Return what a client shows that does not change with the clock alone."""
    parts = {name: numbers.get(name) for name in ("as_of_seq", "today", "occupancy", "recording")}
    parts["zones"] = [(each["id"], each["stays"]) for each in numbers.get("zones", [])]
    return parts


async def _from(client: Follower, begin: asyncio.Event | None) -> None:
    if begin is not None:
        await begin.wait()
    await client.follow()


async def _answers(server: Server) -> None:
    """Return once the web process answers."""
    while True:
        try:
            await server.ask("GET", "/healthz")
        except OSError:
            await asyncio.sleep(0.1)
        else:
            return


async def _tend(fleet: Fleet, over: asyncio.Event, mark: Path, recounted: asyncio.Event) -> None:
    """Have who died started again; tell when the re-count is done."""
    while not over.is_set():
        fleet.tend()
        if await asyncio.to_thread(mark.exists):
            recounted.set()
        await asyncio.sleep(0.05)


async def _break(fleet: Fleet, broker: Broker, size: Size, lot: random.Random, tell: Tell) -> None:
    """Kill Valkey and the web process, in turn, spread over the time; they come back."""
    gap_s = size.seconds / (2 * size.breaks + 1)
    for _ in range(size.breaks):
        await asyncio.sleep(gap_s)
        tell("Valkey dies")
        await asyncio.to_thread(broker.stop_at_once)
        await asyncio.sleep(lot.uniform(0.5, 2.0))
        await asyncio.to_thread(broker.come_back)
        await asyncio.sleep(gap_s)
        tell("the web process dies")
        fleet.kill(fleet.of("web")[0])
