"""Fills a small disk at every stage of the work; started by `test_full_disk` in a namespace.

Runs where a tmpfs of a few megabytes holds the database and the media. Answers come as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import Error, connection  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from tests.cast import make_cast  # noqa: E402
from tests.tracking import walks  # noqa: E402
from tests.tracking.doors import announce, client_of, offset_of, send_part  # noqa: E402
from tracking import facts, jobs, media, room, runner  # noqa: E402
from tracking.models import Chunk, Recording  # noqa: E402
from tracking.outages import passing  # noqa: E402

Answer = dict[str, Any]
DATA = Path(settings.DATA_DIR)
BALLAST = DATA / "ballast"


def fill(leave: int = 0) -> None:
    """Fill the disk until so many bytes are left."""
    with BALLAST.open("ab") as file:
        while (free := os.statvfs(DATA).f_bavail * os.statvfs(DATA).f_frsize) > leave:
            piece = min(65536, free - leave)
            try:
                file.write(b"\0" * piece)
                file.flush()
            except OSError:
                break


def shrink_database() -> None:
    """Give back what SQLite's log holds, or it would write where it wrote before."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def make_room() -> None:
    BALLAST.unlink(missing_ok=True)


def told(answer: Any) -> list[Any]:
    return [answer.status_code, answer.json().get("code"), answer.headers.get("Retry-After")]


def work_on_a_full_disk(store: Any, files: tuple[Path, Path]) -> Answer:
    """Fill the disk before, and in the middle of, every chunk; give the room back each time."""
    recording = walks.make_recording(store, files)
    seen: Answer = {"errors": [], "paused": "", "strange": []}
    write_file = media.write_file
    jobs.PATIENCE_S = 2  # room comes only after the step: to wait for it would be long

    def write_when_full(*arguments: Any) -> Any:
        settings.DISK_FLOOR_BYTES = 0  # the look before the work saw room: it fills just now
        fill()
        return write_file(*arguments)

    for chunk in recording.chunks.order_by("index"):
        settings.DISK_FLOOR_BYTES = 1_000_000
        fill(leave=500_000)
        assert runner.detect(chunk.pk) is None  # paused: nothing is begun
        seen["paused"] = room.pause_words()
        make_room()
        media.write_file = write_when_full
        attempt(seen, lambda pk=chunk.pk: runner.detect(pk))
        media.write_file = write_file
        make_room()
        let_leases_run_out()
        attempt(seen, lambda pk=chunk.pk: runner.detect(pk))
        shrink_database()
        fill(leave=8192 * chunk.index)  # ever further into the claim and the ledger
        attempt(seen, lambda: runner.advance(recording.pk))
        make_room()
        let_leases_run_out()
    settings.DISK_FLOOR_BYTES = 1_000_000
    let_leases_run_out()
    runner.work(recording.pk)
    recording.refresh_from_db()
    seen["state"] = recording.state
    seen["drafts"] = [path.name for path in media.folder_path(recording.folder).glob(".*")]
    return seen


def attempt(seen: Answer, work: Any) -> None:
    try:
        work()
    except (OSError, Error) as error:
        seen["errors"].append(f"{type(error).__name__}: {error}")
        if not passing(error):
            seen["strange"].append(repr(error))
        connection.close()


def let_leases_run_out() -> None:
    for model in (Recording, Chunk):
        model.objects.exclude(lease_until=None).update(lease_until=None)


def ask_on_a_full_disk(cast: Any, video: bytes) -> Answer:
    """Send a file to a disk that has no room, then to one that has again."""
    alice = client_of(cast.alice)
    settings.DISK_FLOOR_BYTES = 1_000_000
    address = announce(alice, cast.store, len(video))["Location"]
    half = len(video) // 2
    assert send_part(alice, address, 0, video[:half]).status_code == 204
    fill(leave=500_000)
    low = [
        told(announce(alice, cast.store, 10)),
        told(send_part(alice, address, half, video[half:])),
    ]
    ready = client_of(None).get("/readyz")
    settings.DISK_FLOOR_BYTES = 0
    fill()
    full = [
        told(announce(alice, cast.store, 10)),
        told(send_part(alice, address, half, video[half:])),
    ]
    page = alice.get("/stores/corner-shop/recordings/").status_code
    make_room()
    settings.DISK_FLOOR_BYTES = 1_000_000
    here = offset_of(alice, address)
    sent = send_part(alice, address, here, video[here:]).status_code
    stored = [path.read_bytes() == video for path in DATA.glob("media/*/source")]
    return {
        "low": low,
        "full": full,
        "ready": [ready.status_code, ready.json()["checks"]["disk"], ready.headers["Retry-After"]],
        "page": page,
        "sent": sent,
        "stored": any(stored),
    }


def main(folder: Path) -> Answer:
    setup_test_environment()
    call_command("migrate", verbosity=0)
    files = walks.make_files(folder)
    cast = make_cast()
    unbroken = walks.make_recording(cast.elsewhere, files)
    runner.work(unbroken.pk)
    answer = {
        "unbroken": facts.export_facts(cast.elsewhere),
        "work": work_on_a_full_disk(cast.store, files),
        "facts": facts.export_facts(cast.store),
        "asked": ask_on_a_full_disk(cast, files[0].read_bytes()),
    }
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        answer["database"] = cursor.fetchone()[0]
    return answer


if __name__ == "__main__":
    result = main(Path(sys.argv[1]))
    Path(sys.argv[2]).write_text(json.dumps(result))
