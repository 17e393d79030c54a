"""Names of time zones."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def validate_timezone(name: str) -> None:
    """Refuse a name that the IANA database does not hold, with the way out."""
    if name not in _known():
        raise ValidationError(
            f"'{name}' is no known time zone. Use an IANA name such as Europe/London."
        )
