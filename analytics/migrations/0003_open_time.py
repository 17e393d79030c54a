"""Open time and what was observed of it; days folded before are folded again."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


def fold_again(apps: Any, _schema: Any) -> None:
    """Put every day that has summaries behind: they do not know their open time yet."""
    summary = apps.get_model("analytics", "AnalyticsSummary")
    dirty = apps.get_model("analytics", "DirtyDay")
    days = summary.objects.order_by().values_list("store_id", "business_day").distinct()
    rows = (dirty(store_id=store, business_day=day) for store, day in days.iterator())
    dirty.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


class Migration(migrations.Migration):
    """Integers in place of the observed share."""

    dependencies = [("analytics", "0002_exact_occupancy")]

    operations = [
        migrations.RemoveField("analyticssummary", "observed"),
        migrations.AddField("analyticssummary", "open_ms", models.BigIntegerField(default=0)),
        migrations.AddField("analyticssummary", "observed_ms", models.BigIntegerField(default=0)),
        migrations.AddField(
            "analyticssummary", "observed_open_ms", models.BigIntegerField(default=0)
        ),
        migrations.AddField("analyticssummary", "entries_closed", models.IntegerField(default=0)),
        migrations.AddField("analyticssummary", "exits_closed", models.IntegerField(default=0)),
        migrations.RunPython(fold_again, migrations.RunPython.noop),
    ]
