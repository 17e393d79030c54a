"""Buckets hold what makes the integral of occupancy exact; those there are get it from the facts."""

from collections import Counter
from datetime import timedelta
from itertools import groupby

from django.db import migrations, models

from analytics.calendar import BUCKET, StoreClock, floor_bucket

_MILLISECOND = timedelta(milliseconds=1)
AT_ONCE = 5000


def fill_inside_ms(apps, schema_editor):
    """Compute `inside_ms` of every line's bucket, store by store in the order of time."""
    Store = apps.get_model("accounts", "Store")
    CountingLine = apps.get_model("zones", "CountingLine")
    entrances = set(CountingLine.objects.filter(kind="entrance").values_list("pk", flat=True))
    for store in Store.objects.order_by("pk"):
        _fill_store(apps, store, entrances)
        _mark_dirty(apps, store)


def _fill_store(apps, store, entrances):
    Event = apps.get_model("tracking", "TrackingEvent")
    Bucket = apps.get_model("analytics", "Bucket")
    official = models.Q(run__active=True) | models.Q(run=None)
    steps = (
        Event.objects.filter(official, store=store, line__isnull=False, camera__isnull=False)
        .order_by("at")
        .values_list("at", "camera_id", "line_id", "kind", "direction", "run_id")
        .iterator(AT_ONCE)
    )
    for starts_at, group in groupby(steps, key=lambda step: floor_bucket(step[0])):
        sums = Counter()
        for at, camera, line, kind, direction, run in group:
            sign = _sign(kind, direction, run, line in entrances)
            sums[camera, line] += sign * ((starts_at + BUCKET - at) // _MILLISECOND)
        for (camera, line), inside_ms in sums.items():
            Bucket.objects.filter(
                camera_id=camera, subject_kind="line", subject_id=line, starts_at=starts_at
            ).update(inside_ms=inside_ms)


def _sign(kind, direction, run, at_entrance):
    """Return +1 for a step in and -1 for one out, each counted once as buckets count them."""
    if kind == "crossed" and (run is not None or not at_entrance):
        return 1 if direction == "in" else -1
    if run is not None:
        return 0
    return {"entered": 1, "exited": -1}.get(kind, 0)


def _mark_dirty(apps, store):
    """Have every business day folded again: summaries hold more than before."""
    Bucket = apps.get_model("analytics", "Bucket")
    DirtyDay = apps.get_model("analytics", "DirtyDay")
    clock = StoreClock.of(store.timezone, store.business_day_start)
    starts = Bucket.objects.filter(store=store).values_list("starts_at", flat=True).distinct()
    days = {clock.business_day(at) for at in starts.iterator(AT_ONCE)}
    DirtyDay.objects.bulk_create(
        [DirtyDay(store=store, business_day=day) for day in sorted(days)], ignore_conflicts=True
    )


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0001_initial"),
        ("tracking", "0002_recounts"),
    ]

    operations = [
        migrations.AddField(
            model_name="bucket",
            name="inside_ms",
            field=models.BigIntegerField(default=0),
        ),
        migrations.RunPython(fill_inside_ms, migrations.RunPython.noop, elidable=True),
    ]
