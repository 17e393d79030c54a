"""App registry entry of `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The `accounts` room."""

    name = "accounts"
    verbose_name = "People and stores"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the audit log to log-ins, log-outs and changed calendars."""
        from accounts import audit  # noqa: F401 - its receivers connect on import
