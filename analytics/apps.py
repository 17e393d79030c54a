"""App registry entry of `analytics`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from accounts.models import Store


def past_of_demo(store: Store, before: datetime, tell: Callable[[float], None]) -> None:
    """Fill the demo store's past; loaded when asked for, as no worker may load a decoder."""
    from analytics.simulator.demo import demo_past

    demo_past(store, before, tell)


class AnalyticsConfig(AppConfig):
    """The `analytics` room."""

    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have every ledger transaction keep the buckets: the arrow points down, so we register."""
        from django.db.models.signals import post_save, pre_save

        from accounts.models import Store
        from accounts.signals import calendar_changed
        from analytics.heatmap import heat_sink
        from analytics.marks import mark_sink, refresh_shop
        from analytics.path_sums import path_facts, path_sink, paths_begin
        from analytics.rebuild import bucket_facts
        from analytics.rollups import (
            bucket_sink,
            hold_books,
            mark_calendar_dirty,
            mark_shape_dirty,
        )
        from tracking.demo_past import register_past
        from tracking.facts import register_exporter
        from tracking.ledger import register_sink
        from zones.models import CountingLine, Zone

        register_sink(bucket_sink)
        register_sink(mark_sink)
        register_sink(path_sink)
        register_sink(heat_sink)
        register_exporter(bucket_facts)
        register_exporter(path_facts)
        for shape in (Zone, CountingLine):
            pre_save.connect(hold_books, sender=shape)
        calendar_changed.connect(mark_calendar_dirty)
        register_past(past_of_demo)
        post_save.connect(paths_begin, sender=Store)
        for shape in (Zone, CountingLine):
            post_save.connect(mark_shape_dirty, sender=shape)
        post_save.connect(refresh_shop, sender=CountingLine)
