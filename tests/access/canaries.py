"""Words and numbers that nobody would think of, in every row of one store."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db import models

from accounts.models import AuditEntry, Store, User
from accounts.scope import ScopedQuerySet
from accounts.services import audit_record
from tests.access.world import SECRET, Half

# What a field of text holds is read by the code itself: paths, names of zones of time, digests,
# keys of rows, names of detectors. A word in their place would break the store.
MEANT_FOR_CODE = {
    "accounts.Store.timezone", "accounts.User.password", "zones.Camera.still",
    "zones.Camera.detector", "tracking.Upload.folder", "tracking.Recording.folder",
    "analytics.PathSum.zones", "analytics.PathSum.digest", "analytics.PathClock.timezone",
}  # fmt: skip
# Numbers that no other store has, and that nothing counts on.
NUMBERS = {
    "tracking.Recording.size_bytes": 918_273_645_546,
    "tracking.TrackingEvent.track_number": 1_802_736_455,
    "analytics.Transaction.count": 1_700_770_077,
    "analytics.Verification.took_ms": 1_635_241_302,
    "tracking.Customer.visit_count": 1_475_869_233,
}
# JSON that is shown and that nothing is worked out from.
NOTES = {"tracking.Run.card", "tracking.Customer.consent", "analytics.Verification.named",
         "tracking.Recount.changes", "accounts.Store.special_days"}  # fmt: skip


def models_of_stores() -> Iterable[type[models.Model]]:
    """Return every model whose rows belong to a store."""
    for model in apps.get_models():
        if isinstance(model._default_manager.all(), ScopedQuerySet):
            yield model


def plant(half: Half) -> dict[str, str]:
    """Put a word or a number into every field that takes one; return each by its field."""
    planted = _people(half)
    for model in models_of_stores():
        rows = rows_of(model, half.store)
        if model is AuditEntry:
            continue
        for field in model._meta.fields:
            name = f"{model._meta.app_label}.{model.__name__}.{field.name}"
            if (value := _value(name, field, len(planted))) is None:
                continue
            for number, row in enumerate(rows.order_by("pk")):
                told = value if not isinstance(value, str) else _cut(value, number, field)
                rows.filter(pk=row.pk).update(**{field.name: told})
            planted[name] = json.dumps(value) if isinstance(value, dict | list) else str(value)
    word = _word(len(planted))
    audit_record(action=word, actor=half.manager, store=half.store, subject=word)
    planted["accounts.AuditEntry.subject"] = word
    planted |= {
        f"{model.__name__}.public_id {number}": str(row.public_id)
        for model in models_of_stores()
        for number, row in enumerate(rows_of(model, half.store))
        if hasattr(row, "public_id")
    }
    for kept in (half.store, half.manager, half.viewer, half.recording, half.upload):
        kept.refresh_from_db()
    return planted


def heard(planted: dict[str, str], text: bytes) -> set[str]:
    """Return which of them stand in a text."""
    lower = text.lower()
    return {name for name, word in planted.items() if _core(word).encode() in lower}


def rows_of(model: type[models.Model], store: Store) -> Any:
    manager: Any = model._default_manager
    path = "pk" if model is Store else manager.all().store_path
    return manager.filter(**{path: store.pk})


def _people(half: Half) -> dict[str, str]:
    planted = {}
    for person in (half.manager, half.viewer):
        for field in ("username", "first_name", "last_name"):
            planted[f"{person.username}.{field}"] = word = _word(900 + len(planted))
            User.objects.filter(pk=person.pk).update(**{field: word})
    return planted


def _word(number: int) -> str:
    return f"qz{number:03}xkvj"


def _core(word: str) -> str:
    is_json = word.startswith(("[", "{"))
    return (word.strip('[]{}"').split('"')[0] if is_json else word).lower()


def _value(name: str, field: models.Field[Any, Any], number: int) -> Any:
    if name in NUMBERS:
        return NUMBERS[name]
    word = _word(number)
    if name in NOTES:
        return [word] if name.endswith(("named", "changes")) else {word: word}
    text = isinstance(field, models.CharField | models.TextField) and not field.choices
    if not text or name in MEANT_FOR_CODE:
        return None
    return f"{word}{SECRET}" if name == "zones.Camera.source_sealed" else word


def _cut(word: str, number: int, field: models.Field[Any, Any]) -> str:
    """Return a word, told apart from that of the row before where there may be no two alike."""
    return f"{word}{number}"[: field.max_length or 200]
