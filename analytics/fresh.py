"""Buckets made afresh from the facts, by the database itself.

This proves `analytics.rollups`, so it shares nothing with it: no row passes through Python on its
way into a sum, and instants are floored by the database as whole microseconds since 1970. The rules
are those of the model's words (docs/decisions/0020). A column more is a line in `_STEPS`, `_STAYS`
or `_SEEN`: what a source does not name, it does not add to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from django.db import connection, models

from accounts.models import Store
from analytics.models import DWELL_EDGES_S, Bucket

BUCKET_US = 300_000_000
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS_AT_ONCE = 2000
# Keeps both databases from merging a source into the sums over it, which would compute an instant
# once for each sum that names it.
_ALL = "LIMIT 9223372036854775807"
_KEY_OF_ROW = ("camera_id", "subject_kind", "subject_id")
# What a bucket adds up: every number of the model that is no part of its key.
COLUMNS = tuple(
    field.attname
    for field in Bucket._meta.concrete_fields
    if isinstance(field, models.IntegerField)
    and not field.primary_key
    and field.attname not in _KEY_OF_ROW
)

# --- What adds to which column: SQL over one row of the source ------------------------------------

_INWARD = "direction = 'in'"
_STEPS = {
    "entries": f"CASE WHEN {_INWARD} THEN 1 ELSE 0 END",
    "exits": f"CASE WHEN {_INWARD} THEN 0 ELSE 1 END",
    # From the step to the end of its bucket, whole milliseconds: more for who came in, less for
    # who went out.
    "inside_ms": f"(CASE WHEN {_INWARD} THEN 1 ELSE -1 END) "
    f"* ((us / {BUCKET_US} * {BUCKET_US} + {BUCKET_US} - us) / 1000)",
}
_EDGES_MS = [-(2**62), *(1000 * edge for edge in DWELL_EDGES_S), 2**62]
_STAYS = {
    "stays": "CASE WHEN whole THEN 1 ELSE 0 END",
    "censored": "CASE WHEN whole THEN 0 ELSE 1 END",
    "dwell_ms": "CASE WHEN whole THEN ms ELSE 0 END",
} | {
    f"h{index:02d}": f"CASE WHEN whole AND ms > {over} AND ms <= {upto} THEN 1 ELSE 0 END"
    for index, (over, upto) in enumerate(pairwise(_EDGES_MS))
}
_SEEN = {"observed_ms": "sign * (upto_ms - from_ms)"}

# --- The facts that count, one row each -----------------------------------------------------------

_OFFICIAL_STEPS = """
    SELECT {us_at} AS us, e.camera_id, e.line_id AS subject_id, e.direction
    FROM tracking_trackingevent e
    LEFT JOIN tracking_run r ON r.id = e.run_id
    WHERE e.store_id = %s AND e.at >= %s AND e.at < %s
      AND e.camera_id IS NOT NULL AND e.line_id IS NOT NULL
      AND e.kind = 'crossed' AND (e.run_id IS NULL OR r.active)
"""
_OFFICIAL_STAYS = """
    SELECT COALESCE({us_since}, {us_at} - 1000 * COALESCE(e.dwell_ms, 0)) AS us, e.camera_id,
      e.zone_id AS subject_id, COALESCE(e.dwell_ms, 0) AS ms, NOT e.censored AS whole
    FROM tracking_trackingevent e
    LEFT JOIN tracking_run r ON r.id = e.run_id
    WHERE e.store_id = %s AND e.at >= %s AND e.at < %s
      AND e.camera_id IS NOT NULL AND e.zone_id IS NOT NULL AND e.line_id IS NULL
      AND e.kind = 'zone_left' AND (e.run_id IS NULL OR r.active)
"""
_OFFICIAL_VISITS = """
    SELECT {us_entered_at} AS us, c.camera_id, c.camera_id AS subject_id,
      COALESCE(v.duration_ms, 0) AS ms, (v.duration_ms IS NOT NULL AND NOT v.inferred) AS whole
    FROM tracking_visit v
    JOIN tracking_run r ON r.id = v.run_id AND r.active
    JOIN tracking_recording c ON c.id = r.recording_id
    WHERE v.store_id = %s AND v.entered_at >= %s AND v.entered_at < %s
      AND v.exited_at IS NOT NULL AND NOT v.staff
"""
_OFFICIAL_SPANS = """
    SELECT o.camera_id, {us_starts_at} AS starts_us, {us_ends_at} AS ends_us, o.run_id
    FROM tracking_coverage o
    JOIN zones_camera c ON c.id = o.camera_id
    LEFT JOIN tracking_run r ON r.id = o.run_id
    WHERE c.store_id = %s AND o.starts_at >= %s AND o.starts_at < %s AND o.ends_at > o.starts_at
      AND (o.run_id IS NULL OR r.active)
