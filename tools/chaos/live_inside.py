"""What writes a store's feed, and reads it, with the installation's own code.

``python -m tools.chaos.live_inside ORDER ANSWER``: both are files of JSON. Writers use the ledger's
own functions: simulated runs slice by slice, outside counters batch by batch, a film's count, its
re-count after a redraw, and a run that is taken out again.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django

django.setup()

import psycopg2  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.utils import timezone as clock  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402

from accounts.models import Membership, Store, User  # noqa: E402
from tests.tracking import again, walks  # noqa: E402
from tools.chaos.hooks import loose  # noqa: E402
from tracking import counters, ledger, runner  # noqa: E402
from tracking import outside as by_hand  # noqa: E402
from tracking.counters import events_take  # noqa: E402
from tracking.ledger import Slice  # noqa: E402
from tracking.models import Recording, Run, TrackingEvent  # noqa: E402
from tracking.selectors import store_sequence  # noqa: E402
from tracking.visits import EventDraft, VisitBook  # noqa: E402
from zones.models import Camera  # noqa: E402

SLUG, PASSWORD = "followed", "correct horse battery"
# So long a run lasts at the most, and before now it began: its steps are of today.
SPAN = timedelta(minutes=45)
A_WRITE = 20
# Of a shop that goes on: small writes, and no end to them.
SMALL, ENDLESS = 4, 10**6
# The reader that comes late has so many events to fetch at once.
LATE_FROM = 1000
READERS = ("tight", "now and then", "late")
Answer = Any


def prepare(order: dict[str, Any]) -> Answer:
    """Make a store with cameras, members and a film that waits; return who they are."""
    store = walks.make_store(SLUG, timezone="UTC")
    for number in range(order["cameras"]):
        walks.make_camera(store, f"Door {number}")
    people = []
    for number in range(order["people"]):
        user = User(username=f"member-{number}", email=f"member-{number}@shop.example")
        user.set_password(PASSWORD)
        user.save()
        Membership.objects.create(user=user, store=store, role=Membership.Role.VIEWER)
        people.append(user.username)
    walks.make_detected(store, walks.make_files(Path(order["folder"])))
    return {"store": str(store.public_id), "people": people, "password": PASSWORD}


# --- Catching up under many writers ---------------------------------------------------------------


def catch_up(order: dict[str, Any]) -> Answer:
    """Have writers and readers at one feed; return what each reader missed, doubled, mixed up."""
    if order.get("planted"):
        _number_too_soon()
    store = Store.objects.get(slug=SLUG)
    folder = Path(tempfile.mkdtemp(dir=order["folder"]))
    share = order["events"] // order["writers"] // 2 * 2
    seed = order["seed"]
    ended = folder / "ended"
    readers = {name: _fork(partial(_read_into, folder / name, ended, name)) for name in READERS}
    while not all(_ready(ended, name).exists() for name in READERS):
        time.sleep(0.05)
    writers = [
        _fork(partial(write, number, share, seed + number)) for number in range(order["writers"])
    ]
    failed = [pid for pid in writers if os.waitpid(pid, 0)[1]]
    ended.touch()
    failed += [pid for pid in readers.values() if os.waitpid(pid, 0)[1]]
    if failed and not order.get("planted"):
        raise RuntimeError(f"{len(failed)} writers or readers failed.")
    written = _written(store)
    found: dict[str, Any] = {"written": len(written), "gaps": _gaps(written)}
    for name in readers:
        seen = [tuple(pair) for pair in json.loads((folder / name).read_text())]
        found[name] = {
            "missed": len(set(written) - set(seen)),
            "doubled": len(seen) - len(set(seen)),
            "exact": seen == written,
        }
    return found


def write(number: int, wanted: int, seed: int) -> None:
    """Write so many events by small transactions: a simulated run's, or an outside counter's."""
    lot = random.Random(seed)
    camera = Camera.objects.get(store__slug=SLUG, name=f"Door {number}")
    steps = wanted // 2  # each is crossed, and entered or exited
    told = _by_run(camera, lot, steps) if number % 2 else _by_counter(camera, lot, steps)
    for _ in told:
        pass


def _by_run(camera: Camera, lot: random.Random, steps: int, most: int = A_WRITE) -> Iterator[Run]:
    """Tell steps by a simulated run; yield the run after each transaction."""
    run = begin(camera)
    line = camera.lines.get()
    done = 0
    while done < steps:
        some = min(lot.randint(1, most), steps - done)
        drafts = []
        for step in range(done, done + some):
            at_ms = int(step / max(steps, 1) * (SPAN / timedelta(milliseconds=1)))
            direction = lot.choice(("in", "in", "out"))
            kind = "entered" if direction == "in" else "exited"
            drafts += [
                EventDraft(name, at_ms, step + 1, line_key=str(line.public_id), direction=direction)
                for name in ("crossed", kind)
            ]
        by_hand.outside_commit(run, Slice(book=VisitBook(frozenset()), events=drafts))
        done += some
        yield run


def begin(camera: Camera) -> Run:
    """Begin a simulated run of the last minutes of a camera."""
    at = clock.now() - SPAN
    told = by_hand.Told(
        camera=camera,
        public_id=uuid.uuid5(camera.public_id, at.isoformat()),
        name=f"{camera.name}, made up",
        starts_at=at,
        ends_at=at + SPAN,
        card={},
    )
    return by_hand.outside_begin(told, by_hand.map_now(camera, at))


def _by_counter(
    camera: Camera, lot: random.Random, steps: int, most: int = A_WRITE
) -> Iterator[None]:
    """Tell steps as an outside counter does; yield after each transaction."""
    user, line, begun = User.objects.get(username="member-0"), camera.lines.get(), clock.now()
    done = 0
    while done < steps:
        some = min(lot.randint(1, most), steps - done)
        told = [
            counters.Told(
                row=row,
                client_key=f"{done + row}",
                at=begun - SPAN * (1 - (done + row) / steps),
                line=line.public_id,
                direction=lot.choice(("in", "in", "out")),
            )
            for row in range(some)
        ]
        events_take(
            store=camera.store, source=f"door-{camera.pk}", told=told, watched=(), user=user,
            now=clock.now(),
        )  # fmt: skip
        done += some
        yield


def read(ended: Path, name: str) -> list[tuple[int, str]]:
    """Follow the feed through the API's own view until everything written is here."""
    lot = random.Random(name)
    user = User.objects.get(username="member-0")
    client = APIClient(headers={"Host": "127.0.0.1"})
    client.force_authenticate(user)
    store = Store.objects.get(slug=SLUG)
    client.get("/api/v1/stores/")  # loads what answers
    _ready(ended, name).touch()
    while name == "late" and store_sequence(store) < LATE_FROM and not ended.exists():
        time.sleep(0.1)
    seen: list[tuple[int, str]] = []
    after = 0
    while True:
        over = ended.exists()  # looked at before the page
        answer = client.get(f"/api/v1/stores/{store.public_id}/events/?after={after}&limit=500")
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code}: {answer.content[:300]!r}")
        page = answer.json()
        seen += [(event["seq"], event["id"]) for event in page["results"]]
        last = page["results"][-1]["seq"] if page["results"] else after
        after = last if page["more"] else max(last, page["as_of_seq"])
        if over and not page["more"]:
            return seen
        if name != "tight" and not page["more"]:
            time.sleep(lot.uniform(0, 0.2))


