"""Run the tests in two processes at once: ``-n auto --dist loadgroup``.

Each process has an environment, a Valkey, databases and fixtures of its own. What goes to a process
as one piece is a file, so that what its tests share is made once. Tests marked ``heavy`` are one
piece all together: no two of them ever meet.
"""

import os
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
import xdist
from xdist.scheduler import LoadScopeScheduling

HEAVY = "heavy"
# What pytest-xdist writes behind the name of a test in that group.
GROUP = f"@{HEAVY}"
# As many as CI has cores: how long tests wait for things was measured with these.
MOST = 2


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes ``-n auto`` means: one a core, two at most."""
    return min(MOST, len(os.sched_getaffinity(0)))


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_setupnodes() -> None:
    """Let each process read Django's settings when it has made its own environment, not before."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Group what must not meet; put the longest pieces first, so that the last ones are short."""
    for item in items:
        if item.get_closest_marker(HEAVY):
            item.add_marker(pytest.mark.xdist_group(HEAVY))
    yield
    if xdist.is_xdist_worker(session):
        slow = Counter(piece(item.nodeid) for item in items if item.get_closest_marker("slow"))
        size = Counter(piece(item.nodeid) for item in items)
        items.sort(key=lambda item: place(piece(item.nodeid), slow, size))


def piece(nodeid: str) -> str:
    """Return the name of the piece that a test belongs to."""
    return HEAVY if nodeid.endswith(GROUP) else nodeid.partition("::")[0]


def place(name: str, slow: Counter[str], size: Counter[str]) -> tuple[bool, int, int, str]:
    return name != HEAVY, -slow[name], -size[name], name


class InPieces(LoadScopeScheduling):
    """Hands out the tests piece by piece, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return piece(nodeid)

    def remove_node(self, node: Any) -> str | None:
        """Take a process off and put back what it had not begun.

        The test in which it ended has failed and is not begun again; of an emptied piece its
        successor would wait for a result for ever.
        """
        pieces = self.assigned_work[node]
        left = [(tests, name) for tests in pieces.values() for name in tests if not tests[name]]
        crashed = None
        if left:
            tests, crashed = left[0]
            tests[crashed] = True
        for name in [name for name, tests in pieces.items() if all(tests.values())]:
            del pieces[name]
        super().remove_node(node)
        return crashed


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> InPieces | None:
    """Take our own scheduler for ``--dist loadgroup``."""
    if config.option.dist != "loadgroup":
        return None
    config.option.loadscopereorder = False
    return InPieces(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Call a heavy test what the command line calls it."""
    if hasattr(report, "node"):
        report.nodeid = report.nodeid.removesuffix(GROUP)
