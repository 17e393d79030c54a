"""What the rows of `tracking` say: the feed, the official facts, who may listen."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from django.contrib.auth import HASH_SESSION_KEY, get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone as clock
from django.utils.crypto import constant_time_compare

from accounts.models import ApiLogin, Membership, Store, User
from tracking.live_protocol import Closing
from tracking.models import (
    Coverage,
    Recording,
    Recount,
    Run,
    StoreSequence,
    TrackingEvent,
    Visit,
)
from zones.models import CountingLine

Kind = TrackingEvent.Kind

# What the feed leaves unread of the runs that a re-count names.
RUNS_OF_RECOUNT = ("old_run", "new_run")
RUN_BLOBS = ("setup", "card", "tracker_state")
# Events that one question brings faster than one for each kind of thing that they name.
FEW = 50
# Facts that make the official numbers: those of active runs, and those no run made.
OFFICIAL = Q(run__active=True) | Q(run=None)


@contextmanager
def one_view() -> Iterator[None]:
    """Read everything inside from one state of the database.

    Numbers of a page then fit each other and the sequence they are shown as of. PostgreSQL takes
    one snapshot for the transaction; SQLite's WAL gives a deferred one (Django's own transactions
    are IMMEDIATE there and would queue behind the writers).
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield


# --- Who may listen ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a socket open, by which log-in, for which store.

    Who came by a ticket has no session: the key is empty then, and there may be the log-in of an
    API client in its place.
    """

    user_id: int
    session_key: str
    session_hash: str
    store_id: int
    since: datetime
    login_id: int | None = None


def store_for_socket(user: User | AnonymousUser, public_id: uuid.UUID) -> Store | None:
    """Return the store if the person belongs to it."""
    return Store.objects.for_user(user).filter(public_id=public_id).first()


def user_of_session(session: Any) -> User | AnonymousUser:
    """Return who is logged in by a session, as Django tells it of a request."""
    user: Any = get_user(cast("HttpRequest", SimpleNamespace(session=session)))
    return cast("User | AnonymousUser", user)


def holder_of(user: User, session: Any, store: Store) -> Holder | None:
    """Return what must stay true for the socket to stay open; None without a session."""
    key = session.session_key
    if not key:
        return None
    return Holder(user.pk, key, session.get(HASH_SESSION_KEY, ""), store.pk, clock.now())


def refusals(holders: Collection[Holder]) -> dict[Holder, int]:
    """Return the holders that must go, with the closing code: four queries for any number."""
    people = {holder.user_id for holder in holders}
    users = User.objects.filter(is_active=True).in_bulk(people)
    keys = {holder.session_key for holder in holders if holder.session_key}
    open_sessions = set(
        Session.objects.filter(session_key__in=keys, expire_date__gt=clock.now()).values_list(
            "session_key", flat=True
        )
    )
    logins = {holder.login_id for holder in holders if holder.login_id}
    open_logins = set(
        ApiLogin.objects.filter(pk__in=logins, ended_at=None).values_list("pk", flat=True)
    )
    members = set(Membership.objects.filter(user_id__in=people).values_list("user_id", "store_id"))
    refused: dict[Holder, int] = {}
    for holder in holders:
        user = users.get(holder.user_id)
        if user is None or not _still_logged_in(user, holder, open_sessions, open_logins):
            refused[holder] = Closing.LOGGED_OUT
        elif not user.is_superuser and (holder.user_id, holder.store_id) not in members:
            refused[holder] = Closing.NOT_A_MEMBER
    return refused


def _still_logged_in(
    user: User, holder: Holder, open_sessions: set[str], open_logins: set[int]
) -> bool:
    return (
        (not holder.session_key or holder.session_key in open_sessions)
        and (holder.login_id is None or holder.login_id in open_logins)
        and constant_time_compare(user.get_session_auth_hash(), holder.session_hash)
        and not (user.revoked_at and user.revoked_at > holder.since)
    )


# --- The feed ---------------------------------------------------------------------------------


def sequences(store_public_ids: Collection[str]) -> dict[str, int]:
    """Return the last sequence of each of these stores that has one."""
    return sequences_of(Store.objects.filter(public_id__in=store_public_ids))


def sequences_of(stores: QuerySet[Store]) -> dict[str, int]:
    """Return the last sequence of each of these stores that has one, by one query."""
    rows = StoreSequence.objects.filter(store__in=stores)
    return {str(key): value for key, value in rows.values_list("store__public_id", "value")}


def store_sequence(store: Store) -> int:
    """Return the last sequence of a store: every event up to it is committed."""
    row = StoreSequence.objects.filter(store=store).values_list("value", flat=True).first()
    return row or 0


def feed(store: Store) -> QuerySet[TrackingEvent]:
    """Return the store's events as they happened, with everything their JSON names."""
    return (
        TrackingEvent.objects.filter(store=store, seq__isnull=False)
        .select_related("camera", "zone", "line", "run__recording", "visit")
        .select_related("recount__store", "recount__old_run", "recount__new_run")
        .defer("run__setup", "run__card", "run__tracker_state", "run__recording__media")
        .defer(*(f"recount__{run}__{blob}" for run in RUNS_OF_RECOUNT for blob in RUN_BLOBS))
    )


