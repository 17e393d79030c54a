"""How long cameras looked while their store was open, added up by the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from analytics.calendar import BUCKET, BUCKET_MS, floor_bucket
from analytics.models import Bucket
from analytics.opening import OpenSpan

_MILLISECOND = timedelta(milliseconds=1)


class OpenBuckets(NamedTuple):
    """Buckets that start in ``[starts_at, ends_at)``, each of them open for so long."""

    starts_at: datetime
    ends_at: datetime
    open_ms: int


def observed_open_ms(opened: Iterable[OpenSpan], cameras: Collection[int]) -> dict[int, int]:
    """Return for how many milliseconds of the open time each camera looked, in one statement.

    Of a bucket in which a store opens or closes, what was observed counts by the share of it that
    was open: buckets are not finer.

    Parameters
    ----------
    opened : iterable of OpenSpan
        When the store is open, apart, earliest first.
    cameras : collection of int
        Primary keys of cameras; one that did not look is missing from the answer.
    """
    spans = list(open_buckets(opened))
    if not spans or not cameras:
        return {}
    whole = {"sqlite": "MIN", "postgresql": "LEAST"}[connection.vendor]
    rows = ", ".join(["(%s, %s, %s)"] * len(spans))
    names = ", ".join(["%s"] * len(cameras))
    # The spans go first, one range of the index each; every value is a parameter.
    sql = f"""
        WITH open_time (begins, ends, open_ms) AS (VALUES {rows})
        SELECT b.camera_id,
          SUM({whole}(b.observed_ms, {BUCKET_MS}) * CAST(o.open_ms AS bigint) / {BUCKET_MS})
        FROM open_time o CROSS JOIN zones_camera c CROSS JOIN analytics_bucket b
        WHERE c.id IN ({names}) AND b.camera_id = c.id AND b.subject_kind = %s
          AND b.subject_id = c.id AND b.starts_at >= o.begins AND b.starts_at < o.ends
        GROUP BY b.camera_id
    """  # noqa: S608
    adapted = connection.ops.adapt_datetimefield_value
    values = [
        value
        for span in spans
        for value in (adapted(span.starts_at), adapted(span.ends_at), span.open_ms)
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, *cameras, Bucket.Subject.CAMERA])
        return {camera: int(observed_ms) for camera, observed_ms in cursor.fetchall()}


def open_buckets(opened: Iterable[OpenSpan]) -> Iterator[OpenBuckets]:
    """Yield the buckets of open spans: whole ones in runs, those cut by an end by themselves."""
    for starts_at, ends_at in opened:
        at, last = starts_at, floor_bucket(ends_at)
        while at < ends_at:
            bucket = floor_bucket(at)
            if at == bucket and at < last:
                yield OpenBuckets(at, last, BUCKET_MS)
                at = last
                continue
            until = min(bucket + BUCKET, ends_at)
            yield OpenBuckets(bucket, bucket + BUCKET, (until - at) // _MILLISECOND)
            at = until
