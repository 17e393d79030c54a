"""What every address of the API does alike: parameters, pages, states, bodies."""

from __future__ import annotations

import json
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Store
from accounts.services import audit_record, membership_set
from oskartrack.access import DOORS
from tests.cast import SQUARE, Cast, make_camera, make_store, make_user, make_zone

pytestmark = pytest.mark.db
JSON = "application/json"
STREAMS = ("auth/", "uploads/", "schema/")


def a_name(pattern: str, cast: Cast) -> str:
    """Return an address of a pattern that leads to the store, and otherwise to nothing."""
    places = {"<int:track>": "1", "<slug:what>.<slug:ending>": "days.csv"}
    for place in ("store", "camera", "zone", "line", "recording", "run", "track", "client", "visit",
                  "event", "upload"):  # fmt: skip
        places[f"<uuid:{place}_id>"] = str(uuid.uuid4())
    places["<uuid:store_id>"] = str(cast.store.public_id)
    for place, value in places.items():
        pattern = pattern.replace(place, value)
    return "/" + pattern


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (door.pattern, method)
        for door in DOORS
        if door.pattern.startswith("api/v1/") and not any(part in door.pattern for part in STREAMS)
        for method in door.methods.split()
    ],
)
def test_a_parameter_that_nobody_knows_is_refused(client, cast, pattern, method):
    """Also before anybody says whether there is such a thing."""
    client.force_login(make_user("root", is_superuser=True))
    address = a_name(pattern, cast)
    told = client.generic(method, f"{address}?colour=blue", b"{}", content_type=JSON)
    asked = client.generic(method, address, b"{}", content_type=JSON)
    if method == "GET" and asked.status_code == 404 and told.status_code == 404:
        return  # it reads its own parameters once there is something to read
    assert told.status_code == 400, (told.status_code, told.content)
    assert "colour" in told.json()["errors"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=1_0", "limit=%2B5", "limit=%EF%BC%91", "limit=", "limit=5.0",
        "cursor=", "limit=5&limit=6", "page=2", "ordering=password",
    ],
)  # fmt: skip
def test_pages_take_whole_numbers_and_known_words_alone(client, cast, query):
    client.force_login(cast.alice)
    told = client.get(f"/api/v1/stores/?{query}")
    assert told.status_code == 400
    assert told.json()["code"] == "invalid"


def test_pages_go_by_cursor_without_counting(client, cast):
    for number in range(7):
        audit_record(action="a.thing", actor=cast.alice, store=cast.store, subject=str(number))
    client.force_login(cast.alice)
    address = f"/api/v1/stores/{cast.store.public_id}/audit/?limit=3&action=a.thing"
    seen = []
    while address:
        with CaptureQueriesContext(connection) as asked:
            page = client.get(address).json()
        assert not [query for query in asked if "COUNT(" in query["sql"].upper()]
        assert len(asked) == 5, [query["sql"] for query in asked]
        assert len(page["results"]) <= 3
        seen += [row["subject"] for row in page["results"]]
        address = page["next"]
        audit_record(action="a.thing", actor=cast.alice, store=cast.store, subject="newer")
    assert seen == [str(number) for number in reversed(range(7))]


@pytest.mark.parametrize("cursor", ["x", "cD0wMA==", "cD0AAA==", "cD0BYQBi", "bz05OTk5OTk5OTk="])
def test_a_cursor_that_is_none_is_refused_in_words(client, cast, cursor):
    client.force_login(cast.alice)
    told = client.get(f"/api/v1/stores/?cursor={cursor}")
    assert told.status_code in (200, 400, 404)
    assert client.get("/api/v1/stores/?cursor=cD0AAA%3D%3D").status_code == 404


@pytest.mark.parametrize(
    "moment", ["2026-06-01", "2026-06-01T10:00:00", "now", "2026-06-01T25:00Z"]
)
def test_a_time_without_an_offset_is_never_guessed(client, cast, moment):
    client.force_login(cast.alice)
    told = client.get(f"/api/v1/stores/{cast.store.public_id}/audit/", {"at_from": moment})
    assert told.status_code == 400
    assert "offset" in told.json()["errors"]["at_from"][0]


