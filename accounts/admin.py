"""Administration of people, stores and memberships, and the audit log to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, BaseUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.http import HttpRequest

from accounts.admin_parts import Audited, Shown, StoreAdminBase, SuperuserOnly, TabularInline
from accounts.models import AuditEntry, Membership, Store, User
from accounts.store_forms import StoreForm

if TYPE_CHECKING:
    _NewUserForm: TypeAlias = AdminUserCreationForm[User]
    _UserForm: TypeAlias = UserChangeForm[User]
    _UserAdmin: TypeAlias = DjangoUserAdmin[User]
else:
    _NewUserForm, _UserForm, _UserAdmin = AdminUserCreationForm, UserChangeForm, DjangoUserAdmin

# What a person may do follows from memberships; groups would be a second, unscoped way.
admin.site.unregister(Group)


class MembershipInline(SuperuserOnly, TabularInline):
    """The stores of a person, on the person's page."""

    model = Membership
    extra = 0
    autocomplete_fields = ("store",)


class NewUserForm(_NewUserForm):
    """A new person: user name, e-mail, password."""

    class Meta(BaseUserCreationForm.Meta):
        model = User
        fields = ("username", "email")


class UserForm(_UserForm):
    """A person as they are."""

    class Meta(UserChangeForm.Meta):
        model = User


@admin.register(User)
class UserAdmin(SuperuserOnly, Audited, _UserAdmin):
    """People who log in. For superusers alone: whoever edits people can become anyone."""

    form = UserForm
    add_form = NewUserForm
    inlines = (MembershipInline,)
    list_display = ("username", "email", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    filter_horizontal = ("user_permissions",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Name", {"fields": ("first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = (
        (
            None,
            {"fields": ("username", "email", "usable_password", "password1", "password2")},
        ),
    )


@admin.register(Store)
class StoreAdmin(StoreAdminBase):
    """Stores: name, address in the URL, time zone, opening hours."""

    form = StoreForm
    # The room that knows cameras hangs them in here.
    inlines: ClassVar[tuple[type[Shown], ...]] = ()
    list_display = ("name", "slug", "timezone", "business_day_start", "is_demo", "created_at")
    list_filter = ("is_demo", "timezone")
    search_fields = ("name", "slug", "timezone")
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("public_id", "created_at")

    def save_model(self, request: HttpRequest, obj: Any, _form: object, _change: object) -> None:
        """Write the store, with who changed its calendar."""
        obj.save(actor=request.user)


@admin.register(Membership)
class MembershipAdmin(SuperuserOnly, StoreAdminBase):
    """Who belongs where. For superusers alone, so that nobody lets themselves in."""

    list_display = ("user", "store", "role")
    list_filter = ("role", "store")
    search_fields = ("user__username", "user__email", "store__name")
    autocomplete_fields = ("user", "store")
    list_select_related = ("user", "store")


@admin.register(AuditEntry)
class AuditEntryAdmin(SuperuserOnly, StoreAdminBase):
    """The audit log, to read."""

    list_display = ("at", "actor_name", "action", "subject", "store")
    list_filter = ("action", "store")
    search_fields = ("actor_name", "subject", "action", "request_id")
    list_select_related = ("store",)
    date_hierarchy = "at"

    def has_add_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        """Return that nobody writes here by hand."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        """Return that nobody changes an entry."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        """Return that nobody removes an entry."""
        return False
