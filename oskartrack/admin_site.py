"""The stock Django admin with our name on it."""

from django.contrib.admin import AdminSite


class OskarTrackAdminSite(AdminSite):
    """Django's admin; colours come from `templates/admin/base_site.html`."""

    site_header = "OskarTrack"
    site_title = "OskarTrack"
    index_title = "Stores, cameras and people"
    site_url = "/"
