"""How much a store may keep and have waiting, and whether the disk has room to work at all.

Two limits of different kinds: a store's quota is an agreement, checked when a file is announced;
the disk's floor is physics, checked before every piece of work. Below the floor files are refused
and work pauses, so that the database always has room to write down where it stands. Nothing has
to be started again: every look at the disk is fresh.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import F, Sum

from accounts.models import Store
from tracking import media
from tracking.models import OPEN_RECORDINGS, Recording, Upload
from tracking.problems import Problem, in_bytes


@dataclass(frozen=True, slots=True)
class StoreRoom:
    """What a store uses of what it may use."""

    used_bytes: int
    limit_bytes: int
    uploads: int
    most_uploads: int
    waiting: int
    most_waiting: int


def used_bytes(store: Store) -> int:
    """Return the bytes of the files that a store keeps; one that is still coming counts whole.

    One that came whole and was refused is gone already; its row stays for a day to say why.
    """
    kept = Recording.objects.filter(store=store).exclude(folder="")
    of_recordings = kept.order_by().aggregate(total=Sum("size_bytes"))["total"] or 0
    uploads = Upload.objects.filter(store=store).exclude(folder__in=kept.values("folder"))
    of_uploads = sum(
        size_bytes
        for folder, size_bytes, completed_at in uploads.values_list(
            "folder", "size_bytes", "completed_at"
        )
        if completed_at is None or media.source_path(folder).is_file()
    )
    return int(of_recordings + of_uploads)


def store_room(store: Store) -> StoreRoom:
    """Return what a store keeps and has waiting, beside what it may."""
    return StoreRoom(
        used_bytes=used_bytes(store),
        limit_bytes=settings.STORE_QUOTA_BYTES,
        uploads=Upload.objects.filter(store=store, completed_at=None).count(),
        most_uploads=settings.STORE_MAX_UPLOADS,
        waiting=Recording.objects.filter(store=store, state__in=OPEN_RECORDINGS).count(),
        most_waiting=settings.STORE_MAX_WAITING,
    )


def refuse_upload_without_room(store: Store, size_bytes: int) -> None:
    """Refuse a file that the store or the disk has no room for.

    Called in the transaction that writes the upload's row: the store's row is locked, so many
    files announced at once get no more than there is. The lock lets rows that only refer to the
    store pass.
    """
    Store.objects.select_for_update(no_key=True).get(pk=store.pk)
    now = store_room(store)
    if now.uploads >= now.most_uploads:
        raise Problem("too_many_uploads", most=now.most_uploads)
    if now.used_bytes + size_bytes > now.limit_bytes:
        extras = {"used_bytes": now.used_bytes, "limit_bytes": now.limit_bytes}
        used, limit = in_bytes(now.used_bytes), in_bytes(now.limit_bytes)
        raise Problem("quota_full", extras=extras, used=used, limit=limit)
    unfinished = Upload.objects.filter(completed_at=None)
    promised = unfinished.aggregate(left=Sum(F("size_bytes") - F("offset_bytes")))["left"] or 0
    if free_bytes() < promised + size_bytes + settings.DISK_FLOOR_BYTES:
        raise Problem("disk_full")


def refuse_recording_without_room(store: Store) -> None:
    """Refuse a recording while as many as a store may have waiting are not counted yet.

    Called in the transaction that makes it wait: the store's row is locked as above.
    """
    Store.objects.select_for_update(no_key=True).get(pk=store.pk)
    waiting = Recording.objects.filter(store=store, state__in=OPEN_RECORDINGS).count()
    if waiting >= settings.STORE_MAX_WAITING:
        most = settings.STORE_MAX_WAITING
        raise Problem("queue_full", extras={"waiting": waiting, "most_waiting": most}, most=most)


def refuse_when_disk_low(then_bytes: int = 0) -> None:
    """Refuse whatever writes a file while the disk is below its floor, or would be after it.

    Parameters
    ----------
    then_bytes : int
        So much is about to be written at once.
    """
    if free_bytes() < then_bytes + settings.DISK_FLOOR_BYTES:
        raise Problem("disk_full")


def free_bytes() -> int:
    """Return the room on the fuller of the disks that media and an embedded database lie on."""
    database = settings.DATABASES["default"]
    free = media.free_bytes()
    if not database["ENGINE"].endswith("sqlite3"):
        return free
    folder = Path(str(database["NAME"])).parent
    return min(free, shutil.disk_usage(folder).free) if folder.is_dir() else free


def disk_low() -> bool:
    """Whether work has to pause until the disk has room again."""
    return free_bytes() < int(settings.DISK_FLOOR_BYTES)


def pause_words() -> str:
    """Return why work pauses at the moment, in words; empty when it does not."""
    free = free_bytes()
    if free >= settings.DISK_FLOOR_BYTES:
        return ""
    floor = in_bytes(settings.DISK_FLOOR_BYTES)
    return f"Waiting for disk space: {in_bytes(free)} free, work goes on at {floor}"
