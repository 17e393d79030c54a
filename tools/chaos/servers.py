"""Servers that can be killed and come back on the same port, as after a power cut."""

from __future__ import annotations

import signal
import time
from contextlib import closing
from typing import Any

import psycopg2
import redis

from tests.plugins.servers import PostgreSQL, Valkey, end, start_again


class Database(PostgreSQL):
    """A PostgreSQL whose commits are written before they are answered, so a crash keeps them."""

    def command(self) -> list[str]:
        """As its parent's, but an answered commit outlives the server."""
        command = super().command()
        place = command.index("synchronous_commit=off")
        command[place] = "synchronous_commit=on"
        return command

    def copy_of(self, url: str) -> str:
        """Copy a database that nobody uses at the moment; return the copy's DATABASE_URL."""
        copy = self.new_database()
        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                name, source = copy.rsplit("/", 1)[1], url.rsplit("/", 1)[1]
                cursor.execute(f"DROP DATABASE {name}")
                cursor.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
        return copy

    def stop_at_once(self) -> None:
        """Stop as in a crash: nothing is finished, every connection is cut."""
        end(self, signal.SIGQUIT)

    def come_back(self) -> None:
        """Start on the same data and return once questions are answered."""
        start_again(self)
        deadline = time.monotonic() + 60
        while not self._answers():  # it repairs itself first
            if time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL did not come back within a minute.")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url, connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True


class Broker(Valkey):
    """A Valkey that forgets everything when it dies."""

    def stop_at_once(self) -> None:
        """Kill it."""
        end(self, signal.SIGKILL)

    def come_back(self) -> None:
        """Start it again, empty."""
        start_again(self)

    def flush(self) -> None:
        """Wipe it while it runs."""
        with closing(redis.Redis.from_url(self.url)) as client:
            client.flushall()


def ask(url: str, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of one question, on a connection of its own."""
    with closing(psycopg2.connect(url, connect_timeout=5)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())
