"""Administration of cameras, zones and counting lines."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.admin import StoreAdmin
from accounts.admin_parts import OwnStoresFilter, Shown, StoreAdminBase, own_page
from accounts.models import User
from accounts.services import audit_record
from zones.detectors import detector_choices
from zones.forms import CameraForm, LineForm, ZoneForm, swatch
from zones.models import Camera, CountingLine, CountingLineVersion, Zone, ZoneVersion
from zones.preview import preview
from zones.services import (
    line_archive,
    line_redraw,
    map_hold,
    source_note,
    zone_archive,
    zone_redraw,
)
from zones.sources import source_ahead

# What a recording is counted with, and what is said when it was changed.
COUNTED_WITH = {"vertices", "grace_s", "min_inside_s", "a", "b", "inside_side", "band"}
FROM_NOW_ON = (
    "This holds from now on. What is counted already stays as it is: to apply the zones and lines "
    "of now to a recording, press “Count again” on the Recordings page."
)
# A camera's ways of finding people, and of counting those found: the latter can be done again.
FOUND_WITH = {"detector", "detector_settings", "clothing_colours"}
COUNTED_BY = {"ignore_masks", "final_count"}
FOUND_FROM_NOW_ON = (
    "The next recording is searched this way. What is counted already stays as it is."
)
COUNTED_FROM_NOW_ON = (
    "The next recording is counted this way. To apply it to one that is counted already, press "
    "“Count again” on the Recordings page."
)


class History(Shown):
    """Versions of a shape, to read: what was counted stays explained by what counted it."""

    verbose_name = "version"
    verbose_name_plural = "Versions"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the versions with who drew and who ended them."""
        return super().get_queryset(request).select_related("drawn_by", "ended_by")


class ZoneVersions(History):
    """Outlines of a zone."""

    model = ZoneVersion
    fields = ("valid_from", "drawn_by", "valid_to", "ended_by", "vertices")


class LineVersions(History):
    """Places of a counting line."""

    model = CountingLineVersion
    fields = ("valid_from", "drawn_by", "valid_to", "ended_by", "a", "b", "inside_side", "band")


class Shapes(Shown):
    """The zones or lines of a camera, each with the way to its own page."""

    fields = readonly_fields = ("page", "kind", "active")

    @admin.display(description="Name")
    def page(self, shape: Zone | CountingLine) -> str:
        """Return the shape's name as a link."""
        return own_page(shape)

    @admin.display(boolean=True, description="Active")
    def active(self, shape: Zone | CountingLine) -> bool:
        """Return whether it counts now."""
        return shape.archived_at is None


class ZonesOfCamera(Shapes):
    """Zones."""

    model = Zone


class LinesOfCamera(Shapes):
    """Counting lines."""

    model = CountingLine


class CamerasOfStore(Shown):
    """The cameras of a store."""

    model = Camera
    fields = readonly_fields = ("page", "detector_shown", "has_address", "zones", "lines")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Camera]:
        """Return the cameras with how many shapes of each count now."""
        return counted_shapes(super().get_queryset(request))

    @admin.display(description="Name")
    def page(self, camera: Camera) -> str:
        """Return the camera's name as a link."""
        return own_page(camera)

    @admin.display(description="Detector")
    def detector_shown(self, camera: Camera) -> str:
        """Return what the camera's detector is called."""
        return detector_words(camera)

    @admin.display(boolean=True, description="Address stored")
    def has_address(self, camera: Camera) -> bool:
        """Return whether an address is stored, which is all anyone may know."""
        return bool(camera.source)

    @admin.display(description="Zones")
    def zones(self, camera: Any) -> int:
        """Return how many zones count now."""
        return int(camera.zones_now)

    @admin.display(description="Lines")
    def lines(self, camera: Any) -> int:
        """Return how many lines count now."""
        return int(camera.lines_now)


StoreAdmin.inlines = (*StoreAdmin.inlines, CamerasOfStore)


def counted_shapes(cameras: QuerySet[Camera]) -> QuerySet[Camera]:
    """Return cameras with how many of their zones and lines count now."""
    return cameras.annotate(
        zones_now=Count("zones", filter=Q(zones__archived_at=None), distinct=True),
        lines_now=Count("lines", filter=Q(lines__archived_at=None), distinct=True),
    )


