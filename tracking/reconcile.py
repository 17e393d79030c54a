"""Files without rows and rows without files: told at once, put right a day later.

A crash between two writes leaves the one or the other; so does a copied folder or a restored
database. What is found is written down with the time; only what a later run finds again, a day
after, is put right: a folder without a row is removed, an upload without its file is dropped, a
recording without its file says so (its numbers stay). Where that would be more than half of all
there is, nothing is touched: then it is the wrong database, or a disk that is not there.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from tracking import jobs, media
from tracking.models import Recording, Upload

log = structlog.get_logger(__name__)

WAIT = timedelta(hours=24)
NOTES = "reconcile.json"


@dataclass(slots=True)
class Finding:
    """What one run found and did; names of folders."""

    folders: int = 0
    rows: int = 0
    files_without_rows: list[str] = field(default_factory=list)
    rows_without_files: list[str] = field(default_factory=list)
    # Not ours by their name: told, never touched.
    unknown: list[str] = field(default_factory=list)
    drafts: int = 0
    removed: list[str] = field(default_factory=list)
    # Why nothing was put right, although it was time.
    refused: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def reconcile(*, now: datetime, delete: bool = True) -> Finding:
    """Compare folders and rows; put right what was found a day ago and is still so.

    Parameters
    ----------
    now : datetime
        The present, with its zone.
    delete : bool
        False only reports; what is found is written down all the same.
    """
    root = Path(settings.MEDIA_ROOT)
    with _notes() as notes:
        found = Finding()
        if not root.is_dir():
            found.refused = f"There is no folder {root}: is its disk there?"
        else:
            _look(root, found)
            _write_down(notes, found, now)
            if delete:
                _put_right(root, notes, found, now)
    log.info("reconciled", **{name: _brief(value) for name, value in found.to_json().items()})
    return found


def _look(root: Path, found: Finding) -> None:
    """Compare what lies in the media folder with what the rows name.

    Folders first: a row that appears meanwhile may name a folder not seen yet, never the reverse.
    """
    there = set()
    for entry in sorted(root.iterdir()):
        if entry.is_dir() and media.is_folder_name(entry.name):
            there.add(entry.name)
        else:
            found.unknown.append(entry.name)
    named = _rows()
    found.folders, found.rows = len(there), len(named)
    found.files_without_rows = sorted(there - set(named))
    found.rows_without_files = sorted(
        folder for folder, file in named.items() if not (root / folder / file).exists()
    )


def _rows() -> dict[str, str]:
    """Return every folder that a row names, with the file that must be in it."""
    coming = Upload.objects.filter(completed_at=None).values_list("folder", flat=True)
    # A complete upload that was refused keeps its folder with the reason, but not the file.
    complete = Upload.objects.exclude(completed_at=None).values_list("folder", flat=True)
    rows = Recording.objects.exclude(folder="").order_by()
    live = rows.filter(source=Recording.Source.CAMERA).values_list("folder", flat=True)
    kept = rows.exclude(source=Recording.Source.CAMERA).values_list("folder", flat=True)
    named = dict.fromkeys(coming, "lock") | dict.fromkeys(complete, "lock")
    # The segments of a live camera come and go: its folder is what must be there.
    return named | dict.fromkeys(kept, media.SOURCE) | dict.fromkeys(live, ".")


def _write_down(notes: dict[str, str], found: Finding, now: datetime) -> None:
    """Keep since when each is so; what came right by itself is forgotten."""
    wrong = {*found.files_without_rows, *found.rows_without_files}
    for folder in set(notes) - wrong:
        del notes[folder]
    for folder in wrong:
        notes.setdefault(folder, now.isoformat())


def _put_right(root: Path, notes: dict[str, str], found: Finding, now: datetime) -> None:
    due = {folder for folder, at in notes.items() if datetime.fromisoformat(at) <= now - WAIT}
    young = now - WAIT
    folders = [name for name in found.files_without_rows if name in due]
    folders = [name for name in folders if _newest(root / name) <= young.timestamp()]
    rows = [name for name in found.rows_without_files if name in due]
    for which, some, all_there in (("folders", folders, found.folders), ("rows", rows, found.rows)):
        if 2 * len(some) > all_there:
            found.refused = (
                f"{len(some)} of {all_there} {which} would go: more than half. "
                "Is this the right database, and is the disk of the videos there?"
            )
            log.error("reconcile_refused", why=found.refused)
            return
    named = _rows()  # asked again: a row may have come back meanwhile
    for folder in folders:
        if folder not in named:
            media.remove_folder(folder)
            found.removed.append(folder)
    found.removed += [folder for folder in rows if _drop_row(folder)]
    found.drafts = _remove_drafts(root, young)
    for folder in found.removed:
        notes.pop(folder, None)


def _drop_row(folder: str) -> bool:
    """Drop an upload whose file is gone; let a recording say that its file is."""
    dropped = Upload.objects.filter(folder=folder).delete()[0]
    finished = Recording.objects.filter(folder=folder).exclude(state__in=jobs.OPEN)
    # One that is still to be counted fails by itself, with the same words.
    return bool(finished.update(folder="") or dropped)


def _remove_drafts(root: Path, before: datetime) -> int:
    """Remove files that a killed writer left half written; return how many."""
    left = [
        draft
        for draft in root.glob("*/.*")
        if media.is_folder_name(draft.parent.name) and _written(draft) < before.timestamp()
    ]
    for draft in left:
        draft.unlink(missing_ok=True)
    return len(left)


def _newest(folder: Path) -> float:
    """Return when anything in a folder was last written, in seconds since 1970."""
    return max(_written(path) for path in (folder, *folder.rglob("*")))


def _written(path: Path) -> float:
    """Return when something was last written; what went while we looked is as young as can be.

    Work goes on meanwhile: a draft gets its final name within milliseconds.
    """
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


@contextmanager
def _notes() -> Iterator[dict[str, str]]:
    """Yield since when each folder has been wrong; keep the changes. One run at a time."""
    path = Path(settings.DATA_DIR) / NOTES
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        notes = _read(file.read())
        yield notes
        # Not by a rename: the next run would wait for the lock of a file that is gone. A crash in
        # between leaves cut-off notes, which start anew.
        text = json.dumps(notes, indent=1, sort_keys=True)
        file.seek(0)
        file.truncate()
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(text: str) -> dict[str, str]:
    """Return the notes; cut-off ones start anew, which only delays what they would allow."""
    try:
        notes = json.loads(text or "{}")
        return {str(folder): datetime.fromisoformat(at).isoformat() for folder, at in notes.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _brief(value: object) -> object:
    return len(value) if isinstance(value, list) else value


def lines(found: Finding) -> Iterable[str]:
    """Yield what a run found, for people."""
    yield f"{found.folders} folders, {found.rows} rows that name one."
    told = (
        ("Files without a row", found.files_without_rows),
        ("Rows without their file", found.rows_without_files),
        ("Not ours by their name, left alone", found.unknown),
        ("Put right", found.removed),
    )
    for title, names in told:
        if names:
            yield f"{title}: {len(names)}"
            yield from (f"  {name}" for name in names)
    if found.drafts:
        yield f"Half-written files removed: {found.drafts}"
    if found.refused:
        yield f"Nothing was put right. {found.refused}"
