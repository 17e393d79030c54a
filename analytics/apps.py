"""App registry entry of `analytics`."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """The `analytics` room."""

    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"
