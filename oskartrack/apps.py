"""The wiring's own app entries."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class OskarTrackConfig(AppConfig):
    """The wiring: start-up commands live here."""

    name = "oskartrack"
    default = True


class AdminConfig(admin_apps.AdminConfig):
    """The stock admin under our name and colours."""

    default = False
    default_site = "oskartrack.admin_site.OskarTrackAdminSite"
