"""What stands in the audit log of who belongs where, and of who looked at somebody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone as clock

from accounts.models import AuditEntry, Membership
from accounts.services import LOOKS_ARE_ONE, audit_look, membership_remove, membership_set

pytestmark = pytest.mark.db
MANAGER, VIEWER = Membership.Role.MANAGER, Membership.Role.VIEWER


def lines() -> list[tuple[str, str, str, str]]:
    return [
        (entry.action, entry.actor_name, entry.subject, str(entry.store))
        for entry in AuditEntry.objects.order_by("pk")
    ]


def test_whoever_gets_changes_or_loses_a_place_in_a_store_stands_in_the_log(cast):
    who = {"user": cast.charlie, "store": cast.store, "actor": cast.alice}
    membership_set(**who, role=VIEWER)
    membership_set(**who, role=VIEWER)
    membership_set(**who, role=MANAGER)
    assert membership_remove(**who)
    assert not membership_remove(**who)
    assert lines() == [
        ("membership.added", "alice", "membership charlie in Corner shop (viewer)", "Corner shop"),
        (
            "membership.changed",
            "alice",
            "membership charlie in Corner shop (manager)",
            "Corner shop",
        ),
        (
            "membership.deleted",
            "alice",
            "membership charlie in Corner shop (manager)",
            "Corner shop",
        ),
    ]
    changes = [entry.detail for entry in AuditEntry.objects.order_by("pk")]
    assert changes == [
        {"from": "", "to": "viewer"},
        {"from": "viewer", "to": "manager"},
        {"from": "manager", "to": ""},
    ]


def test_what_is_refused_leaves_no_line_and_no_place(cast):
    with pytest.raises(Exception, match="not a valid choice"):
        membership_set(user=cast.charlie, store=cast.store, role="owner", actor=cast.alice)
    assert lines() == []
    assert not Membership.objects.filter(user=cast.charlie, store=cast.store).exists()


def test_a_look_is_written_down_once_a_day_for_each_person_and_each_looker(cast, monkeypatch):
    look = {"action": "client.seen", "store": cast.store}
    assert audit_look(**look, actor=cast.alice, subject="7f3a")
    assert not audit_look(**look, actor=cast.alice, subject="7f3a")
    assert audit_look(**look, actor=cast.alice, subject="9b21")
    assert audit_look(**look, actor=cast.bob, subject="7f3a")
    later = clock.now() + LOOKS_ARE_ONE - timedelta(minutes=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert not audit_look(**look, actor=cast.alice, subject="7f3a")
    monkeypatch.setattr("django.utils.timezone.now", lambda: later + timedelta(minutes=2))
    assert audit_look(**look, actor=cast.alice, subject="7f3a")
    assert len(lines()) == 4
