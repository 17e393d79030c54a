"""How numbers, times and icons are written on a page; `static/js/lib/format.js` is the twin."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tracking.meanings import COMPARED, MEANINGS, Meaning
from tracking.problems import in_bytes

register = template.Library()

NONE = "—"  # "No data" is a dash, never a zero.
# What a template hands on where there is nothing: null, or a name that leads nowhere.
MISSING = (None, "")
# Of a page's address what means the same in another shop: when, and what of it. Which zone, camera
# or recording, and where a list goes on, is of one shop.
SAME_EVERYWHERE = (
    "day", "from", "to", "at", "until", "compare", "order", "of", "ended", "length", "staff",
    "show", "heat", "without",
)  # fmt: skip


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """Return one icon of the sprite; `size` is an extra class such as ``icon-sm``."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        size,
        static("vendor/icons.svg"),
        name,
    )


@register.inclusion_tag("parts/meanings.html")
def meanings(*names: str, than: str = "") -> dict[str, Any]:
    """Return the button that says what the numbers of a card mean, what they stand beside too."""
    told = [MEANINGS[name] for name in names]
    if than not in MISSING:
        told.append(Meaning(than[:1].upper() + than[1:], COMPARED))
    return {"meanings": told}


@register.simple_tag
def icon_sheet() -> str:
    """Return the address of the sprite, for the icons that scripts add."""
    return static("vendor/icons.svg")


@register.simple_tag
def optional_static(path: str) -> str:
    """Return the address of a file that set-up may not have made, empty where it is missing."""
    try:
        address = static(path)
    except ValueError:  # hashed names know every file there is
        return ""
    return address if settings.HASHED_STATIC or finders.find(path) else ""


def instant(value: str | datetime) -> datetime:
    """Return an API instant (ISO 8601) or a datetime as an aware datetime."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def round_half_up(value: float) -> int:
    """Return the nearest whole number, halves upwards, as JavaScript's ``Math.round`` does."""
    return math.floor(value + 0.5)


@register.filter
def local(value: str | datetime | None, zone: str) -> datetime | None:
    """Return what the store's own clock shows, for Django's ``date`` filter.

    Without its zone: Django would write one that has it by the clock of the installation, which is
    on another day for some hours of every night.
    """
    return instant(value).astimezone(ZoneInfo(zone)).replace(tzinfo=None) if value else None


@register.filter
def clock(value: str | datetime | None, zone: str) -> str:
    """Return 14:05 on the store's clock."""
    return f"{instant(value).astimezone(ZoneInfo(zone)):%H:%M}" if value else NONE


@register.filter
def clock_s(value: str | datetime | None, zone: str) -> str:
    """Return 14:05:09 on the store's clock."""
    return f"{instant(value).astimezone(ZoneInfo(zone)):%H:%M:%S}" if value else NONE


@register.filter
def day(value: str | datetime | None, zone: str) -> str:
    """Return Sat 21 Nov on the store's clock."""
    if not value:
        return NONE
    at = instant(value).astimezone(ZoneInfo(zone))
    return f"{at:%a} {at.day} {at:%b}"


@register.filter
def count(value: Any) -> str:
    """Return 2,973; a dash where nothing was measured."""
    return NONE if value in MISSING else f"{value:,.0f}"


@register.filter
def count_short(value: Any) -> str:
    """Return 9,999, and 12k from ten thousand on: for places as narrow as a cell."""
    if value in MISSING or abs(value) < 10_000:
        return count(value)
    return f"{round_half_up(value / 1000):,}k"


@register.filter
def percent(value: Any) -> str:
    """Return 96 % for 0.96; never 100 % for less than all, nor 0 % for more than nothing."""
    if value in MISSING:
        return NONE
    if 0 < value < 0.005:
        return "under 1 %"
    return f"{min(round_half_up(value * 100), 99) if value < 1 else 100} %"


@register.filter
def part_of(share: float, whole: float) -> str:
    """Return a share of a length as SVG takes it: a dot, whatever people's own decimal sign."""
    return f"{min(1.0, max(0.0, share)) * whole:.2f}"


@register.filter
def duration(value: Any) -> str:
    """Return seconds as 1:46, or 1:02:46 from an hour on."""
    if value in MISSING:
        return NONE
    hours, rest = divmod(round_half_up(value), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@register.filter
def media_time(value: Any) -> str:
    """Return milliseconds of media time as 1:46."""
    return duration(None if value in MISSING else value / 1000)


@register.filter
def duration_words(value: Any) -> str:
    """Return seconds as 9 min 40 s, 38 s or 2 h 5 min."""
    if value in MISSING:
        return NONE
    total = round_half_up(value)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        minutes, seconds = divmod(total, 60)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(round_half_up(total / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


@register.filter
def about(value: Any) -> str:
    """Return a remaining time as people say it: about 6 min, a few seconds."""
    if value in MISSING:
        return ""
    if value < 10:
        return "a few seconds"
    if value < 55:
        return f"about {round_half_up(value / 10) * 10} s"
    if value < 5400:
        return f"about {max(round_half_up(value / 60), 1)} min"
    return f"about {round_half_up(value / 3600)} h"


@register.filter
def size(value: Any) -> str:
    """Return bytes as 340 MB or 1.9 GB."""
    if value in MISSING:
        return NONE
    return in_bytes(value)


@register.filter
def finder(value: Any) -> str:
    """Return what found the people, of a detector's title with its explanation."""
    return f"found by {short(value)}" if short(value) else ""


@register.filter
def short(value: Any) -> str:
    """Return a detector's title without its explanation."""
    return "" if value in MISSING else str(value).partition(":")[0]


@register.filter
def people(value: int) -> str:
    """Return 1 person, 23 people, Nobody."""
    if value == 0:
        return "Nobody"
    return "1 person" if value == 1 else f"{value:,} people"


@register.filter
def initials(value: str) -> str:
    """Return the first letters of a name's first and last word."""
    words = value.split() or ["?"]
    return words[0][0] + (words[-1][0] if len(words) > 1 else words[0][1:2])


@register.simple_tag(takes_context=True)
def same_everywhere(context: Context) -> str:
    """Return those of the page's own filters as ``?…`` that mean the same in another shop."""
    asked = context["request"].GET
    kept = {name: asked[name] for name in SAME_EVERYWHERE if asked.get(name)}
    return f"?{urlencode(kept)}" if kept else ""


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """Return the page's own filters as ``?…`` with some changed; an empty value drops one."""
    asked = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            asked.pop(name, None)
        else:
            asked[name] = str(value)
    return f"?{asked.urlencode()}"
