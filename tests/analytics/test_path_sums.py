"""Path sums equal the visits and stays beneath them, whatever came in what order and went again."""

from __future__ import annotations

import random
from datetime import time, timedelta
from itertools import pairwise

import pytest

from accounts.models import Store
from analytics.fresh import reach_of
from analytics.models import PathClock, PathSum
from analytics.movement import CAME_IN, FIRST_SEEN, LAST_SEEN, WENT_OUT, movement
from analytics.path_sums import paths_refresh, split_zones
from analytics.rebuild import check, check_day, rewrite, rewrite_day
from analytics.tasks import summaries_fold
from tests.analytics.shop import NINE_UTC, Facts, Shop, make_facts, make_shop
from tests.analytics.ways import grow, loose, make_zones, stays_of, way
from tests.cast import make_store
from tracking.facts import export_facts
from tracking.ledger import run_take_out
from tracking.models import Visit
from zones.models import Zone

pytestmark = pytest.mark.db
DAY = NINE_UTC.date()


@pytest.fixture
def shop() -> Shop:
    return make_shop(make_store())


@pytest.fixture
def facts(shop: Shop) -> Facts:
    return make_facts(shop)


def sums(store: Store) -> dict[tuple[str, str], int]:
    """Return how often each path was taken, zones by their initials."""
    names = dict(Zone.objects.filter(camera__store=store).values_list("pk", "name"))
    return {
        (row.kind, "".join(names[zone][0] for zone in split_zones(row.zones))): row.times
        for row in PathSum.objects.filter(store=store)
    }


def equal(store: Store) -> bool:
    return check(store).differing == []


def test_a_visits_zones_count_in_the_order_they_were_entered(shop, facts):
    a, b, c = make_zones(facts, "Apples", "Bread", "Cheese")
    way(facts, 0, a, b)
    way(facts, 5, a, b)
    way(facts, 9)
    way(facts, 20, c, a, inferred=True)
    nested = way(facts, 30)
    # The inner zone is left, and told, first.
    nested.path = stays_of(facts, [(b, 40, 5), (a, 35, 60)])
    facts.commit()
    assert sums(shop.store) == {("visit", "AB"): 3, ("visit", ""): 1, ("unended", "CA"): 1}
    assert equal(shop.store)


def test_staff_are_left_out(shop, facts):
    (a,) = make_zones(facts, "Apples")
    way(facts, 0, a, staff=True)
    way(facts, 9, a)
    facts.commit()
    assert sums(shop.store) == {("visit", "A"): 1}


def test_a_stay_told_after_its_visit_was_closed_moves_the_visit_to_its_longer_path(shop, facts):
    a, b = make_zones(facts, "Apples", "Bread")
    visit = way(facts, 0, a)
    facts.commit()
    grow(facts, visit, (b, 21, 3))
    assert sums(shop.store) == {("visit", "AB"): 1}
    assert equal(shop.store)


def test_stays_of_a_chain_that_no_visit_has_are_one_path_however_they_come(shop, facts):
    a, b, c = make_zones(facts, "Apples", "Bread", "Cheese")
    loose(facts, 7, a, 0)
    loose(facts, 8, b, 0)
    facts.commit()
    assert sums(shop.store) == {("loose", "A"): 1, ("loose", "B"): 1}
    loose(facts, 7, c, 50)
    facts.commit()
    loose(facts, 7, b, 20)  # began before what was told already
    facts.commit()
    assert sums(shop.store) == {("loose", "ABC"): 1, ("loose", "B"): 1}
    assert equal(shop.store)


def test_chains_of_two_runs_with_one_number_are_two_people(shop, facts):
    a, b = make_zones(facts, "Apples", "Bread")
    loose(facts, 1, a, 0)
    facts.commit()
    other = make_facts(shop, NINE_UTC + timedelta(hours=2))
    loose(other, 1, b, 0)
    other.commit()
    loose(other, 1, a, 50)
    other.commit()
    assert sums(shop.store) == {("loose", "A"): 1, ("loose", "BA"): 1}


def test_a_path_is_of_the_business_day_it_begins_on(shop, facts):
    a, b = make_zones(facts, "Apples", "Bread")
    late = make_facts(shop, NINE_UTC.replace(hour=1, minute=59))  # 03:59 in Berlin: the day before
    way(late, 50, a, b)
    loose(late, 3, a, 50)
    late.commit()
    loose(late, 3, b, 3600)
    late.commit()
    assert {row.business_day for row in PathSum.objects.all()} == {DAY - timedelta(days=1)}
    assert equal(shop.store)


