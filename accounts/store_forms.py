"""A store's form for administrators: hours as people write them, never as JSON."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import get_default_renderer
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.models import Store
from accounts.opening_hours import WEEKDAY_NAMES, WEEKDAYS

if TYPE_CHECKING:
    _StoreModelForm: TypeAlias = forms.ModelForm[Store]
else:
    _StoreModelForm = forms.ModelForm

CLOSED = "closed"
WEEK_HELP = (
    "Write 09:00-18:00, several as 09:00-12:30, 14:00-18:00, past midnight as 20:00-02:00. A day "
    "left empty is closed; all seven left empty means always open."
)
SPECIAL_HELP = (
    "One a line: 2026-12-24 09:00-14:00 Christmas Eve, or 2026-12-25 closed. They replace that "
    "weekday's hours. Leave past ones here: they explain past numbers."
)
_SPAN = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*[-–]\s*(\d{1,2})(?::(\d{2}))?")
_SPANS = rf"{CLOSED}|{_SPAN.pattern}(?:\s*,\s*{_SPAN.pattern})*"
_SPECIAL = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})[\s:]+({_SPANS})(?:\s+(.*))?", re.IGNORECASE)


def parse_spans(text: str) -> list[list[str]]:
    """Return the spans that a person wrote; ``closed`` and nothing are none."""
    text = text.strip()
    if text.lower() in ("", CLOSED):
        return []
    found = []
    for part in text.split(","):
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            raise ValidationError(
                f"'{part.strip()[:40]}' is no span of hours. Write 09:00-18:00, several with "
                f"commas between, or '{CLOSED}'."
            )
        opens_h, opens_m, closes_h, closes_m = match.groups()
        found.append(
            [f"{int(opens_h):02}:{opens_m or '00'}", f"{int(closes_h):02}:{closes_m or '00'}"]
        )
    return found


def write_spans(spans: list[list[str]]) -> str:
    """Return stored spans as a person writes them."""
    return ", ".join(f"{opens}-{closes}" for opens, closes in spans) or CLOSED


class WeekWidget(forms.MultiWidget):
    """Seven rows, each with the name of its day."""

    def __init__(self) -> None:
        rows = [
            forms.TextInput(attrs={"placeholder": CLOSED, "size": 40, "aria-label": name})
            for name in WEEKDAY_NAMES
        ]
        super().__init__(widgets=rows)

    def decompress(self, value: Any) -> list[str]:
        """Return a row for each weekday of the stored week; all empty is always open."""
        if not isinstance(value, dict) or not value:
            return [""] * len(WEEKDAYS)
        return [write_spans(value.get(day, [])) for day in WEEKDAYS]

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the rows with their labels."""
        context = self.get_context(name, value, attrs)
        renderer = renderer or get_default_renderer()
        inputs = [
            # Django's own template for a text field escapes what is typed in.
            mark_safe(renderer.render(one["template_name"], {"widget": one}))  # nosec B308 B703
            for one in context["widget"]["subwidgets"]
        ]
        rows = zip(WEEKDAY_NAMES, inputs, strict=True)
        told = format_html_join("", '<li><span aria-hidden="true">{}</span>{}</li>', rows)
        return format_html('<ul class="week-hours">{}</ul>', told)


class WeekField(forms.MultiValueField):
    """A week's opening hours in seven rows."""

    widget = WeekWidget

    def __init__(self, **kwargs: Any) -> None:
        rows = [forms.CharField(required=False, max_length=200) for _ in WEEKDAYS]
        super().__init__(fields=rows, required=False, require_all_fields=False, **kwargs)

    def compress(self, data_list: Any) -> dict[str, list[list[str]]]:
        """Return the week as stored."""
        week, problems = {}, []
        written = [text.strip() for text in data_list or []]
        for day, name, text in zip(WEEKDAYS, WEEKDAY_NAMES, written, strict=False):
            try:
                week[day] = parse_spans(text)
            except ValidationError as problem:
                problems.append(f"{name}: {problem.message}")
        if problems:
            raise ValidationError(problems)
        return week if any(written) else {}


class SpecialDaysField(forms.CharField):
    """Special days, one a line."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        shape = forms.Textarea(attrs={"rows": 6, "cols": 60})
        super().__init__(required=False, max_length=20_000, widget=shape, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Return stored special days as lines, in the order of their dates."""
        if not isinstance(value, dict):
            return value
        rows = [(day, value[day]) for day in sorted(value)]
        lines = [f"{day} {write_spans(one['spans'])} {one.get('name', '')}" for day, one in rows]
        return "\n".join(line.rstrip() for line in lines)

    def clean(self, value: Any) -> Any:
        """Return the special days as stored."""
        return self._read(super().clean(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the lines say something else than what is stored."""
        try:
            return (initial or {}) != self._read(data or "")
        except ValidationError:
            return True

    def _read(self, text: str) -> dict[str, dict[str, Any]]:
        days: dict[str, dict[str, Any]] = {}
        problems = []
        for line in filter(None, map(str.strip, text.splitlines())):
            match = _SPECIAL.fullmatch(line)
            if match is None or not _is_real(match[1]):
                problems.append(
                    f"'{line[:60]}' is no special day. Write 2026-12-24 09:00-14:00 Christmas Eve, "
                    f"or 2026-12-25 {CLOSED}."
                )
            elif match[1] in days:
                problems.append(f"{match[1]} stands here twice. Leave one of the lines out.")
            else:
                name = (match.groups()[-1] or "").strip()
                days[match[1]] = {"spans": parse_spans(match[2]), "name": name}
        if problems:
            raise ValidationError(problems)
        return days


def _is_real(day: str) -> bool:
    try:
        return bool(date.fromisoformat(day))
    except ValueError:
        return False


class StoreForm(_StoreModelForm):
    """A store as an administrator sees it."""

    opening_hours = WeekField(label="Weekly opening hours", help_text=WEEK_HELP)
    special_days = SpecialDaysField(label="Special days", help_text=SPECIAL_HELP)
    confirm_history = forms.BooleanField(
        required=False,
        label="Tell the past in the new time zone",
        help_text="Needed when the time zone changes: every past hour and day of this store is "
        "then told by the new clock, and past days may get other totals.",
    )

    class Meta:
        model = Store
        fields = (
            "name", "slug", "timezone", "confirm_history", "business_day_start", "opening_hours",
            "special_days", "is_demo",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        moves = self.is_bound and "timezone" in self.changed_data
        if not moves or self.instance._state.adding:
            # Nobody is asked about what nobody does.
            self.fields["confirm_history"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        """Ask before a past is told by another clock."""
        cleaned = super().clean() or self.cleaned_data
        wanted = cleaned.get("timezone")
        held = self.initial.get("timezone")
        moves = not self.instance._state.adding and bool(wanted) and wanted != held
        if moves and not cleaned.get("confirm_history"):
            self.add_error(
                "confirm_history",
                f"Every past hour and day of this store will be told by the clock of {wanted} in "
                f"place of {held}: days may get other totals. Tick the box to go on, or set the "
                "time zone back.",
            )
        return cleaned
