"""The API keeps to its own document, asked by a manager and by a viewer of store A."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.doors import DoorView
from accounts.models import Scope
from oskartrack import token_scopes
from oskartrack.access import Door, Who
from tests.access import contract
from tests.chaos import FULL, SEED

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(3600)]
# Requests by lot for each operation, and which share of all requests is made.
EXAMPLES, SHARE = (100, 1.0) if FULL else (4, 0.35)
OPERATIONS = 75


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    # Refusals are what thousands of these requests are for.
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)


@pytest.mark.parametrize("role", ["manager", "viewer"])
def test_every_answer_to_every_operation_is_as_the_document_says(world, role):
    seed = SEED if FULL else 7
    found = contract.run(
        getattr(world.a, role), world.a.names, seed=seed, examples=EXAMPLES, share=SHARE
    )
    sys.stderr.write(f"{role}, SEED={seed}: {found.told}\n")
    told = "\n".join(f"{label}: {what}\n{why}" for (label, what), why in found.wrong.items())
    assert not found.wrong, f"SEED={seed}\n{told}"
    assert not [status for status in found.statuses if status >= 500]
    assert len(found.asked) >= OPERATIONS
    assert found.statuses[200] > len(found.asked), "most operations have been answered"


def test_a_day_that_is_wrong_on_purpose_is_asked_as_it_is():
    """Led to a real one it would be taken, and be told as a fault of the API."""
    always: Any = SimpleNamespace(random=lambda: 0.0)
    for wrong in ("2024-13-01", "2024-02-30", "soon", 7):
        part = {"from": wrong, "to": "2024-03-01"}
        contract._lead_part(part, {}, always)
        assert part == {"from": wrong, "to": "2024-03-01"}
    right = {"from": "2024-02-29", "to": "2024-03-01"}
    contract._lead_part(right, {}, always)
    assert right == {"from": "2026-06-02", "to": "2026-07-01"}


def planted_view(answer, status=200):
    class PlantedNumber(serializers.Serializer):
        number = serializers.IntegerField()

    class Planted(DoorView):
        @extend_schema(operation_id="planted", responses=PlantedNumber)
        def get(self, request):
            if isinstance(answer, Exception):
                raise answer
            return Response(answer, status=status)

    return Planted


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        ({"number": "seven"}, 200, "Response violates schema"),
        ({}, 200, "Response violates schema"),
        ({"number": 7}, 202, "Undocumented status code"),
        (RuntimeError("a fault"), 500, "Server error"),
    ],
)
def test_an_answer_that_breaks_the_document_is_found(world, monkeypatch, answer, status, kind):
    from accounts import api_urls

    planted = path("planted/", planted_view(answer, status).as_view())
    monkeypatch.setattr(api_urls, "urlpatterns", [planted, *api_urls.urlpatterns])
    known = (*token_scopes.DOORS, Door("api/v1/planted/", "GET", Who.PERSON, Scope.READ))
    monkeypatch.setattr(token_scopes, "DOORS", known)
    _forget_addresses()
    try:
        found = contract.run(world.a.manager, world.a.names, seed=7, examples=1, only="/planted/")
    finally:
        monkeypatch.undo()
        _forget_addresses()
    assert kind in {what for _, what in found.wrong}


def _forget_addresses():
    from importlib import reload

    from django.urls import clear_url_caches

    import oskartrack.urls

    reload(oskartrack.urls)
    clear_url_caches()
    token_scopes._table.cache_clear()
