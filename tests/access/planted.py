"""Bugs planted to see that the walks find them: each takes one check away."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from django.contrib.admin import ModelAdmin
from django.db import models
from django.http import HttpRequest
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import AccessToken

from accounts import admin_parts, context, doors, store_api
from accounts.models import AuditEntry, Store, User
from accounts.scope import ScopedQuerySet
from analytics import api, erase_views, export_api, kpi_api, movement_api, proof_api, tell_api
from analytics import views as analytics_views
from oskartrack import token_scopes, watchers
from oskartrack.admin_site import OskarTrackAdminSite
from tracking import client_api, erase_api, live_api, recording_api, run_api, upload_views
from tracking import views as tracking_views
from tracking.models import Customer, Recording, Run, TrackingEvent, Upload, Visit
from zones import api as zones_api
from zones import camera_api, camera_serializers, shape_api
from zones.models import Camera, CountingLine, Zone
from zones.sources import opened

Patch = pytest.MonkeyPatch
Bug = Callable[[Patch], None]


def any_store(_request: Any, store_id: Any) -> Any:
    return live_api.get_object_or_404(Store, public_id=store_id)


def any_recording(_request: Any, recording_id: Any) -> Any:
    return live_api.get_object_or_404(Recording, public_id=recording_id)


def anybody(request: Any, _store: Any) -> Any:
    return request.user


def any_page(_user: Any, slug: str) -> Any:
    return live_api.get_object_or_404(Store, slug=slug)


def everyones(model: type[models.Model]) -> Any:
    """Return what looks like a model and narrows nothing."""

    class Rows(models.QuerySet[Any]):
        def for_user(self, _user: Any) -> Any:
            return self

        def filter(self, *args: Any, **kwargs: Any) -> Any:
            return super().filter(*args, **{k: v for k, v in kwargs.items() if k != "store"})

    def rows(*_: Any, **__: Any) -> Any:
        return Rows(model)

    manager = SimpleNamespace(for_user=rows, filter=Rows(model).filter, select_related=rows)
    return SimpleNamespace(objects=manager, DoesNotExist=model.DoesNotExist)


def put(owner: Any, name: str, value: Any) -> Bug:
    return lambda patch: patch.setattr(owner, name, value)


def any_zone(_store: Any, wanted: Any) -> Any:
    return Zone.objects.filter(public_id=wanted).first() if wanted else None


def visits_of_any(store: Any, recording: Any) -> Any:
    rows = Visit.objects.filter(run__active=True)
    return (
        rows.filter(run__recording__public_id=recording) if recording else rows.filter(store=store)
    )


def any_row(found: Any, **names: Any) -> Any:
    names.pop("store", None)
    return live_api.get_object_or_404(found, **names)


def upload_of_any(self: Any, request: Any, upload_id: Any) -> Any:
    upload = live_api.get_object_or_404(Upload, public_id=upload_id)
    upload_views.ask_manager(request, upload.store)
    return upload


def upload_of_viewers(self: Any, request: Any, upload_id: Any) -> Any:
    return live_api.get_object_or_404(Upload.objects.for_user(request.user), public_id=upload_id)


def without_log_in(name: str) -> Bug:
    """Let anybody see a page."""

    def patched(patch: Patch) -> None:
        (found,) = (each for each in _patterns() if each.name == name)
        patch.setattr(found, "callback", found.callback.__wrapped__)

    return patched


def _patterns(of: Any = None) -> Any:
    for each in of or get_resolver().url_patterns:
        if isinstance(each, URLResolver):
            yield from _patterns(each.url_patterns)
        elif isinstance(each, URLPattern):
            yield each


def for_ever(patch: Patch) -> None:
    """Let no token expire."""
    decode = jwt.decode

    def decoded(*given: Any, **more: Any) -> Any:
        more["options"] = {**more["options"], "verify_exp": False}
        return decode(*given, **more)

    patch.setattr(AccessToken, "check_exp", lambda *_, **__: None)
    patch.setattr(jwt, "decode", decoded)


def any_filter(self: Any, field: Any, request: HttpRequest, model_admin: Any) -> Any:
    ordering = self.field_admin_ordering(field, request, model_admin)
    return field.get_choices(include_blank=False, ordering=ordering)


def all_cameras(patch: Patch) -> None:
    patch.setattr(camera_api, "stores_of_user", lambda _: Store.objects.all())
    cameras = camera_api.cameras_of_store
    anyones = User(is_superuser=True)
    patch.setattr(
        camera_api, "cameras_of_store", lambda store, **_: cameras(user=anyones, store=store)
    )


def any_camera(_request: Any, camera_id: Any) -> Any:
    return live_api.get_object_or_404(Camera, public_id=camera_id)


def any_shape(_request: Any, kind: str, shape_id: Any) -> Any:
    rows: Any = {"zones": Zone, "lines": CountingLine}[kind]
    return live_api.get_object_or_404(rows, public_id=shape_id)


def any_run(_request: Any, run_id: Any) -> Any:
    return live_api.get_object_or_404(Run, public_id=run_id)


def any_visit(_request: Any, visit_id: Any) -> Any:
    return live_api.get_object_or_404(Visit, public_id=visit_id)


def any_client(_request: Any, client_id: Any, **_: Any) -> Any:
    return live_api.get_object_or_404(Customer, public_id=client_id)


def whole_log(self: Any, request: Any) -> Any:
    return self.entries(request, AuditEntry.objects.all())


def all_rows(self: Any, _user: Any) -> Any:
    return self.all()


def with_source(self: Any, camera: Any) -> Any:
    shown = opened(camera).url if camera.source_sealed else ""
    return {**_camera_told(self, camera), "source": shown}


_camera_told = camera_serializers.CameraSerializer.to_representation
STORES_PART, RECORDINGS_PART = "api/v1/stores/", "api/v1/recordings/"
# The bug, and a part of the patterns by which CI looks for it; the full form goes through all.
BUGS: dict[str, tuple[Bug, str]] = {
    "no scope at all": (put(ScopedQuerySet, "for_user", all_rows), "/room/"),
    "any store: events, visits": (put(live_api, "store_of", any_store), "/events/"),
    "any store: its recordings": (put(recording_api, "store_of", any_store), "/room/"),
    "any store: files sent in": (put(upload_views, "store_of", any_store), "/uploads/"),
    "any store: live, summaries": (put(api, "store_of", any_store), "/summaries/"),
    "any store: key numbers": (put(kpi_api, "store_of", any_store), "/kpis/"),
    "any store: movement": (put(movement_api, "store_of", any_store), "/movement/"),
    "any store: what is told": (put(tell_api, "store_of", any_store), "/occupancy/"),
    "any store: verifications": (put(proof_api, "store_of", any_store), "/verifications/"),
    "any store: downloads": (put(export_api, "store_of", any_store), "/exports/"),
    "any store: the store itself": (
        put(store_api, "stores_of_user", lambda _: Store.objects.all()), STORES_PART,
    ),
    "any store: cameras": (all_cameras, "/cameras/"),
    "any store: pages of now": (put(tracking_views, "store_of_page", any_page), "/recordings/"),
    "any store: pages of the past": (put(analytics_views, "store_of_page", any_page), "/history/"),
    "any recording: pictures": (put(live_api, "recording_of", any_recording), "/picture/"),
    "any recording: changes": (put(recording_api, "recording_of", any_recording), RECORDINGS_PART),
    "any camera's still": (put(live_api, "Camera", everyones(Camera)), "/still/"),
    "any upload": (put(upload_views.UploadView, "upload_of", upload_of_any), "/uploads/"),
    "viewers' uploads": (put(upload_views.UploadView, "upload_of", upload_of_viewers), "/uploads/"),
    "a stranger's camera": (put(recording_api, "Camera", everyones(Camera)), "/recordings/"),
    "a stranger's file": (put(recording_api, "Upload", everyones(Upload)), "/recordings/"),
    "a stranger's zone: key numbers": (put(kpi_api, "zone_of", any_zone), "/kpis/"),
    "a stranger's zone: movement": (put(movement_api, "zone_of", any_zone), "/movement/"),
    "a stranger's zone: downloads": (put(export_api, "zone_of", any_zone), "/exports/"),
    "a stranger's heatmap": (put(movement_api, "get_object_or_404", any_row), "/heatmap/"),
    "a stranger's visits": (put(live_api, "visits_of", visits_of_any), "/visits/"),
    "a stranger's event": (put(live_api, "TrackingEvent", everyones(TrackingEvent)), "v1/events/"),
    "a stranger's visit": (put(live_api, "Visit", everyones(Visit)), "v1/visits/"),
    "any camera: its map": (put(zones_api, "camera_of", any_camera), "/map/"),
    "any camera: its shapes": (put(shape_api, "camera_of", any_camera), "/zones/"),
    "any camera: changes": (put(camera_api, "held", any_camera), "camera_id>/"),
    "any zone or line": (put(shape_api, "shape_of", any_shape), "v1/lines/"),
    "any count": (put(run_api, "run_of", any_run), "v1/runs/"),
    "any client": (put(client_api, "client_of", any_client), "v1/clients/"),
    "viewers note clients": (put(client_api, "ask_manager", anybody), "v1/clients/"),
    "any client goes": (put(erase_api, "client_of", any_client), "client_id>/erase/"),
    "any client is taken along": (put(erase_api, "client_of", any_client), "client_id>/export/"),
    "any visit goes": (put(erase_api, "visit_of", any_visit), "visit_id>/erase/"),
    "viewers erase": (put(erase_api, "ask_manager", anybody), "v1/clients/<uuid:client_id>/erase/"),
    "viewers take along": (put(erase_api, "ask_manager", anybody), "visit_id>/export/"),
    "viewers erase on the page": (
        put(erase_views, "may_manage", lambda **_: True), "slug>/visits/<uuid:visit_id>/erase/",
    ),
    "viewers draw": (put(shape_api, "ask_manager", anybody), "v1/zones/"),
    "viewers change cameras": (put(camera_api, "ask_manager", anybody), "v1/cameras/"),
    "viewers read the log": (put(store_api, "ask_manager", anybody), "store_id>/audit/"),
    "anyone reads the whole log": (put(store_api.AuditView, "get", whole_log), "v1/audit/"),
    "viewers send files": (put(upload_views, "ask_manager", anybody), "/uploads/"),
    "viewers change recordings": (put(recording_api, "ask_manager", anybody), "/cancel/"),
    "viewers tell numbers": (put(tell_api, "ask_manager", anybody), "/kpi-settings/"),
    "viewers put numbers right": (put(proof_api, "ask_manager", anybody), "/put-right/"),
    "viewers tell on the page": (put(analytics_views, "may_manage", lambda **_: True), "/tell/"),
    "no log-in: the API": (put(doors.DoorView, "permission_classes", ()), "/room/"),
    "no log-in: a page": (without_log_in("live"), "/live/"),
    "an expired token": (for_ever, "/room/"),
    "anyone sees the health page": (put(watchers, "is_staff", lambda _: True), "health/"),
    "anyone reads the figures": (put(watchers, "may_read_figures", lambda _: True), "metrics"),
    "anyone in the admin": (
        put(OskarTrackAdminSite, "has_permission", lambda _, request: True), "admin/",
    ),
    "staff edits people": (
        put(admin_parts, "_is_superuser", lambda request: request.user.is_staff),
        "admin/accounts/user/",
    ),
    "staff sees any store's rows": (
        put(admin_parts.StoreAdminBase, "get_queryset", ModelAdmin.get_queryset),
        "admin/zones/camera/",
    ),
    "staff draws on any camera": (
        put(admin_parts.ScopedChoices, "formfield_for_foreignkey",
            ModelAdmin.formfield_for_foreignkey),
        "admin/zones/zone/",
    ),
}  # fmt: skip
# These are found by tokens that are for one thing each.
SCOPED: dict[str, tuple[Bug, str]] = {
    "any scope does": (
        put(token_scopes.ScopedTokenAuthentication, "authenticate", JWTAuthentication.authenticate),
        "/cancel/",
    ),
    "reading does": (put(token_scopes, "scope_wanted", lambda _: "read"), "/kpi-settings/"),
    "managing does to send in": (
        put(token_scopes, "scope_wanted", lambda request: (
            "read" if request.method == "GET" else "manage"
        )),
        "/transactions/",
    ),
    "sending in does to read": (
        put(token_scopes, "scopes_in", lambda token: [*token["scope"].split(), "read"]), "/room/",
    ),
    "everybody's tokens are for all": (
        put(token_scopes, "scopes_in", lambda _: ["read", "ingest", "manage"]), "/uploads/",
    ),
}  # fmt: skip
# These are found by what is read, not by who gets in.
TOLD: dict[str, tuple[Bug, str]] = {
    "a filter names every store": (
        put(admin_parts.OwnStoresFilter, "field_choices", any_filter), "admin/zones/camera/",
    ),
    "a camera's address is shown": (
        put(camera_serializers.CameraSerializer, "to_representation", with_source), "/cameras/",
    ),
    "the store list names every store": (
        put(store_api, "stores_of_user", lambda _: Store.objects.all()), "api/v1/stores/",
    ),
    "the switcher names every store": (
        put(context, "stores_of_user",
            lambda _: Store.objects.all()),
        "/live/",
    ),
}  # fmt: skip
