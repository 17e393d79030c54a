"""What every page of our Django admin has: the reader's own stores only, and an audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import Store, User
from accounts.scope import ScopedQuerySet
from accounts.services import audit_record

if TYPE_CHECKING:  # Django's admin and forms take their row types only from the type checker
    ModelAdmin: TypeAlias = admin.ModelAdmin[Any]
    TabularInline: TypeAlias = admin.TabularInline[Any, Any]
    BaseInlineFormSet: TypeAlias = forms.BaseInlineFormSet[Any, Any, Any]
else:
    BaseInlineFormSet = forms.BaseInlineFormSet
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


class ScopedChoices:
    """Offer only rows of the reader's stores where a row points at another."""

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Narrow the choices, which also narrows what is accepted."""
        choices = db_field.remote_field.model._default_manager.all()
        if isinstance(choices, ScopedQuerySet):
            kwargs["queryset"] = choices.for_user(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class OwnStoresFilter(admin.RelatedFieldListFilter):
    """A list filter on stores that names only the reader's."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[str, Any]]:
        """Return the choices; the stock filter names every store there is."""
        ordering = self.field_admin_ordering(field, request, model_admin)
        own = {"pk__in": Store.objects.for_user(request.user)}
        choices: list[tuple[str, Any]] = field.get_choices(
            include_blank=False, ordering=ordering, limit_choices_to=own
        )
        return choices


class NeverRead(BaseInlineFormSet):
    """Rows that a page shows and never takes: what is sent along is not looked at.

    A row that somebody else added or ended meanwhile then stops nobody from saving.
    """

    def __init__(self, *_sent: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"data": None, "files": None})

    def is_valid(self) -> bool:
        """Return that there is nothing to refuse."""
        return True

    def save(self, commit: bool = True) -> list[Any]:  # noqa: ARG002  # Django's
        """Write nothing."""
        self.new_objects: list[Any] = []
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []
        return []


class Shown(TabularInline):
    """Rows of another page, to read and to go to."""

    formset = NeverRead
    template = "admin/shown.html"
    extra = 0
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        """Return that rows are added on their own page only."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        """Return that a row is changed on its own page only."""
        return False


def own_page(row: models.Model) -> str:
    """Return a row's name as a link to its own page."""
    meta = row._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, row)


class SuperuserOnly:
    """Keep a page to superusers, whatever permissions other staff were given."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows, none of them to others: a page would tell which numbers exist."""
        rows: models.QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return rows if _is_superuser(request) else rows.none()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the reader is a superuser."""
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Return whether the reader is a superuser."""
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Return whether the reader is a superuser."""
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Return whether the reader is a superuser."""
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Return whether the reader is a superuser."""
        return _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser


class Audited:
    """Write every addition, change and deletion to the audit log too."""

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> LogEntry:
        """Note an addition."""
        _record(request, obj, "added", message)
        entry: LogEntry = super().log_addition(request, obj, message)  # type: ignore[misc]
        return entry

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> LogEntry:
        """Note a change: the names of the fields, never their values."""
        _record(request, obj, "changed", message)
        entry: LogEntry = super().log_change(request, obj, message)  # type: ignore[misc]
        return entry

    def log_deletions(self, request: HttpRequest, queryset: Iterable[models.Model]) -> Any:
        """Note deletions, one line each."""
        for obj in queryset:
            _record(request, obj, "deleted", [])
        return super().log_deletions(request, queryset)  # type: ignore[misc]


def _record(request: HttpRequest, obj: models.Model, verb: str, message: Any) -> None:
    actor = request.user if isinstance(request.user, User) else None
    audit_record(
        action=f"{obj._meta.model_name}.{verb}",
        actor=actor,
        store=_store_of(obj),
        subject=f"{obj._meta.verbose_name} {obj}",
        detail={"changes": message} if message else {},
    )


def _store_of(obj: Any) -> Store | None:
    """Return the store a row belongs to, following the camera where it has one."""
    if isinstance(obj, Store):
        return obj
    store = getattr(getattr(obj, "camera", obj), "store", None)
    return store if isinstance(store, Store) else None


class StoreAdminBase(ScopedChoices, Audited, ModelAdmin):
    """A page on rows that belong to stores."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows of the reader's stores."""
        rows: Any = super().get_queryset(request)
        scoped: models.QuerySet[Any] = rows.for_user(request.user)
        return scoped
