"""Clients: anonymous people by a random code, their visits, and what managers note of them."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet, TextField
from django.db.models.functions import Cast

from accounts.models import Store, User
from accounts.services import audit_look, audit_record
from tracking.evidence import Place, Span
from tracking.models import OPEN_RECORDINGS, Customer, Recording, Run, Visit
from zones.models import Camera, Zone

ROWS = 25
NOTE_AT_MOST = 500
CODE_LETTERS = 8
_HEX = re.compile(r"[0-9a-f]{1,32}")
# So many people's codes may begin alike before a search has to be told more of them.
MOST_FOUND = 200


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which visits: those that count, of one store.

    Attributes
    ----------
    span : (datetime, datetime) or None
        When they began.
    staff : bool
        With people who work here, whom no number counts.
    ended : str
        `seen`: from start to end; `unseen`: their end was not seen, or counting stopped before
        it; empty: both, and those that go on.
    length_s : (int, int) or None
        At least and less than so long; of visits seen from start to end alone.
    zone : Zone or None
        With a stay in it.
    code : str
        The beginning of a client's or a visit's code; then no other choice but `customer` and
        `run` counts.
    customer : Customer or None
        Of one client.
    run : Run or None
        Of one count of a recording.
    camera : Camera or None
        Seen by it.
    """

    store: Store
    span: Span | None = None
    staff: bool = False
    ended: str = ""
    length_s: tuple[int, int] | None = None
    zone: Zone | None = None
    code: str = ""
    customer: Customer | None = None
    run: Run | None = None
    camera: Camera | None = None


def code_of(public_id: uuid.UUID) -> str:
    """Return the code that a client or a visit is called by."""
    return public_id.hex[:CODE_LETTERS].upper()


def code_asked(text: str) -> str:
    """Return what was typed as the beginning of a code, empty where it can be none."""
    said = re.sub(r"[\s#-]", "", text.lower())
    return said if _HEX.fullmatch(said) else ""


def clients_page(
    chosen: Chosen, after: Place | None = None, rows: int = ROWS
) -> tuple[list[Visit], Place | None]:
    """Return a page of visits with their clients, newest first, and where the next one goes on."""
    visits = visits_chosen(chosen)
    if after is not None:
        at, pk = after
        visits = visits.filter(Q(entered_at__lt=at) | Q(entered_at=at, pk__lt=pk))
    found = list(_with_names(visits).order_by("-entered_at", "-pk")[: rows + 1])
    if len(found) <= rows:
        return found, None
    return found[:rows], (found[rows - 1].entered_at, found[rows - 1].pk)


def clients_up_to(chosen: Chosen, most: int) -> int:
    """Return how many visits are chosen, `most` + 1 where there are more; reads no more rows."""
    return visits_chosen(chosen).order_by()[: most + 1].count()


def visits_chosen(chosen: Chosen) -> QuerySet[Visit]:
    """Return the visits that are chosen, in no order."""
    visits = Visit.objects.filter(run__active=True)
    if chosen.customer is not None:  # of one store by itself, and few: found by the client alone
        visits = visits.filter(customer=chosen.customer)
    else:
        visits = visits.filter(store=chosen.store)
    if chosen.run is not None:
        visits = visits.filter(run=chosen.run)
    if chosen.code:
        return visits.filter(_named(chosen.store, chosen.code))
    if chosen.span is not None:
        visits = visits.filter(entered_at__gte=chosen.span[0], entered_at__lt=chosen.span[1])
    if not chosen.staff:
        visits = visits.filter(staff=False)
    if chosen.ended == "seen":
        visits = visits.filter(inferred=False, duration_ms__isnull=False)
    elif chosen.ended == "unseen":
        over = Q(exited_at__isnull=False) | ~Q(run__recording__state__in=OPEN_RECORDINGS)
        visits = visits.filter(over, Q(inferred=True) | Q(duration_ms=None))
    if chosen.length_s is not None:
        least, less = (1000 * seconds for seconds in chosen.length_s)
        visits = visits.filter(inferred=False, duration_ms__gte=least, duration_ms__lt=less)
    return _where(visits, chosen)


def _where(visits: QuerySet[Visit], chosen: Chosen) -> QuerySet[Visit]:
    """Return those of the visits that the chosen camera saw, with a stay in the chosen zone."""
    if chosen.camera is not None:
        visits = visits.filter(run__recording__camera=chosen.camera)
    if chosen.zone is not None:
        visits = visits.annotate(path_text=Cast("path", TextField()))
        visits = visits.filter(path_text__contains=str(chosen.zone.public_id))
    return visits