"""
# Time that a run saw while a counter outside was at work is taken off: it is seen once. A span is
# cut at every bucket's edge; its shares are differences of whole milliseconds since its start, so
# they add up to its length exactly, wherever the edges lie.
_OFFICIAL_SHARES = f"""
    SELECT us, camera_id, camera_id AS subject_id, sign,
      (CASE WHEN us > starts_us THEN us - starts_us ELSE 0 END) / 1000 AS from_ms,
      (CASE WHEN us + {BUCKET_US} < ends_us THEN us + {BUCKET_US} ELSE ends_us END - starts_us)
        / 1000 AS upto_ms
    FROM (
      WITH RECURSIVE seen AS (
        {_OFFICIAL_SPANS}
      ), spans(camera_id, starts_us, ends_us, sign) AS (
        SELECT camera_id, starts_us, ends_us, 1 FROM seen
        UNION ALL
        SELECT t.camera_id,
          CASE WHEN t.starts_us > r.starts_us THEN t.starts_us ELSE r.starts_us END,
          CASE WHEN t.ends_us < r.ends_us THEN t.ends_us ELSE r.ends_us END, -1
        FROM seen t JOIN seen r ON r.camera_id = t.camera_id
          AND r.starts_us < t.ends_us AND r.ends_us > t.starts_us
        WHERE t.run_id IS NULL AND r.run_id IS NOT NULL
      ), cut(camera_id, starts_us, ends_us, sign, us) AS (
        SELECT camera_id, starts_us, ends_us, sign, starts_us / {BUCKET_US} * {BUCKET_US}
        FROM spans
        UNION ALL
        SELECT camera_id, starts_us, ends_us, sign, us + {BUCKET_US} FROM cut
        WHERE us + {BUCKET_US} < ends_us
      )
      SELECT camera_id, starts_us, ends_us, sign, us FROM cut
    ) parts
"""  # noqa: S608
_STORED_STARTS = """
    SELECT {us_bucket} AS us FROM analytics_bucket
    WHERE store_id = %s AND starts_at >= %s AND starts_at < %s
"""
_SOURCES = (
    ("line", _OFFICIAL_STEPS, _STEPS),
    ("zone", _OFFICIAL_STAYS, _STAYS),
    ("visit", _OFFICIAL_VISITS, _STAYS),
    ("camera", _OFFICIAL_SHARES, _SEEN),
)


class BucketId(NamedTuple):
    """What a bucket is about, in the order in which rows are compared."""

    starts_us: int
    camera_id: int
    subject_kind: str
    subject_id: int


Sums = tuple[int, ...]
Row = tuple[BucketId, Sums]


@dataclass(frozen=True, slots=True)
class Reach:
    """How long before a bucket's end a fact that adds to it may be found, by its own instant.

    A stay counts where it began and is told when it ends; a watched span may be long. So both
    reach out of a day; by how far at the most, the facts say themselves.
    """

    stay: timedelta
    span: timedelta


@dataclass(frozen=True, slots=True)
class Between:
    """Buckets that start in ``[starts_at, ends_at)``; both on the edge of a bucket."""

    starts_at: datetime
    ends_at: datetime


EVER = Between(_EPOCH, datetime(9000, 1, 1, tzinfo=UTC))
NO_REACH = Reach(timedelta(0), timedelta(0))


def buckets_between(starts_at: datetime, ends_at: datetime) -> Between:
    """Return the buckets that start in a span, wherever its ends lie."""
    return Between(_next_edge(starts_at), _next_edge(ends_at))


def us_of(instant: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(us: int) -> datetime:
    """Return the instant so many microseconds after 1970."""
    return _EPOCH + us * _MICROSECOND


def fresh_rows(store: Store, between: Between = EVER, reach: Reach = NO_REACH) -> Iterator[Row]:
    """Yield the buckets of a span as the facts make them, in order; none that adds up to nothing.

    Parameters
    ----------
    store : Store
        Whose facts.
    between : Between
        Which buckets.
    reach : Reach
        Of the store, as `reach_of` says; not needed where `between` has no end.
    """
    sql, values = _fresh(store, between, reach)
    order = "ORDER BY us, camera_id, subject_kind, subject_id"
    yield from _rows(f"SELECT us, {_list(_KEY_OF_ROW, COLUMNS)} FROM ({sql}) f {order}", values)  # noqa: S608


def stored_rows(store: Store, between: Between = EVER) -> Iterator[Row]:
    """Yield the stored buckets of a span in the same order, those of nothing but zeros left out."""
    sql = (
        f"SELECT {_us('starts_at')} AS us, {_list(_KEY_OF_ROW, COLUMNS)} FROM analytics_bucket "  # noqa: S608
        "WHERE store_id = %s AND starts_at >= %s AND starts_at < %s "
        "ORDER BY us, camera_id, subject_kind, subject_id"
    )
    yield from _rows(sql, _bounds(store, between))


def fresh_insert(store: Store, between: Between, reach: Reach) -> int:
    """Write the buckets of a span as the facts make them; return how many rows those are."""
    sql, values = _fresh(store, between, reach)
    columns = _list(("store_id", "starts_at"), _KEY_OF_ROW, COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO analytics_bucket ({columns}) "  # noqa: S608
            f"SELECT %s, {_instant('us')}, {_list(_KEY_OF_ROW, COLUMNS)} FROM ({sql}) f",
            [store.pk, *values],
        )
        return int(cursor.rowcount)


def reach_of(store: Store) -> Reach:
    """Return how far the store's stays and watched spans reach."""
    stay = "us_at - us"
    stays = _OFFICIAL_STAYS.replace("SELECT ", "SELECT {us_at} AS us_at, ", 1)
    spans = "ends_us - starts_us"
    longest = []
    for told, source in ((stay, stays), (spans, _OFFICIAL_SPANS)):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT COALESCE(MAX({told}), 0) FROM ({_worded(source)}) f",  # noqa: S608
                _bounds(store, EVER),
            )
            longest.append(max(0, int(cursor.fetchone()[0])) * _MICROSECOND)
    return Reach(*longest)


