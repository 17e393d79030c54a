"""The access table names every door there is, and no other."""

from __future__ import annotations

from itertools import groupby

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls.resolvers import URLPattern

from accounts.models import Scope
from oskartrack.access import DOORS, SOCKETS, Who, url_patterns
from tests.access.asks import asks_of
from tests.access.matrix import METHODS, Answer, clients, let_in, people, send, taken_back
from tracking.consumers import LiveConsumer
from tracking.routing import websocket_urlpatterns

PATTERNS = dict(url_patterns())
NAMED = {
    pattern: " ".join(door.methods for door in doors).split()
    for pattern, doors in groupby(sorted(DOORS), key=lambda door: door.pattern)
}


def methods_of(view) -> list[str]:
    """Return what a view says it can be asked with; of a function nobody knows."""
    kind = getattr(view, "view_class", getattr(view, "cls", None))
    can = getattr(view, "actions", None) or [name.lower() for name in METHODS]
    return [name.upper() for name in can if kind is None or hasattr(kind, name)]


def test_every_pattern_of_the_resolver_is_in_the_table():
    missing = [
        f'    Door("{pattern}", "{" ".join(methods_of(view))}", VIEWER),'
        for pattern, view in PATTERNS.items()
        if pattern not in NAMED
    ]
    assert not missing, (
        "These addresses are in no line of oskartrack/access.py. Add a line for each, with the "
        "methods it has and who may use them:\n" + "\n".join(missing)
    )


def test_no_line_of_the_table_leads_nowhere():
    stale = sorted(set(NAMED) - set(PATTERNS))
    assert not stale, f"oskartrack/access.py names addresses that are no more: {stale}"


def test_no_method_stands_twice():
    twice = [pattern for pattern, methods in NAMED.items() if len(methods) != len(set(methods))]
    assert not twice


def test_every_door_of_the_api_names_the_scope_that_a_token_needs():
    for door in DOORS:
        named = f'Door("{door.pattern}", "{door.methods}", {door.who.name}'
        if door.pattern.startswith("api/") and door.who is not Who.ANYONE:
            assert door.scope, (
                f"{named}, …): which scope does a token need? READ to look, INGEST to send in what "
                "happened, MANAGE to change anything else."
            )
            assert door.methods != "GET" or door.scope is Scope.READ, f"{named}): looks are READ"
            looks = {"GET", "HEAD"} & set(door.methods.split()) and door.scope is Scope.MANAGE
            assert not looks, f"{named}): a line for its GET with READ, one for the rest"
        else:
            assert door.scope is None, f"{named}): no token opens this door"


@pytest.mark.db
@pytest.mark.once
def test_a_method_that_is_not_in_the_table_is_not_there(world):
    root = people(world)["superuser"]
    wrong = []
    for pattern in PATTERNS:
        view_methods = NAMED.get(pattern, [])
        for method in METHODS:
            with taken_back():
                told = send(root, pattern, method, asks_of(pattern, method)[0], world.a.names)
            if (told.status == 405) == (method in view_methods):
                wrong.append(f"{method} {pattern}: {told.status}")
    assert not wrong, (
        "oskartrack/access.py and the views do not agree on these methods; 405 is what a method "
        "answers that is not there:\n" + "\n".join(wrong)
    )


@pytest.mark.db
@pytest.mark.once
def test_with_get_comes_head(world):
    """With the same answer but for its body: to whoever gets in, and to whoever does not."""
    everybody = people(world) | clients(world)
    wrong = []
    for pattern in (pattern for pattern, methods in NAMED.items() if "GET" in methods):
        ask = asks_of(pattern, "GET")[0]
        for name, names in (
            ("superuser", world.a.names), ("viewer A", world.b.names), ("anonymous", world.a.names),
            ("manager A to ingest", world.a.names),
        ):  # fmt: skip
            with taken_back():
                head = send(everybody[name], pattern, "HEAD", ask, names)
                get = send(everybody[name], pattern, "GET", ask, names)
            if (head.status, head.location) != (get.status, get.location) or head.content:
                wrong.append(f"{pattern} as {name}: {head.status}, by GET {get.status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("asked", "is_wrong"), [("/admin/zones/zone/9/change/", True), ("/admin/login/", False)]
)
def test_the_way_back_to_the_admin_is_no_way_in(asked, is_wrong):
    answer = Answer(asked, 302, "/admin/", b"", {})
    assert bool(let_in("GET", answer)) is is_wrong
    assert not let_in("POST", answer)


def test_every_socket_and_what_can_be_said_to_it_is_in_the_table():
    found = set()
    for each in websocket_urlpatterns:
        assert isinstance(each, URLPattern)
        consumer: type[AsyncWebsocketConsumer] = each.callback.consumer_class
        actions = ["connect", *getattr(consumer, "answers", {})]
        found |= {(str(each.pattern), action) for action in actions}
    named = {(door.pattern, door.action) for door in SOCKETS}
    assert named == found, (
        "oskartrack/access.py and the sockets do not agree. Sockets without a line: "
        f"{sorted(found - named)}; lines without a socket: {sorted(named - found)}."
    )
    assert LiveConsumer.answers
