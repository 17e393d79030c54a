"""Every fault point in every way, inside an installation: ``python -m tools.chaos.sweep``.

A story is a piece of work that can be begun, broken anywhere and taken up by another process. For
each point that it passes, one process goes there and raises, dies, is frozen until another has
taken over, or never hears that its next commit was done. Another process then takes the story to
its end, and the facts must be those of the story told without a break.

Processes are forked from this one, and detection, a pure function, is done once: what is left is
the writing, which is what may break.
"""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django
import redis

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from accounts.models import Store, User  # noqa: E402
from analytics.rebuild import check  # noqa: E402
from tools.chaos.hooks import loose  # noqa: E402
from tools.chaos.inside import once_a_content  # noqa: E402
from tracking import (  # noqa: E402
    facts,
    faults,
    gate,
    ingest,
    jobs,
    recordings,
    recounts,
    runner,
    tasks,
    uploads,
)
from tracking.models import Chunk, Recording, Recount, Upload  # noqa: E402
from tracking.problems import Problem  # noqa: E402
from zones.services import line_redraw, zone_redraw  # noqa: E402

WAYS = ("raise", "kill", "freeze", "lose")
AT = "2026-07-01T09:00:00+00:00"
ROOT = Path(__file__).resolve().parent.parent.parent
NAMED = re.compile(r'\bfault\("(\w+)"\)')
# The one name that is put together: by the kind of row.
BY_KIND = re.compile(r'\bfault\(f"(\w+)_\{[^}]+\}"\)')
KINDS = ("chunk", "recording", "recount")
# A transaction of the frozen one that rests is ended so soon; the product's own setting is 15 s.
RESTS_AT_MOST = "-c idle_in_transaction_session_timeout=300"
OVERTAKES_WITHIN_S = 5.0
GOES_ON_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Film:
    """The file that every story is about."""

    video: Path
    script: Path


@dataclass(frozen=True, slots=True)
class Story:
    """A piece of work.

    Parameters
    ----------
    begin : callable
        Makes what the work starts from, in a store of the name given.
    work : callable
        Does all that is left to do in that store; called again, it goes on.
    points : tuple of str
        The fault points it passes.
    times : int
        At which passing of a point to break it.
    """

    begin: Callable[[str, Film], None]
    work: Callable[[str, Film], None]
    points: tuple[str, ...]
    times: int = 1


def points_in_code() -> set[str]:
    """Return the name of every fault point that the product has."""
    found: set[str] = set()
    for path in (ROOT / "tracking").rglob("*.py"):
        text = path.read_text()
        found |= set(NAMED.findall(text))
        found |= {f"{head}_{kind}" for head in BY_KIND.findall(text) for kind in KINDS}
    return found


# --- The stories ---------------------------------------------------------------------------------


def _camera(slug: str, film: Film) -> Any:
    setup = json.loads(film.script.read_text())["setup"]
    place = ingest.Place(slug, "Door", setup, "scripted", {"truth_path": str(film.script)})
    return ingest.place_make(place)


def _recording(slug: str) -> Recording:
    return Recording.objects.filter(store__slug=slug).latest("pk")


def _waiting(slug: str, film: Film) -> None:
    """Let the film wait in its store."""
    at = datetime.fromisoformat(AT)
    ingest.ingest(camera=_camera(slug, film), path=film.video, started_at=at)


def _count(slug: str, _: Film) -> None:
    runner.work(_recording(slug).pk)


def _count_with_renewals(slug: str, _: Film) -> None:
    settings.LEASE_RENEW_S = 0.03
    detect = loose(runner).detect_chunk

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.15)
        return detect(*arguments)

    loose(runner).detect_chunk = slowly
    runner.work(_recording(slug).pk)


def _count_with_trouble(slug: str, _: Film) -> None:
    """Count, with a detector that fails the first time in each process."""
    detect, tries = loose(runner).detect_chunk, iter([RuntimeError("a stumble")])

    def stumbling(*arguments: Any) -> Any:
        for trouble in tries:
            raise trouble
        return detect(*arguments)

    loose(runner).detect_chunk = stumbling
    runner.work(_recording(slug).pk)


