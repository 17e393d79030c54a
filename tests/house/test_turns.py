"""Requests wait for their turn, and a turn is given back whatever becomes of the request."""

from __future__ import annotations

import asyncio

import pytest

from oskartrack.turns import Turns

START = {"type": "http.response.start", "status": 200, "headers": []}


class Counting:
    """An application that is as long at work as it is told, and knows how many it works on."""

    def __init__(self) -> None:
        self.now = self.most = self.done = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if scope["path"] == "/broken":
                raise RuntimeError
            if scope["path"] == "/streams":
                await send(START)
            await self.go_on.wait()
            self.done += 1
        finally:
            self.now -= 1


async def ignored(_message=None):
    return {}


def ask(turns: Turns, path: str) -> asyncio.Task:
    return asyncio.create_task(turns({"type": "http", "path": path}, ignored, ignored))


async def test_no_more_than_so_many_are_worked_at_a_time_and_all_in_the_end():
    work = Counting()
    turns = Turns(work, 2)
    asked = [ask(turns, "/") for _ in range(5)]
    await asyncio.sleep(0.05)
    assert (work.most, work.done) == (2, 0)
    work.go_on.set()
    await asyncio.gather(*asked)
    assert (work.most, work.done) == (2, 5)


@pytest.mark.parametrize("path", ["/streams", "/broken"])
async def test_who_answers_or_fails_gives_the_turn_back(path):
    work = Counting()
    turns = Turns(work, 1)
    first = ask(turns, path)
    await asyncio.sleep(0)
    second = ask(turns, "/")
    await asyncio.sleep(0.05)
    assert work.now == (2 if path == "/streams" else 1)
    work.go_on.set()
    await asyncio.gather(first, second, return_exceptions=True)
    assert turns.turns._value == 1


async def test_who_leaves_while_waiting_takes_no_turn_along():
    work = Counting()
    turns = Turns(work, 1)
    first, second, third = (ask(turns, "/") for _ in range(3))
    await asyncio.sleep(0.05)
    second.cancel()
    work.go_on.set()
    await asyncio.gather(first, third)
    assert work.done == 2