def without_end(store: Store, span: Span) -> tuple[int, int]:
    """Return how many visits of a span go on, and of how many counting stopped before the end.

    A recording that is cancelled or set aside leaves its run without an end.
    """
    not_done = Q(finished_at=None) | ~Q(recording__state=Recording.State.DONE)
    runs = Run.objects.filter(not_done, store=store, active=True)
    visits = Visit.objects.filter(
        run__in=runs, exited_at=None, staff=False, entered_at__gte=span[0], entered_at__lt=span[1]
    )
    rows = visits.order_by().values_list("run__recording__state").annotate(number=Count("pk"))
    found: Counter[bool] = Counter()
    for state, number in rows:
        found[state in OPEN_RECORDINGS] += number
    return found[True], found[False]


def goes_on(visit: Visit) -> bool:
    """Return whether the end of a visit may still be seen."""
    return visit.exited_at is None and visit.run.recording.state in OPEN_RECORDINGS


def client_of(store: Store, public_id: uuid.UUID) -> Customer | None:
    """Return a client of a store who is not hidden, as those of counts that count no more are."""
    return Customer.objects.filter(store=store, hidden=False, public_id=public_id).first()


def visit_of(store: Store, public_id: uuid.UUID) -> Visit | None:
    """Return a visit of a store with all that its page names."""
    visits = Visit.objects.filter(store=store, public_id=public_id)
    return (
        visits.select_related("customer", "run__store", "run__recording__camera")
        .defer("run__tracker_state")
        .first()
    )


def visits_before(visit: Visit) -> int:
    """Return how many visits of the same client began earlier."""
    if visit.customer_id is None:
        return 0
    earlier = Visit.objects.filter(
        customer=visit.customer_id, run__active=True, entered_at__lt=visit.entered_at
    )
    return earlier.count()


def client_seen(customer: Customer, store: Store, user: User) -> None:
    """Write down who looked at a client, or at one of their visits."""
    code = code_of(customer.public_id)
    audit_look(action="client.seen", actor=user, store=store, subject=code)


def visit_seen(visit: Visit, store: Store, user: User) -> None:
    """Write down who looked at a visit: at its client, where it has one."""
    if visit.customer is not None:
        client_seen(visit.customer, store, user)
    else:
        code = code_of(visit.public_id)
        audit_look(action="visit.seen", actor=user, store=store, subject=code)


@transaction.atomic
def client_note(*, customer: Customer, notes: str, user: User) -> Customer:
    """Write down what a manager notes of a client; the log says that it was, never what.

    Raises
    ------
    ValidationError
        For more than a short note, which would be a file on a person.
    """
    said = notes.strip()
    if len(said) > NOTE_AT_MOST:
        raise ValidationError(
            {"notes": f"A note has {NOTE_AT_MOST} letters at most; this one has {len(said)}."}
        )
    if said != customer.notes:
        customer.notes = said
        customer.save(update_fields=["notes"])
        code = code_of(customer.public_id)
        audit_record(action="client.noted", actor=user, store=customer.store, subject=code)
    return customer


def _named(store: Store, code: str) -> Q:
    """Return which visits, or whose, have a code that begins so: a range, which an index finds."""
    first = uuid.UUID(code.ljust(32, "0"))
    last = uuid.UUID(code.ljust(32, "f"))
    people = Customer.objects.filter(store=store, public_id__range=(first, last))[:MOST_FOUND]
    counted = Visit.objects.filter(run__active=True)
    theirs = counted.filter(customer__in=list(people.values_list("pk", flat=True)))
    own = counted.filter(store=store, public_id__range=(first, last))
    found = {pk for some in (theirs, own) for pk in some.values_list("pk", flat=True)[:MOST_FOUND]}
    return Q(pk__in=found)


def _with_names(visits: QuerySet[Visit]) -> QuerySet[Visit]:
    return visits.select_related("customer", "run__recording").only(
        "public_id", "entered_at", "exited_at", "duration_ms", "path", "inferred", "staff",
        "erased_at", "customer__public_id", "customer__visit_count", "customer__notes",
        "run__recording__is_demo", "run__recording__source", "run__recording__state",
    )  # fmt: skip
