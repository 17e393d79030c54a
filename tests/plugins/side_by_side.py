"""Run the tests in two processes at once: ``-n auto``.

Each process has an environment, a Valkey, databases and fixtures of its own. What goes to a process
as one piece is a file, so that what its tests share is made once. Tests marked ``heavy`` are one
piece all together: no two of them ever meet.
"""

import json
import os
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from tests.plugins import databases, environment

HEAVY = "heavy"
# How a process tells what it collected: pytest-xdist itself passes on names and nothing else.
TOLD = "folder_for_what_was_collected"
FOLDER = pytest.StashKey[Path]()
# As many as CI has cores: how long tests wait for things was measured with these.
MOST = 2


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes ``-n auto`` means: one a core, two at most."""
    return min(MOST, len(os.sched_getaffinity(0)))


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_setupnodes() -> None:
    """Let each process read Django's settings when it has made its own environment, not before."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_configure_node(node: WorkerController) -> None:
    """Give a process a folder to tell what it collected."""
    folder = node.config.stash.setdefault(FOLDER, environment.data / "collected")
    folder.mkdir(exist_ok=True)
    node.workerinput[TOLD] = str(folder)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Put the longest pieces first, so that those which are waited for at the end are short."""
    yield
    if hasattr(config, "workerinput"):
        slow = Counter(piece(item) for item in items if item.get_closest_marker("slow"))
        size = Counter(map(piece, items))
        items.sort(key=lambda item: place(piece(item), slow, size))


def piece(item: pytest.Item) -> str:
    """Return the name of the piece that a test belongs to."""
    return HEAVY if item.get_closest_marker(HEAVY) else str(item.path)


def place(name: str, slow: Counter[str], size: Counter[str]) -> tuple[bool, int, int, str]:
    return name != HEAVY, -slow[name], -size[name], name


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell the piece of each test before its name is passed on."""
    if told := getattr(session.config, "workerinput", {}).get(TOLD):
        pieces = {item.nodeid: piece(item) for item in session.items}
        again = sum(map(databases.runs_again, session.items))
        file = Path(told) / session.config.workerinput["workerid"]
        file.write_text(json.dumps({"pieces": pieces, "again": again}))


class InPieces(LoadScopeScheduling):  # type: ignore[misc] # it tells no types
    """Hands out the tests piece by piece, in the order in which they were collected."""

    pieces: dict[str, str] = {}

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        told = json.loads((node.config.stash[FOLDER] / node.gateway.id).read_text())
        self.pieces = told["pieces"]
        node.config.stash[databases.HANDED_IN] = told["again"]
        super().add_node_collection(node, collection)

    def _split_scope(self, nodeid: str) -> str:
        return self.pieces[nodeid]

    def remove_node(self, node: WorkerController) -> str | None:
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


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> InPieces:
    """Take our own scheduler, whatever the command line says."""
    config.option.loadscopereorder = False
    return InPieces(config, log)
