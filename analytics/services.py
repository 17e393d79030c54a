"""Writes of the `analytics` room that a person asks for."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Store, User
from accounts.services import audit_record
from analytics.models import BOUNCE_S, DWELL_EDGES_S, KpiSettings


def bounce_seconds(store: Store) -> int:
    """Return up to how long a visit counts as a quick look in a store."""
    said = KpiSettings.objects.filter(store=store).values_list("bounce_s", flat=True).first()
    return BOUNCE_S if said is None else said


@transaction.atomic
def bounce_set(*, store: Store, seconds: int, user: User) -> KpiSettings:
    """Set up to how long a visit counts as a quick look.

    Raises
    ------
    ValidationError
        For a threshold that buckets cannot tell.
    """
    if seconds not in DWELL_EDGES_S:
        told = ", ".join(map(str, DWELL_EDGES_S))
        raise ValidationError({"bounce_s": f"Choose one of {told} seconds; got {seconds}."})
    settings, _ = KpiSettings.objects.update_or_create(store=store, defaults={"bounce_s": seconds})
    audit_record(action="kpis.set", actor=user, store=store, detail={"bounce_s": seconds})
    return settings
