"""What every test has: an environment of its own and real servers."""

pytest_plugins = [
    "tests.plugins.environment",
    "tests.plugins.databases",
    "tests.plugins.side_by_side",
    "tests.plugins.nanodet",
    "tests.plugins.product",
    "tests.plugins.chromium",
    "tests.plugins.durations",
    "tests.plugins.live_hints",
]
