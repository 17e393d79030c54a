"""Bugs that we plant, to see that the checks find them: in processes of a test, nowhere else.

Each takes one defence away. They overlap, so each has the attack that it alone wards off.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import psutil
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection

from tools.chaos.hooks import loose
from tools.chaos.stories import STORIES
from tools.chaos.sweep import (
    GOES_ON_WITHIN_S,
    Case,
    Teller,
    end_at_once,
    ended,
    fork,
    run_out_leases,
)
from tracking import faults, jobs, ledger, recordings, runner
from tracking.ledger import AlreadyCountedError
from tracking.models import Chunk, Recording, Run

FILMS, MOST_KILLS = 20, 25
SCALED_LEASE_S = 2.0
UNIQUE_TABLES = (
    "tracking_trackingevent", "tracking_track", "tracking_visit", "tracking_coverage",
)  # fmt: skip
UNIQUE_KEYS = """
    SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c
    WHERE c.contype = 'u' AND c.conrelid::regclass::text = ANY(%s)
"""
UNIQUE_INDEXES = """
    SELECT indexrelid::regclass::text FROM pg_index
    WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text = ANY(%s)
"""


# --- Defences taken away -------------------------------------------------------------------------


def no_transaction() -> None:
    """Let the ledger write row by row, each for good."""

    def at_once(told: Callable[[], None], **_: Any) -> None:
        told()

    loose(ledger).transaction = SimpleNamespace(atomic=nullcontext, on_commit=at_once)


def no_fence() -> None:
    """Let whoever once held a row write to it."""
    loose(jobs.Claim).rows = property(
        lambda claim: claim.model._default_manager.filter(pk=claim.pk)
    )


def never_renewed() -> None:
    """Let leases run out while the work goes on."""
    loose(jobs)._renew_until = lambda _claim, done: done.wait()


def no_key() -> None:
    """Let the database take the same event twice."""
    with connection.cursor() as cursor:
        cursor.execute(UNIQUE_KEYS, [list(UNIQUE_TABLES)])
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE')
        cursor.execute(UNIQUE_INDEXES, [list(UNIQUE_TABLES)])
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {name}")


MUTANTS: dict[str, Callable[[], None]] = {
    "no transaction": no_transaction,
    "no fence": no_fence,
    "never renewed": never_renewed,
    "no key": no_key,
}


# --- The attacks ---------------------------------------------------------------------------------


def random_kills(teller: Teller, mutant: str, seed: int) -> str:
    """Kill a worker again and again, wherever it is, until the film is counted.

    Without the defence it is tried with a few films: a kill may come where it does no harm.
    """
    lot = random.Random(seed)
    for number in range(FILMS if mutant else 1):
        if wrong := _killed_by_lot(teller, mutant, f"random-{number}-{mutant or 'none'}", lot):
            return wrong
    return ""


def _killed_by_lot(teller: Teller, mutant: str, name: str, lot: random.Random) -> str:
    slug = name.replace(" ", "-")
    STORIES["count"].begin(slug, teller.film)

    def work() -> None:
        MUTANTS.get(mutant, int)()
        STORIES["count"].work(slug, teller.film)

    recording = Recording.objects.get(store__slug=slug)
    for _ in range(MOST_KILLS):
        child = fork(work)
        _let_work(child, lot.uniform(0.1, 0.9) * teller.whole_cpu_s)
        end_at_once(child)
        run_out_leases()
        Chunk.objects.filter(recording=recording).update(attempt=0)
        Recording.objects.filter(pk=recording.pk).update(attempt=0)
        recording.refresh_from_db()
        if recording.state not in jobs.OPEN:
            return teller.compared(Case("count", slug, ""), slug)
    return teller.compared(Case("count", slug, ""), slug, finish=True)


def _let_work(child: int, cpu_s: float) -> None:
    """Return once a process has spent so many seconds of a core, or is at its end.

    Seconds of the clock would say little: on a busy machine a process may not get far in them.
    """
    worker = psutil.Process(child)
    give_up = time.monotonic() + GOES_ON_WITHIN_S
    while time.monotonic() < give_up:
        spent = worker.cpu_times()
        if spent.user + spent.system >= cpu_s or worker.status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.002)


def zombie(teller: Teller, mutant: str, _: int) -> str:
    """Freeze a worker that has seen the first part; meanwhile the film is to be counted anew.

    A second worker holds that part, for another run that may see otherwise, when the first wakes
    up and saves what it saw for a run that counts no more.
    """
    slug = f"zombie-{mutant}".replace(" ", "-").rstrip("-")
    STORIES["count"].begin(slug, teller.film)
    recording = Recording.objects.get(store__slug=slug)

    def go(point: str) -> int:
        def work() -> None:
            MUTANTS.get(mutant, int)()
            settings.LEASE_S = 3600  # nobody's runs out meanwhile, however slow the machine
            os.environ[faults.VARIABLE] = f"{point}:stop"
            STORIES["count"].work(slug, teller.film)

        child = fork(work)
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise RuntimeError(f"It never came to {point}.")
        return child

    first = go("after_detect")
    run_out_leases()
    recordings.recording_cancel(recording=recording)
    recordings.recording_retry(recording=Recording.objects.get(pk=recording.pk))
    second = go("after_claim_chunk")
    os.kill(first, signal.SIGCONT)
    overwritten = _saved_by_now(recording)
    for child in (first, second):
        end_at_once(child)
    return overwritten


def _saved_by_now(recording: Recording) -> str:
    """Say what the zombie did, once it has gone on to the next part or saved the first."""
    seen = Chunk.objects.filter(recording=recording, state="done")
    give_up = time.monotonic() + GOES_ON_WITHIN_S
    while time.monotonic() < give_up:
        done = set(seen.values_list("index", flat=True))
        if 0 in done:
            return "the zombie saved what nobody wants any more"
        if done:
            return ""
        time.sleep(0.02)
    return "the zombie did nothing when it woke up"


def replay(teller: Teller, mutant: str, _: int) -> str:
    """Lose the answer to a commit, to a client that then simply commits the same once more.

    The checkpoint, which would tell it, is taken away in any case: what is left is the key.
    """
    slug = f"replay-{mutant}".replace(" ", "-").rstrip("-")
    STORIES["count"].begin(slug, teller.film)
    MUTANTS.get(mutant, int)()
    teller.wish.unlink(missing_ok=True)

    def work() -> None:
        _commits_again()
        case = Case("count", "before_commit", "lose")
        teller.go(STORIES["count"], case, slug)

    ended(fork(work), GOES_ON_WITHIN_S)
    if teller.wish.exists():
        return "no answer was lost"
    run_out_leases()
    return teller.compared(Case("count", slug, ""), slug, finish=True)


def _commits_again() -> None:
    """Be a client that takes a lost answer for a commit that was not."""
    commit, move = ledger.commit_slice, ledger.move_checkpoint

    def again(**named: Any) -> Any:
        kept = {name: getattr(named["run"], name) for name in ("next_ordinal", "next_visit")}
        try:
            return commit(**named)
        except OperationalError:
            connection.close()
            for name, value in kept.items():
                setattr(named["run"], name, value)
            loose(ledger).move_checkpoint = _moves_anyway(move)
            try:
                return commit(**named)
            except IntegrityError as there:
                raise AlreadyCountedError(str(there)) from there
            finally:
                loose(ledger).move_checkpoint = move

    loose(ledger).commit_slice = again


def _moves_anyway(move: Callable[..., None]) -> Callable[..., None]:
    def moved(run: Run, chunk: Any, counted: Any) -> None:
        before = Run.objects.filter(pk=run.pk)
        before.update(next_chunk=run.next_chunk)
        move(run, chunk, counted)

    return moved


def slow_detector(teller: Teller, mutant: str, _: int) -> str:
    """Let a detector take much longer than a lease, and a second worker come by meanwhile.

    Scaled down: a lease of 2 s and a part that takes 4 s stand for 15 s and for 20 s a frame. A
    machine that is slow itself gets more, or it would miss renewing through no fault of the code.
    """
    lease_s = max(SCALED_LEASE_S, 2 * teller.whole_s)
    slug = f"slow-{mutant}".replace(" ", "-").rstrip("-")
    STORIES["count"].begin(slug, teller.film)
    recording = Recording.objects.get(store__slug=slug)
    seen = teller.wish.parent / f"seen-{slug}"

    def work() -> None:
        MUTANTS.get(mutant, int)()
        settings.LEASE_S, settings.LEASE_RENEW_S = lease_s, 0.2
        detect = loose(runner).detect_chunk

        def slowly(*arguments: Any, **named: Any) -> Any:
            first = not seen.exists()
            with seen.open("a") as log:
                log.write(".")
            time.sleep(2 * lease_s if first else 0)
            return detect(*arguments, **named)

        loose(runner).detect_chunk = slowly
        STORIES["count"].work(slug, teller.film)

    workers = [fork(work)]
    while not Chunk.objects.filter(recording=recording, state="working").exists():
        time.sleep(0.02)
    time.sleep(1.2 * lease_s)
    workers.append(fork(work))
    codes = [ended(worker, 2 * GOES_ON_WITHIN_S) for worker in workers]
    recording.refresh_from_db()
    if codes != [0, 0] or recording.state != "done":
        return f"it ended {recording.state}, the workers with {codes}"
    looks = len(seen.read_text())
    if looks != recording.chunk_count:
        return f"{recording.chunk_count} parts were detected {looks} times"
    return teller.compared(Case("count", slug, ""), slug)


ATTACKS: dict[str, Callable[[Teller, str, int], str]] = {
    "random kills": random_kills,
    "zombie": zombie,
    "replay": replay,
    "slow detector": slow_detector,
}