def _read_into(answer: Path, ended: Path, name: str) -> None:
    answer.write_text(json.dumps(read(ended, name)))


def _ready(ended: Path, name: str) -> Path:
    return ended.with_name(f"{name} is ready")


def _number_too_soon() -> None:
    """Plant the bug that this is about: numbers that can be seen before their events can."""
    told = settings.DATABASES["default"]
    lines: dict[int, Any] = {}

    def hasty(store: Store, count: int) -> int:
        if os.getpid() not in lines:
            lines[os.getpid()] = psycopg2.connect(
                host=told["HOST"], port=told["PORT"], user=told["USER"],
                password=told["PASSWORD"], dbname=told["NAME"],
            )  # fmt: skip
            lines[os.getpid()].autocommit = True
        with lines[os.getpid()].cursor() as cursor:
            cursor.execute(
                "INSERT INTO tracking_storesequence (store_id, value) VALUES (%s, %s) "
                "ON CONFLICT (store_id) DO UPDATE SET value = tracking_storesequence.value + %s "
                "RETURNING value",
                (store.pk, count, count),
            )
            return int(cursor.fetchone()[0]) - count + 1

    loose(ledger).take_sequence = hasty
    loose(counters).take_sequence = hasty


# --- A shop that goes on while clients follow it --------------------------------------------------


