"""What higher rooms may want to know of this one."""

from __future__ import annotations

from django.dispatch import Signal

# A store's time zone, business-day start, opening hours or special days were changed; sent inside
# the transaction that changes them, with `store`, `changed` (name to old and new value), `actor`.
calendar_changed = Signal()
