"""Health for machines and people: what is asked, who may ask, what is said when a part is away."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now
from django.test import Client, RequestFactory
from django.utils import timezone as clock

from oskartrack import logs, watchers
from oskartrack.exception_handler import outage_answer
from tracking import media, sandbox
from tracking.outages import database_away, disk_full

if TYPE_CHECKING:
    from tests.cast import Cast

pytestmark = pytest.mark.django_db
TOKEN = "a token for the watcher"


@pytest.fixture(autouse=True)
def _quick(settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MEDIA_ROOT = tmp_path / "media"
    cache.clear()


@pytest.fixture
def cast(db) -> Cast:
    from tests.cast import make_cast

    return make_cast()


def client_of(user: Any = None) -> Client:
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


def root() -> Any:
    from tests.cast import make_user

    return make_user("root", is_staff=True, is_superuser=True)


@pytest.fixture
def no_database(monkeypatch):
    """The database does not answer any more; returns how to say so."""

    def fail():
        def cursor(*_: Any, **__: Any) -> Any:
            raise OperationalError("unable to open database file")

        monkeypatch.setattr(type(connection._connections[connection._alias]), "cursor", cursor)

    return fail


def test_all_works():
    answer = client_of().get("/readyz")
    told = answer.json()
    assert (answer.status_code, told["status"]) == (200, "ready")
    assert {name: check["ok"] for name, check in told["checks"].items()} == dict.fromkeys(
        ("database", "valkey", "disk", "queue", "sandbox", "detector"), True
    )
    assert told["sandbox"] == sandbox.kind()
    assert told["oldest_unclaimed_s"] == 0
    assert "no-store" in answer["Cache-Control"]


def test_life_is_told_without_any_other_part(no_database, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    no_database()
    assert client_of().get("/healthz").json() == {"status": "ok"}


def unready(part: str) -> dict[str, Any]:
    """Return what readiness says of the one part that is away."""
    answer = client_of().get("/readyz")
    told = answer.json()
    assert (answer.status_code, told["status"]) == (503, "unready")
    assert int(answer["Retry-After"]) > 0
    assert not told["checks"][part]["ok"]
    assert told["checks"][part]["todo"]
    return told["checks"]


def test_a_database_that_is_away_is_named(no_database):
    no_database()
    checks = unready("database")
    assert "does not answer" in checks["database"]["what"]
    assert checks["valkey"]["ok"]


def test_valkey_away_is_named_at_once(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    checks = unready("valkey")
    assert "Files are taken and kept" in checks["valkey"]["what"]
    assert checks["database"]["ok"]


def test_a_low_disk_is_named_with_how_much_is_free(monkeypatch):
    monkeypatch.setattr(media, "free_bytes", lambda: 20_000_000)
    checks = unready("disk")
    assert "Only 20 MB are free; below 500 MB" in checks["disk"]["what"]


def test_work_that_nobody_takes_is_named_and_a_long_queue_is_not(cast):
    from tests.pages.rows import make_recording, make_run
    from tracking.models import Chunk, Run

    recording = make_recording(cast.store, state="queued")
    make_run(recording)
    assert client_of().get("/readyz").status_code == 200  # it came just now
    Run.objects.update(created_at=clock.now() - timedelta(minutes=10))
    checks = unready("queue")
    assert "for 10 minutes nobody has taken the work" in checks["queue"]["what"]
    other = make_recording(cast.store, "other.mp4", state="running")
    Chunk.objects.filter(recording=other, index=0).update(
        state="working", lease_until=Now() + timedelta(seconds=10)
    )
    answer = client_of().get("/readyz")
    assert answer.status_code == 200  # somebody works: it is a queue, no fault
    assert answer.json()["oldest_unclaimed_s"] == pytest.approx(600, abs=60)
    Chunk.objects.filter(recording=other).update(lease_until=Now() - timedelta(seconds=10))
    unready("queue")


def test_between_two_pieces_of_work_nothing_stands_still(cast):
    """A long queue, and at this very moment nothing is held: the last was let go a second ago."""
    from tests.pages.rows import make_recording, make_run
    from tracking.models import Chunk, Run

    make_run(make_recording(cast.store, state="queued"))
    Run.objects.update(created_at=clock.now() - timedelta(hours=3))
    unready("queue")
    other = make_recording(cast.store, "other.mp4", state="running", done=2)
    part = Chunk.objects.filter(recording=other, index=1)
    part.update(touched_at=Now() - timedelta(seconds=20))
    assert client_of().get("/readyz").status_code == 200
    part.update(touched_at=Now() - timedelta(minutes=6))
    assert "for 6 minutes nobody" in unready("queue")["queue"]["what"]


def test_one_that_is_asked_for_again_after_days_has_not_waited_for_days(cast):
    from tests.pages.rows import make_recording, make_run
    from tracking import jobs
    from tracking.models import Run

    recording = make_recording(cast.store, state="quarantined", error_code="crashed")
    make_run(recording)
    Run.objects.update(created_at=clock.now() - timedelta(days=3))
    assert jobs.recording_requeue(recording)
    answer = client_of().get("/readyz")
    assert (answer.status_code, answer.json()["oldest_unclaimed_s"]) == (
        200,
        pytest.approx(0, abs=5),
    )


def test_counting_again_is_work_too(cast):
    from tests.pages.rows import make_recording, make_run
    from tracking.models import Recount, Run

    recording = make_recording(cast.store, done=4)
    again = Run.objects.create(store=cast.store, recording=recording, active=False)
    old = make_run(recording)
    Recount.objects.create(
        store=cast.store, recording=recording, old_run=old, new_run=again,
        created_at=clock.now() - timedelta(minutes=20),
    )  # fmt: skip
    assert "1 recording is not through, and for 20 minutes" in unready("queue")["queue"]["what"]
    Recount.objects.update(state="working", lease_until=Now() + timedelta(seconds=10))
    assert client_of().get("/readyz").status_code == 200
    found = scrape(client_of(root()))
    assert found['oskartrack_recounts{state="working"}'] == 1
    assert found['oskartrack_leases{kind="recount"}'] == 1


@pytest.mark.parametrize("kind", sandbox.WORDS)
def test_what_holds_the_decoder_is_told(kind, monkeypatch):
    monkeypatch.setattr(sandbox, "kind", lambda: kind)
    told = client_of().get("/readyz").json()
    assert told["sandbox"] == kind
    assert told["checks"]["sandbox"] == {"ok": True, "what": sandbox.WORDS[kind], "todo": ""}


def keys_of(answer: Any) -> set[str]:
    """Return every key that an answer holds, on whatever level."""
    found: set[str] = set()
    levels: list[Any] = [answer.json()]
    while levels:
        found |= (level := levels.pop()).keys()
        levels += [value for value in level.values() if isinstance(value, dict)]
    return found


PARTS = {"database", "valkey", "disk", "queue", "sandbox", "detector"}


@pytest.mark.parametrize("away", [False, True])
def test_whoever_merely_finds_readiness_learns_which_parts_work_and_no_more(
    cast, away, settings, monkeypatch
):
    monkeypatch.setattr(media, "free_bytes", lambda: 20_000_000 if away else 10**12)
    for client in (client_of(), client_of(cast.alice)):
        ways: tuple[dict[str, Any], ...] = (
            {"REMOTE_ADDR": "192.0.2.7"},
            {"HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        )
        for way in ways:
            answer = client.get("/readyz", **way)
            assert answer.status_code == (503 if away else 200)
            assert keys_of(answer) == {"status", "checks", "ok"} | PARTS
            assert answer.json()["checks"]["disk"] == {"ok": not away}


def test_staff_and_the_watchers_token_see_the_details_of_readiness_from_afar(settings):
    settings.METRICS_TOKEN = TOKEN
    token: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}
    for client, headers in ((client_of(root()), {}), (client_of(), token)):
        told = client.get("/readyz", REMOTE_ADDR="192.0.2.7", **headers).json()
        assert told["checks"]["disk"]["what"].endswith("free.")
        assert told["oldest_unclaimed_s"] == 0


def test_with_the_database_away_nobody_from_afar_is_known_and_the_state_is_told(no_database):
    client = client_of(root())
    no_database()
    answer = client.get("/readyz", REMOTE_ADDR="192.0.2.7")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, {"ok": False})


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/health/", "/metrics"])
def test_health_is_only_read(address, settings):
    settings.METRICS_LOOPBACK = True
    assert client_of(root()).post(address).status_code == 405


@pytest.mark.parametrize(("who", "status"), [("alice", 403), ("bob", 403), ("charlie", 403)])
@pytest.mark.parametrize("address", ["/health/", "/metrics"])
def test_members_of_shops_see_neither_the_self_check_nor_the_figures(cast, address, who, status):
    assert client_of(getattr(cast, who)).get(address).status_code == status


def test_a_stranger_is_asked_to_log_in_and_sees_no_figures():
    assert client_of().get("/health/")["Location"] == "/login/?next=/health/"
    assert client_of().get("/metrics").status_code == 403


def test_staff_see_the_self_check_of_their_own_shops_alone(cast):
    cast.bob.is_staff = True
    cast.bob.save()
    client = client_of(cast.bob)
    page = client.get("/health/").content.decode()
    assert "Everything works." in page
    assert cast.store.name in page
    assert cast.elsewhere.name not in page
    assert client.get("/metrics").status_code == 403  # the figures are of all shops
    assert cast.elsewhere.name in client_of(root()).get("/health/").content.decode()


def test_the_self_check_says_what_is_wrong_and_what_to_do(monkeypatch, settings):
    from tests.pages.test_templates import breaches

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(media, "free_bytes", lambda: 20 * 1024**2)
    text = client_of(root()).get("/health/").content.decode()
    assert "<b>2 parts do not work:</b> Messages, Disk." in text
    assert text.count('data-ok="no"') == 2
    assert text.count("What to do:") == 2
    assert "Make room: remove videos" in text
    assert breaches(text).found == []


def test_only_staff_are_led_to_the_self_check(cast):
    live = f"/stores/{cast.store.slug}/live/"
    assert 'href="/health/"' not in client_of(cast.alice).get(live).content.decode()
    assert 'href="/health/"' in client_of(root()).get(live).content.decode()


def scrape(client: Client, **headers: str) -> dict[str, float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    lines = answer.content.decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("oskartrack_"))
    return {name: float(value) for name, value in pairs}


def test_the_figures_tell_the_queue_the_pace_and_the_errors(cast, django_assert_max_num_queries):
    from tests.pages.rows import make_recording, make_run
    from tracking.models import Chunk, Run

    recording = make_recording(cast.store, state="running", done=1)
    make_run(recording)
    Run.objects.update(created_at=clock.now() - timedelta(seconds=100))
    chunks = Chunk.objects.filter(recording=recording)
    chunks.filter(index=0).update(frames=50, detect_ms=2000)
    chunks.filter(index=1).update(state="working", lease_until=Now() + timedelta(seconds=10))
    make_recording(cast.store, "bad.mp4", state="failed", error_code="unreadable")
    client = client_of(root())
    with django_assert_max_num_queries(16):
        found = scrape(client)
    assert found['oskartrack_recordings{state="running"}'] == 1
    assert found['oskartrack_recordings{state="queued"}'] == 0
    assert found['oskartrack_chunks{state="waiting"}'] == 2
    assert found['oskartrack_chunks{state="working"}'] == 1
    assert found['oskartrack_leases{kind="chunk"}'] == 1
    assert found['oskartrack_errors{code="unreadable"}'] == 1
    assert found["oskartrack_frames_per_second"] == 25
    assert found["oskartrack_backlog_media_seconds"] == 30
    assert found["oskartrack_lag_seconds"] == pytest.approx(100, abs=30)
    assert found["oskartrack_oldest_unclaimed_seconds"] == 0  # it is in a worker's hands
    assert found["oskartrack_ready"] == 1
    assert found["oskartrack_disk_free_bytes"] > 0
    chunks.update(lease_until=None)
    assert scrape(client)["oskartrack_oldest_unclaimed_seconds"] == pytest.approx(100, abs=30)


def test_the_figures_of_requests_are_there_too():
    client = client_of(root())
    client.get("/healthz")
    assert b"django_http_responses_total_by_status" in client.get("/metrics").content


def test_a_token_opens_the_figures_and_a_wrong_one_does_not(settings, no_database):
    for wrong in ("", "Bearer ", "Bearer wrong", TOKEN[:-1]):
        assert client_of().get("/metrics", headers={"Authorization": wrong}).status_code == 403
    settings.METRICS_TOKEN = TOKEN
    for wrong in ("Bearer ", "Bearer wrong", f"Bearer {TOKEN} ", "Bearer é"):
        assert client_of().get("/metrics", headers={"Authorization": wrong}).status_code == 403
    no_database()
    found = scrape(client_of(), Authorization=f"Bearer {TOKEN}")
    assert found['oskartrack_up{part="database"}'] == 0
    assert found["oskartrack_ready"] == 0
    assert 'oskartrack_recordings{state="running"}' not in found  # not known is no zero


@pytest.mark.parametrize("header", watchers.PROXY_HEADERS)
def test_only_this_machine_itself_comes_in_by_loopback(settings, header):
    assert client_of().get("/metrics").status_code == 403
    settings.METRICS_LOOPBACK = True
    assert client_of().get("/metrics").status_code == 200
    assert client_of().get("/metrics", headers={header: "127.0.0.1"}).status_code == 403
    assert client_of().get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403


# --- Outages -------------------------------------------------------------------------------------


def test_the_api_says_503_with_when_to_come_again_while_the_database_is_away(cast, no_database):
    client = client_of(cast.alice)
    no_database()
    answer = client.get(f"/api/v1/stores/{cast.store.public_id}/recordings/")
    told = answer.json()
    assert (answer.status_code, told["code"], told["status"]) == (503, "database_away", 503)
    assert answer["Content-Type"] == "application/problem+json"
    assert int(answer["Retry-After"]) > 0
    assert told["request_id"] == answer["X-Request-Id"]


@pytest.mark.parametrize("address", ["/", "/stores/corner-shop/live/", "/health/", "/admin/"])
def test_pages_say_in_words_that_the_database_is_away(cast, no_database, address):
    from tests.pages.test_templates import breaches

    client = client_of(cast.alice)
    no_database()
    answer = client.get(address)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    text = answer.content.decode()
    assert "The database does not answer just now" in text
    assert breaches(text).found == []
    assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_a_full_disk_is_told_as_such_on_a_page():
    request = RequestFactory().get("/login/")
    answer = outage_answer(request, OperationalError("database or disk is full"))
    assert answer is not None
    assert (answer.status_code, answer["Retry-After"]) == (507, "60")
    assert b"The disk is full" in answer.content


class Said(Exception):
    """What psycopg2 raised, as far as we look at it."""

    def __init__(self, pgcode: str | None) -> None:
        self.pgcode = pgcode


def caused(error: Exception, pgcode: str | None) -> Exception:
    error.__cause__ = Said(pgcode)
    return error


@pytest.mark.parametrize(
    ("error", "away", "full"),
    [
        (OperationalError("database is locked"), True, False),
        (OperationalError("unable to open database file"), True, False),
        (OperationalError("database or disk is full"), False, True),
        (OperationalError("no such table: tracking_run"), False, False),
        (OperationalError("too many SQL variables"), False, False),
        (InterfaceError("connection already closed"), True, False),
        (InterfaceError("Error binding parameter 1"), False, False),
        (caused(OperationalError("server closed the connection"), None), True, False),
        (caused(OperationalError("shutting down"), "57P01"), True, False),
        (caused(OperationalError("too many clients"), "53300"), True, False),
        (caused(OperationalError("no space"), "53100"), False, True),
        (caused(OperationalError("deadlock detected"), "40P01"), False, False),
        (OSError(28, "No space left on device"), False, True),
        (OSError(13, "Permission denied"), False, False),
        (ValueError("database is locked"), False, False),
    ],
)
def test_an_outage_is_told_from_a_fault_of_ours(error, away, full):
    assert (database_away(error), disk_full(error)) == (away, full)


# --- Logs ----------------------------------------------------------------------------------------


@pytest.fixture
def json_lines(monkeypatch):
    """Log as production does, into a list of objects."""
    before = structlog.get_config()
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    loggers = logging.getLogger()
    monkeypatch.setattr(loggers, "handlers", [handler])
    logs.configure(as_json=True)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(output))
    yield lambda: [json.loads(line) for line in output.getvalue().splitlines()]
    structlog.configure(**before)


def test_in_production_every_line_is_json_with_the_ids_at_hand(json_lines):
    with structlog.contextvars.bound_contextvars(request_id="abc", recording=7):
        structlog.get_logger("ours").info("counted", chunk=3)
        logging.getLogger("django.request").error("theirs %s", "too")
        try:
            int("why")
        except ValueError:
            logging.getLogger("celery").exception("broke")
    ours, theirs, broke = json_lines()
    assert ours["event"] == "counted"
    assert (ours["request_id"], ours["recording"], ours["chunk"]) == ("abc", 7, 3)
    assert theirs["event"] == "theirs too"
    assert (theirs["request_id"], theirs["level"], theirs["logger"]) == (
        "abc", "error", "django.request",
    )  # fmt: skip
    assert "ValueError: invalid" in broke["exception"]


def test_a_request_leaves_one_line_with_its_id_and_never_its_query(json_lines, settings):
    settings.LOG_REQUESTS = True
    client_of().get("/healthz?q=secret", headers={"X-Request-Id": "given-from-outside"})
    (line,) = [line for line in json_lines() if line["event"] == "request"]
    assert (line["request_id"], line["path"], line["status"]) == (
        "given-from-outside", "/healthz", 200,
    )  # fmt: skip
    assert "secret" not in json.dumps(line)


def test_a_tasks_lines_carry_the_task_the_row_and_the_request_that_rang(json_lines, monkeypatch):
    from oskartrack import celery as application
    from tracking import tasks

    headers: dict[str, Any] = {}
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        application.take_request_id_along(headers=headers)
    seen: dict[str, Any] = {}
    monkeypatch.setattr(
        tasks.runner, "detect", lambda _: seen.update(structlog.contextvars.get_contextvars())
    )
    monkeypatch.setattr(tasks, "_ring", lambda *_: 0)
    tasks.detect_chunk.apply((5,), headers=headers)
    assert seen == {"task": "detect_chunk", "chunk": 5, "request_id": "abc"}
    assert structlog.contextvars.get_contextvars() == {}
