"""Stored numbers are held to their facts, every night and on demand; what is wrong is named."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import AuditEntry, Store
from analytics import marks, proof, rebuild, tasks
from analytics.differences import WORDS
from analytics.fresh import COLUMNS, reach_of
from analytics.models import AnalyticsSummary, Bucket, Verification
from analytics.rebuild import check
from analytics.rollups import SUMS
from analytics.summaries import VALUES, fold_dirty
from tests.analytics.shop import NINE_UTC, Shop, make_facts, make_shop
from tests.cast import Cast, make_cast, make_store
from tracking.ledger import run_take_out

pytestmark = pytest.mark.db
DAY = date(2026, 6, 2)
TEN = "Tuesday 2 June 2026, 10:00–10:05"
DOOR = "line 'entrance' of camera 'Door'"


@pytest.fixture(autouse=True)
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


@pytest.fixture
def shop(cast) -> Shop:
    """A shop into which two people came on a Tuesday at ten; they stayed at the shelf."""
    shop = make_shop(cast.store)
    facts = make_facts(shop)
    facts.step(10)
    facts.step(20)
    facts.stay(30, 40)
    facts.seen(0, 600)
    facts.commit()
    fold_dirty()
    return shop


def verify(shop: Shop) -> Verification:
    return proof.verify_day(shop.store, DAY, reach_of(shop.store))


def line(shop: Shop) -> Bucket:
    return Bucket.objects.get(store=shop.store, subject_kind="line")


def test_a_day_whose_rows_are_those_of_its_facts_is_verified(shop):
    row = verify(shop)
    # A line, a zone, the camera twice; the hour and the day.
    assert (row.rows, row.differing, row.named) == (7, 0, [])
    assert row.hash_stored == row.hash_fresh and len(row.hash_fresh) == 64
    hashed = row.hash_fresh
    assert verify(shop).hash_fresh == hashed
    assert Verification.objects.count() == 1


def plant_bucket(shop: Shop) -> str:
    Bucket.objects.filter(pk=line(shop).pk).update(entries=3)
    return f"{TEN}, {DOOR}: came in 3 stored, 2 counted"


def plant_summary(shop: Shop) -> str:
    AnalyticsSummary.objects.filter(store=shop.store, period="hour").update(zone_stays=5)
    return "Tuesday 2 June 2026, 10:00–11:00, sums of the hour: zone stays 5 stored, 1 counted"


def plant_deletion(shop: Shop) -> str:
    Bucket.objects.filter(store=shop.store, subject_kind="zone").delete()
    told = "stays 1; ms of stays 40000; stays of 30 to 45 s 1"
    return f"{TEN}, zone 'Shelf' of camera 'Door': no row is stored, counted: {told}"


def plant_addition(shop: Shop) -> str:
    row = line(shop)
    row.pk, row.starts_at = None, row.starts_at + timedelta(minutes=5)
    row.entries, row.exits, row.inside_ms = 0, 9, 0
    row.save(force_insert=True)
    return f"Tuesday 2 June 2026, 10:05–10:10, {DOOR}: went out 9: not counted"


def plant_odd_start(shop: Shop) -> str:
    row = line(shop)
    Bucket.objects.filter(pk=row.pk).update(starts_at=row.starts_at + timedelta(minutes=1))
    told = "came in 2; ms inside to its end 570000"
    return f"{TEN}, {DOOR}: no row is stored, counted: {told}"


PLANTED = (plant_bucket, plant_summary, plant_deletion, plant_addition, plant_odd_start)


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_wrong_row_is_found_named_and_put_right(shop, cast, plant):
    told = plant(shop)
    row = verify(shop)
    assert row.differing == (2 if plant is plant_odd_start else 1)
    assert told in row.named
    assert row.hash_stored != row.hash_fresh
    assert proof.day_put_right(store=shop.store, day=DAY, user=cast.alice).differing == 0
    assert check(shop.store).differing == []
    entry = AuditEntry.objects.get(action="numbers.put_right")
    assert (entry.actor, entry.store, entry.subject) == (cast.alice, shop.store, "2026-06-02")
    assert told in entry.detail["named"]


def test_putting_a_day_right_leaves_other_days_and_stores_alone(shop, cast):
    other = make_shop(make_store("Second"))
    for place, start in ((shop, NINE_UTC + timedelta(days=1)), (other, NINE_UTC)):
        facts = make_facts(place, start)
        facts.step(10)
        facts.commit()
    fold_dirty()
    Bucket.objects.filter(subject_kind="line").update(entries=7)
    proof.day_put_right(store=shop.store, day=DAY, user=None)
    entries = Bucket.objects.filter(subject_kind="line").order_by("pk")
    assert sorted(entries.values_list("entries", flat=True)) == [2, 7, 7]


def test_what_is_counted_or_taken_out_after_the_verification_shows_as_changed_since(shop):
    verify(shop)
    facts = make_facts(shop, NINE_UTC + timedelta(hours=2))

    def changed() -> bool:
        return proof.verified(shop.store, DAY, DAY)[0].changed_since

    assert not changed()
    facts.step(10)
    facts.commit()
    assert changed()
    fold_dirty()
    assert changed(), "folding is no verification"
    verify(shop)
    assert not changed()
    run_take_out(facts.run)
    assert changed()
    assert verify(shop).differing == 0 and not changed()


def test_a_shape_of_another_kind_changes_the_day_too(shop):
    verify(shop)
    shop.zone.kind = "staff_only"
    shop.zone.save()
    assert proof.verified(shop.store, DAY, DAY)[0].changed_since
    assert verify(shop).differing == 0


def test_a_day_of_which_much_was_counted_but_that_was_never_verified_says_so(shop):
    (day,) = proof.verified(shop.store, DAY, DAY + timedelta(days=3))
    assert day.row.verified_at is None and not day.changed_since


def test_stays_and_watched_spans_that_reach_over_the_end_of_the_day_are_proven_in_theirs(shop):
    facts = make_facts(shop, datetime(2026, 6, 3, 1, 50, tzinfo=UTC))  # the day ends at 2:00 UTC
    facts.stay(0, 7200)
    facts.stay(599.999, 1)
    facts.visit(1, 5000)
    facts.seen(0, 4000.5)
    facts.commit()
    reach = reach_of(shop.store)
    for day in (DAY, DAY + timedelta(days=1)):
        row = proof.verify_day(shop.store, day, reach)
        assert (row.differing, row.named) == (0, [])
    assert check(shop.store).differing == []


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-06-02T01:09:00+00:00", "2026-06-01T01:10:00+00:00"),
        ("2026-06-02T01:10:00+00:00", "2026-06-02T01:10:00+00:00"),
        ("2026-03-29T01:10:00+00:00", "2026-03-29T01:10:00+00:00"),  # 2:00 becomes 3:00
        ("2026-10-25T01:30:00+00:00", "2026-10-24T01:10:00+00:00"),  # not yet: it is 2:30 again
        ("2026-10-25T02:10:00+00:00", "2026-10-25T02:10:00+00:00"),
    ],
)
def test_the_night_is_at_ten_past_three_on_the_stores_own_clock(now, due):
    store = make_store(timezone="Europe/Berlin")
    assert proof.night_of(store, datetime.fromisoformat(now)) == datetime.fromisoformat(due)


def test_each_night_all_days_are_verified_once(shop, monkeypatch):
    facts = make_facts(shop, NINE_UTC - timedelta(days=40))
    facts.step(10)
    facts.commit()
    night = datetime(2026, 6, 3, 1, 10, tzinfo=UTC)
    assert proof.nights_plan(night) == 2
    assert proof.nights_plan(night + timedelta(hours=5)) == 0
    Bucket.objects.filter(subject_kind="line", entries=2).update(entries=3)
    monkeypatch.setattr(tasks.clock, "now", lambda: night)
    tasks.verifications_advance()
    assert list(
        Verification.objects.order_by("business_day").values_list("differing", "asked_at")
    ) == [(0, None), (1, None)]
    assert proof.nights_plan(night + timedelta(days=1)) == 2


def test_a_stay_longer_than_any_of_last_night_is_no_difference(shop):
    proof.nights_plan(datetime(2026, 6, 3, 1, 10, tzinfo=UTC))
    facts = make_facts(shop, datetime(2026, 6, 3, 1, 50, tzinfo=UTC))
    facts.stay(0, 7200)  # over the end of the day, by more than the 40 s of before
    facts.commit()
    assert proof.verifications_work(30) == 1
    row = Verification.objects.get(business_day=DAY)
    assert (row.differing, row.rows) == (0, 9)


def test_a_day_that_cannot_be_verified_does_not_hold_up_the_rest(shop, monkeypatch):
    proof.verification_ask(store=shop.store, days=[DAY, DAY - timedelta(days=1)])
    check_day = proof.check_day

    def breaks(store, day, reach):
        if day == DAY:
            raise RuntimeError("planted")
        return check_day(store, day, reach)

    monkeypatch.setattr(proof, "check_day", breaks)
    with pytest.raises(RuntimeError):
        proof.verifications_work(10)
    assert proof._take(None).business_day == DAY - timedelta(days=1)


def test_the_command_verifies_and_ends_with_1_where_rows_differ(shop):
    def run(*arguments: str) -> tuple[int, str]:
        out = StringIO()
        try:
            call_command("verify_rollups", *arguments, stdout=out)
        except SystemExit as end:
            return int(end.code or 0), out.getvalue()
        return 0, out.getvalue()

    assert run() == (0, "1 days verified, 0 rows differ of 7\n")
    told = plant_bucket(shop)
    code, said = run("--store", shop.store.slug, "--from", "2026-06-02", "--to", "2026-06-02")
    assert code == 1
    assert f"{shop.store.slug}: {told}" in said
    assert said.endswith("1 days verified, 1 rows differ of 7\n")
    assert run("--from", "2026-06-03") == (0, "0 days verified, 0 rows differ of 0\n")


# --- By the API -----------------------------------------------------------------------------------


def at(shop: Shop, more: str = "") -> str:
    return f"/api/v1/stores/{shop.store.public_id}/verifications/{more}"


def as_user(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


SPAN = {"from": "2026-06-01", "to": "2026-06-03"}


def test_a_manager_asks_and_any_member_reads(
    shop, cast, monkeypatch, django_capture_on_commit_callbacks
):
    rung: list[str] = []
    monkeypatch.setattr(tasks.verifications_advance, "apply_async", lambda **_: rung.append("rung"))
    with django_capture_on_commit_callbacks(execute=True):
        asked = as_user(cast.alice).post(at(shop), SPAN, content_type="application/json")
    assert (asked.status_code, asked.json(), rung) == (202, {"asked": 3}, ["rung"])
    days = as_user(cast.bob).get(at(shop), SPAN).json()["results"]
    assert [(day["business_day"], day["asked"], day["verified_at"]) for day in days] == [
        (f"2026-06-0{n}", True, None) for n in (1, 2, 3)
    ]
    plant_bucket(shop)
    assert proof.verifications_work(30) == 3
    tuesday = as_user(cast.bob).get(at(shop), SPAN).json()["results"][1]
    assert tuesday["differing"] == 1 and tuesday["named"][0].startswith(TEN)
    assert not tuesday["asked"] and not tuesday["changed_since"]
    right = as_user(cast.alice).post(
        at(shop, "put-right/"), {"day": "2026-06-02"}, content_type="application/json"
    )
    assert (right.status_code, right.json()["differing"]) == (200, 0)
    assert line(shop).entries == 2


def test_viewers_may_not_ask_and_strangers_find_no_store(shop, cast):
    for door, body in (("", SPAN), ("put-right/", {"day": "2026-06-02"})):
        for client, code in (
            (as_user(cast.bob), 403),
            (as_user(cast.charlie), 404),
            (Client(), 401),
        ):
            refused = client.post(at(shop, door), body, content_type="application/json")
            assert refused.status_code == code
    assert as_user(cast.charlie).get(at(shop), SPAN).status_code == 404
    assert not Verification.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"from": "2026-06-01"}, "to"),
        ({"from": "yesterday", "to": "2026-06-01"}, "from"),
        ({"from": "2026-06-02", "to": "2026-06-01"}, "to"),
        ({"from": "2020-01-01", "to": "2026-06-01"}, "to"),
        (SPAN | {"zone": "x"}, "zone"),
    ],
)
def test_impossible_spans_are_refused_by_field(shop, cast, body, field):
    alice = as_user(cast.alice)
    asked = alice.post(at(shop), body, content_type="application/json")
    for answer in (alice.get(at(shop), body), asked):
        assert answer.status_code == 400
        assert field in answer.json()["errors"]


def test_reading_takes_the_same_few_queries_for_any_number_of_days(
    shop, cast, django_assert_num_queries
):
    client = as_user(cast.bob)
    client.get(at(shop), SPAN)
    for days in (1, 300):
        proof.verification_ask(
            store=shop.store, days=[DAY - timedelta(days=n) for n in range(days)]
        )
        with django_assert_num_queries(5):  # session, person, store, verifications, changes
            client.get(at(shop), {"from": "2025-08-01", "to": "2026-06-02"})


def test_every_column_that_may_differ_has_its_words_and_every_word_a_column():
    assert set(WORDS) == {*COLUMNS, *VALUES, *marks.COLUMNS[1:], "times"}


def test_the_proof_knows_every_column_that_is_kept():
    """A column that rollups keep and the proof does not make would differ; a third is an error."""
    assert set(COLUMNS) == set(SUMS)


# --- Days that are counted meanwhile --------------------------------------------------------------


def after_fold(monkeypatch, shop: Shop, times: int) -> list[int]:
    """Have something counted right after each of so many folds that `check_day` asks for."""
    left = [times]
    fold = rebuild.fold_dirty

    def busy(*args) -> int:
        folded = fold(*args)
        if left[0]:
            left[0] -= 1
            facts = make_facts(shop)
            facts.step(900 + left[0])
            facts.commit()
        return folded

    monkeypatch.setattr(rebuild, "fold_dirty", busy)
    return left


def test_a_day_that_is_counted_right_after_its_fold_is_folded_again_and_proven_whole(
    shop, monkeypatch
):
    left = after_fold(monkeypatch, shop, 2)
    AnalyticsSummary.objects.filter(store=shop.store, period="hour").update(zone_stays=5)
    plain = verify(shop)
    assert left == [0]
    # A line, a zone, the camera twice and a bucket more; the hour and the day.
    assert (plain.rows, plain.differing) == (8, 0)
    assert not proof.verified(shop.store, DAY, DAY)[0].changed_since


def test_a_day_that_is_counted_all_the_time_does_not_pass_for_verified(shop, monkeypatch):
    after_fold(monkeypatch, shop, 50)
    row = verify(shop)
    assert row.rows == 6, "its hours are not proven"
    monkeypatch.undo()
    assert proof.verified(shop.store, DAY, DAY)[0].changed_since
    assert verify(shop).rows == 8
    assert not proof.verified(shop.store, DAY, DAY)[0].changed_since


def test_opening_hours_that_change_meanwhile_are_no_difference(shop):
    stale = Store.objects.get(pk=shop.store.pk)
    shop.store.opening_hours = {"tue": [["10:00", "10:05"]]}
    shop.store.save()
    assert proof.verify_day(stale, DAY, reach_of(stale)).differing == 0
