"""App registry entry of `tracking`."""

from django.apps import AppConfig


class TrackingConfig(AppConfig):
    """The `tracking` room."""

    name = "tracking"
    default_auto_field = "django.db.models.BigAutoField"
