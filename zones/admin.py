"""Administration of cameras, zones and counting lines."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin_parts import OwnStoresFilter, StoreAdminBase, TabularInline
from zones.detectors import detector_choices
from zones.forms import CameraForm, LineForm, ZoneForm, swatch
from zones.models import Camera, CountingLine, CountingLineVersion, Zone, ZoneVersion
from zones.services import line_archive, line_redraw, zone_archive, zone_redraw

# What a recording is counted with, and what is said when it was changed.
COUNTED_WITH = {"vertices", "grace_s", "min_inside_s", "a", "b", "inside_side", "band"}
FROM_NOW_ON = (
    "This holds from now on. What is counted already stays as it is: to apply the zones and lines "
    "of now to a recording, press “Count again” on the Recordings page."
)
# A camera's ways of finding people, and of counting those found: the latter can be done again.
FOUND_WITH, COUNTED_BY = {"detector", "detector_settings"}, {"ignore_masks", "final_count"}
FOUND_FROM_NOW_ON = (
    "The next recording is searched this way. What is counted already stays as it is."
)
COUNTED_FROM_NOW_ON = (
    "The next recording is counted this way. To apply it to one that is counted already, press "
    "“Count again” on the Recordings page."
)


class History(TabularInline):
    """Versions of a shape, to read: what was counted stays explained by what counted it."""

    extra = 0
    can_delete = False
    verbose_name = "version"
    verbose_name_plural = "Versions"

    def has_add_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        """Return that versions come from redrawing only."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        """Return that a version is never edited."""
        return False


class ZoneVersions(History):
    """Outlines of a zone."""

    model = ZoneVersion
    fields = ("valid_from", "valid_to", "vertices")


class LineVersions(History):
    """Places of a counting line."""

    model = CountingLineVersion
    fields = ("valid_from", "valid_to", "a", "b", "inside_side", "band")


@admin.register(Camera)
class CameraAdmin(StoreAdminBase):
    """Cameras of the reader's stores; their addresses can be set, never read."""

    form = CameraForm
    list_display = ("name", "store", "detector_shown", "has_address")
    list_filter = (("store", OwnStoresFilter), "detector")
    search_fields = ("name", "store__name")
    list_select_related = ("store",)
    fieldsets = (
        (None, {"fields": ("store", "name", "source", "forget_source")}),
        ("How people are found and counted", {"fields": ("detector", "final_count")}),
        (
            "For experts: settings of the detector, and where nobody is looked for",
            {"fields": ("detector_settings", "ignore_masks"), "classes": ("collapse",)},
        ),
    )

    @admin.display(description="Detector", ordering="detector")
    def detector_shown(self, camera: Camera) -> str:
        """Return what the camera's detector is called; what there is no more, by its name."""
        title = dict(detector_choices()).get(camera.detector, camera.detector)
        return title.partition(":")[0].partition(" (")[0]

    @admin.display(boolean=True, description="Address stored")
    def has_address(self, camera: Camera) -> bool:
        """Return whether an address is stored, which is all anyone may know."""
        return bool(camera.source)

    def save_model(self, request: HttpRequest, obj: Camera, form: Any, change: bool) -> None:
        """Save the camera; say from when a changed way of finding or counting holds."""
        super().save_model(request, obj, form, change)
        changed = set(form.changed_data) if change else set()
        if changed & FOUND_WITH:
            messages.info(request, FOUND_FROM_NOW_ON)
        if changed & COUNTED_BY:
            messages.info(request, COUNTED_FROM_NOW_ON)


@admin.register(Zone)
class ZoneAdmin(StoreAdminBase):
    """Zones with their outline; redrawing makes a version."""

    form = ZoneForm
    inlines = (ZoneVersions,)
    actions = ("archive",)
    list_display = ("name", "camera", "kind", "colour_shown", "archived_at")
    list_filter = ("kind", ("camera__store", OwnStoresFilter))
    search_fields = ("name", "camera__name")
    list_select_related = ("camera",)
    readonly_fields = ("archived_at",)
    fields = (
        "camera",
        "name",
        "kind",
        "colour",
        "vertices",
        "min_dwell_s",
        "grace_s",
        "min_inside_s",
        "archived_at",
    )

    @admin.display(description="Colour", ordering="colour")
    def colour_shown(self, zone: Zone) -> str:
        """Return the zone's colour as it is drawn."""
        return swatch(zone.colour)

    def save_model(self, request: HttpRequest, obj: Zone, form: Any, change: bool) -> None:
        """Save the zone, then its outline where it changed."""
        super().save_model(request, obj, form, change)
        if obj.archived_at is None:
            zone_redraw(zone=obj, vertices=form.cleaned_data["vertices"])
        if change and COUNTED_WITH & set(form.changed_data):
            messages.info(request, FROM_NOW_ON)

    @admin.action(
        description="End the chosen zones now; keep what they counted", permissions=["change"]
    )
    def archive(self, request: HttpRequest, queryset: QuerySet[Zone]) -> None:
        """End the chosen zones."""
        for zone in queryset.filter(archived_at=None):
            self.log_change(request, zone_archive(zone=zone), "Archived")


@admin.register(CountingLine)
class CountingLineAdmin(StoreAdminBase):
    """Counting lines with their place; redrawing makes a version."""

    form = LineForm
    inlines = (LineVersions,)
    actions = ("archive",)
    list_display = ("name", "camera", "kind", "archived_at")
    list_filter = ("kind", ("camera__store", OwnStoresFilter))
    search_fields = ("name", "camera__name")
    list_select_related = ("camera",)
    readonly_fields = ("archived_at",)
    fields = ("camera", "name", "kind", "a", "b", "inside_side", "band", "archived_at")

    def save_model(self, request: HttpRequest, obj: CountingLine, form: Any, change: bool) -> None:
        """Save the line, then its place where it changed."""
        super().save_model(request, obj, form, change)
        if change and COUNTED_WITH & set(form.changed_data):
            messages.info(request, FROM_NOW_ON)
        if obj.archived_at is None:
            line_redraw(line=obj, **{field: form.cleaned_data[field] for field in form.place})

    @admin.action(
        description="End the chosen lines now; keep what they counted", permissions=["change"]
    )
    def archive(self, request: HttpRequest, queryset: QuerySet[CountingLine]) -> None:
        """End the chosen lines."""
        for line in queryset.filter(archived_at=None):
            self.log_change(request, line_archive(line=line), "Archived")
