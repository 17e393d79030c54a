"""The page on which managers tell what no camera sees: its forms and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict

from accounts.models import Store, User
from analytics.kpi_catalogue import length_words
from analytics.models import BOUNCE_S, DWELL_EDGES_S, KpiSettings
from analytics.sales import read_at, read_whole, sales_upload
from analytics.services import bounce_set
from tracking.corrections import occupancy_tell

FILE_BYTES_AT_MOST = 2 * 1024 * 1024
PROBLEMS_TOLD = 20


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a form: a sentence, whether it is bad, and a line for each problem."""

    form: str
    sentence: str
    bad: bool = False
    problems: list[str] = field(default_factory=list)


def tell(request: HttpRequest, store: Store, user: User, now: datetime) -> Told:
    """Do what the posted form asks; what is wrong comes back in words."""
    form = request.POST.get("form", "")
    do = FORMS.get(form)
    if do is None:
        return Told("", "This form is not known. Load the page again.", bad=True)
    try:
        return do(request, store, user, now)
    except ValidationError as wrong:
        return Told(form, " ".join(wrong.messages), bad=True)


def _occupancy(request: HttpRequest, store: Store, user: User, now: datetime) -> Told:
    kind, said = request.POST.get("kind", ""), request.POST.get("at", "").strip()
    at = read_at(said, store.timezone) if said else now
    value = whole_number(request.POST, "value")
    event = occupancy_tell(store=store, kind=kind, at=at, value=value, user=user, now=now)
    resets = event.kind == event.Kind.OCCUPANCY_RESET
    text = f"{value} inside" if resets else f"{value:+} people".replace("-", "\u2212")
    return Told("inside", f"Noted: {text}. What was counted stays as it is.")


def _sales(request: HttpRequest, store: Store, user: User, now: datetime) -> Told:  # noqa: ARG001
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise ValidationError("Choose a file first.")
    if (file.size or 0) > FILE_BYTES_AT_MOST:
        raise ValidationError("The file is larger than 2 MB. Send it in parts.")
    try:
        text = file.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValidationError("The file is no UTF-8 text. Save it as CSV UTF-8.") from error
    report = sales_upload(store=store, text=text, user=user)
    parts = (
        (report.taken, "taken"),
        (report.changed, "replaced"),
        (report.known, "known already"),
        (report.taken_back, "taken back"),
        (report.left_out, "returns or voids left out"),
        (len(report.problems), "not understood"),
    )
    told = ", ".join(f"{count:,} {word}" for count, word in parts if count) or "no line in it"
    problems = report.problems[:PROBLEMS_TOLD]
    if len(report.problems) > PROBLEMS_TOLD:
        problems.append(f"And {len(report.problems) - PROBLEMS_TOLD:,} more.")
    return Told("sales", f"Lines: {told}.", bad=bool(problems), problems=problems)


def _bounce(request: HttpRequest, store: Store, user: User, now: datetime) -> Told:  # noqa: ARG001
    seconds = whole_number(request.POST, "bounce_s")
    bounce_set(store=store, seconds=seconds, user=user)
    return Told("visits", f"A visit of up to {length_words(seconds)} is a quick look now.")


FORMS: dict[str, Callable[[HttpRequest, Store, User, datetime], Told]] = {
    "inside": _occupancy,
    "sales": _sales,
    "visits": _bounce,
}


def whole_number(form: QueryDict, name: str) -> int:
    """Return a form's whole number.

    Raises
    ------
    ValidationError
        For anything else.
    """
    said = form.get(name, "").strip()
    number = read_whole(said)
    if number is None:
        raise ValidationError(f"'{said[:40]}' is no whole number.")
    return number


def thresholds(store: Store) -> list[tuple[int, str, bool]]:
    """Return what a quick look may be, in seconds and words, with the one that holds marked."""
    settings = KpiSettings.objects.filter(store=store).first()
    held = settings.bounce_s if settings else BOUNCE_S
    return [(edge, length_words(edge), edge == held) for edge in DWELL_EDGES_S]