def feed_shared(store: Store) -> QuerySet[TrackingEvent]:
    """Return the same for many events at once: what they share is read, and made, once.

    Five hundred events have the same camera, run and recording five hundred times over, which is
    nine tenths of what a page costs; for a few the one question of `feed` is cheaper.
    """
    runs = Run.objects.select_related("recording").defer(*RUN_BLOBS, "recording__media")
    recounts = Recount.objects.select_related("store", *RUNS_OF_RECOUNT)
    blobs = (f"{run}__{blob}" for run in RUNS_OF_RECOUNT for blob in RUN_BLOBS)
    return TrackingEvent.objects.filter(store=store, seq__isnull=False).prefetch_related(
        "camera", "zone", "line",
        Prefetch("run", runs),
        Prefetch("visit", Visit.objects.only("duration_ms")),
        Prefetch("recount", recounts.defer(*blobs)),
    )  # fmt: skip


def feed_after(store: Store, after: int, limit: int) -> tuple[int, list[TrackingEvent], bool]:
    """Return the sequence now, the next events after one in order, and whether more follow.

    The counter is read first and raised in the transaction that writes the events, so nothing up
    to it is missing (a database sequence missed 32 % here: its numbers commit out of order).
    """
    as_of = store_sequence(store)
    events = feed(store) if min(as_of - after, limit) <= FEW else feed_shared(store)
    rows = list(events.filter(seq__gt=after, seq__lte=as_of).order_by("seq")[: limit + 1])
    return as_of, rows[:limit], len(rows) > limit


def feed_recent(
    store: Store, limit: int, kinds: Collection[str], recording: uuid.UUID | None
) -> tuple[int, list[TrackingEvent], bool]:
    """Return the sequence now and the newest events, newest first, of some kinds or a recording."""
    as_of = store_sequence(store)
    events = feed(store).filter(seq__lte=as_of)
    if kinds:
        events = events.filter(kind__in=kinds)
    if recording is not None:
        told = Q(run__active=True) | Q(kind=Kind.RECOUNTED)
        events = events.filter(told, run__recording__public_id=recording)
    rows = list(events.order_by("-seq")[: limit + 1])
    return as_of, rows[:limit], len(rows) > limit


def visits_of(store: Store, recording: uuid.UUID | None = None) -> QuerySet[Visit]:
    """Return the store's visits that count, with everything their JSON names."""
    visits = Visit.objects.filter(store=store, run__active=True)
    if recording is not None:
        visits = visits.filter(run__recording__public_id=recording)
    return visits_told(visits)


def visits_told(visits: QuerySet[Visit]) -> QuerySet[Visit]:
    """Return visits with everything their JSON names."""
    return visits.select_related("customer", "run__recording").only(
        "public_id", "entered_at", "exited_at", "duration_ms", "path", "inferred",
        "customer__public_id", "run__public_id", "run__recording__public_id", "run__recording",
        "customer", "run", "store",
    )  # fmt: skip


