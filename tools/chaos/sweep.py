"""Every fault point in every way, inside an installation: ``python -m tools.chaos.sweep``.

A story is a piece of work that can be begun, broken anywhere and taken up by another process. For
each point that it passes, one process goes there and raises, dies, is frozen until another has
taken over, or never hears that its next commit was done. Another process then takes the story to
its end, and the facts must be those of the story told without a break.

Processes are forked from this one, and detection, a pure function, is done once: what is left is
the writing, which is what may break.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from accounts.models import Store, User  # noqa: E402
from analytics.rebuild import check  # noqa: E402
from tools.chaos.hooks import loose  # noqa: E402
from tools.chaos.inside import once_a_content  # noqa: E402
from tools.chaos.stories import STORIES, Film, Story  # noqa: E402
from tracking import facts, faults, gate, runner  # noqa: E402
from tracking.models import Chunk, Recording, Recount  # noqa: E402

WAYS = ("raise", "kill", "freeze", "lose")
# A transaction of the frozen one that rests is ended so soon; the product's own setting is 15 s.
RESTS_AT_MOST = "-c idle_in_transaction_session_timeout=300"
OVERTAKES_WITHIN_S = 5.0
GOES_ON_WITHIN_S = 120.0  # whoever hangs does so for good; on a busy machine all takes long


def fork(work: Callable[[], object]) -> int:
    """Run `work` in a process of its own and return its id."""
    connections.close_all()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def ended(child: int, within_s: float) -> int | None:
    """Return a child's exit code, minus the signal that ended it, or None when it goes on."""
    give_up = time.monotonic() + within_s
    while time.monotonic() < give_up:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def end_at_once(child: int) -> None:
    """Kill a child and bury it."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def run_out_leases() -> None:
    """Let fifteen seconds pass for every lease."""
    for model in (Recording, Chunk, Recount):
        held = model.objects.exclude(lease_until=None)
        held.update(lease_until=Now() - timedelta(seconds=1), rung_at=None)


@dataclass(frozen=True, slots=True)
class Case:
    """One story broken at one point in one way."""

    story: str
    point: str
    way: str

    @property
    def slug(self) -> str:
        """The store it is told in."""
        return f"{self.story}-{self.point}-{self.way}".replace(" ", "-").replace("_", "-")


class Teller:
    """Tells stories whole and broken."""

    def __init__(self, film: Film, proxy_port: int, wish: Path) -> None:
        self.film, self.proxy_port, self.wish = film, proxy_port, wish
        self.armed = wish.with_name("armed")
        faults.WAYS["lose"] = self._arm
        faults.WAYS["freeze"] = faults.WAYS["stop"]
        loose(gate).check_file = once_a_content(gate.check_file)
        loose(runner).detect_chunk = _remembered(loose(runner).detect_chunk)
        User.objects.create(username="alice", email="alice@shop.example")
        # The first is told in this process, which remembers what was detected.
        self.whole_s = self.whole_cpu_s = 0.0
        self.whole = {name: self.told_whole(name, here=name == "count") for name in STORIES}

    def told_whole(self, name: str, *, here: bool) -> list[str]:
        """Tell a story without a break; return its facts."""
        slug = f"whole-{name}".replace(" ", "-")
        STORIES[name].begin(slug, self.film)
        if here:
            STORIES[name].work(slug, self.film)
            self.whole_s, self.whole_cpu_s = self._timed(name)
        else:
            code = ended(fork(lambda: STORIES[name].work(slug, self.film)), GOES_ON_WITHIN_S)
            assert code == 0, f"The story '{name}' ended with {code}."
        return exported(slug)

    def _timed(self, name: str) -> tuple[float, float]:
        """Return how many seconds a process takes for the story, and how many of a core."""
        slug = f"timed-{name}"
        STORIES[name].begin(slug, self.film)
        began = time.monotonic()
        child = fork(lambda: STORIES[name].work(slug, self.film))
        used = os.wait4(child, 0)[2]
        return time.monotonic() - began, used.ru_utime + used.ru_stime

    def told_broken(self, case: Case) -> str:
        """Break a story and have it taken to its end; return what is wrong, if anything is."""
        story = STORIES[case.story]
        story.begin(case.slug, self.film)
        for mark in (self.wish, self.armed):
            mark.unlink(missing_ok=True)
        victim = fork(lambda: self.go(story, case, case.slug))
        wrong = (
            self._freeze(story, case, victim) if case.way == "freeze" else self._end(case, victim)
        )
        run_out_leases()
        code = ended(fork(lambda: story.work(case.slug, self.film)), GOES_ON_WITHIN_S)
        if code != 0:
            wrong = wrong or f"the second worker ended with {code}"
        return wrong or self.compared(case, case.slug)

    def compared(self, case: Case, slug: str, *, finish: bool = False) -> str:
        """Return how a store's facts and sums differ from the whole story's; nothing when not."""
        if finish:
            code = ended(fork(lambda: STORIES[case.story].work(slug, self.film)), GOES_ON_WITHIN_S)
            if code != 0:
                return f"the second worker ended with {code}"
        found, wanted = Counter(exported(slug)), Counter(self.whole[case.story])
        if found != wanted:
            lost, more = sorted((wanted - found).elements()), sorted((found - wanted).elements())
            return f"{len(lost)} facts lost {lost[:2]}, {len(more)} more {more[:2]}"
        differing = check(Store.objects.get(slug=slug)).differing
        return f"sums differ: {differing[:3]}" if differing else ""

    def _arm(self) -> None:
        """Have the next answer to a commit swallowed."""
        self.wish.touch()
        self.armed.touch()

    def go(self, story: Story, case: Case, slug: str) -> None:
        """Be the victim."""
        os.environ[faults.VARIABLE] = f"{case.point}:{case.way}:{story.times}"
        database = connections["default"].settings_dict
        if case.way == "lose":
            database["PORT"] = self.proxy_port
        if case.way == "freeze":
            database["OPTIONS"] = {**database["OPTIONS"], "options": RESTS_AT_MOST}
        story.work(slug, self.film)

    def _end(self, case: Case, victim: int) -> str:
        """See that the victim met its fate."""
        code = ended(victim, GOES_ON_WITHIN_S)
        if code is None:
            end_at_once(victim)
            return "the victim hung"
        if case.way == "kill" and code != -signal.SIGKILL:
            return f"never came to the point (ended with {code})"
        if case.way == "lose" and not self.armed.exists():
            return "never came to the point"
        if case.way == "lose" and self.wish.exists():
            return "no commit came after the point"
        return ""

    def _freeze(self, story: Story, case: Case, victim: int) -> str:
        """Freeze the victim at the point, let another work on, then let the first go on."""
        status = _stopped(victim)
        if status is None:
            return "the victim hung"
        if not os.WIFSTOPPED(status):
            return f"never came to the point (ended with {os.waitstatus_to_exitcode(status)})"
        run_out_leases()
        other = fork(lambda: story.work(case.slug, self.film))
        code = ended(other, OVERTAKES_WITHIN_S)
        os.kill(victim, signal.SIGCONT)
        if code is None:  # it waits for a lock on a file, which only the frozen one can give up
            code = ended(other, GOES_ON_WITHIN_S)
        if code is None:
            end_at_once(other)
        if ended(victim, GOES_ON_WITHIN_S) is None:
            end_at_once(victim)
            return "the frozen one hung when it woke up"
        return "" if code == 0 else f"the worker that overtook ended with {code}"


def _stopped(victim: int) -> int | None:
    """Wait until a process is frozen or at its end; return its status, None when it hangs."""
    give_up = time.monotonic() + GOES_ON_WITHIN_S
    while time.monotonic() < give_up:
        found, status = os.waitpid(victim, os.WUNTRACED | os.WNOHANG)
        if found:
            return status
        time.sleep(0.005)
    end_at_once(victim)
    return None


def exported(slug: str) -> list[str]:
    """Return the facts of a store."""
    return facts.export_facts(Store.objects.get(slug=slug))


def _remembered(detect: Callable[..., Any]) -> Callable[..., Any]:
    """Let a part of the film be detected once: the result depends on nothing else."""
    known: dict[str, Any] = {}

    def detected(path: Any, media: Any, bounds: Any, *more: Any, **named: Any) -> Any:
        key = repr(bounds)
        if key not in known:
            known[key] = detect(path, media, bounds, *more, **named)
        return known[key]

    return detected


def cases(ways: tuple[str, ...] = WAYS) -> list[Case]:
    """Return every story broken at each of its points in each way."""
    return [
        Case(name, point, way)
        for name, story in STORIES.items()
        for point in story.points
        for way in ways
    ]


def main(order: dict[str, Any], answer: Path) -> None:
    """Tell what is wanted; write what went wrong, case by case."""
    film = Film(Path(order["video"]), Path(order["script"]))
    teller = Teller(film, order["proxy_port"], Path(order["wish"]))
    wrong = {}
    told = cases() if order["cases"] is None else [Case(*listed) for listed in order["cases"]]
    for case in told:
        began = time.monotonic()
        wrong[case.slug] = teller.told_broken(case)
        took = f"{time.monotonic() - began:.1f} s"
        print(f"case {case.slug}: {wrong[case.slug] or 'right'} ({took})", flush=True)
    for listed in order.get("attacks", []):
        name = "/".join(map(str, listed))
        wrong[name] = _attacked(teller, *listed)
        print(f"case {name}: {wrong[name] or 'right'}", flush=True)
    whole = {name: len(found) for name, found in teller.whole.items()}
    answer.write_text(json.dumps({"wrong": wrong, "whole": whole}))


def _attacked(teller: Teller, attack: str, mutant: str, seed: int) -> str:
    """Take a defence away, where one is named, and attack there."""
    from tools.chaos import planted

    return planted.ATTACKS[attack](teller, mutant, seed)


if __name__ == "__main__":
    sys.modules["tools.chaos.sweep"] = sys.modules["__main__"]  # one module, not two
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