# --- Bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"name": "x", "kind": "display", "vertices": [[1e999, 0], [1, 0], [1, 1]]}', "1e999"),
        (b'{"name": "x", "kind": "display", "vertices": [[NaN, 0], [1, 0], [1, 1]]}', "NaN"),
        (b'{"name": "x", "name": "y"}', "twice"),
        (b'{"name": ' + b"[" * 100_000, "nested"),
        (b'{"name": ' + b"[" * 31 + b"]" * 31 + b"}", "nested"),
        (b"\xff", "parse error"),
    ],
)
def test_bodies_hold_finite_numbers_and_each_field_once(client, cast, body, said):
    client.force_login(cast.alice)
    camera = make_camera(cast.store)
    told = client.post(f"/api/v1/cameras/{camera.public_id}/zones/", body, content_type=JSON)
    assert told.status_code == 400
    assert told.json()["code"] == "parse_error"
    assert said in told.json()["detail"]


# From what is one too deep to what Python itself refuses, past where whoever checks gives up.
DEPTHS = (31, 200, *range(880, 1001, 20), 100_000)


def nested(deep: int, *, is_object: bool) -> str:
    """Return lists or objects, so many in each other."""
    opening, closing = ('{"a":', "}") if is_object else ("[", "]")
    return opening * (deep - 1) + opening[0] + closing * deep


@pytest.mark.parametrize("is_object", [False, True])
@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("auth/token/", '{"username": %s}'),
        ("stores/{store}/events/", '{"source": "door", "events": [%s]}'),
        ("stores/{store}/transactions/", '{"transactions": [%s]}'),
        ("stores/{store}/recordings/", '{"upload": %s}'),
        ("cameras/{camera}/zones/", '{"vertices": %s}'),
        ("cameras/{camera}/zones/", "%s"),
    ],
)
def test_a_body_that_is_nested_too_deeply_is_refused_at_any_depth(
    client, cast, address, body, is_object
):
    """Between what the reader takes and what whoever checks it takes lay a server's error."""
    client.force_login(cast.alice)
    client.raise_request_exception = False
    names = {"store": cast.store.public_id, "camera": make_camera(cast.store).public_id}
    url = f"/api/v1/{address.format(**names)}"
    for deep in DEPTHS:
        sent = body % nested(deep, is_object=is_object)
        told = client.post(url, sent, content_type=JSON)
        assert (told.status_code, told.json()["code"]) == (400, "parse_error"), (deep, told.content)
        assert "nested too deeply" in told.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        rb'{"\ud800": 1}', rb'{"username": "\udfff", "password": "x"}', rb'"\uD83D"',
        rb'["\u0000"]',
        rb'{"name": {"deep": ["a\\\u0000b"]}}', rb'{"\ud800": 1, "\ud800": 2}',
    ],
)  # fmt: skip
def test_bodies_hold_characters_that_can_be_written_again(client, db, body):
    """Half a pair and NUL are no characters: no answer could be written, nor a row."""
    client.raise_request_exception = False
    told = client.post("/api/v1/auth/token/", body, content_type=JSON)
    assert (told.status_code, told.json()["code"]) == (400, "parse_error"), told.content
    assert not told.json()["errors"]
    assert "cannot be written down" in told.json()["detail"]


@pytest.mark.parametrize("name", [r"\ud83d\ude00", r"C:\\u0000", r"\\ud800", r"\u00fc"])
def test_a_character_written_as_an_escape_is_that_character(client, cast, name):
    client.force_login(cast.alice)
    body = f'{{"name": "{name}"}}'
    address = f"/api/v1/stores/{cast.store.public_id}/"
    told = client.patch(address, body, content_type=JSON)
    assert (told.status_code, told.json()["name"]) == (200, json.loads(body)["name"])


