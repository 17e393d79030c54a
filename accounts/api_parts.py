"""What writing addresses of every room share: who may write, and which fields are known."""

from __future__ import annotations

import math
import re
from typing import Any

from rest_framework import exceptions, serializers
from rest_framework.request import Request

from accounts.models import Store, User
from accounts.selectors import may_manage


def ask_manager(request: Request, store: Store) -> User:
    """Return who asks, provided that person manages the store."""
    user = request.user
    if not isinstance(user, User) or not may_manage(user=user, store=store):
        raise exceptions.PermissionDenied("Only managers of the store may do this.")
    # An answer that is kept for a key is told again to the store's managers alone.
    request.managed_store = store  # type: ignore[attr-defined]
    return user


UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# What a field takes as JSON, and in words; a lenient reader would take "1" for a number.
FORMS: tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], tuple[type, ...], str], ...] = (
    (serializers.BooleanField, (bool,), "Write true or false."),
    (serializers.IntegerField, (int,), "Write a whole number, without quotes."),
    (serializers.FloatField, (int, float), "Write a number, without quotes."),
    (serializers.DecimalField, (int, float, str), "Write a number."),
    (serializers.CharField, (str,), "Write a text, in quotes."),
    (serializers.ChoiceField, (str,), "Write one of the known words, in quotes."),
    (serializers.UUIDField, (str,), "Write an id as it was given."),
    (serializers.DateField, (str,), "Write a day as YYYY-MM-DD."),
    (serializers.ListField, (list,), "Write a list."),
)
TEXTS = ((serializers.UUIDField, UUID_TEXT), (serializers.DateField, DAY))


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know, and what is of another kind than a field is."""

    def to_internal_value(self, data: Any) -> Any:
        """Check for unknown fields first: a typing error must not be taken for a default."""
        if isinstance(data, dict):
            if unknown := sorted(set(data) - set(self.fields)):
                known = ", ".join(sorted(self.fields))
                message = f"There is no such field here. Known are: {known}."
                raise serializers.ValidationError({str(name)[:60]: message for name in unknown})
            told = ((name, wrong_kind(self.fields[name], value)) for name, value in data.items())
            if wrong := {name: [words] for name, words in told if words}:
                raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)


def wrong_kind(field: Any, value: Any) -> str:
    """Return what is wrong with the kind of a value, in words; empty for nothing."""
    if value is None:
        return ""  # whether there may be nothing is the field's to say
    for kind, types, words in FORMS:
        if isinstance(field, kind):
            if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
                return words
            if isinstance(value, float) and not math.isfinite(value):
                return "Numbers must be finite."
            break
    if isinstance(value, str):
        wrong = (words for kind, _, words in FORMS for one, form in TEXTS if one is kind
                 if isinstance(field, kind) and not form.fullmatch(value))  # fmt: skip
        return next(wrong, "")
    if isinstance(value, list) and isinstance(field, serializers.ListField):
        return next(filter(None, (wrong_kind(field.child, one) for one in value)), "")
    return ""
