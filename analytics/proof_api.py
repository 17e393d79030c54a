"""Whether business days' numbers equal their facts: read, ask for, put right."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import ask_manager
from accounts.doors import DoorView, QuerySerializer
from accounts.models import Store
from analytics import tasks
from analytics.api import DayField, DaysQuery
from analytics.proof import Verified, day_put_right, verification_ask, verified
from tracking.live_api import store_of


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


class VerificationsView(DoorView):
    """Whether the stored numbers of business days are those that their facts make."""

    asks: ClassVar = {"GET": DaysQuery}

    @extend_schema(
        operation_id="verifications",
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
        transaction.on_commit(tasks.ring)
        return Response({"asked": len(days)}, status=status.HTTP_202_ACCEPTED)


class PutRightView(DoorView):
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
