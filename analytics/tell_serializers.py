"""What managers tell the numbers: who is inside, what was sold, what a quick look is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api_parts import StrictSerializer
from analytics.models import DWELL_EDGES_S
from analytics.sales import AMOUNT_AT_MOST, COUNT_AT_MOST, ROWS_AT_MOST, read_at
from tracking.corrections import MOST
from tracking.models import TrackingEvent

Kind = TrackingEvent.Kind
NO_OFFSET = "This time carries no offset from UTC. Write it like 2026-06-02T10:00:00+02:00."


@extend_schema_field(OpenApiTypes.DATETIME)
class OffsetTimeField(serializers.Field[datetime, Any, str, Any]):
    """An instant with its offset from UTC; a time without one is never guessed."""

    def to_internal_value(self, data: Any) -> datetime:
        """Return the instant in UTC."""
        text = data.strip() if isinstance(data, str) else ""
        try:
            if text and datetime.fromisoformat(text).tzinfo is None:
                raise serializers.ValidationError(NO_OFFSET)
        except ValueError:
            pass  # said below, as of any other text
        try:
            return read_at(text[:60], "UTC")
        except DjangoValidationError as wrong:
            raise serializers.ValidationError(wrong.messages) from wrong

    def to_representation(self, value: datetime) -> str:
        """Return the instant as ISO 8601 in UTC with Z."""
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class OccupancyToldSerializer(StrictSerializer):
    """A correction or a reset."""

    kind = serializers.ChoiceField(choices=[Kind.CORRECTED, Kind.OCCUPANCY_RESET])
    value = serializers.IntegerField(min_value=-MOST, max_value=MOST)
    at = OffsetTimeField(required=False, help_text="When it was so; left out: now.")


class OccupancyEventSerializer(serializers.Serializer[Any]):
    """The event that a correction or reset became."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    at = OffsetTimeField()
    value = serializers.IntegerField()
    seq = serializers.IntegerField()


class SaleSerializer(StrictSerializer):
    """One line of sales; a return or void is left out, and takes back a sale told under its key."""

    at = OffsetTimeField(help_text="ISO 8601 with an offset.")
    count = serializers.IntegerField(min_value=-COUNT_AT_MOST, max_value=COUNT_AT_MOST, default=1)
    amount = serializers.DecimalField(
        max_digits=14, decimal_places=2, required=False, allow_null=True,
        min_value=-AMOUNT_AT_MOST, max_value=AMOUNT_AT_MOST,
    )  # fmt: skip
    kind = serializers.ChoiceField(choices=["sale", "return", "void"], default="sale")
    client_key = serializers.CharField(max_length=80)


class SalesSerializer(StrictSerializer):
    """Lines of sales of one till."""

    # A field of this name is no trouble: fields leave the class before it is made.
    source = serializers.CharField(max_length=40, default="till")  # type: ignore[assignment]
    transactions = serializers.ListField(
        child=SaleSerializer(), allow_empty=False, max_length=ROWS_AT_MOST
    )


class SalesReportSerializer(serializers.Serializer[Any]):
    """What became of the lines."""

    taken = serializers.IntegerField()
    changed = serializers.IntegerField()
    known = serializers.IntegerField()
    taken_back = serializers.IntegerField(help_text="Sales told before, now returned or void.")
    left_out = serializers.IntegerField()


@extend_schema_field({"type": "integer", "enum": list(DWELL_EDGES_S)})
class BounceField(serializers.IntegerField):
    """Seconds that buckets can tell."""


class KpiSettingsSerializer(StrictSerializer):
    """What a store sets for its key numbers."""

    bounce_s = BounceField()
