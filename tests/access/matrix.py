"""Every door, as everybody, with what is theirs, what is somebody else's, and what is nobody's."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import pyarrow.parquet
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone as clock

from accounts.models import Scope, User
from oskartrack.access import DOORS, Door, Who
from tests.access.asks import Ask, AskMaker, asks_of
from tests.access.world import Half, World, address, is_of_a_store, names_of_nothing
from tests.accounts.tokens import forged, pair_for
from tests.chaos import FULL

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LOG_IN = re.compile(r"/(admin/)?login/\?next=")
# What differs from one answer to the next by itself: Django masks this token anew each time.
CSRF = re.compile(rb'(csrfmiddlewaretoken" value=|csrfToken[^"]*"|data-token=)"?[\w-]+"?')
WRITES = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM) "?(\w+)')
REQUEST_ID = "0123456789abcdef"
FARAWAY = "203.0.113.9"
NO_SUCH = (HTTPStatus.METHOD_NOT_ALLOWED,)


@dataclass
class Persona:
    """Somebody who asks: `home` is the half that is theirs."""

    name: str
    user: User | None = None
    home: str = ""
    manages: bool = False
    token: str = ""
    # What the token is for.
    scopes: frozenset[str] = frozenset(Scope.values)
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"X-Request-Id": REQUEST_ID}
        self.client = Client(raise_request_exception=False, REMOTE_ADDR=FARAWAY, headers=headers)
        if self.user is not None:
            self.client.force_login(self.user)


@dataclass(frozen=True)
class Answer:
    """What came back, with what differs by itself taken out."""

    asked: str
    status: int
    location: str
    content: bytes
    headers: dict[str, str]

    @property
    def to_compare(self) -> tuple[int, str, bytes]:
        return self.status, self.location.replace(self.asked, ""), self.content

    @property
    def text(self) -> bytes:
        """Everything in it that can be read, a Parquet file unpacked."""
        told = self.content + repr(self.headers).encode()
        if self.content.startswith(b"PAR1"):
            table = pyarrow.parquet.read_table(io.BytesIO(self.content))
            told += repr((table.schema, table.to_pylist())).encode()
        return told


def people(world: World) -> dict[str, Persona]:
    """Return everybody who asks. Manager B asks the API with a token, the others as pages do."""
    good = pair_for(world.b.manager).access
    long_ago = int((clock.now() - timedelta(days=1)).timestamp())
    expired = forged(pair_for(world.a.manager).access, exp=long_ago)
    everybody = [
        Persona("anonymous"),
        Persona("expired token", token=expired),
        Persona("viewer A", world.a.viewer, "a"),
        Persona("manager A", world.a.manager, "a", manages=True),
        Persona("manager B", world.b.manager, "b", manages=True, token=good),
        Persona("staff", world.staff, "a"),
        Persona("superuser", world.root, "ab", manages=True),
    ]
    return {persona.name: persona for persona in everybody}


def clients(world: World) -> dict[str, Persona]:
    """Return clients of the API whose tokens are for one thing each, of those who may most."""
    found = {}
    for name, user, home in (("manager A", world.a.manager, "a"), ("superuser", world.root, "ab")):
        for scope in Scope.values:
            called = f"{name} to {scope}"
            token = pair_for(user, scope).access
            found[called] = Persona(called, user, home, True, token, frozenset({scope}))
    return found


# --- Asking --------------------------------------------------------------------------------------


def send(
    who: Persona, pattern: str, method: str, ask: AskMaker, of: dict[str, Any],
    named: dict[str, Any] | None = None,
) -> Answer:  # fmt: skip
    """Ask at the address of one, by names that may be those of another."""
    told = ask(named or of)
    named_otherwise = {name: of[other] for name, other in told.names.items()}
    names = {**of, **named_otherwise, **told.values}
    headers = dict(told.headers)
    if who.token and pattern.startswith("api/"):
        headers["Authorization"] = f"Bearer {who.token}"
    asked: dict[str, Any] = {"content_type": told.kind} if told.body or method != "GET" else {}
    cookies = who.client.cookies.copy()
    response = who.client.generic(
        method, address(pattern, names), told.body, headers=headers,
        QUERY_STRING=urlencode(told.query), **asked,
    )  # fmt: skip
    who.client.cookies = cookies  # whoever logged out asks on as the one they were
    return answer_of(response)


def answer_of(response: Any) -> Answer:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return Answer(
        asked=response.request["PATH_INFO"],
        status=response.status_code,
        location=response.headers.get("Location", ""),
        content=CSRF.sub(b"", content),
        headers=dict(response.headers),
    )


class Written:
    """Counts the statements that write, by their table."""

    def __init__(self) -> None:
        self.tables: Counter[str] = Counter()

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        if found := WRITES.match(sql):
            self.tables[found[1]] += 1
        return execute(sql, *rest)


@contextmanager
def taken_back() -> Iterator[Counter[str]]:
    """Take back what is written within; tell to which tables it was."""
    written = Written()
    with transaction.atomic(), connection.execute_wrapper(written):
        yield written.tables
        transaction.set_rollback(True)


# --- What has to come back -----------------------------------------------------------------------


def may(door: Door, who: Persona, home: str) -> bool:
    """Whether a door has to let somebody in, where what it names belongs to `home`."""
    if door.who is Who.NOBODY:
        return False
    if door.who is Who.ANYONE:
        return True
    if who.user is None:
        return False
    if too_small(door, who):
        return False
    theirs = home in who.home or not is_of_a_store(door.pattern)
    return {
        Who.PERSON: True,
        Who.VIEWER: theirs,
        Who.MANAGER: theirs and who.manages,
        Who.STAFF: theirs and who.user.is_staff,
        Who.SUPERUSER: who.user.is_superuser,
    }[door.who]


def too_small(door: Door, who: Persona) -> bool:
    """Whether somebody asks with a token that is not for this door."""
    return bool(who.token and who.user) and door.scope is not None and door.scope not in who.scopes


def refused(door: Door, who: Persona, home: str, answer: Answer) -> str:
    """Return what is wrong with the answer to somebody who may not; empty for nothing."""
    status = answer.status
    is_api, is_admin = (door.pattern.startswith(prefix) for prefix in ("api/", "admin/"))
    if who.user is None and not is_api and (LOG_IN.match(answer.location) and status == 302):
        return ""
    if is_admin and status == HTTPStatus.FOUND and who.user is not None and who.user.is_staff:
        # How Django's admin says that there is no such row; or it leads to the page that says so.
        return "" if answer.location in ("/admin/", f"{answer.asked}change/") else answer.location
    if who.user is None:
        wanted = {401} if is_api else {403} if door.pattern == "metrics" else {302}
    elif door.who is Who.NOBODY:
        wanted = {403, 404}
    elif too_small(door, who):
        # Before anything is looked for: of what is there and what is not this tells nothing.
        return "" if b'"scope_too_small"' in answer.content and status == 403 else f"got {status}"
    elif is_of_a_store(door.pattern) and home not in who.home and not is_admin:
        wanted = {404}
    else:
        wanted = {403}
    return "" if status in wanted else f"got {status}, wanted {sorted(wanted)}"


def let_in(method: str, answer: Answer) -> str:
    """Return what is wrong with the answer to somebody who may; empty for nothing."""
    if answer.status == HTTPStatus.FOUND:
        # How Django's admin says that there is no such row; its log-in leads there as well.
        if method == "GET" and answer.location == "/admin/" and answer.asked != "/admin/login/":
            return "was sent back to the admin's first page"
        return "was sent to log in" if LOG_IN.match(answer.location) else ""
    fine = answer.status < HTTPStatus.BAD_REQUEST
    return "" if fine else f"got {answer.status}: {answer.content[:300]!r}"


# --- Going through -------------------------------------------------------------------------------


@dataclass
class Sweep:
    """A walk through doors; `each` sees every answer."""

    world: World
    doors: Iterable[Door] = DOORS
    each: Callable[[Door, str, Persona, str, Ask, Answer], None] = lambda *_: None
    # Who asks; everybody, if nothing is said.
    people: dict[str, Persona] = field(default_factory=dict)
    # Also with what a door turns away before it looks for it.
    whole: bool = FULL
    asked: int = 0
    # To which tables the request before this moment wrote.
    written: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.people = self.people or people(self.world)
        self.halves = {"a": self.world.a, "b": self.world.b}
        self.nothing = {name: names_of_nothing(half.names) for name, half in self.halves.items()}

    def found(self) -> Iterator[str]:
        """Yield what is wrong, in a sentence each."""
        for door in self.doors:
            for method in door.methods.split():
                yield from self._at(door, method)

    def _at(self, door: Door, method: str) -> Iterator[str]:
        homes = ("a", "b") if is_of_a_store(door.pattern) else ("a",)
        for who in self.people.values():
            for home in homes:
                if who.home == "ab" and home == "b":
                    continue  # to a superuser nothing is foreign
                if home == "b" and _stays_outside(door, who) and not self.whole:
                    continue
                for number, ask in enumerate(asks_of(door.pattern, method)):
                    # One way of asking is enough to be turned away at the door.
                    if number and not may(door, who, home):
                        break
                    for wrong in self._asked(door, method, who, home, ask):
                        yield f"{method} {door.pattern} of {home.upper()} as {who.name}: {wrong}"

    def _asked(
        self, door: Door, method: str, who: Persona, home: str, ask: AskMaker
    ) -> Iterator[str]:
        half: Half = self.halves[home]
        answer = self._send(door, method, who, home, ask, half.names)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            yield f"got {answer.status}"
        elif not may(door, who, home):
            if wrong := refused(door, who, home, answer):
                yield wrong
            elif who.user is not None and home not in who.home:
                yield from self._as_if_missing(door, method, who, home, ask, answer)
        elif wrong := let_in(method, answer):
            yield f"{wrong}; is it asked with the right things in tests/access/asks.py?"
        elif home in who.home:
            yield from self._naming_others(door, method, who, home, ask)

    def _send(self, door: Door, method: str, who: Persona, home: str, ask: AskMaker,
              of: dict[str, Any], named: dict[str, Any] | None = None) -> Answer:  # fmt: skip
        self.asked += 1
        told = ask(named or of)
        if method == "GET":
            answer = send(who, door.pattern, method, ask, of, named)
            self.each(door, method, who, home, told, answer)
            return answer
        with taken_back() as tables:
            answer = send(who, door.pattern, method, ask, of, named)
        self.written = tables
        self.each(door, method, who, home, told, answer)
        return answer

    def _as_if_missing(
        self, door: Door, method: str, who: Persona, home: str, ask: AskMaker, answer: Answer
    ) -> Iterator[str]:
        """What somebody else has is answered like what nobody has."""
        missing = self._send(door, method, who, home, ask, self.nothing[home])
        if missing.to_compare != answer.to_compare:
            yield f"got {answer.status}, and {missing.status} where nothing is: they differ"

    def _naming_others(
        self, door: Door, method: str, who: Persona, home: str, ask: AskMaker
    ) -> Iterator[str]:
        """At one's own address, what names something of others is answered like what nobody has."""
        other = "b" if home == "a" else "a"
        if other in who.home:
            return
        mine, theirs, nothing = (
            self.halves[home].names, self.halves[other].names, self.nothing[home]
        )  # fmt: skip
        for name in _rows_named(ask, mine, nothing):
            of_theirs, of_nobody = (mine | {name: names[name]} for names in (theirs, nothing))
            got = self._send(door, method, who, home, ask, mine, of_theirs)
            wanted = self._send(door, method, who, home, ask, mine, of_nobody)
            if _without(got, theirs[name]) != _without(wanted, nothing[name]):
                yield f"naming a stranger's {name} got {got.status}, nobody's {wanted.status}"


