"""Files on their way in: the rules of tus 1.0 (https://tus.io/protocols/resumable-upload).

A part is written to its place in the file, synced, and only then counted: what `offset_bytes`
says is on the disk, whatever crashes. One writer at a time holds the file's lock, so a part can
never be mixed with another that claims the same place.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import Error, transaction
from django.http.request import UnreadablePostError
from django.utils import timezone as clock

from accounts.models import Store, User
from accounts.services import audit_record
from tracking import gate, media, room
from tracking.faults import fault
from tracking.gate import CheckedFile, PlannedChunk
from tracking.models import Recording, Upload
from tracking.problems import PROBLEMS, Problem, in_bytes

PART = "part"
LOCK = "lock"
CHECKED = "checked.json"
COPY_BYTES = 256 * 1024
MAX_FILENAME = 300
KEEP_UNUSED = timedelta(hours=24)
PURGE_AT_ONCE = 20

Read = Callable[[int], bytes]


def upload_create(*, store: Store, user: User, filename: str, size_bytes: int) -> Upload:
    """Take a file's announcement; refuse an empty one, one too large, and one without room.

    Parameters
    ----------
    filename : str
        As the sender named it: kept for display, never part of a path.
    size_bytes : int
        The announced length.
    """
    gate.check_size(size_bytes)
    uploads_purge(store=store, now=clock.now())
    folder = media.new_folder()
    upload = Upload(
        store=store,
        created_by=user,
        filename=display_name(filename),
        size_bytes=size_bytes,
        folder=folder,
    )
    try:
        for name in (PART, LOCK):
            media.open_private(media.file_path(folder, name)).close()
        fault("upload_after_files")
        with transaction.atomic():
            room.refuse_upload_without_room(store, size_bytes)
            upload.full_clean()
            upload.save()
    except BaseException:
        remove_unless_used(folder)
        raise
    fault("upload_after_row")
    return upload


def remove_unless_used(folder: str) -> None:
    """Remove a folder that no row names.

    An error may come after its row was written: the answer to the commit was lost. With the
    database away the folder stays; comparing files and rows once a day finds it.
    """
    try:
        used = any(
            rows.filter(folder=folder).exists() for rows in (Upload.objects, Recording.objects)
        )
    except Error:
        return
    if not used:
        media.remove_folder(folder)


def upload_append(*, upload: Upload, offset: int, length: int, read: Read) -> int:
    """Write one part and return how many bytes of the file are here now.

    Parameters
    ----------
    offset : int
        Where the sender believes the part belongs.
    length : int
        The part's announced length.
    read : callable
        Returns at most so many bytes of the part; nothing at its end.

    Raises
    ------
    Problem
        `offset_mismatch`, `beyond_length`, `upload_locked`, `disk_full`; and once the last part is
        in and the file is none of ours, what the gate says: the file is gone then.
    """
    with _locked(upload.folder, wait=False):
        upload.refresh_from_db()
        if upload.offset_bytes != offset:
            here = str(upload.offset_bytes)
            headers = {"Upload-Offset": here}
            raise Problem("offset_mismatch", headers=headers, given=offset, have=here)
        if offset + length > upload.size_bytes:
            raise Problem("beyond_length", size=in_bytes(upload.size_bytes))
        if length:
            room.refuse_when_disk_low()
            upload.offset_bytes += _write_part(upload.folder, offset, length, read)
            fault("upload_after_part")
            rows = Upload.objects.filter(pk=upload.pk, offset_bytes=offset)
            if not rows.update(offset_bytes=upload.offset_bytes):  # removed meanwhile
                raise Problem("offset_mismatch", given=offset, have=0)
            fault("upload_after_offset")
        _finish(upload)
    return upload.offset_bytes


def _write_part(folder: str, offset: int, length: int, read: Read) -> int:
    """Write what comes to its place, durably; return how much came before the end or a break."""
    written = 0
    descriptor = os.open(media.file_path(folder, PART), os.O_WRONLY)
    try:
        while written < length:
            try:
                piece = read(min(COPY_BYTES, length - written))
            except UnreadablePostError:
                break  # the line broke: keep what came, the sender goes on from there
            if not piece:
                break
            view = memoryview(piece)
            while view:
                count = os.pwrite(descriptor, view, offset + written)
                written += count
                view = view[count:]
        os.fdatasync(descriptor)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise Problem("disk_full") from error
        raise
    finally:
        os.close(descriptor)
    return written


def _finish(upload: Upload) -> None:
    """Close a file whose last byte is here: look at its first bytes, give it its final name.

    May be called again after a crash at any point in it.
    """
    if upload.completed_at is not None or upload.offset_bytes < upload.size_bytes:
        return
    part, source = media.file_path(upload.folder, PART), media.source_path(upload.folder)
    if part.exists():
        try:
            gate.check_head(part)
        except Problem:
            upload_remove(upload=upload)
            raise
        media.publish(part, source)
        fault("upload_after_name")
    upload.completed_at = clock.now()
    Upload.objects.filter(pk=upload.pk).update(completed_at=upload.completed_at)


def upload_finish(*, upload: Upload) -> None:
    """Close a file of which all bytes are here, where a crash came between the two."""
    if upload.completed_at is None and upload.offset_bytes == upload.size_bytes:
        with _locked(upload.folder, wait=True):
            _finish(upload)


def upload_remove(*, upload: Upload, user: User | None = None) -> bool:
    """Remove an upload; its file goes too, unless a recording was made of it.

    Returns whether it was there. The row lock makes a recording that is being made of it right
    now seen, or not begun. What a person removes is noted.
    """
    with transaction.atomic():
        held = Upload.objects.select_for_update().filter(pk=upload.pk).first()
        if held is None:
            return False
        used = Recording.objects.filter(folder=held.folder).exists()
        held.delete()
        if user is not None:
            told = {"upload": str(upload.public_id)}
            audit_record(
                action="upload.removed", actor=user, store=held.store, subject=held.filename,
                detail=told,
            )  # fmt: skip
    if not used:
        media.remove_folder(upload.folder)
    return True


def uploads_purge(*, store: Store, now: datetime) -> int:
    """Remove uploads of a store that are a day old, finished or not; return how many."""
    old = Upload.objects.filter(store=store, created_at__lt=now - KEEP_UNUSED)[:PURGE_AT_ONCE]
    return sum(upload_remove(upload=upload) for upload in old)


def upload_check(*, upload: Upload) -> CheckedFile:
    """Return what a complete upload is, opened once: the answer is kept beside the file.

    Raises
    ------
    Problem
        `upload_incomplete`, or what the gate says; a refused file is removed at once.
    """
    upload_finish(upload=upload)
    if upload.completed_at is None:
        have, size = in_bytes(upload.offset_bytes), in_bytes(upload.size_bytes)
        raise Problem("upload_incomplete", have=have, size=size)
    with _locked(upload.folder, wait=True):
        kept = media.file_path(upload.folder, CHECKED)
        if kept.exists():
            return _kept(json.loads(kept.read_bytes()))
        source = media.source_path(upload.folder)
        try:
            checked = gate.check_file(source)
        except Problem as refused:
            if not PROBLEMS[refused.code].retry:
                told = {"refused": refused.code, "values": refused.values}
                media.write_file(upload.folder, CHECKED, json.dumps(told).encode())
                source.unlink(missing_ok=True)
            raise
        media.write_file(upload.folder, CHECKED, json.dumps(checked.to_json()).encode())
        fault("upload_after_check")
        return checked


def _kept(told: dict[str, Any]) -> CheckedFile:
    if "refused" in told:
        raise Problem(told["refused"], **told["values"])
    told["chunks"] = tuple(PlannedChunk(*chunk) for chunk in told["chunks"])
    return CheckedFile(**told)


def suggested_start(
    checked: CheckedFile, store: Store, now: datetime
) -> tuple[datetime, str] | None:
    """Return when the file itself says it was made, and how it says so; None when it does not.

    A suggestion for a person to check, never taken by itself: cameras' clocks are often wrong.
    """
    text = checked.taken_at or checked.media["creation_time"]
    try:
        said = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    zone = ""
    if said.tzinfo is None:
        said = clock.make_aware(said, timezone=ZoneInfo(store.timezone))
        zone = f", read as {store.timezone} time"
    if not 2000 <= said.year <= 9000 or said > now:
        return None
    how = "camera wrote into the picture" if checked.taken_at else "file gives for its own creation"
    return said, f"This is the time that the {how}{zone}. Check it: camera clocks are often wrong."


def display_name(filename: str) -> str:
    """Return a sender's file name as text that is safe to show: one line, no path, no tricks.

    Control, format and surrogate characters go: a newline would split a log line, a right-to-left
    mark hides an extension, PostgreSQL stores no NUL.
    """
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFC", last))
    shown = "".join(c for c in plain if not unicodedata.category(c).startswith("C"))
    return " ".join(shown.split())[:MAX_FILENAME].strip() or "video"


@contextmanager
def _locked(folder: str, *, wait: bool) -> Iterator[None]:
    """Hold an upload's lock: freed by the kernel when the process that holds it dies."""
    try:
        descriptor = os.open(media.file_path(folder, LOCK), os.O_RDWR)
    except FileNotFoundError as gone:
        raise Problem("upload_gone") from gone
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as taken:
        os.close(descriptor)
        raise Problem("upload_locked") from taken
    try:
        yield
    finally:
        os.close(descriptor)
