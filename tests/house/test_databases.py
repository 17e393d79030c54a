"""The second round on PostgreSQL counts in the one closing line."""

from pathlib import Path

import pytest

from tests.house.inner_pytest import run_pytest

TWO_TESTS = """
import pytest
from django.db import connection

@pytest.mark.db
def test_the_users_table_is_there():
    assert connection.introspection.table_names()

{mark}
def test_second():
    assert {holds}

@pytest.mark.db
@pytest.mark.browser
def test_in_a_browser():
    assert True

def test_without_a_database():
    assert True
"""

pytestmark = pytest.mark.slow


def test_only_tests_that_use_the_database_run_twice(tmp_path: Path):
    text = TWO_TESTS.format(mark="@pytest.mark.django_db", holds="connection.vendor")
    code, said = run_pytest({tmp_path / "test_sample.py": text}, "--also-postgresql")
    assert code == 0, said
    assert " 6 passed" in said.splitlines()[-1]


def test_a_failure_on_postgresql_alone_fails_the_run_and_says_where(tmp_path: Path):
    text = TWO_TESTS.format(mark="@pytest.mark.db", holds="connection.vendor == 'sqlite'")
    code, said = run_pytest({tmp_path / "test_sample.py": text}, "--also-postgresql")
    assert code == 1
    assert "1 failed, 5 passed" in said.splitlines()[-1]
    assert "test_second on PostgreSQL" in said


def test_a_second_round_that_cannot_start_fails_the_run(tmp_path: Path):
    text = TWO_TESTS.format(mark="", holds="True") + (
        "import os, sys\nif 'OSKARTRACK_TEST_DATABASE_URL' in os.environ: sys.exit('no')\n"
    )
    code, said = run_pytest({tmp_path / "test_sample.py": text}, "--also-postgresql")
    assert code == 1
    assert "The round on PostgreSQL ran 0 of 1 tests" in said


def test_without_the_option_there_is_one_round(tmp_path: Path):
    text = TWO_TESTS.format(mark="@pytest.mark.db", holds="connection.vendor == 'sqlite'")
    code, said = run_pytest({tmp_path / "test_sample.py": text})
    assert code == 0, said
    assert " 4 passed" in said.splitlines()[-1]
