"""What the numbers say, as sentences."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.doors import DoorView
from analytics.insight_facts import facts_of
from analytics.insights import insights
from analytics.kpi_api import SpanQuery, period_of
from analytics.wording import worded


class NumberSerializer(serializers.Serializer[Any]):
    """A number that a sentence cites."""

    name = serializers.CharField()
    value = serializers.JSONField()
    unit = serializers.CharField()


class InsightSerializer(serializers.Serializer[Any]):
    """A sentence, the rule that made it, and its numbers."""

    rule = serializers.CharField()
    text = serializers.CharField()
    numbers = NumberSerializer(many=True)


class MissingSerializer(serializers.Serializer[Any]):
    """A rule that has nothing to go by, and what it would take."""

    rule = serializers.CharField()
    text = serializers.CharField()


class InsightsSerializer(serializers.Serializer[Any]):
    """Sentences of some business days, warnings first."""

    to = serializers.DateField()
    sentences = InsightSerializer(many=True)
    missing = MissingSerializer(many=True)
    # Who put the sentences into other words; null: they are the rules' own.
    worded_by = serializers.CharField(allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which Python cannot name."""
        return {"from": serializers.DateField(), **super().get_fields()}


class InsightsView(DoorView):
    """What the numbers of some days say, by rules; each sentence cites its numbers."""

    asks: ClassVar = {"GET": SpanQuery}

    @extend_schema(responses=InsightsSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return the sentences, or what they lack."""
        period, _ = period_of(request, store_id)
        found = insights(facts_of(period))
        sentences, service = worded(period, found.sentences)
        answer = {
            "from": period.first,
            "to": period.last,
            "sentences": sentences,
            "missing": found.missing,
            "worded_by": service,
        }
        return Response(InsightsSerializer(answer).data)