def detector_words(camera: Camera) -> str:
    """Return what a camera's detector is called; what there is no more, by its name."""
    title = dict(detector_choices()).get(camera.detector, camera.detector)
    return title.partition(":")[0].partition(" (")[0]


class ActiveFilter(admin.SimpleListFilter):
    """What counts now, or what was ended."""

    title = "active"
    parameter_name = "active"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Return the two choices."""
        return [("yes", "Yes"), ("no", "No, ended")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows chosen."""
        if self.value() is None:
            return queryset
        return queryset.filter(archived_at__isnull=self.value() == "yes")


class ShapeAdmin(StoreAdminBase):
    """What the lists of zones and of lines share."""

    actions = ("archive",)
    search_fields = ("name", "camera__name", "camera__store__name")
    list_select_related = ("camera__store",)

    @admin.display(description="Store", ordering="camera__store__name")
    def store(self, shape: Zone | CountingLine) -> str:
        """Return whose it is."""
        return shape.camera.store.name

    @admin.display(boolean=True, description="Active", ordering="archived_at")
    def active(self, shape: Zone | CountingLine) -> bool:
        """Return whether it counts now."""
        return shape.archived_at is None


@admin.register(Camera)
class CameraAdmin(StoreAdminBase):
    """Cameras of the reader's stores; their addresses can be set, never read."""

    form = CameraForm
    inlines = (ZonesOfCamera, LinesOfCamera)
    list_display = ("name", "store", "detector_shown", "has_address", "zones", "lines")
    list_filter = (("store", OwnStoresFilter), "detector")
    search_fields = ("name", "store__name", "store__slug")
    list_select_related = ("store",)
    readonly_fields = ("picture",)

    def view_on_site(self, camera: Camera) -> str:
        """Return the page on which a camera is set up step by step."""
        address = {"store_slug": camera.store.slug, "camera_id": camera.public_id}
        return reverse("tracking:camera", kwargs=address)

    fieldsets = (
        (None, {"fields": ("store", "name", "picture")}),
        (
            "Where its pictures come from",
            {
                "fields": (
                    "address",
                    "user_name",
                    "password",
                    "transport",
                    "forget_source",
                    "recording",
                    "keep_video_h",
                )
            },
        ),
        ("How people are found and counted", {"fields": ("detector", "final_count")}),
        ("Privacy", {"fields": ("clothing_colours",)}),
        (
            "For experts: settings of the detector, and where nobody is looked for",
            {"fields": ("detector_settings", "ignore_masks"), "classes": ("collapse",)},
        ),
    )

    @admin.display(description="Detector", ordering="detector")
    def detector_shown(self, camera: Camera) -> str:
        """Return what the camera's detector is called; what there is no more, by its name."""
        return detector_words(camera)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the cameras with how many shapes of each count now."""
        return counted_shapes(super().get_queryset(request))

    @admin.display(description="Zones", ordering="zones_now")
    def zones(self, camera: Any) -> int:
        """Return how many zones count now."""
        return int(camera.zones_now)

    @admin.display(description="Lines", ordering="lines_now")
    def lines(self, camera: Any) -> int:
        """Return how many lines count now."""
        return int(camera.lines_now)

    @admin.display(description="Picture")
    def picture(self, camera: Camera) -> str:
        """Return the camera's picture with all that is drawn on it, its ignore masks too."""
        return preview(camera)

    @admin.display(boolean=True, description="Address stored")
    def has_address(self, camera: Camera) -> bool:
        """Return whether an address is stored, which is all anyone may know."""
        return bool(camera.source)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Look up the host of a typed address first: Django opens a transaction for the rest."""
        if request.method == "POST":
            source_ahead(request.POST.get("address"))
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Camera, form: Any, change: bool) -> None:
        """Save the camera; say from when a changed way of finding or counting holds."""
        super().save_model(request, obj, form, change)
        if form.kept is not None:
            source_note(obj, request.user if isinstance(request.user, User) else None)
        if "clothing_colours" in form.changed_data:
            _note_colours(request, obj)
        changed = set(form.changed_data) if change else set()
        if changed & FOUND_WITH:
            messages.info(request, FOUND_FROM_NOW_ON)
        if changed & COUNTED_BY:
            messages.info(request, COUNTED_FROM_NOW_ON)


@admin.register(Zone)
class ZoneAdmin(ShapeAdmin):
    """Zones with their outline; redrawing makes a version."""

    form = ZoneForm
    inlines = (ZoneVersions,)
    list_display = ("name", "camera", "store", "kind", "colour_shown", "min_dwell_s", "active")
    list_filter = (ActiveFilter, "kind", ("camera__store", OwnStoresFilter))
    readonly_fields = ("archived_at", "picture")
    fields = (
        "camera",
        "name",
        "kind",
        "colour",
        "picture",
        "vertices",
        "min_dwell_s",
        "grace_s",
        "min_inside_s",
        "archived_at",
    )

    @admin.display(description="Picture")
    def picture(self, zone: Zone) -> str:
        """Return the zone on its camera's picture."""
        return preview(zone.camera, zone) if zone.pk else preview(None)

    @admin.display(description="Colour", ordering="colour")
    def colour_shown(self, zone: Zone) -> str:
        """Return the zone's colour as it is drawn."""
        return swatch(zone.colour)

    def save_model(self, request: HttpRequest, obj: Zone, form: Any, change: bool) -> None:
        """Save the zone, then its outline where it changed."""
        _hold(obj)
        super().save_model(request, obj, form, change)
        if obj.archived_at is None:
            zone_redraw(zone=obj, vertices=form.cleaned_data["vertices"], user=_person(request))
        if change and COUNTED_WITH & set(form.changed_data):
            messages.info(request, FROM_NOW_ON)

    @admin.action(
        description="End the chosen zones now; keep what they counted", permissions=["change"]
    )
    def archive(self, request: HttpRequest, queryset: QuerySet[Zone]) -> None:
        """End the chosen zones."""
        for zone in queryset.filter(archived_at=None):
            self.log_change(request, zone_archive(zone=zone, user=_person(request)), "Archived")


