"""App registry entry of `zones`."""

from django.apps import AppConfig


class ZonesConfig(AppConfig):
    """The `zones` room."""

    name = "zones"
    default_auto_field = "django.db.models.BigAutoField"
