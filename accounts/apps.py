"""App registry entry of `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The `accounts` room."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
