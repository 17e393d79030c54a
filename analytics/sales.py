"""Sales told by a till or a file: taken once for each key, taken back by returns and voids."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Store, User
from accounts.services import audit_record
from analytics.calendar import floor_bucket
from analytics.models import Transaction

ROWS_AT_MOST = 1000
FILE_ROWS_AT_MOST = 20_000
COUNT_AT_MOST = 100_000
AMOUNT_AT_MOST = Decimal(10**9)
EARLIEST_YEAR, LATEST_YEAR = 2000, 2100
COLUMNS = (["at", "count"], ["at", "count", "amount"])
FROM_FILE = "file"
# No number that anybody tells here is longer.
WHOLE = re.compile(r"[+-]?[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Sale:
    """One line of sales; a return or void takes back what was told under its key, if anything."""

    at: datetime
    count: int
    amount: Decimal | None
    client_key: str
    taken_back: bool = False


@dataclass(slots=True)
class Report:
    """What became of lines of sales; `problems` has a sentence for each that was not taken."""

    taken: int = 0
    changed: int = 0
    known: int = 0
    # Returns and voids: of sales told before, and of none.
    taken_back: int = 0
    left_out: int = 0
    problems: list[str] = field(default_factory=list)


@transaction.atomic
def sales_take(*, store: Store, sales: Sequence[Sale], source: str, user: User) -> Report:
    """Write sales down, each key once; a key that is told again holds what was told last."""
    report = Report()
    wanted = {sale.client_key: sale for sale in sales}
    stored = {
        row.client_key: row
        for row in Transaction.objects.filter(
            store=store, source=source, client_key__in=list(wanted)
        )
    }
    back = [key for key, sale in wanted.items() if sale.taken_back and key in stored]
    Transaction.objects.filter(pk__in=[stored[key].pk for key in back]).delete()
    report.taken_back = len(back)
    report.left_out = sum(sale.taken_back for sale in sales) - report.taken_back
    fresh = []
    for sale in (sale for sale in wanted.values() if not sale.taken_back):
        row = stored.get(sale.client_key)
        if row and (row.at, row.count, row.amount) == (sale.at, sale.count, sale.amount):
            report.known += 1
            continue
        report.changed += row is not None
        report.taken += row is None
        fresh.append(_row(store, source, sale))
    _write(fresh)
    if fresh or back:
        counts = {name: getattr(report, name) for name in ("taken", "changed", "taken_back")}
        audit_record(
            action="sales.told", actor=user, store=store, detail={**counts, "source": source}
        )
    return report


def _row(store: Store, source: str, sale: Sale) -> Transaction:
    return Transaction(
        store=store,
        at=sale.at,
        starts_at=floor_bucket(sale.at),
        count=sale.count,
        amount=sale.amount,
        source=source,
        client_key=sale.client_key,
    )


def _write(rows: list[Transaction]) -> None:
    Transaction.objects.bulk_create(
        rows,
        500,
        update_conflicts=True,
        unique_fields=["store", "source", "client_key"],
        update_fields=["at", "starts_at", "count", "amount"],
    )


def sales_upload(*, store: Store, text: str, user: User) -> Report:
    """Take the sales of a CSV file, line by line; what a line got wrong is told by its number."""
    sales, read = read_csv(text, store.timezone)
    report = Report(problems=read)
    for start in range(0, len(sales), ROWS_AT_MOST):
        some = sales[start : start + ROWS_AT_MOST]
        part = sales_take(store=store, sales=some, source=FROM_FILE, user=user)
        report.taken += part.taken
        report.changed += part.changed
        report.known += part.known
        report.taken_back += part.taken_back
        report.left_out += part.left_out
    return report


def read_csv(text: str, timezone: str) -> tuple[list[Sale], list[str]]:
    """Return the sales of a CSV file with columns at, count and perhaps amount, and what is wrong.

    A line's key is its time and its place among lines of that time, returns and voids included, so
    the same file again changes nothing, and a newer one replaces what it tells anew.
    """
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    problems: list[str] = []
    sales: list[Sale] = []
    seen: Counter[datetime] = Counter()
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        if header not in COLUMNS:
            told = ",".join(header)[:60] or "nothing"
            problems.append(
                f"Line 1 names the columns: at,count or at,count,amount. Found: {told}."
            )
            return [], problems
        for number, cells in enumerate(lines, start=2):
            if number > FILE_ROWS_AT_MOST + 1:
                problems.append(f"Only the first {FILE_ROWS_AT_MOST:,} lines were read.")
                break
            if not any(cell.strip() for cell in cells):
                continue
            try:
                sale = _sale(dict(zip(header, cells, strict=False)), len(header), cells, timezone)
            except ValidationError as wrong:
                problems.append(f"Line {number}: {wrong.messages[0]}")
                continue
            seen[sale.at] += 1
            sales.append(replace(sale, client_key=f"{sale.at.isoformat()}/{seen[sale.at]}"))
    except csv.Error as broken:
        problems.append(f"Line {lines.line_num}: this is no CSV ({broken}).")
    return sales, problems


def _sale(row: dict[str, str], width: int, cells: list[str], timezone: str) -> Sale:
    """Return a line's sale, without a key."""
    if len(cells) != width:
        raise ValidationError(f"it has {len(cells)} cells, the first line names {width}.")
    at = read_at(row["at"].strip(), timezone)
    count = read_count(row["count"].strip())
    amount = read_amount(row.get("amount", "").strip())
    return Sale(at, count, amount, "", is_return(count, amount))