def go_on(order: dict[str, Any]) -> Answer:
    """Let a shop go on for some seconds, with a count, a re-count and a run taken out in it."""
    lot = random.Random(order["seed"])
    first, second, third = Camera.objects.filter(
        store__slug=SLUG, name__startswith="Door "
    ).order_by("pk")[:3]
    told: dict[str, Iterator[Any]] = {
        "first": _by_run(first, lot, ENDLESS, SMALL),
        "second": _by_counter(second, lot, ENDLESS, SMALL),
        "third": _by_run(third, lot, ENDLESS, SMALL),
    }
    run: Run = next(told["third"])
    film = Recording.objects.get(store__slug=SLUG, source=Recording.Source.VIDEO)
    acts: list[tuple[float, Callable[[], Any]]] = [
        (0.25, lambda: runner.work(film.pk)),
        (0.45, lambda: _counted_again(film)),
        (0.6, lambda: (told.pop("third"), ledger.run_take_out(run))),
    ]
    began = time.monotonic()
    while (share := (time.monotonic() - began) / order["seconds"]) < 1:
        if acts and share > acts[0][0]:
            acts.pop(0)[1]()
            if not acts:
                Path(order["recounted"]).touch()
        next(told[lot.choice(sorted(told))])
        time.sleep(lot.uniform(0, order["pause_s"]))
    return store_sequence(Store.objects.get(slug=SLUG))


def _counted_again(film: Recording) -> None:
    again.redraw(film)
    again.recount(film)


def truth(order: dict[str, Any]) -> Answer:
    """Return the server's list, and how many came in since, by the events that count."""
    store = Store.objects.get(slug=SLUG)
    events = TrackingEvent.objects.filter(store=store)
    since = datetime.fromisoformat(order["since"])
    entered = events.filter(kind="entered", at__gte=since, at__lte=clock.now())
    return {
        "events": _written(store),
        "entries": entered.exclude(run__active=False).count(),
        "entries_ever_told": entered.filter(seq__isnull=False).count(),
        "recounted": events.filter(kind="recounted").count(),
    }


def _written(store: Store) -> list[tuple[int, str]]:
    rows = TrackingEvent.objects.filter(store=store, seq__isnull=False).order_by("seq")
    return [(seq or 0, str(key)) for seq, key in rows.values_list("seq", "public_id")]


def _gaps(written: list[tuple[int, str]]) -> int:
    return len(set(range(1, len(written) + 1)) - {seq for seq, _ in written})


def _fork(work: Callable[[], Any]) -> int:
    connections.close_all()
    child = os.fork()
    if child:
        return child
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - a child ends here, whatever happened
        traceback.print_exc()
        code = 1
    finally:
        sys.stderr.flush()
        os._exit(code)


WORDS: dict[str, Callable[[dict[str, Any]], Answer]] = {
    "prepare": prepare, "catch_up": catch_up, "go_on": go_on, "truth": truth,
}  # fmt: skip


def main() -> None:
    """Do what an order says and write the answer."""
    order = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_text(json.dumps(WORDS[order["do"]](order)))
    connection.close()


if __name__ == "__main__":
    main()
