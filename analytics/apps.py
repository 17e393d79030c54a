"""App registry entry of `analytics`."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """The `analytics` room."""

    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have every ledger transaction keep the buckets: the arrow points down, so we register."""
        from analytics.rollups import bucket_sink
        from tracking.ledger import register_sink

        register_sink(bucket_sink)