# --- Official facts ---------------------------------------------------------------------------


def official_events(store: Store, since: datetime, until: datetime) -> QuerySet[TrackingEvent]:
    """Return the events that make the numbers, in ``[since, until]``."""
    return TrackingEvent.objects.filter(OFFICIAL, store=store, at__gte=since, at__lte=until)


def entrance_lines(store: Store) -> QuerySet[CountingLine]:
    """Return the store's entrance lines, archived ones too: they counted once."""
    return CountingLine.objects.filter(camera__store=store, kind=CountingLine.Kind.ENTRANCE)


def cameras_covering(stores: Collection[Store], since: datetime, until: datetime) -> set[int]:
    """Return the primary keys of these stores' cameras that observed some of ``[since, until]``."""
    spans = Coverage.objects.filter(
        OFFICIAL, camera__store__in=stores, ends_at__gt=since, starts_at__lte=until
    )
    return set(spans.values_list("camera_id", flat=True).distinct())


# --- Recordings -------------------------------------------------------------------------------


def recording_on_show(store: Store, wanted: uuid.UUID | None) -> Recording | None:
    """Return the recording asked for; else the one being counted, else the newest counted."""
    recordings = Recording.objects.filter(store=store).select_related("camera", "store")
    if wanted is not None:
        return recordings.filter(public_id=wanted).first()
    counted = (Recording.State.DONE, Recording.State.PARTIAL)
    return (
        recordings.filter(state=Recording.State.RUNNING).order_by("priority", "id").first()
        or recordings.filter(state__in=counted, runs__active=True)
        .order_by("-finished_at", "-id")
        .first()
    )


def active_run(recording: Recording) -> Run | None:
    """Return the run that makes the recording's numbers."""
    run = Run.objects.filter(recording=recording, active=True).defer("tracker_state").first()
    if run is not None:
        run.recording = recording
    return run


@dataclass(frozen=True, slots=True)
class RunNumbers:
    """What a run has counted so far."""

    entries: int = 0
    exits: int = 0
    visits: int = 0


def run_numbers(runs: Collection[int]) -> dict[int, RunNumbers]:
    """Return what each of these runs (primary keys) counted: two queries for any number."""
    steps = (
        TrackingEvent.objects.filter(run_id__in=runs, kind__in=(Kind.ENTERED, Kind.EXITED))
        .order_by()
        .values_list("run_id")
        .annotate(
            entries=Count("pk", filter=Q(kind=Kind.ENTERED)),
            exits=Count("pk", filter=Q(kind=Kind.EXITED)),
        )
    )
    visits = dict(
        Visit.objects.filter(run_id__in=runs)
        .order_by()
        .values_list("run_id")
        .annotate(visits=Count("pk"))
    )
    counted = {run: (entries, exits) for run, entries, exits in steps}
    return {run: RunNumbers(*counted.get(run, (0, 0)), visits.get(run, 0)) for run in runs}


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How much work a store has."""

    working: int
    waiting: int
    failed: int


def job_counts(store: Store) -> JobCounts:
    """Return how many recordings are being counted, wait, or could not be counted."""
    return jobs_of_stores([store])[store.pk]


def jobs_of_stores(stores: Collection[Store]) -> dict[int, JobCounts]:
    """Return the work of each of these stores by its primary key: one query for any number."""
    state = Recording.State
    counts: Counter[tuple[int, str]] = Counter()
    rows = (
        Recording.objects.filter(store__in=stores)
        .exclude(state=state.DONE)
        .order_by()
        .values_list("store_id", "state")
        .annotate(rows=Count("pk"))
    )
    for store_id, told, number in rows:
        counts[store_id, told] = number
    return {
        store.pk: JobCounts(
            working=counts[store.pk, state.RUNNING],
            waiting=counts[store.pk, state.QUEUED],
            failed=counts[store.pk, state.FAILED] + counts[store.pk, state.QUARANTINED],
        )
        for store in stores
    }
