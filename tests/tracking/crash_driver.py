"""Works recordings in real processes and kills them; started by `test_crash` as a child.

Forks from one loaded process, so that each victim costs no start of its own: the victim opens its
own connections, like any worker.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from accounts.models import Store  # noqa: E402
from tests.tracking import walks  # noqa: E402
from tracking import facts, jobs, recounts, runner, stopping  # noqa: E402
from tracking.models import Chunk, Recording, Recount  # noqa: E402
from zones.services import line_redraw, zone_redraw  # noqa: E402

Answer = dict[str, Any]


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


def ended(child: int) -> int:
    """Wait for a child; return its exit code, or minus the signal that killed it."""
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def run_out_leases() -> None:
    """Let fifteen seconds pass for every lease."""
    for model in (Recording, Chunk, Recount):
        held = model.objects.exclude(lease_until=None)
        held.update(lease_until=Now() - timedelta(seconds=1))


def finish(recording: Recording) -> None:
    run_out_leases()
    code = ended(fork(lambda: runner.work(recording.pk)))
    assert code == 0, f"The second worker ended with {code}."


def killed_at(point: str, files: tuple[Path, Path]) -> Answer:
    """Kill a worker at a fault point of its second chunk, let another finish."""
    recording = make(f"at-{point}", files)
    os.environ["OSKARTRACK_FAULT"] = f"{point}:kill:2"
    code = ended(fork(lambda: runner.work(recording.pk)))
    del os.environ["OSKARTRACK_FAULT"]
    finish(recording)
    return {"code": code, "facts": exported(recording)}


def killed_at_random(seed: int, files: tuple[Path, Path]) -> Answer:
    """Kill two workers again and again, wherever they are, until the recording is through."""
    lot = random.Random(seed)
    recording = make(f"random-{seed}", files)
    kills, patience = 0, 1.0
    while Recording.objects.get(pk=recording.pk).state in {"queued", "running"}:
        before = progress(recording)
        children = [fork(lambda: runner.work(recording.pk)) for _ in range(2)]
        time.sleep(patience * lot.uniform(0.05, 0.7))
        for child in children:
            os.kill(child, signal.SIGKILL)
        kills += sum(ended(child) == -signal.SIGKILL for child in children)
        run_out_leases()
        # A kill every few hundred milliseconds is no fault of the row.
        Chunk.objects.filter(recording=recording).update(attempt=0)
        Recording.objects.filter(pk=recording.pk).update(attempt=0)
        # On a busy machine a chunk may take longer than the longest wait: it would never be done.
        patience = 1.0 if progress(recording) != before else 1.3 * patience
    return {"kills": kills, "facts": exported(recording)}


def progress(recording: Recording) -> tuple[int, int]:
    """Return how many chunks are detected, and counted."""
    done = Chunk.objects.filter(recording=recording, state="done").count()
    return done, recording.runs.get(active=True).next_chunk


def together(workers: int, files: tuple[Path, Path]) -> Answer:
    """Let several workers work one recording at once."""
    recording = make(f"together-{workers}", files)
    children = [fork(lambda: runner.work(recording.pk)) for _ in range(workers)]
    codes = [ended(child) for child in children]
    return {"codes": codes, "facts": exported(recording)}


def frozen(files: tuple[Path, Path]) -> Answer:
    """Freeze a worker in the middle, let another finish, then let the first go on."""
    recording = make("frozen", files)
    zombie = fork(lambda: runner.work(recording.pk))
    while not Recording.objects.filter(pk=recording.pk, decoded_ms__gt=0).exists():
        time.sleep(0.005)
    os.kill(zombie, signal.SIGSTOP)
    finish(recording)
    os.kill(zombie, signal.SIGCONT)
    return {"code": ended(zombie), "facts": exported(recording)}


def asked_to_stop(files: tuple[Path, Path]) -> Answer:
    """Ask a worker to stop in the middle of a chunk, as a restart does."""
    recording = make("asked", files)

    def work() -> None:
        with stopping.stoppable():
            runner.work(recording.pk)

    worker = fork(work)
    while not Chunk.objects.filter(recording=recording, state="working").exists():
        time.sleep(0.005)
    os.kill(worker, signal.SIGTERM)
    began = time.monotonic()
    code = ended(worker)
    took_s = time.monotonic() - began
    rows = Chunk.objects.filter(recording=recording)
    held = rows.exclude(lease_until=None).count() + rows.filter(attempt__gt=0).count()
    finish(recording)
    return {"code": code, "took_s": took_s, "held": held, "facts": exported(recording)}


def hanging(files: tuple[Path, Path]) -> Answer:
    """Let a worker's decoder hang for ever."""
    recording = make("hanging", files)

    def work() -> None:
        jobs.CLAIM_LONGEST_S = 0.3
        settings.LEASE_RENEW_S = 0.1
        runner.detect_chunk = lambda *_, **__: time.sleep(60)
        runner.work(recording.pk)

    code = ended(fork(work))
    finish(recording)
    return {"code": code, "facts": exported(recording)}


def recounted(files: tuple[Path, Path], point: str = "") -> Answer:
    """Count a recording again with other shapes; kill the first worker at a fault point."""
    recording = walks.make_detected(walks.make_store(f"again-{point or 'unbroken'}"), files)
    runner.work(recording.pk)
    zone_redraw(zone=recording.camera.zones.get(), vertices=[[0.7, 0.7], [1, 0.7], [1, 1]])
    line_redraw(line=recording.camera.lines.get(), a=[0.0, 0.5], b=[0.6, 0.5])
    made = recounts.recording_recount(recording=recording)
    answer: Answer = {}
    if point:
        before = exported(recording)
        os.environ["OSKARTRACK_FAULT"] = f"{point}:kill"
        answer["code"] = ended(fork(lambda: count_again(made.pk)))
        del os.environ["OSKARTRACK_FAULT"]
        answer["whole"] = exported(recording) == before or not recounts.is_open(made.pk)
    run_out_leases()
    assert ended(fork(lambda: count_again(made.pk))) == 0
    made.refresh_from_db()
    return answer | {"state": made.state, "facts": exported(recording)}


def count_again(recount_id: int) -> None:
    while recounts.advance(recount_id):
        pass


def make(slug: str, files: tuple[Path, Path]) -> Recording:
    return walks.make_recording(walks.make_store(slug), files)


def exported(recording: Recording) -> list[str]:
    return facts.export_facts(Store.objects.get(pk=recording.store_id))


def unbroken(files: tuple[Path, Path]) -> Answer:
    recording = make("unbroken", files)
    runner.work(recording.pk)
    return {"facts": exported(recording)}


def main(order: dict[str, Any]) -> Answer:
    files = walks.make_files(Path(order["folder"]))
    answers = {"unbroken": unbroken(files)}
    for point in order.get("points", []):
        answers[point] = killed_at(point, files)
    if order.get("recount_points"):
        answers["recounted"] = recounted(files)
    for point in order.get("recount_points", []):
        answers[point] = recounted(files, point)
    for seed in order.get("seeds", []):
        answers[f"seed {seed}"] = killed_at_random(seed, files)
    if order.get("others"):
        answers["together"] = together(3, files)
        answers["frozen"] = frozen(files)
        answers["asked"] = asked_to_stop(files)
        answers["hanging"] = hanging(files)
    return answers


if __name__ == "__main__":
    answer = main(json.loads(sys.argv[1]))
    Path(sys.argv[2]).write_text(json.dumps(answer))