def _counted(slug: str, film: Film) -> None:
    _waiting(slug, film)
    _count(slug, film)


def _to_be_recounted(slug: str, film: Film) -> None:
    _counted(slug, film)
    recording = _recording(slug)
    zone_redraw(zone=recording.camera.zones.get(), vertices=[[0.5, 0.6], [1, 0.6], [1, 1]])
    line_redraw(line=recording.camera.lines.get(), a=[0.0, 0.55], b=[0.6, 0.55])


def _recount(slug: str, _: Film) -> None:
    recording = _recording(slug)
    made = recording.recounts.first() or recounts.recording_recount(recording=recording)
    while recounts.is_open(made.pk):
        _patiently(recounts.advance, made.pk)


def _shop(slug: str, film: Film) -> None:
    _camera(slug, film)


def _bring_in(slug: str, film: Film) -> None:
    """Do what a browser does: announce, send, send on after a break, ask for the count."""
    if not Recording.objects.filter(store__slug=slug).exists():
        _upload(Store.objects.get(slug=slug), film)
    runner.work(_recording(slug).pk)


def _upload(store: Store, film: Film) -> None:
    content = film.video.read_bytes()
    upload = Upload.objects.filter(store=store).last()
    if upload is None:
        upload = uploads.upload_create(
            store=store, user=User.objects.get(), filename="film.mp4", size_bytes=len(content)
        )
    part = len(content) // 2 + 1
    while upload.offset_bytes < len(content):
        rest = iter([content[upload.offset_bytes :][:part], b""])
        length = min(part, len(content) - upload.offset_bytes)
        upload.offset_bytes = _patiently(
            functools.partial(uploads.upload_append, upload=upload, length=length),
            offset=upload.offset_bytes,
            read=lambda _, rest=rest: next(rest),
        )
    at = datetime.fromisoformat(AT)
    wish = recordings.Wish(store.cameras.get(), at, on_duplicate="count_again")
    _patiently(recordings.recording_create, upload=upload, wish=wish)


def _cancel_and_count(slug: str, _: Film) -> None:
    """Count a part, cancel, ask for it again."""
    recording = _recording(slug)
    if recording.runs.count() == 1 and recording.state in jobs.OPEN:
        for chunk in recording.chunks.order_by("index")[:2]:
            runner.detect(chunk.pk)
            runner.advance(recording.pk)
        recordings.recording_cancel(recording=recording)
    recording.refresh_from_db()
    if recording.state == "cancelled":
        recordings.recording_retry(recording=recording)
    runner.work(recording.pk)


def _replace(slug: str, film: Film) -> None:
    """Bring the minutes of a counted film in again, in its place."""
    if Recording.objects.filter(store__slug=slug).count() == 1:
        camera, at = _recording(slug).camera, datetime.fromisoformat(AT)
        wish = recordings.Wish(camera, at, on_overlap="replace", on_duplicate="count_again")
        recordings.recording_from_file(path=film.video, wish=wish)
    runner.work(_recording(slug).pk)


def _waiting_unrung(slug: str, film: Film) -> None:
    """Let the film wait; no message of another story waits with it."""
    _waiting(slug, film)
    with closing(redis.Redis.from_url(settings.REDIS_URL)) as client:
        client.flushall()


def _ring_and_count(slug: str, film: Film) -> None:
    recording = _recording(slug)
    tasks.ring_next()
    for chunk in recording.chunks.order_by("index"):
        tasks.detect_chunk(chunk.pk)
    _count(slug, film)