def is_return(count: int, amount: Decimal | None) -> bool:
    """Return whether a line tells of goods that came back or a sale that was voided."""
    return count <= 0 or (amount is not None and amount < 0)


def read_at(text: str, timezone: str) -> datetime:
    """Return an instant with its offset, or a time on the store's clock that occurs just once.

    Raises
    ------
    ValidationError
        For no date with a time, and for a time that the clocks show twice or never.
    """
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        told = None
    if told is None or len(text) <= len("2026-06-02"):
        raise ValidationError(f"'{text[:40]}' is no time such as 2026-06-02T10:00+02:00.")
    if not EARLIEST_YEAR < told.year < LATEST_YEAR:
        raise ValidationError(f"'{text[:40]}' is not between the years 2000 and 2100.")
    return told.astimezone(UTC) if told.tzinfo else _on_clock(told, timezone)


def _on_clock(told: datetime, timezone: str) -> datetime:
    zone = ZoneInfo(timezone)
    first, second = (told.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    back = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if back != told:
        raise ValidationError(
            f"{told:%H:%M} did not occur on {told:%d %B %Y}: the clocks were put forward. "
            "Write the time with its offset from UTC."
        )
    raise ValidationError(
        f"{told:%H:%M} occurred twice on {told:%d %B %Y}: the clocks were put back. "
        f"Write {first.isoformat(timespec='minutes')} or {second.isoformat(timespec='minutes')}."
    )


def read_whole(text: str) -> int | None:
    """Return a whole number in figures, None for anything else: Python also takes 1_0 and more."""
    return int(text) if WHOLE.fullmatch(text) else None


def read_count(text: str) -> int:
    """Return a whole number of transactions.

    Raises
    ------
    ValidationError
        For anything else.
    """
    count = read_whole(text)
    if count is None or abs(count) > COUNT_AT_MOST:
        raise ValidationError(f"'{text[:40]}' is no whole number up to {COUNT_AT_MOST:,}.")
    return count


def read_amount(text: str) -> Decimal | None:
    """Return an amount with up to two decimals, None for an empty cell.

    Raises
    ------
    ValidationError
        For anything else.
    """
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > AMOUNT_AT_MOST:
        raise ValidationError(f"'{text[:40]}' is no amount such as 12.50.")
    if amount != amount.quantize(Decimal("0.01")):
        raise ValidationError(f"'{text[:40]}' has more than two decimals.")
    return amount.quantize(Decimal("0.01"))
