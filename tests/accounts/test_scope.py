"""Who sees which store, through every way there is."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.urls import ResolverMatch

from accounts.context import stores
from accounts.models import AuditEntry, Membership, Store
from accounts.selectors import may_manage, role_in_store, stores_of_user
from accounts.services import audit_record, membership_set, store_create, user_create
from tests.cast import PASSWORD, make_camera, make_line, make_store, make_user, make_zone

pytestmark = pytest.mark.db

STORES = "/api/v1/stores/"


def test_people_see_their_own_stores_and_a_superuser_sees_all(cast):
    root = make_user("root", is_superuser=True)
    assert set(stores_of_user(cast.alice)) == {cast.store}
    assert set(stores_of_user(cast.bob)) == {cast.store}
    assert set(stores_of_user(cast.charlie)) == {cast.elsewhere}
    assert set(stores_of_user(root)) == {cast.store, cast.elsewhere}
    assert set(stores_of_user(AnonymousUser())) == set()


def test_an_account_that_was_closed_sees_nothing(cast):
    cast.alice.is_active = False
    root = make_user("root", is_superuser=True, is_active=False)
    assert set(stores_of_user(cast.alice)) == set(stores_of_user(root)) == set()
    assert role_in_store(user=cast.alice, store=cast.store) == ""


def test_only_managers_manage_and_only_their_own_store(cast):
    assert may_manage(user=cast.alice, store=cast.store)
    assert not may_manage(user=cast.bob, store=cast.store)
    assert not may_manage(user=cast.charlie, store=cast.store)
    assert not may_manage(user=AnonymousUser(), store=cast.store)
    assert role_in_store(user=cast.bob, store=cast.store) == "viewer"
    assert role_in_store(user=cast.charlie, store=cast.store) == ""


def test_every_kind_of_row_on_the_map_is_scoped(cast):
    camera = make_camera(cast.store)
    zone, line = make_zone(camera), make_line(camera)
    rows: list[Any] = [camera, zone, line, zone.versions.get(), line.versions.get()]
    for row in rows:
        everything = type(row)._default_manager
        assert list(everything.for_user(cast.bob)) == [row]
        assert list(everything.for_user(cast.charlie)) == []


def test_a_foreign_store_is_404_like_one_that_does_not_exist(client, cast):
    client.force_login(cast.charlie)
    foreign = client.get(f"{STORES}{cast.store.public_id}/")
    missing = client.get(f"{STORES}{uuid.uuid4()}/")
    assert foreign.status_code == missing.status_code == 404
    assert {**foreign.json(), "request_id": ""} == {**missing.json(), "request_id": ""}


def test_the_store_list_holds_the_callers_stores_with_the_role(client, cast):
    client.force_login(cast.bob)
    (mine,) = client.get(STORES).json()["results"]
    assert (mine["slug"], mine["role"], mine["timezone"]) == (
        "corner-shop",
        "viewer",
        "Europe/Berlin",
    )
    assert mine["id"] == str(cast.store.public_id)
    client.force_login(cast.charlie)
    assert [each["slug"] for each in client.get(STORES).json()["results"]] == ["far-shop"]
    assert client.get(f"{STORES}{cast.elsewhere.public_id}/").json()["role"] == "manager"


def test_the_store_list_costs_the_same_for_two_stores_and_for_twelve(
    client, cast, django_assert_num_queries
):
    client.force_login(cast.alice)
    for number in range(11):
        membership_set(user=cast.alice, store=make_store(f"Shop {number}"), role="viewer")
    with django_assert_num_queries(4):  # session, person, stores, roles
        assert len(client.get(STORES).json()["results"]) == 12


def test_a_membership_taken_away_closes_the_door_at_once(client, cast):
    client.force_login(cast.bob)
    assert client.get(f"{STORES}{cast.store.public_id}/").status_code == 200
    Membership.objects.filter(user=cast.bob).delete()
    assert client.get(f"{STORES}{cast.store.public_id}/").status_code == 404


def test_a_page_knows_the_readers_stores_the_current_one_and_the_role(rf, cast):
    def known_to(user, slug):
        request = rf.get("/")
        request.user = user
        request.resolver_match = ResolverMatch(print, (), {"store_slug": slug})
        return stores(request)

    for user, role, manages in [(cast.alice, "manager", True), (cast.bob, "viewer", False)]:
        assert known_to(user, "corner-shop") == {
            "my_stores": [cast.store],
            "current_store": cast.store,
            "role": role,
            "is_manager": manages,
        }
    assert known_to(cast.charlie, "corner-shop")["current_store"] is None
    assert known_to(AnonymousUser(), "corner-shop")["my_stores"] == []


def test_a_membership_is_one_row_whose_role_changes(cast):
    membership_set(user=cast.bob, store=cast.store, role="manager")
    assert Membership.objects.get(user=cast.bob).role == "manager"
    with pytest.raises(ValidationError, match="not a valid choice"):
        membership_set(user=cast.bob, store=cast.store, role="owner")


def test_stores_of_one_name_get_addresses_of_their_own(db):
    assert [make_store("Café 24").slug for _ in range(3)] == ["cafe-24", "cafe-24-2", "cafe-24-3"]
    assert make_store("店").slug == "store"


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "", "europe/berlin", "UTC+1"])
def test_a_time_zone_that_does_not_exist_is_refused_in_words(db, zone):
    with pytest.raises(ValidationError) as refused:
        store_create(name="Shop", timezone=zone)
    assert list(refused.value.message_dict) == ["timezone"]
    assert Store.objects.count() == 0


@pytest.mark.parametrize(
    ("hours", "problem"),
    [
        ([], "Opening hours are a list of spans by weekday"),
        ({"monday": []}, "'monday' is no weekday; use mon, tue, wed, thu, fri, sat, sun."),
        ({"mon": ["09:00", "18:00"]}, "Monday: a span is an opening and a closing time as HH:MM"),
        ({"mon": [["9", "18:00"]]}, "got ['9', '18:00']."),
        ({"mon": [["09:00", "25:00"]]}, "Monday: a span is"),
        (
            {"mon": [["09:00", "09:00"]]},
            "Monday: a span needs two different times, got 09:00 twice.",
        ),
        (
            {"mon": [["09:00", "13:00"], ["12:00", "18:00"]]},
            "Monday 09:00-13:00 and Monday 12:00-18:00 overlap. Let the first close at 12:00",
        ),
        (
            {"sun": [["20:00", "02:00"]], "mon": [["01:00", "09:00"]]},
            "Sunday 20:00-02:00 and Monday 01:00-09:00 overlap. Let the first close at 01:00",
        ),
        (
            {"tue": [["08:00", "20:00"], ["09:00", "10:00"], ["18:00", "21:00"]]},
            "Tuesday 08:00-20:00 and Tuesday 09:00-10:00 overlap. Leave one of them out.",
        ),
        ({"mon": [["24:00", "02:00"]]}, "Monday: a span cannot open at 24:00; write 00:00 on the"),
        ({"mon": [["09:00", "17:58"]]}, "steps of 5 minutes, got 17:58; use 17:55 or 18:00."),
        ({"mon": "always"}, "The hours of Monday are a list of spans"),
    ],
)
def test_opening_hours_no_clock_could_follow_are_refused_in_words(db, hours, problem):
    with pytest.raises(ValidationError) as refused:
        store_create(name="Shop", opening_hours=hours)
    assert problem in refused.value.message_dict["opening_hours"][0]


@pytest.mark.parametrize(
    ("special", "problem"),
    [
        ([], "Special days are spans by date"),
        ({"24.12.": {"spans": []}}, "'24.12.' is no date; write it as 2026-12-24."),
        ({"0001-01-01": {"spans": []}}, "'0001-01-01' is no date"),
        ({"2026-12-24": []}, "2026-12-24: a special day has spans and may have a name"),
        ({"2026-12-24": {"spans": [["9", "10"]]}}, "2026-12-24: a span is an opening"),
        ({"2026-12-24": {"spans": [], "name": "x" * 81}}, "a name has at most 80 characters"),
        (
            {"2026-12-24": {"spans": [["09:00", "12:00"], ["11:00", "14:00"]]}},
            "Thursday 2026-12-24 09:00-12:00 and Thursday 2026-12-24 11:00-14:00 overlap.",
        ),
        # The night of New Year's Eve runs into the opening hours of an ordinary Friday.
        (
            {"2026-12-31": {"spans": [["20:00", "10:00"]]}},
            "Thursday 2026-12-31 20:00-10:00 and Friday 2027-01-01 09:00-18:00 overlap. Let the",
        ),
    ],
)
def test_special_days_that_make_no_sense_are_refused_in_words(db, special, problem):
    week = {"thu": [["09:00", "18:00"]], "fri": [["09:00", "18:00"]]}
    with pytest.raises(ValidationError) as refused:
        store_create(name="Shop", opening_hours=week, special_days=special)
    assert problem in refused.value.message_dict["special_days"][0]


def test_opening_hours_may_pass_midnight_and_have_a_break(db):
    hours = {"fri": [["09:00", "12:30"], ["20:00", "02:00"]], "sun": [["00:00", "24:00"]]}
    assert store_create(name="Bar", opening_hours=hours).opening_hours == hours


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"username": "alice", "password": PASSWORD}, "username"),
        ({"username": "dora", "password": "12345678"}, "password"),
        ({"username": "dora", "password": "short"}, "password"),
        ({"username": "dora", "password": PASSWORD, "email": "ALICE@shop.example"}, "email"),
        ({"username": "dora", "password": PASSWORD, "email": "nonsense"}, "email"),
        ({"username": "alice@shop.example", "password": PASSWORD}, "username"),
    ],
)
def test_a_person_who_would_clash_or_has_a_weak_password_is_refused(cast, fields, field):
    with pytest.raises(ValidationError) as refused:
        user_create(**fields)
    assert list(refused.value.message_dict) == [field]


def test_the_audit_log_only_grows(cast):
    entry = audit_record(
        action="store.changed", actor=cast.alice, store=cast.store, subject="x" * 300
    )
    assert (entry.actor_name, len(entry.subject)) == ("alice", 200)
    entry.action = "nothing.happened"
    for change in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.filter(pk=entry.pk).update(action="x"),
    ):
        with pytest.raises(ValidationError, match="append-only"):
            change()
    assert AuditEntry.objects.get().action == "store.changed"


def test_the_audit_log_outlives_the_people_in_it(cast):
    audit_record(action="store.changed", actor=cast.alice, store=cast.store)
    cast.alice.delete()
    cast.store.delete()
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.store, entry.actor_name) == (None, None, "alice")
