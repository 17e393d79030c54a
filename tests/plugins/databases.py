"""Run the database tests on SQLite and, with ``--also-postgresql``, again on PostgreSQL.

The second round is a pytest of its own, since a process has one set of settings; its reports come
back through a pipe and are counted here, so that one closing line tells of both.
"""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, TextIO

import pytest
import xdist

from tests.plugins import environment
from tests.plugins.servers import PostgreSQL

OPTION = "--also-postgresql"
# What a browser sees does not depend on the database, nor does what is marked `once`.
AGAIN = "db and not browser and not once"
REPORTS_TO = "--reports-to-descriptor"
# What the processes of a distributed round say that they collected for the second one.
HANDED_IN = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("databases")
    group.addoption(OPTION, action="store_true", help="run the db tests again on PostgreSQL")
    group.addoption(REPORTS_TO, type=int, help="for the second round: where its reports go")


def pytest_configure(config: pytest.Config) -> None:
    descriptor = config.getoption(REPORTS_TO)
    # The processes of a distributed round report to the one that started them, and that one here.
    if descriptor is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(ReportWriter(config, os.fdopen(descriptor, "w")))


def pytest_sessionstart(session: pytest.Session) -> None:
    if not xdist.is_xdist_controller(session):
        environment.valkey.start()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    environment.valkey.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let ``db`` and ``django_db`` mean one thing: a test that uses the database."""
    for item in items:
        if item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.db)
        elif mark := item.get_closest_marker("db"):
            item.add_marker(pytest.mark.django_db(*mark.args, **mark.kwargs))


@pytest.fixture(autouse=True)
def _lease_of_an_unseen_row(request: pytest.FixtureRequest) -> None:
    """Renew no lease while a test runs in a transaction that is never committed.

    The thread that renews has a connection of its own: on PostgreSQL it does not see the row and
    would take it for another worker's, on a machine busy enough for it to look at all.
    """
    mark = request.node.get_closest_marker("django_db")
    if mark is not None and not mark.kwargs.get("transaction"):
        request.getfixturevalue("settings").LEASE_RENEW_S = 600


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    config = session.config
    again = sum(map(runs_again, session.items))
    if not config.getoption(OPTION) or config.option.collectonly or xdist.is_xdist_worker(session):
        return (yield)
    session.testscollected += again
    result = yield
    if xdist.is_xdist_controller(session):
        again = config.stash.get(HANDED_IN, 0)
        session.testscollected += again
    if again:
        run_again(session, again)
    return result


def runs_again(item: pytest.Item) -> bool:
    """Whether the second round has this test; AGAIN says the same in pytest's words."""
    again = not item.get_closest_marker("browser") and not item.get_closest_marker("once")
    return bool(item.get_closest_marker("db")) and again


class ReportWriter:
    """Writes every report of the second round as one line of JSON."""

    def __init__(self, config: pytest.Config, to: TextIO) -> None:
        self.config = config
        self.to = to

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.write(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.write(report)

    def write(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        data.pop("node", None)  # which process of several ran it: an object of pytest-xdist
        print(json.dumps(data), file=self.to, flush=True)


def run_again(session: pytest.Session, expected: int) -> None:
    """Run the db tests on PostgreSQL and count their reports as this session's own."""
    reads, writes = os.pipe()
    output = environment.data / "postgresql-round.log"
    inherited = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    with PostgreSQL() as server, output.open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "pytest", *second_round(session.config, writes)],
            cwd=session.config.invocation_params.dir,
            env={**inherited, environment.DATABASE: server.url},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[writes],
        )
        os.close(writes)
        try:
            with os.fdopen(reads) as lines:
                seen = replay(session, lines)
        finally:
            child.wait(60)
    if child.returncode not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} or (
        seen < expected and not session.testsfailed
    ):
        session.testsfailed += 1
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        assert reporter is not None
        reporter.write_line(
            f"\nThe round on PostgreSQL ran {seen} of {expected} tests:\n{output.read_text()}"
        )


def second_round(config: pytest.Config, descriptor: int) -> list[str]:
    """Return the arguments of the second round: the first one's, for the db tests alone."""
    given = [str(part) for part in config.invocation_params.args if part != OPTION]
    marks = f"({config.option.markexpr}) and {AGAIN}" if config.option.markexpr else AGAIN
    return [*given, "-m", marks, f"{REPORTS_TO}={descriptor}"]


def replay(session: pytest.Session, lines: Iterable[str]) -> int:
    """Hand every report to this session's reporters; return how many tests they were of."""
    hook = session.config.hook
    seen = set()
    for line in lines:
        data: dict[str, Any] = json.loads(line)
        report = hook.pytest_report_from_serializable(config=session.config, data=data)
        if isinstance(report, pytest.CollectReport):
            hook.pytest_collectreport(report=report)
            continue
        file, number, name = report.location
        report.nodeid = f"{report.nodeid}[postgresql]"
        report.location = (file, number, f"{name} on PostgreSQL")
        if report.when == "setup":
            hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
        hook.pytest_runtest_logreport(report=report)
        seen.add(report.nodeid)
    return len(seen)


@pytest.fixture(scope="session")
def valkey_url() -> str:
    """Where this run's Valkey is."""
    return environment.valkey.url


@pytest.fixture(scope="session")
def postgresql() -> Generator[PostgreSQL, None, None]:
    """A PostgreSQL server, for tests that start processes of their own against it."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return Path(__file__).resolve().parent.parent.parent