@pytest.mark.parametrize("name", [r"\ud800", r"\u0000"])
def test_no_name_of_a_day_makes_a_store_unreadable(client, cast, name):
    client.force_login(cast.alice)
    client.raise_request_exception = False
    address = f"/api/v1/stores/{cast.store.public_id}/"
    body = f'{{"special_days": {{"2026-12-24": {{"spans": [], "name": "{name}"}}}}}}'
    assert client.patch(address, body, content_type=JSON).status_code == 400
    assert client.get(address).status_code == 200
    assert Store.objects.get(pk=cast.store.pk).special_days == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 7), ("name", ["x"]), ("kind", 1), ("colour", "3"), ("colour", True),
        ("colour", 3.0), ("min_dwell_s", "3"), ("grace_s", True), ("vertices", "[[0,0]]"),
        ("vertices", [["0.1", 0.2], [0.5, 0.5], [0.1, 0.9]]), ("vertices", [[True, 0.2]] * 3),
        ("id", "3f2b8c1e-5a4d-4c7b-9e21-0d6f8a7b5c43"), ("camera", 3), ("archived_at", None),
        ("public_id", "x"),
    ],
)  # fmt: skip
def test_a_field_of_another_kind_or_of_nobody_is_refused(client, cast, field, value):
    client.force_login(cast.alice)
    camera = make_camera(cast.store)
    wish = {"name": "Shelf", "kind": "display", "vertices": SQUARE, field: value}
    told = client.post(f"/api/v1/cameras/{camera.public_id}/zones/", wish, content_type=JSON)
    assert told.status_code == 400, told.content
    assert field in told.json()["errors"]
    assert not camera.zones.exists()


# --- States ---------------------------------------------------------------------------------------


@pytest.fixture
def zone(cast):
    return make_zone(make_camera(cast.store))


def test_what_did_not_change_is_not_sent_again(client, cast, zone):
    client.force_login(cast.bob)
    store = cast.store.public_id
    for address in (
        f"stores/{store}/live/", "overview/", f"cameras/{zone.camera.public_id}/map/",
        f"zones/{zone.public_id}/", f"stores/{store}/",
    ):  # fmt: skip
        first = client.get(f"/api/v1/{address}")
        assert first["Cache-Control"] == "private, no-cache"
        for known in (first["ETag"], f"W/{first['ETag']}", f'"other", {first["ETag"]}', "*"):
            again = client.get(f"/api/v1/{address}", headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b""), (address, known)
            assert again["ETag"] == first["ETag"]
        other = client.get(f"/api/v1/{address}", headers={"If-None-Match": '"other"'})
        assert other.status_code == 200
    make_zone(zone.camera, "shelf")
    moved = client.get(f"/api/v1/cameras/{zone.camera.public_id}/map/")
    assert moved["ETag"] != client.get(f"/api/v1/zones/{zone.public_id}/")["ETag"]


def test_a_write_upon_a_state_that_is_no_more_changes_nothing(client, cast, zone):
    client.force_login(cast.alice)
    address = f"/api/v1/zones/{zone.public_id}/"
    read = client.get(address)["ETag"]
    first = client.patch(address, {"name": "desk"}, content_type=JSON, headers={"If-Match": read})
    assert first.status_code == 200
    for method, body in (("patch", {"name": "mine"}), ("delete", {})):
        late = getattr(client, method)(address, body, content_type=JSON, headers={"If-Match": read})
        assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    zone.refresh_from_db()
    assert (zone.name, zone.archived_at) == ("desk", None)
    now = client.patch(
        address, {"name": "mine"}, content_type=JSON, headers={"If-Match": first["ETag"]}
    )
    assert (now.status_code, now["ETag"] != first["ETag"]) == (200, True)
    assert now["ETag"] == client.get(address)["ETag"]