def spans_of_facts(store: Store) -> Iterator[tuple[datetime, datetime]]:
    """Yield where the store has facts or buckets, as first and last instants, oldest first."""
    where = [
        (source, "us", "us") for source in (_OFFICIAL_STEPS, _OFFICIAL_STAYS, _OFFICIAL_VISITS)
    ]
    where += [(_OFFICIAL_SPANS, "starts_us", "ends_us - 1"), (_STORED_STARTS, "us", "us")]
    parts = [
        f"SELECT DISTINCT ({first}) / {BUCKET_US}, ({last}) / {BUCKET_US} FROM ({source}) f"  # noqa: S608
        for source, first, last in where
    ]
    sql = f"{_worded(' UNION '.join(parts))} ORDER BY 1, 2"
    with closing(connection.chunked_cursor()) as cursor:
        cursor.execute(sql, _bounds(store, EVER) * len(parts))
        while some := cursor.fetchmany(ROWS_AT_ONCE):
            for first, last in some:
                yield instant_of(first * BUCKET_US), instant_of(last * BUCKET_US)


# --- How it is said -------------------------------------------------------------------------------


def _fresh(store: Store, between: Between, reach: Reach) -> tuple[str, list[Any]]:
    """Return the fresh buckets of a span as SQL with its values, in no order."""
    parts: list[str] = []
    values: list[Any] = []
    until = {"zone": reach.stay, "camera": timedelta(0)}
    since = {"camera": reach.span}
    for kind, source, sums in _SOURCES:
        added = ", ".join(
            f"CAST(SUM({sums[column]}) AS BIGINT) AS {column}"
            if column in sums
            else f"0 AS {column}"
            for column in COLUMNS
        )
        # Rows of a source are floored here, once: `us` is the bucket's own start from now on.
        parts.append(
            f"SELECT us / {BUCKET_US} * {BUCKET_US} AS us, camera_id, "  # noqa: S608
            f"'{kind}' AS subject_kind, subject_id, {added} FROM ({_worded(source)} {_ALL}) s "
            f"WHERE us >= %s AND us < %s "
            f"GROUP BY us / {BUCKET_US} * {BUCKET_US}, camera_id, subject_id"
        )
        wide = Between(
            between.starts_at - since.get(kind, timedelta(0)),
            between.ends_at + until.get(kind, timedelta(0)),
        )
        values += [*_bounds(store, wide), us_of(between.starts_at), us_of(between.ends_at)]
    return " UNION ALL ".join(parts), values


def _rows(sql: str, values: list[Any]) -> Iterator[Row]:
    with closing(connection.chunked_cursor()) as cursor:
        cursor.execute(sql, values)
        while some := cursor.fetchmany(ROWS_AT_ONCE):
            for row in some:
                if any(row[4:]):
                    yield BucketId(*row[:4]), tuple(row[4:])


def _bounds(store: Store, between: Between) -> list[Any]:
    told = connection.ops.adapt_datetimefield_value
    return [store.pk, told(between.starts_at), told(between.ends_at)]


def _worded(source: str) -> str:
    """Return a source with its instants as this database's microseconds."""
    return source.format(
        us_at=_us("e.at"),
        us_since=_us("e.since"),
        us_entered_at=_us("v.entered_at"),
        us_starts_at=_us("o.starts_at"),
        us_ends_at=_us("o.ends_at"),
        us_bucket=_us("starts_at"),
    )


def _us(column: str) -> str:
    """Return a column's instant as whole microseconds since 1970, in this database's words.

    SQLite keeps text, of which `strftime` would round the fraction: it is taken as it stands.
    """
    if connection.vendor == "postgresql":
        return f"CAST(EXTRACT(EPOCH FROM {column}) * 1000000 AS BIGINT)"
    seconds = f"CAST(strftime('%%s', substr({column}, 1, 19)) AS INTEGER)"
    return f"({seconds} * 1000000 + CAST(substr({column}, 21, 6) AS INTEGER))"


def _instant(us: str) -> str:
    """Return microseconds on a bucket's edge as the instant that this database stores."""
    if connection.vendor == "postgresql":
        return f"to_timestamp({us} / 1000000)"
    return f"datetime({us} / 1000000, 'unixepoch')"


def _next_edge(instant: datetime) -> datetime:
    return instant_of(-(-us_of(instant) // BUCKET_US) * BUCKET_US)


def _list(*names: tuple[str, ...]) -> str:
    return ", ".join(name for some in names for name in some)
