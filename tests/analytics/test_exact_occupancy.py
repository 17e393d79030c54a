"""The bucket column that makes the integral of occupancy exact."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps

from analytics.models import Bucket, DirtyDay
from analytics.rebuild import check
from analytics.summaries import fold_dirty
from tests.analytics.shop import NINE_UTC, make_facts, make_shop
from tests.cast import make_line, make_store
from tracking.ledger import run_take_out
from zones.models import CountingLine

pytestmark = pytest.mark.db


def test_a_bucket_adds_up_the_time_from_each_step_to_its_end():
    shop = make_shop(make_store())
    facts = make_facts(shop)
    facts.step(10)
    facts.step(60.5)
    facts.step(240, "out")
    facts.commit()
    line = Bucket.objects.get(subject_kind="line")
    assert line.inside_ms == 290_000 + 239_500 - 60_000
    run_take_out(facts.run)
    line.refresh_from_db()
    assert line.inside_ms == 0


def test_an_installation_from_before_gets_the_column_from_its_facts():
    shop = make_shop(make_store())
    inner = make_line(shop.camera, "aisle", kind=CountingLine.Kind.INNER)
    facts = make_facts(shop)
    for second, way in ((10, "in"), (299, "out"), (301, "in"), (1000, "out"), (5000, "in")):
        facts.step(second, way)
        facts.step(second + 2, way, inner)
    facts.commit()
    gone = make_facts(shop, NINE_UTC + timedelta(hours=3))
    gone.step(5)
    gone.commit()
    run_take_out(gone.run)
    fold_dirty(shop.store)
    Bucket.objects.update(inside_ms=0)
    assert check(shop.store).differing
    migration = import_module("analytics.migrations.0002_exact_occupancy")
    migration.fill_inside_ms(apps, None)
    assert DirtyDay.objects.filter(store=shop.store, business_day=NINE_UTC.date()).exists()
    assert check(shop.store).differing == []