def test_whoever_takes_gzip_writes_upon_the_state_that_they_read(client, cast, zone):
    """What is compressed on the way has the same state, and its name is a weak one there."""
    client.force_login(cast.alice)
    for number in range(4):
        make_zone(zone.camera, f"shelf {number}")
    address = f"/api/v1/cameras/{zone.camera.public_id}/map/"
    read = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert (read["Content-Encoding"], read["ETag"][:3]) == ("gzip", 'W/"')
    found = client.get(address).json()
    wish = {name: found[name] for name in ("basis", "zones", "lines")}
    headers = {"If-Match": read["ETag"]}
    saved = client.put(address, wish, content_type=JSON, headers=headers)
    assert saved.status_code == 200, saved.content
    make_zone(zone.camera, "door")
    late = client.put(address, wish, content_type=JSON, headers=headers)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")


# --- Stores and the log ---------------------------------------------------------------------------


def test_a_manager_changes_a_stores_name_and_calendar(client, cast):
    client.force_login(cast.alice)
    address = f"/api/v1/stores/{cast.store.public_id}/"
    week = {"mon": [["09:00", "18:00"]]}
    told = client.patch(
        address, {"name": "New", "opening_hours": week, "business_day_start": "05:00"},
        content_type=JSON,
    )  # fmt: skip
    assert told.status_code == 200, told.content
    assert told.json() == client.get(address).json()
    assert told.json() | {"name": "New", "opening_hours": week} == told.json()
    assert told.json()["business_day_start"] == "05:00:00"
    (entry,) = AuditEntry.objects.filter(action="store.changed")
    assert entry.detail == {"fields": ["business_day_start", "name", "opening_hours"]}
    assert AuditEntry.objects.filter(action="store.calendar_changed", actor=cast.alice).exists()


def test_another_time_zone_has_to_be_meant(client, cast):
    client.force_login(cast.alice)
    address = f"/api/v1/stores/{cast.store.public_id}/"
    wish = {"timezone": "Asia/Tokyo"}
    asked = client.patch(address, wish, content_type=JSON)
    assert asked.status_code == 400
    assert "Europe/Berlin" in asked.json()["errors"]["confirm_history"][0]
    assert client.patch(address, {"timezone": "Mars/One"}, content_type=JSON).status_code == 400
    meant = client.patch(address, wish | {"confirm_history": True}, content_type=JSON)
    assert meant.json()["timezone"] == "Asia/Tokyo"
    assert Store.objects.get(pk=cast.store.pk).timezone == "Asia/Tokyo"


@pytest.mark.parametrize("field", ["slug", "is_demo", "id", "role", "created_at"])
def test_what_is_not_a_managers_to_set_is_refused(client, cast, field):
    client.force_login(cast.alice)
    address = f"/api/v1/stores/{cast.store.public_id}/"
    assert client.patch(address, {field: "x"}, content_type=JSON).status_code == 400


def test_the_log_of_a_store_is_its_managers_to_read(client, cast):
    audit_record(action="a.thing", actor=cast.alice, store=cast.store, detail={"n": 1})
    audit_record(action="b.thing", actor=cast.charlie, store=cast.elsewhere)
    address = f"/api/v1/stores/{cast.store.public_id}/audit/"
    for person, status in ((cast.bob, 403), (cast.charlie, 404)):
        client.force_login(person)
        assert client.get(address).status_code == status
    client.force_login(cast.alice)
    (row,) = client.get(address, {"action": "a.thing", "actor": "alice"}).json()["results"]
    assert row["detail"] == {"n": 1}
    assert row["store"] == str(cast.store.public_id)
    assert client.get("/api/v1/audit/").status_code == 403
    assert client.get(address, {"ordering": "detail"}).status_code == 400


def test_lists_of_stores_cost_the_same_for_many_as_for_few(client, cast):
    client.force_login(cast.alice)
    costs = []
    for number in range(2):
        with CaptureQueriesContext(connection) as asked:
            client.get("/api/v1/stores/")
        costs.append(len(asked))
        for more in range(4):
            membership_set(user=cast.alice, store=make_store(f"Shop {number} {more}"))
    assert costs == [4, 4]


def test_an_answer_says_that_nobody_keeps_it(client, cast):
    client.force_login(cast.alice)
    assert client.get("/api/v1/stores/")["Cache-Control"] == "private, no-store"
    assert json.loads(client.get("/api/v1/stores/").content)["next"] is None
