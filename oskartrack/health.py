"""Whether every part does its work, and in plain words what to do about one that does not."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import Error, connection
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tracking import room, sandbox
from tracking.kafka.state import LinkFacts, link_facts
from tracking.outages import DATABASE_RETRY_S
from tracking.problems import in_bytes
from tracking.queue_facts import QueueFacts, queue_facts
from tracking.vision.detectors.model_files import FETCH_NANODET, WITHOUT_NANODET, has_nanodet

log = structlog.get_logger(__name__)

# Work that nobody takes for so long, while nobody works on anything else, stands still.
STANDS_STILL_S = 300
VALKEY_TIMEOUT_S = 2
# The process that speaks with Kafka tells of itself every ten seconds.
KAFKA_SILENT_S = 60


@dataclass(frozen=True, slots=True)
class Check:
    """One part: whether it works, what is the matter, what to do.

    Without one that is not `needed` the product is ready all the same.
    """

    name: str
    title: str
    ok: bool
    what: str
    todo: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Health:
    """Every check, and the figures behind them."""

    checks: tuple[Check, ...]
    queue: QueueFacts | None
    free_bytes: int
    sandbox: str
    kafka: tuple[LinkFacts, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether all works that is needed."""
        return all(check.ok for check in self.checks if check.needed)

    @property
    def retry_after_s(self) -> int:
        """After how many seconds asking again may give another answer."""
        return DATABASE_RETRY_S


def look() -> Health:
    """Look at every part; never raises for one that is away."""
    database = check_database()
    queue = _queue() if database.ok else None
    disk, free = check_disk()
    checks = (
        database,
        check_valkey(),
        disk,
        check_queue(queue, paused=not disk.ok),
        check_sandbox(),
        check_detector(),
    )
    if not settings.KAFKA.on:
        return Health(checks, queue, free, sandbox.kind())
    links = _links() if database.ok else None
    return Health(
        (*checks, check_kafka(links)), queue, free, sandbox.kind(), kafka=tuple(links or ())
    )


def check_database() -> Check:
    """Ask the database for one row."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        log.warning("database_away", why=str(error))
        return Check(
            "database",
            "Database",
            ok=False,
            what="The database does not answer. Pages, uploads and counting wait for it.",
            todo="See that it runs and that DATABASE_URL leads to it. "
            "Work goes on by itself once it answers.",
        )
    return Check("database", "Database", ok=True, what="It answers.")


def check_valkey() -> Check:
    """Ask Valkey for a sign of life."""
    try:
        with Redis.from_url(
            settings.REDIS_URL, socket_timeout=VALKEY_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        ) as valkey:
            valkey.ping()
    except (RedisError, OSError) as error:
        log.warning("valkey_away", why=str(error))
        return Check(
            "valkey",
            "Messages",
            ok=False,
            what="Valkey, which carries them, does not answer. Files are taken and kept, but "
            "nothing new is counted and open pages hear no news until it is back.",
            todo="See that it runs and that REDIS_URL leads to it. "
            "Work goes on by itself within half a minute.",
        )
    return Check("valkey", "Messages", ok=True, what="Valkey, which carries them, answers.")


def check_disk() -> tuple[Check, int]:
    """Compare the free room with the floor; return the check and the free bytes."""
    try:
        free = room.free_bytes()
    except OSError as error:
        log.warning("disk_unreadable", why=str(error))
        what = "The folder of the videos cannot be read."
        todo = "See that its disk is there and that OSKARTRACK_DATA names it."
        return Check("disk", "Disk", ok=False, what=what, todo=todo), 0
    has, floor = in_bytes(free), in_bytes(settings.DISK_FLOOR_BYTES)
    if free >= settings.DISK_FLOOR_BYTES:
        return Check("disk", "Disk", ok=True, what=f"{has} free."), free
    what = f"Only {has} are free; below {floor} no file is taken and counting pauses."
    todo = "Make room: remove videos that are no longer needed, or enlarge the disk."
    return Check("disk", "Disk", ok=False, what=what, todo=todo), free


def _queue() -> QueueFacts | None:
    try:
        return queue_facts()
    except Error as error:
        log.warning("queue_unreadable", why=str(error))
        return None


def check_queue(queue: QueueFacts | None, *, paused: bool) -> Check:
    """Judge whether work that waits is being taken.

    A long queue is no fault: somebody works on it, or did a moment ago. Work that waits while
    nobody has taken any for minutes is one.
    """
    if queue is None:
        what = "Not known: the database does not say."
        return _counting(what, "Mend the database first.", ok=False)
    if not queue.waiting:
        return _counting("Nothing waits to be counted.")
    are = "recording is" if queue.waiting == 1 else "recordings are"
    if paused:
        return _counting(f"{queue.waiting} {are} not through; work waits for disk space.")
    still_s = min(queue.oldest_unclaimed_s, queue.idle_s)
    if queue.held or still_s < STANDS_STILL_S:
        return _counting(f"{queue.waiting} {are} being counted or wait for their turn.")
    minutes = round(still_s / 60)
    return _counting(
        f"{queue.waiting} {are} not through, and for {minutes} minutes nobody has taken the work.",
        "See that workers and the scheduler (beat) run; the log says why one does not start.",
        ok=False,
    )


def _counting(what: str, todo: str = "", *, ok: bool = True) -> Check:
    return Check("queue", "Counting", ok=ok, what=what, todo=todo)


def check_sandbox() -> Check:
    """Say what holds the process that decodes; a weak lock is no reason to stop."""
    return Check("sandbox", "Decoding", ok=True, what=sandbox.words())


def check_detector() -> Check:
    """Say whether the better detector is here; without it the other one works."""
    if has_nanodet(settings.MODELS_DIR):
        what = "NanoDet is here, and finds people for every camera that names no other detector."
        return Check("detector", "Finding people", ok=True, what=what)
    return Check("detector", "Finding people", ok=True, what=WITHOUT_NANODET, todo=FETCH_NANODET)


def _links() -> list[LinkFacts] | None:
    try:
        return link_facts(settings.KAFKA)
    except Error as error:
        log.warning("kafka_unreadable", why=str(error))
        return None


def check_kafka(links: list[LinkFacts] | None) -> Check:
    """Say how the extra door does; pages, counting and the API work without it."""
    if links is None:
        return _kafka("Not known: the database does not say.", "Mend the database first.", ok=False)
    if any(link.quiet_s is None or link.quiet_s > KAFKA_SILENT_S for link in links):
        return _kafka(
            "The process that speaks with Kafka does not run, or hangs. What is to come or go "
            "waits; nothing is lost.",
            "See that it runs (manage.py kafka, which manage.py up starts); its log says why not.",
            ok=False,
        )
    problems = list(dict.fromkeys(link.problem for link in links if link.problem))
    if problems:
        todo = "See to it; nothing is lost, and it goes on by itself once that is mended."
        return _kafka(" ".join(problems), todo, ok=False)
    refused = sum(link.refused for link in links)
    aside = f" {refused} messages were refused so far." if refused else ""
    todo = f"Each refused one lies in '{settings.KAFKA.refused}' with its reason."
    return _kafka(f"It takes and gives messages.{aside}", todo if refused else "", ok=True)


def _kafka(what: str, todo: str, *, ok: bool) -> Check:
    return Check("kafka", "Kafka", ok=ok, what=what, todo=todo, needed=False)