def test_a_run_taken_out_takes_its_paths_along(shop, facts):
    a, b = make_zones(facts, "Apples", "Bread")
    way(facts, 0, a, b)
    loose(facts, 4, a, 5)
    facts.commit()
    loose(facts, 4, b, 50)
    facts.commit()
    run_take_out(facts.run)
    assert not PathSum.objects.exists()
    assert equal(shop.store)


def test_another_time_zone_makes_the_days_afresh_and_facts_meanwhile_are_not_lost(shop, facts):
    (a,) = make_zones(facts, "Apples")
    way(facts, 0, a)
    facts.commit()
    shop.store.timezone, shop.store.business_day_start = "Asia/Tokyo", time(20, 0)
    shop.store.save()
    way(facts, 60, a)
    facts.commit()
    summaries_fold()
    (row,) = PathSum.objects.all()
    # 08:00 UTC is 17:00 in Tokyo, before the day that starts at 20:00 there.
    assert (row.business_day, row.times) == (DAY - timedelta(days=1), 2)
    way(facts, 90, a)
    facts.commit()
    assert PathSum.objects.get().times == 3
    assert equal(shop.store)
    assert paths_refresh(shop.store) == 0


def test_a_store_from_before_there_were_path_sums_gets_them_when_somebody_looks(shop, facts):
    (a,) = make_zones(facts, "Apples")
    PathClock.objects.all().delete()
    way(facts, 0, a)
    facts.commit()
    assert not PathSum.objects.exists()
    assert movement(shop.store, DAY, DAY).times == 1
    assert equal(shop.store)


def test_a_wrong_sum_is_named_and_a_rewrite_mends_it(shop, facts):
    (a,) = make_zones(facts, "Apples")
    way(facts, 0, a)
    facts.commit()
    PathSum.objects.update(times=5)
    (line,) = check(shop.store).differing
    assert line == (
        "Tuesday 2 June 2026, a visit from its start to its end, camera 'Door', through "
        "zone 'Apples' of camera 'Door': times 5 stored, 1 counted"
    )
    rewrite(shop.store)
    assert equal(shop.store)


def test_a_day_is_checked_and_mended_alone_with_chains_that_reach_out_of_it(shop, facts):
    a, b = make_zones(facts, "Apples", "Bread")
    late = make_facts(shop, NINE_UTC.replace(hour=1, minute=59))  # 03:59 in Berlin: the day before
    loose(late, 3, a, 50)
    loose(late, 3, b, 600)
    loose(late, 4, b, 600)
    late.commit()
    reach = reach_of(shop.store)
    for day in (DAY - timedelta(days=1), DAY):
        assert check_day(shop.store, day, reach).found == []
    PathSum.objects.update(times=3)
    before, same = (check_day(shop.store, DAY - timedelta(days=n), reach).wrong for n in (1, 0))
    assert (before, same) == (1, 1)
    rewrite_day(shop.store, DAY, reach)
    assert {row.business_day: row.times for row in PathSum.objects.all()} == {
        DAY - timedelta(days=1): 3,
        DAY: 1,
    }
    rewrite_day(shop.store, DAY - timedelta(days=1), reach)
    assert equal(shop.store)


def test_a_sum_on_a_day_without_facts_is_found_too(shop, facts):
    (a,) = make_zones(facts, "Apples")
    way(facts, 0, a)
    facts.commit()
    PathSum.objects.update(business_day=DAY - timedelta(days=90))
    assert check(shop.store).wrong == 2


def test_exported_facts_name_paths_by_their_zones(shop, facts):
    (a,) = make_zones(facts, "Apples")
    way(facts, 0, a)
    facts.commit()
    (line,) = [line for line in export_facts(shop.store) if '"fact": "path"' in line]
    assert '"zones": ["Apples"]' in line and '"times": 1' in line