@admin.register(CountingLine)
class CountingLineAdmin(ShapeAdmin):
    """Counting lines with their place; redrawing makes a version."""

    form = LineForm
    inlines = (LineVersions,)
    list_display = ("name", "camera", "store", "kind", "active")
    list_filter = (ActiveFilter, "kind", ("camera__store", OwnStoresFilter))
    readonly_fields = ("archived_at", "picture")
    fields = ("camera", "name", "kind", "picture", "a", "b", "inside_side", "band", "archived_at")

    @admin.display(description="Picture")
    def picture(self, line: CountingLine) -> str:
        """Return the line on its camera's picture, its arrow to the inside."""
        return preview(line.camera, line) if line.pk else preview(None)

    def save_model(self, request: HttpRequest, obj: CountingLine, form: Any, change: bool) -> None:
        """Save the line, then its place where it changed."""
        _hold(obj)
        super().save_model(request, obj, form, change)
        if change and COUNTED_WITH & set(form.changed_data):
            messages.info(request, FROM_NOW_ON)
        if obj.archived_at is None:
            place = {field: form.cleaned_data[field] for field in form.place}
            line_redraw(line=obj, user=_person(request), **place)

    @admin.action(
        description="End the chosen lines now; keep what they counted", permissions=["change"]
    )
    def archive(self, request: HttpRequest, queryset: QuerySet[CountingLine]) -> None:
        """End the chosen lines."""
        for line in queryset.filter(archived_at=None):
            self.log_change(request, line_archive(line=line, user=_person(request)), "Archived")


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _note_colours(request: HttpRequest, camera: Camera) -> None:
    """Write down who switched looking at clothes on or off: of other fields the names will do."""
    audit_record(
        action="camera.clothing_colours",
        actor=_person(request),
        store=camera.store,
        subject=camera.name,
        detail={"switched": "on" if camera.clothing_colours else "off"},
    )


def _hold(shape: Zone | CountingLine) -> None:
    """Hold a shape's camera; who ended the shape since it was read is not overruled."""
    map_hold(shape.camera_id)
    if shape.pk is not None:
        ended = type(shape).objects.filter(pk=shape.pk).values_list("archived_at", flat=True)
        shape.archived_at = ended.first()
