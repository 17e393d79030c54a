"""Buckets equal the facts, whatever came in what order and went out again."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import RestrictedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Store
from analytics.api import live_snapshot
from analytics.models import AnalyticsSummary, Bucket, DirtyDay
from analytics.rebuild import check, rewrite
from analytics.rollups import SUMS
from analytics.summaries import fold_dirty
from tests.analytics.shop import NINE_UTC, Facts, Shop, make_facts, make_shop
from tests.cast import make_line, make_store
from tests.tracking import walks
from tracking import runner
from tracking.ledger import run_take_out
from tracking.models import Run
from zones.models import CountingLine

pytestmark = pytest.mark.db


@pytest.fixture
def shop() -> Shop:
    return make_shop(make_store())


def bucket(shop: Shop, kind: str) -> dict[str, int]:
    return Bucket.objects.filter(store=shop.store, subject_kind=kind).values(*SUMS).get()


def rebuild(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("rebuild_rollups", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_an_entrance_counts_each_step_once_though_two_events_tell_of_it(shop):
    facts = make_facts(shop)
    facts.step(10)
    facts.step(20)
    facts.step(30, "out")
    facts.commit()
    line = bucket(shop, "line")
    assert (line["entries"], line["exits"]) == (2, 1)


def test_an_inner_line_counts_its_crossings_and_no_entries_of_the_store(shop):
    inner = make_line(shop.camera, "aisle", kind=CountingLine.Kind.INNER)
    facts = make_facts(shop)
    facts.step(10, "in", inner)
    facts.step(11, "out", inner)
    facts.seen(0, 60)
    facts.commit()
    line = bucket(shop, "line")
    assert (line["entries"], line["exits"]) == (1, 1)
    fold_dirty()
    day = AnalyticsSummary.objects.get(period="day")
    assert (day.entries, day.exits) == (0, 0)


def test_a_stay_counts_in_the_bucket_it_began_in_and_a_censored_one_has_no_length(shop):
    facts = make_facts(shop)
    facts.stay(290, 40)
    facts.stay(295, 100, censored=True)
    facts.commit()
    zone = bucket(shop, "zone")
    assert Bucket.objects.get(subject_kind="zone").starts_at == NINE_UTC
    assert (zone["stays"], zone["censored"], zone["dwell_ms"]) == (1, 1, 40_000)
    assert zone["h05"] == 1 and sum(zone[name] for name in SUMS if name.startswith("h")) == 1


def test_an_inferred_visit_has_no_length_either(shop):
    facts = make_facts(shop)
    facts.visit(5, 70)
    facts.visit(6, 7200, inferred=True)
    facts.commit()
    visits = bucket(shop, "visit")
    assert (visits["stays"], visits["censored"], visits["dwell_ms"]) == (1, 1, 70_000)


def test_what_was_observed_is_split_over_buckets(shop):
    facts = make_facts(shop)
    facts.seen(200, 450.5)
    facts.commit()
    seen = Bucket.objects.filter(subject_kind="camera").order_by("starts_at")
    assert list(seen.values_list("observed_ms", flat=True)) == [100_000, 300_000, 50_500]


def test_slices_add_up_in_the_same_bucket_and_mark_its_business_day(shop):
    facts = make_facts(shop)
    for second in (1, 2, 3):
        facts.step(second)
        facts.commit()
    assert bucket(shop, "line")["entries"] == 3
    day = DirtyDay.objects.get()
    assert (day.business_day, day.touched) == (NINE_UTC.date(), 3)


def test_a_run_taken_out_leaves_nothing_but_zeros(shop):
    facts = make_facts(shop)
    facts.step(10)
    facts.stay(10, 20)
    facts.visit(10, 50)
    facts.seen(0, 600)
    facts.commit()
    run_take_out(Run.objects.get())
    assert not any(any(row) for row in Bucket.objects.values_list(*SUMS))
    assert rebuild("--check") == (0, "0 rows differ of 0\n")


def test_a_line_of_another_kind_is_taken_out_as_it_was_put_in(shop):
    facts = make_facts(shop)
    facts.step(10)
    facts.step(30, "out")
    facts.commit()
    fold_dirty(shop.store)
    shop.line.kind = CountingLine.Kind.PASSER_BY
    shop.line.save()
    assert check(shop.store).differing == []
    assert not AnalyticsSummary.objects.filter(entries__gt=0).exists()
    run_take_out(facts.run)
    assert not any(bucket(shop, "line").values())
    assert check(shop.store).differing == []


def test_a_shape_of_another_kind_leaves_no_old_summary_on_any_day(shop):
    other = make_shop(shop.store, "Back door")
    other.line.kind = CountingLine.Kind.INNER
    other.line.save()
    for place in (shop, other):
        for day in range(3):
            facts = make_facts(place, NINE_UTC + timedelta(days=day))
            facts.step(10)
            facts.stay(20, 5)
            facts.seen(0, 3600)
            facts.commit()
    fold_dirty(shop.store)
    days = AnalyticsSummary.objects.filter(period="day")
    assert [(row.entries, row.zone_stays) for row in days] == [(1, 2)] * 3
    other.line.kind = CountingLine.Kind.ENTRANCE
    other.line.save()
    shop.zone.kind = "staff_only"
    shop.zone.save()
    assert check(shop.store).differing == []
    assert [(row.entries, row.zone_stays) for row in days.all()] == [(2, 1)] * 3


def test_a_shape_that_counted_something_is_ended_and_never_deleted(shop):
    facts = make_facts(shop)
    facts.step(10)
    facts.stay(20, 5)
    facts.commit()
    for shape in (shop.line, shop.zone):
        with pytest.raises(RestrictedError):
            shape.delete()
    assert check(shop.store).differing == []
    make_line(shop.camera, "never used").delete()
    shop.store.delete()  # with everything in it
    assert not Bucket.objects.exists()


def test_the_check_names_a_wrong_bucket_and_a_wrong_summary_and_the_rebuild_mends_them(shop):
    facts = make_facts(shop)
    facts.step(10)
    facts.seen(0, 300)
    facts.commit()
    # One line bucket and one camera bucket, one hour and one day.
    assert rebuild("--check", "--store", shop.store.slug) == (0, "0 rows differ of 4\n")
    Bucket.objects.filter(subject_kind="line").update(entries=7)
    AnalyticsSummary.objects.filter(period="day").update(exits=9)
    code, told = rebuild("--check")
    assert code == 1
    door = "Tuesday 2 June 2026, 10:00–10:05, line 'entrance' of camera 'Door'"
    assert f"{door}: came in 7 stored, 1 counted\n" in told
    # The hour is what the events make, whatever the bucket says.
    assert "Tuesday 2 June 2026, sums of the day: went out 9 stored, 0 counted\n" in told
    assert told.endswith("2 rows differ of 4\n")
    rebuild()
    assert rebuild("--check") == (0, "0 rows differ of 4\n")


def test_the_check_finds_rows_that_are_missing_and_rows_too_many(shop):
    facts = make_facts(shop)
    facts.step(10)
    facts.commit()
    row = Bucket.objects.get(subject_kind="line")
    row.starts_at -= timedelta(hours=1)
    row.save()
    assert rebuild("--check")[0] == 1
    told = [line for line in check(shop.store).differing if "sums of the" not in line]
    assert len(told) == 2
    numbers = "came in 1; ms inside to its end 290000"
    assert told[0].endswith(f"line 'entrance' of camera 'Door': {numbers}: not counted")
    assert told[1].endswith(
        f"line 'entrance' of camera 'Door': no row is stored, counted: {numbers}"
    )


def test_the_rebuild_of_an_unknown_store_says_so():
    with pytest.raises(CommandError, match="There is no store 'nowhere'"):
        rebuild("--store", "nowhere")


def test_a_rebuild_touches_no_other_store(shop):
    other = make_shop(make_store("Second"))
    for each in (shop, other):
        facts = make_facts(each)
        facts.step(10)
        facts.commit()
    Bucket.objects.filter(store=other.store).update(entries=5)
    rewrite(shop.store)
    assert Bucket.objects.get(store=other.store).entries == 5


minutes = st.floats(0, 3 * 24 * 60, allow_nan=False).map(lambda m: round(m * 60, 3))
deeds = st.one_of(
    st.tuples(st.just("step"), minutes, st.sampled_from(("in", "out"))),
    st.tuples(st.just("stay"), minutes, st.integers(0, 4000)),
    st.tuples(st.just("visit"), minutes, st.integers(0, 4000)),
    st.tuples(st.just("seen"), minutes, st.integers(1, 2000)),
)
slices = st.lists(st.tuples(st.integers(0, 2), st.lists(deeds, max_size=6)), max_size=8)


def write(facts: Facts, deed: tuple[Any, ...]) -> None:
    name, second, what = deed
    if name == "step":
        facts.step(second, what)
    elif name == "seen":
        if all(span.starts_at != facts.at(second) for span in facts.spans):
            facts.seen(second, what)
    else:
        third = {"censored": what % 3 == 0} if name == "stay" else {"inferred": what % 3 == 0}
        getattr(facts, name)(second, what, **third)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    slices=slices,
    out=st.sets(st.integers(0, 2)),
    zone=st.sampled_from(("Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata")),
    folds=st.booleans(),
)
def test_buckets_kept_step_by_step_equal_a_rebuild(db, slices, out, zone, folds):
    """Slices of three runs in any order, over days on which clocks change; some taken out again."""
    Store.objects.all().delete()
    shop = make_shop(make_store(timezone=zone))
    start = {"Australia/Lord_Howe": NINE_UTC.replace(month=4, day=4)}.get(
        zone, NINE_UTC.replace(month=10, day=24)
    )
    runs = [make_facts(shop, start, name=f"clip {n}") for n in range(3)]
    covered: set[tuple[int, float]] = set()
    for number, deeds in slices:
        for deed in deeds:
            if deed[0] == "seen" and (number, deed[1]) in covered:
                continue
            covered.add((number, deed[1]))
            write(runs[number], deed)
        runs[number].commit()
        if folds:
            fold_dirty()
    for number in sorted(out):
        run_take_out(Run.objects.get(pk=runs[number].run.pk))
    result = check(shop.store)
    assert result.differing == []


def test_a_recording_counted_for_real_has_buckets_that_equal_its_facts(tmp_path, settings):
    """The walks go through detection, tracking and the ledger; the numbers are known by head."""
    settings.MEDIA_ROOT = tmp_path / "media"
    store = make_store(timezone="Europe/Berlin")
    recording = walks.make_recording(store, walks.make_files(tmp_path), walks.make_camera(store))
    for chunk_id in recording.chunks.values_list("pk", flat=True):
        runner.detect(chunk_id)
    runner.advance(recording.pk)
    result = check(store)
    assert result.differing == [] and result.rows > 4
    day = AnalyticsSummary.objects.get(period="day")
    assert (day.entries, day.exits, day.visits) == (walks.ENTRIES, walks.EXITS, walks.VISITS)
    told = live_snapshot(store, walks.STARTED + timedelta(minutes=2))
    assert told["occupancy"]["now"] == walks.ENTRIES - walks.EXITS
    assert told["recording"]["numbers"]["visits"] == walks.VISITS
    run_take_out(Run.objects.get(recording=recording))
    assert check(store).rows == 0
