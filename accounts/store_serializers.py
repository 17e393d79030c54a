"""Stores and the audit log as JSON, and what a manager may set of a store."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api_parts import StrictSerializer
from accounts.models import AuditEntry, Membership, Store
from accounts.opening_hours import WEEKDAYS
from accounts.timezones import validate_timezone

CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$"
CLOCK_OR_END = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
SPANS_SCHEMA = {
    "type": "array",
    "items": {
        "type": "array",
        "items": {"type": "string", "pattern": CLOCK_OR_END},
        "minItems": 2,
        "maxItems": 2,
    },
}
HOURS_SCHEMA = {
    "type": "object",
    "description": "Weekday to spans; empty means always open.",
    "properties": dict.fromkeys(WEEKDAYS, SPANS_SCHEMA),
    "additionalProperties": False,
}
DAYS_SCHEMA = {
    "type": "object",
    "description": "Date to spans and a name; these replace the hours of the weekday.",
    "additionalProperties": {
        "type": "object",
        "properties": {"spans": SPANS_SCHEMA, "name": {"type": "string"}},
        "required": ["spans"],
        "additionalProperties": False,
    },
}


@extend_schema_field(HOURS_SCHEMA)
class HoursField(serializers.JSONField):
    """A week's opening hours; what is wrong with them is said by the store itself."""


@extend_schema_field(DAYS_SCHEMA)
class SpecialDaysField(serializers.JSONField):
    """Special days; what is wrong with them is said by the store itself."""


@extend_schema_field({"type": "string", "pattern": CLOCK})
class ClockField(serializers.Field[time, Any, str, Any]):
    """A time of day in hours and minutes."""

    def to_internal_value(self, data: Any) -> time:
        """Return the time, or refuse what is none."""
        if not isinstance(data, str) or not re.fullmatch(CLOCK, data, re.ASCII):
            raise serializers.ValidationError("Write a time of day in hours and minutes: 04:00.")
        return time.fromisoformat(data)

    def to_representation(self, value: time) -> str:
        """Return hours, minutes and seconds."""
        return value.isoformat()


class StoreSerializer(serializers.ModelSerializer[Store]):
    """A store as its members see it."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    opening_hours = HoursField()
    special_days = SpecialDaysField()
    business_day_start = ClockField()
    role = serializers.SerializerMethodField()

    class Meta:
        model = Store
        fields = (
            "id",
            "slug",
            "name",
            "timezone",
            "opening_hours",
            "special_days",
            "business_day_start",
            "is_demo",
            "role",
        )

    @extend_schema_field(serializers.ChoiceField(choices=Membership.Role.choices))
    def get_role(self, store: Store) -> str:
        """Return the caller's role: viewer or manager."""
        if self.context["request"].user.is_superuser:
            return Membership.Role.MANAGER
        roles: dict[int, str] = self.context.get("roles", {})
        return roles.get(store.pk, Membership.Role.VIEWER)


class StoreWishSerializer(StrictSerializer):
    """What a manager may set of a store."""

    name = serializers.CharField(max_length=120)
    timezone = serializers.CharField(max_length=64, help_text="An IANA name: Europe/Berlin.")
    business_day_start = ClockField(help_text="Hours and minutes, in steps of 5 minutes.")
    opening_hours = HoursField()
    special_days = SpecialDaysField()
    confirm_history = serializers.BooleanField(
        default=False, help_text="True where the past is to be told in another time zone."
    )

    def validate_timezone(self, name: str) -> str:
        """Refuse a time zone that there is not."""
        validate_timezone(name)
        return name


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """One line of the audit log."""

    at = serializers.DateTimeField()
    actor = serializers.CharField(source="actor_name")
    store = serializers.UUIDField(source="store.public_id", allow_null=True, default=None)
    detail = serializers.DictField(child=serializers.JSONField())

    class Meta:
        model = AuditEntry
        fields = ("at", "actor", "store", "action", "subject", "detail", "request_id")