def _patiently(step: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Take a step; where another process holds what it needs, wait for that."""
    give_up = time.monotonic() + GOES_ON_WITHIN_S
    while True:
        try:
            return step(*arguments, **named)
        except Problem as problem:
            if problem.code != "upload_locked" or time.monotonic() > give_up:
                raise
            time.sleep(0.05)


STORIES: dict[str, Story] = {
    "count": Story(_waiting, _count, (
        "in_claim_chunk", "after_claim_chunk", "after_detect", "after_previews",
        "after_chunk_saved", "in_claim_recording", "after_claim_recording", "after_counted",
        "after_fence", "after_checkpoint", "after_tracks", "after_visits", "after_events",
        "after_coverage", "after_sinks", "before_commit", "after_commit", "before_give_back",
    ), times=2),
    "renew": Story(_waiting, _count_with_renewals, ("before_renew",), times=3),
    "stumble": Story(_waiting, _count_with_trouble, ("before_fail_attempt",)),
    "count again": Story(_to_be_recounted, _recount, (
        "recount_made", "in_claim_recount", "after_claim_recount", "recount_after_counted",
        "recount_after_fence", "recount_before_commit", "recount_after_commit",
        "switch_after_locks", "switch_after_runs", "switch_after_people",
        "switch_after_numbers", "switch_after_sinks", "switch_after_overlays",
        "switch_before_commit", "switch_after_commit",
    )),
    "bring in": Story(_shop, _bring_in, (
        "upload_after_files", "upload_after_row", "upload_after_part", "upload_after_offset",
        "upload_after_name", "upload_after_check", "write_after_recording",
        "write_after_chunks", "write_after_run", "write_after_commit",
    )),
    "cancel": Story(_waiting, _cancel_and_count, (
        "in_cancel", "take_out_after_fence", "take_out_after_run", "take_out_after_event",
        "take_out_after_people", "take_out_after_sinks", "in_reopen", "after_reopen",
    )),
    "replace": Story(_counted, _replace, ("write_after_room",)),
    "ring": Story(_waiting_unrung, _ring_and_count, ("before_send", "after_send")),
}  # fmt: skip


# --- Telling them --------------------------------------------------------------------------------


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
        self.whole_s = 0.0
        self.whole = {name: self.told_whole(name, here=name == "count") for name in STORIES}

    def told_whole(self, name: str, *, here: bool) -> list[str]:
        """Tell a story without a break; return its facts."""
        slug = f"whole-{name}".replace(" ", "-")
        STORIES[name].begin(slug, self.film)
        if here:
            STORIES[name].work(slug, self.film)
            self.whole_s = self._timed(name)
        else:
            code = ended(fork(lambda: STORIES[name].work(slug, self.film)), GOES_ON_WITHIN_S)
            assert code == 0, f"The story '{name}' ended with {code}."
        return exported(slug)

    def _timed(self, name: str) -> float:
        """Return how many seconds a process takes for the story."""
        slug = f"timed-{name}"
        STORIES[name].begin(slug, self.film)
        began = time.monotonic()
        ended(fork(lambda: STORIES[name].work(slug, self.film)), GOES_ON_WITHIN_S)
        return time.monotonic() - began

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
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
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
        _, status = os.waitpid(victim, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return f"never came to the point (ended with {os.waitstatus_to_exitcode(status)})"
        run_out_leases()
        other = fork(lambda: story.work(case.slug, self.film))
        code = ended(other, OVERTAKES_WITHIN_S)
        os.kill(victim, signal.SIGCONT)
        if code is None:  # it waits for a lock on a file, which only the frozen one can give up
            code = ended(other, GOES_ON_WITHIN_S)
        if ended(victim, GOES_ON_WITHIN_S) is None:
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            return "the frozen one hung when it woke up"
        return "" if code == 0 else f"the worker that overtook ended with {code}"


def exported(slug: str) -> list[str]:
    """Return the facts of a store."""
    return facts.export_facts(Store.objects.get(slug=slug))


def _remembered(detect: Callable[..., Any]) -> Callable[..., Any]:
    """Let a part of the film be detected once: the result depends on nothing else."""
    known: dict[str, Any] = {}

    def detected(path: Any, media: Any, bounds: Any, *more: Any) -> Any:
        key = repr(bounds)
        if key not in known:
            known[key] = detect(path, media, bounds, *more)
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


__all__ = ["STORIES", "WAYS", "Case", "cases", "points_in_code"]

if __name__ == "__main__":
    sys.modules["tools.chaos.sweep"] = sys.modules["__main__"]  # one module, not two
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
