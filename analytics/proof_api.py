"""Whether business days' numbers equal their facts: read, ask for, put right."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Store
from analytics import tasks
from analytics.api import DAYS_AT_MOST, DayField
from analytics.proof import Verified, day_put_right, verification_ask, verified
from tracking.live_api import QuerySerializer, store_of
from tracking.upload_views import ask_manager


class DaysQuery(QuerySerializer):
    """Which business days, both included."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from` and `to`, which Python cannot name."""
        return {**super().get_fields(), "from": DayField(), "to": DayField()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse spans that run backwards or are too long."""
        days = (attrs["to"] - attrs["from"]).days + 1
        if not 1 <= days <= DAYS_AT_MOST:
            raise serializers.ValidationError(
                {"to": f"Ask for 1 to {DAYS_AT_MOST} days, from the first to the last; got {days}."}
            )
        return super().validate(attrs)


class DayQuery(QuerySerializer):
    """Which business day."""

    day = DayField()


class VerificationSerializer(serializers.Serializer[Verified]):
    """One business day: what was compared when, and what differs, in words."""

    business_day = serializers.DateField(source="row.business_day")
    verified_at = serializers.DateTimeField(source="row.verified_at", allow_null=True)
    changed_since = serializers.BooleanField()
    asked = serializers.SerializerMethodField()
    rows = serializers.IntegerField(source="row.rows")
    differing = serializers.IntegerField(source="row.differing")
    named = serializers.ListField(child=serializers.CharField(), source="row.named")
    hash_stored = serializers.CharField(source="row.hash_stored")
    hash_fresh = serializers.CharField(source="row.hash_fresh")
    took_ms = serializers.IntegerField(source="row.took_ms")

    def get_asked(self, day: Verified) -> bool:
        """Whether the day waits to be verified."""
        return day.row.asked_at is not None


class VerificationsSerializer(serializers.Serializer[Any]):
    """Days that hold anything, oldest first."""

    results = VerificationSerializer(many=True)


class AskedSerializer(serializers.Serializer[Any]):
    """How many days will be verified."""

    asked = serializers.IntegerField()


class VerificationsView(APIView):
    """Whether the stored numbers of business days are those that their facts make."""

    @extend_schema(
        operation_id="verifications",
        parameters=[DaysQuery],
        responses=VerificationsSerializer,
    )
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return how each day stands."""
        store, query = store_of(request, store_id), DaysQuery.read(request)
        return Response(told(store, query["from"], query["to"]))

    @extend_schema(
        operation_id="verifications_ask", request=DaysQuery, responses={202: AskedSerializer}
    )
    def post(self, request: Request, store_id: uuid.UUID) -> Response:
        """Have days verified soon; managers only."""
        store = store_of(request, store_id)
        ask_manager(request, store)
        said = DaysQuery(data=request.data)
        said.is_valid(raise_exception=True)
        first, last = said.validated_data["from"], said.validated_data["to"]
        days = [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
        verification_ask(store=store, days=days)
        tasks.ring()
        return Response({"asked": len(days)}, status=status.HTTP_202_ACCEPTED)


class PutRightView(APIView):
    """A day's numbers, written anew from its facts."""

    @extend_schema(request=DayQuery, responses=VerificationSerializer)
    def post(self, request: Request, store_id: uuid.UUID) -> Response:
        """Write the day anew, verify it and return how it stands; managers only, audited."""
        store = store_of(request, store_id)
        user = ask_manager(request, store)
        said = DayQuery(data=request.data)
        said.is_valid(raise_exception=True)
        row = day_put_right(store=store, day=said.validated_data["day"], user=user)
        return Response(VerificationSerializer(Verified(row, changed_since=False)).data)


def told(store: Store, first: date, last: date) -> dict[str, Any]:
    """Return how the days of a span stand, as JSON."""
    return dict(VerificationsSerializer({"results": verified(store, first, last)}).data)
