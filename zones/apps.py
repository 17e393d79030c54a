"""App registry entry of `zones`."""

from django.apps import AppConfig


class ZonesConfig(AppConfig):
    """The `zones` room."""

    name = "zones"
    verbose_name = "The map"
    default_auto_field = "django.db.models.BigAutoField"
