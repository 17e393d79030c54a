"""How long segments are kept: by age and by room on the disk, whichever comes first.

Only the films go. What was counted, the tracks, the events and their pixelated pictures stay.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import F, QuerySet, Sum

from tracking import media, room
from tracking.models import OPEN_JOBS, Chunk, Recording
from tracking.segments import segment_name
from zones.models import Camera

log = structlog.get_logger(__name__)

AT_ONCE = 500  # files in one go, so that following the cameras goes on


def forget_old(now: datetime | None = None) -> int:
    """Remove the segments that are too old, or too many for the disk; return how many."""
    now = now or datetime.now(UTC)
    gone = 0
    for camera in Camera.objects.filter(recordings__source=Recording.Source.CAMERA).distinct():
        old = now - timedelta(hours=camera.keep_video_h)
        gone += _remove(_kept().filter(recording__camera=camera, made_at__lt=old))
    gone += _remove_for_room()
    if gone:
        log.info("segments_removed", segments=gone)
    return gone


def _kept() -> QuerySet[Chunk]:
    """Return the chunks that have a file and need it no more, the oldest first."""
    rows = Chunk.objects.filter(recording__source=Recording.Source.CAMERA, size_bytes__gt=0)
    return rows.exclude(state__in=OPEN_JOBS).select_related("recording").order_by("made_at", "pk")


def _remove_for_room() -> int:
    """Remove the oldest while all together have more than is theirs, or the disk is nearly full."""
    gone = 0
    live = Chunk.objects.filter(recording__source=Recording.Source.CAMERA)
    used = live.aggregate(total=Sum("size_bytes"))["total"] or 0
    over = used - settings.SEGMENTS_MAX_BYTES
    short = 2 * settings.DISK_FLOOR_BYTES - room.free_bytes()
    wanted = max(over, short)
    if wanted <= 0:
        return 0
    for chunk in _kept()[:AT_ONCE]:
        if wanted <= 0:
            break
        wanted -= chunk.size_bytes
        gone += _remove([chunk])
    return gone


def _remove(chunks: QuerySet[Chunk] | list[Chunk]) -> int:
    """Remove the files of chunks, then say so on their rows: a crash between is made good later."""
    gone = 0
    for chunk in chunks[:AT_ONCE]:
        folder = chunk.recording.folder
        if folder:
            media.file_path(folder, segment_name(chunk.index)).unlink(missing_ok=True)
        if Chunk.objects.filter(pk=chunk.pk, size_bytes__gt=0).update(size_bytes=0):
            Recording.objects.filter(pk=chunk.recording_id).update(
                size_bytes=F("size_bytes") - chunk.size_bytes
            )
            gone += 1
    return gone
