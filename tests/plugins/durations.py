"""Say at the end which files took longest: a suite gets slow by files, not by single tests."""

from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter

FILES = 15


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the files in which most time went, set-up and tear-down counted in."""
    seconds = Counter[str]()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.location[0]] += report.duration
    slow = [(name, taken) for name, taken in seconds.most_common(FILES) if taken >= 1]
    if not slow:
        return
    terminalreporter.write_sep("=", f"slowest {len(slow)} files")
    for name, taken in slow:
        terminalreporter.write_line(f"{taken:.0f} s {name}")
    total = sum(seconds.values())
    terminalreporter.write_line(f"{total:.0f} s all {len(seconds)} files, added up")