def _stays_outside(door: Door, who: Persona) -> bool:
    """Whether somebody is sent away from the admin whatever they name."""
    return door.pattern.startswith("admin/") and not (who.user and who.user.is_staff)


def _rows_named(ask: AskMaker, names: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """Yield the names of rows that stand in an ask's query or body."""
    told = ask(names)
    for name, value in other.items():
        if value != names[name]:
            without = ask(names | {name: value})
            if (told.query, told.body) != (without.query, without.body):
                yield name


def _without(answer: Answer, name: Any) -> tuple[int, str, bytes]:
    """Return an answer without the name that was asked by, which it may repeat."""
    content = answer.content
    if len(str(name)) > 5:
        content = content.replace(str(name).encode(), b"?")
    return answer.status, answer.location, content


# --- Reading everything --------------------------------------------------------------------------


def reads(
    world: World, persona: Persona, doors: Iterable[Door], home: str = "a"
) -> Iterator[tuple[str, Answer]]:
    """Yield every answer to a GET of one person, by what was asked."""
    names = world.a.names if home == "a" else world.b.names
    for door in doors:
        if "GET" not in door.methods.split():
            continue
        for number, ask in enumerate(asks_of(door.pattern, "GET")):
            with taken_back():
                answer = send(persona, door.pattern, "GET", ask, names)
            yield f"{persona.name} {door.pattern} of {home.upper()}, ask {number}", answer