@pytest.mark.parametrize("seed", range(3))
def test_any_slices_late_stays_and_runs_taken_out_leave_what_a_rebuild_finds(shop, seed):
    lot = random.Random(seed)
    zones = make_zones(make_facts(shop), "Apples", "Bread", "Cheese", "Drinks")
    hidden = make_zones(make_facts(shop), "Staff room", kind=Zone.Kind.STAFF_ONLY)
    runs = [make_facts(shop, NINE_UTC + timedelta(hours=7 * n)) for n in range(4)]
    gone: set[int] = set()
    for _ in range(40):
        facts = lot.choice([run for run in runs if run.run.pk not in gone])
        _tell_something(lot, facts, zones + hidden)
        facts.commit()
        written = list(Visit.objects.filter(run=facts.run, staff=False))
        if written and lot.random() < 0.3:
            grow(facts, lot.choice(written), (lot.choice(zones), lot.uniform(0, 4000), 5.0))
        if lot.random() < 0.03 and len(gone) < 3:
            gone.add(facts.run.pk)
            run_take_out(facts.run)
    assert equal(shop.store)
    assert not PathSum.objects.filter(times__lte=0).exists()
    _conserves(shop.store, zones, hidden[0])


def _tell_something(lot: random.Random, facts: Facts, zones: list[Zone]) -> None:
    for _ in range(lot.randint(0, 3)):
        chosen = lot.choices(zones, k=lot.randint(0, 4))
        inferred, staff = lot.random() < 0.2, lot.random() < 0.2
        way(facts, lot.uniform(0, 86_400), *chosen, inferred=inferred, staff=staff)
    for _ in range(lot.randint(0, 3)):
        loose(facts, lot.randint(1, 5), lot.choice(zones), lot.uniform(0, 86_400))


def _conserves(store: Store, zones: list[Zone], hidden: Zone) -> None:
    """Compare the matrix with steps walked visit by visit, and each zone's in with its out."""
    first, last = DAY - timedelta(days=2), DAY + timedelta(days=4)
    found = movement(store, first, last, top=100)
    assert found.times > 20
    assert found.balanced
    for node in found.zones:
        into = sum(n.times for (_, end), n in found.steps.items() if end == node.key)
        out_of = sum(n.times for (begin, _), n in found.steps.items() if begin == node.key)
        assert into == out_of == found.into[node.key] > 0
    assert str(hidden.public_id) not in found.into
    walked: dict[tuple[str, str], int] = {}
    for visit in Visit.objects.filter(store=store, run__active=True, staff=False):
        stays = sorted(visit.path, key=lambda stay: (stay["entered_at"], stay["left_at"]))
        shown = [stay["zone"] for stay in stays if stay["zone"] != str(hidden.public_id)]
        path = [CAME_IN, *shown, LAST_SEEN if visit.inferred else WENT_OUT]
        for step in pairwise(path):
            walked[step] = walked.get(step, 0) + 1
    assert {step: n.visits for step, n in found.steps.items() if n.visits} == walked
    assert sum(count.times for count in found.paths) <= found.times
    assert sum(found.out_of[node.key] for node in found.begins) == found.times
    days = [movement(store, first + timedelta(days=n), first + timedelta(days=n)) for n in range(7)]
    assert sum(day.times for day in days) == found.times


def test_a_zone_turned_staff_only_leaves_the_matrix_and_its_neighbours_meet(shop, facts):
    a, b, c = make_zones(facts, "Apples", "Bread", "Cheese")
    way(facts, 0, a, b, c)
    loose(facts, 3, b, 5)
    facts.commit()
    assert movement(shop.store, DAY, DAY).steps[FIRST_SEEN, str(b.public_id)].times == 1
    b.kind = Zone.Kind.STAFF_ONLY
    b.save()
    found = movement(shop.store, DAY, DAY)
    key_a, key_c = str(a.public_id), str(c.public_id)
    assert set(found.steps) == {(CAME_IN, key_a), (key_a, key_c), (key_c, WENT_OUT)}
    run_take_out(facts.run)
    assert not PathSum.objects.exists()


def test_a_period_nobody_looked_at_is_told_from_one_in_which_nobody_came(shop, facts):
    facts.seen(0, 600)
    facts.commit()
    assert movement(shop.store, DAY, DAY).seen
    assert not movement(shop.store, DAY - timedelta(days=1), DAY - timedelta(days=1)).seen


def test_with_a_zone_only_paths_through_it_count(shop, facts):
    a, b = make_zones(facts, "Apples", "Bread")
    way(facts, 0, a)
    way(facts, 30, a, b)
    facts.commit()
    found = movement(shop.store, DAY, DAY, b)
    assert (found.times, found.paths[0].path) == (
        1,
        (CAME_IN, str(a.public_id), str(b.public_id), WENT_OUT),
    )
