"""App registry entry of `analytics`."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """The `analytics` room."""

    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have every ledger transaction keep the buckets: the arrow points down, so we register."""
        from analytics.rebuild import bucket_facts
        from analytics.rollups import bucket_sink
        from tracking.facts import register_exporter
        from tracking.ledger import register_sink

        register_sink(bucket_sink)
        register_exporter(bucket_facts)
